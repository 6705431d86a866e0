package localmodels_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"flotilla/node/backend"
	"flotilla/testnet/localmodels"
)

const (
	ollamaModel   = "smollm2:135m-instruct-q4_1"
	ollamaContext = 512
)

// startOllama runs a real Ollama with one model, made of the weights that Install fetches. It skips without FLOTILLA_OLLAMA, the path
// of an ollama binary: `make backends` builds one.
func startOllama(t *testing.T) *process {
	t.Helper()
	binary := os.Getenv("FLOTILLA_OLLAMA")
	if binary == "" {
		t.Skip("make backends builds an Ollama and tests against it")
	}
	addr, home := freeAddr(t), t.TempDir()
	env := append(os.Environ(), "HOME="+home, "OLLAMA_HOST="+addr, "OLLAMA_MODELS="+filepath.Join(home, "models"), "OLLAMA_NUM_PARALLEL=1")
	serve := exec.Command(binary, "serve")
	serve.Env = env
	p := startProcess(t, addr, "/api/version", serve)
	recipe := filepath.Join(home, "Modelfile")
	if err := os.WriteFile(recipe, fmt.Appendf(nil, "FROM %s\nPARAMETER num_ctx %d\n", smolLM2(t), ollamaContext), 0o600); err != nil {
		t.Fatal(err)
	}
	create := exec.CommandContext(t.Context(), binary, "create", ollamaModel, "-f", recipe)
	create.Env = env
	if said, err := create.CombinedOutput(); err != nil {
		t.Fatalf("create model: %v: %s", err, said)
	}
	return p
}

// smolLM2 is the file of the weights that Install fetches.
func smolLM2(t *testing.T) string {
	t.Helper()
	cache, err := localmodels.DefaultCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	paths, err := localmodels.Install(t.Context(), cache, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(paths.Models, "smollm2-135m-instruct-q4_1.gguf")
}

// What a backend reads of a real Ollama, and its answers: streamed, whole, left, refused and cut off.
func TestBackendOfRealOllama(t *testing.T) {
	p := startOllama(t)
	b, m := findModel(t, p.addr, backend.Ollama)
	if m.ID != ollamaModel || m.ContextLength != ollamaContext || m.Quantization != "Q4_1" || m.TokenCounting != "ollama/template" || m.Embeds() {
		t.Errorf("%+v", m)
	}
	answersAlike(t, b)
	leavingFreesTheServer(t, b)
	embedsBoth(t, b, `["The sea is blue.","A ship sails."]`)
	refusesUnknown(t, b)

	// Ollama drops the beginning of a prompt that is too long, without a word: the context length that we tell is what it keeps.
	long := strings.Replace(story(8), "Write", strings.Repeat("The sea is blue. ", ollamaContext/2)+"Write", 1)
	s, err := b.Chat(t.Context(), []byte(long), false)
	if all := events(t, s, err); len(all) != 1 || all[0].Usage == nil || all[0].Usage.PromptTokens == 0 || all[0].Usage.PromptTokens > m.ContextLength {
		t.Errorf("a prompt longer than the context of %d: %+v", m.ContextLength, all)
	}
	deathIsNoCleanEnd(t, p, b)
}
