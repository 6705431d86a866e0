package openai

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// wireModel is OpenAI's model object with OpenRouter's additions.
type wireModel struct {
	ID                  string       `json:"id"`
	Object              string       `json:"object"`
	Created             int64        `json:"created"`
	OwnedBy             string       `json:"owned_by"`
	CanonicalSlug       string       `json:"canonical_slug"`
	Name                string       `json:"name"`
	Description         string       `json:"description,omitempty"`
	ContextLength       uint32       `json:"context_length,omitempty"`
	Architecture        architecture `json:"architecture"`
	Pricing             *wirePricing `json:"pricing,omitempty"`
	TopProvider         topProvider  `json:"top_provider"`
	SupportedParameters []string     `json:"supported_parameters"`
	Quantizations       []string     `json:"quantizations,omitempty"`
	Operators           int          `json:"operators,omitempty"`
}

// architecture is what goes in and comes out.
type architecture struct {
	Modality         string   `json:"modality"`
	InputModalities  []string `json:"input_modalities"`
	OutputModalities []string `json:"output_modalities"`
	Tokenizer        string   `json:"tokenizer"`
	InstructType     *string  `json:"instruct_type"` // always null: operators' servers have the template
}

func textArchitecture(output string, vision bool) architecture {
	a := architecture{Modality: "text->" + output, InputModalities: []string{"text"}, OutputModalities: []string{output}, Tokenizer: "Other"}
	if vision {
		a.Modality, a.InputModalities = "text+image->"+output, append(a.InputModalities, "image")
	}
	return a
}

// topProvider is OpenRouter's: what the best offer of the model can do.
type topProvider struct {
	ContextLength       *uint32 `json:"context_length"`
	MaxCompletionTokens *uint32 `json:"max_completion_tokens"` // always null: bounded by the context alone
	IsModerated         bool    `json:"is_moderated"`
}

// wirePricing is in USD, as strings of exact decimals: per token, and per request.
type wirePricing struct {
	Prompt     string `json:"prompt"`
	Completion string `json:"completion"`
	Request    string `json:"request"`
}

// alwaysSupported are parameters that the gateway itself handles, and the usual ones of sampling: see plainParameters.
var alwaysSupported = [...]string{
	"max_tokens", "max_completion_tokens", "stream", "stream_options",
	"temperature", "top_p", "stop", "seed", "presence_penalty", "frequency_penalty",
}

func (m Model) wire() wireModel {
	w := wireModel{
		ID: m.ID, Object: "model", Created: m.Created, OwnedBy: "flotilla", Name: m.ID,
		ContextLength: m.ContextLength, Quantizations: m.Quantizations, Operators: m.Operators,
		SupportedParameters: append(alwaysSupported[:len(alwaysSupported):len(alwaysSupported)], m.SupportedParameters...),
		CanonicalSlug:       m.ID, Architecture: textArchitecture("text", m.Vision),
		// µUSD per million tokens are 1e-12 USD per token.
		Pricing: &wirePricing{Prompt: formatUSD(m.InputPerMTok, 12), Completion: formatUSD(m.OutputPerMTok, 12), Request: formatUSD(m.PerRequest, 6)},
	}
	if m.Embeds {
		w.Architecture, w.SupportedParameters = textArchitecture("embeddings", false), []string{"encoding_format", "dimensions"}
	}
	if m.ContextLength > 0 {
		w.TopProvider.ContextLength = &m.ContextLength
	}
	return w
}

// autoModel is the router's own entry, there as soon as it has something to choose from.
func autoModel(models []Model) wireModel {
	w := wireModel{
		ID: "auto", Object: "model", OwnedBy: "flotilla", CanonicalSlug: "flotilla/auto", Name: "Automatic choice",
		Description:         "The cheapest capable model of the fleet, chosen for each prompt.",
		Pricing:             &wirePricing{Prompt: "-1", Completion: "-1", Request: "-1"}, // as OpenRouter says that it depends
		SupportedParameters: append(alwaysSupported[:len(alwaysSupported):len(alwaysSupported)], "cost_quality_tradeoff", "allowed_models", "blocked_models"),
	}
	vision := false
	for _, m := range models {
		w.ContextLength = max(w.ContextLength, m.ContextLength)
		vision = vision || m.Vision
		for _, p := range m.SupportedParameters {
			if !slices.Contains(w.SupportedParameters, p) {
				w.SupportedParameters = append(w.SupportedParameters, p)
			}
		}
	}
	if w.ContextLength > 0 {
		w.TopProvider.ContextLength = &w.ContextLength
	}
	w.Architecture = textArchitecture("text", vision)
	return w
}

type modelList struct {
	Object string      `json:"object"`
	Data   []wireModel `json:"data"`
}

// listModels is what the key may ask for, and never null: desktop clients take an error or a missing list for a broken connection.
func (h *handler) listModels(x *exchange) (modelList, bool) {
	models, err := h.cfg.Completer.Models(x.r.Context())
	if err != nil {
		x.failWith(err)
		return modelList{}, false
	}
	models = slices.DeleteFunc(slices.Clone(models), func(m Model) bool { return !x.key.Rules.Permits(m.ID) })
	list := modelList{Object: "list", Data: []wireModel{}}
	if chat := slices.DeleteFunc(slices.Clone(models), func(m Model) bool { return m.Embeds }); len(chat) > 0 {
		list.Data = append(list.Data, autoModel(chat))
	}
	for _, m := range models {
		list.Data = append(list.Data, m.wire())
	}
	if e := h.cfg.Embeddings; e != nil && x.key.Rules.Permits(e.ID) {
		list.Data = append(list.Data, e.wire())
	}
	for i := range list.Data { // clients show the date, and one in 1970 is none
		list.Data[i].Created = cmp.Or(list.Data[i].Created, h.opened.Unix())
	}
	return list, true
}

func (h *handler) serveModels(x *exchange) {
	if list, ok := h.listModels(x); ok {
		x.sendJSON(http.StatusOK, list)
	}
}

func (h *handler) serveModel(x *exchange) {
	list, ok := h.listModels(x)
	if !ok {
		return
	}
	id := strings.TrimPrefix(x.r.URL.Path, "/v1/models/")
	if IsAuto(id) {
		id = "auto"
	}
	named := func(id string) int {
		return slices.IndexFunc(list.Data, func(m wireModel) bool { return strings.EqualFold(m.ID, id) })
	}
	i := named(id)
	if i < 0 {
		i = named(h.cfg.ModelID(id))
	}
	switch {
	case i < 0 && strings.HasSuffix(id, "/endpoints"): // OpenRouter's list of who serves a model
		x.fail(errUnknownURL(x.r.Method, x.r.URL.Path))
		return
	case i < 0:
		x.fail(&APIError{Status: http.StatusNotFound, Code: "model_not_found", Param: "model", NoRetry: true, Message: "no operator offers this model now, or the API key may not use it; GET /v1/models lists what there is"})
		return
	}
	x.sendJSON(http.StatusOK, list.Data[i])
}
