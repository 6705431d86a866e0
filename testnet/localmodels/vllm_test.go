package localmodels_test

import (
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"flotilla/node/backend"
)

const (
	vllmModel   = "HuggingFaceTB/SmolLM2-135M-Instruct"
	vllmContext = 1024
)

// vllmWeights makes a folder as vLLM reads it of the weights that Install fetches. It skips without FLOTILLA_VLLM, the folder that
// testdata/vllm/install.sh has filled: `make backends VLLM=1` does.
func vllmWeights(t *testing.T) (python, weights string) {
	t.Helper()
	dir := os.Getenv("FLOTILLA_VLLM")
	if dir == "" {
		t.Skip("make backends VLLM=1 installs vLLM for the CPU, some 5 GB, and tests against it")
	}
	python, weights = filepath.Join(dir, "python", "bin", "python"), filepath.Join(t.TempDir(), "smollm2")
	if said, err := exec.CommandContext(t.Context(), python, "testdata/vllm/convert.py", smolLM2(t), weights).CombinedOutput(); err != nil {
		t.Fatalf("convert weights: %v: %s", err, said)
	}
	return python, weights
}

func startVLLM(t *testing.T, python, weights string, flags ...string) *process {
	t.Helper()
	addr := freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	serve := exec.Command(python, append([]string{"-m", "vllm.entrypoints.cli.main", "serve", weights, "--served-model-name", vllmModel, "--host", "127.0.0.1", "--port", port,
		"--max-model-len", strconv.Itoa(vllmContext), "--max-num-seqs", "4", "--dtype", "float32", "--enforce-eager"}, flags...)...)
	serve.Env = append(os.Environ(), "VLLM_CPU_KVCACHE_SPACE=1", "HF_HUB_OFFLINE=1", "VLLM_NO_USAGE_STATS=1", "OMP_NUM_THREADS=2")
	return startProcess(t, addr, "/v1/models", serve)
}

// What a backend reads of a real vLLM, and its answers: streamed, whole, by a schema, left, refused and cut off.
func TestBackendOfRealVLLM(t *testing.T) {
	python, weights := vllmWeights(t)
	p := startVLLM(t, python, weights)
	b, m := findModel(t, p.addr, backend.VLLM)
	if m.ID != vllmModel || m.ContextLength != vllmContext || m.TokenCounting != "vllm/hf-chat-template" || m.Embeds() {
		t.Errorf("%+v", m)
	}
	answersAlike(t, b)
	leavingFreesTheServer(t, b)
	refusesUnknown(t, b)

	schema := strings.Replace(story(20), "{", `{"response_format":{"type":"json_schema","json_schema":{"name":"ship","schema":{"enum":["sloop","brig"]}}},`, 1)
	s, err := b.Chat(t.Context(), []byte(schema), true)
	text := ""
	for _, ev := range events(t, s, err) {
		text += ev.Text
	}
	if text != `"sloop"` && text != `"brig"` {
		t.Errorf("by a schema: %q", text)
	}

	long := strings.Replace(story(8), "Write", strings.Repeat("The sea is blue. ", vllmContext/2)+"Write", 1)
	var refused *backend.UpstreamError
	if _, err := b.Chat(t.Context(), []byte(long), true); !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || !strings.Contains(refused.Message, strconv.Itoa(vllmContext)) {
		t.Errorf("a prompt longer than the context of %d: %v", vllmContext, err)
	}
	deathIsNoCleanEnd(t, p, b)

	pooling := startVLLM(t, python, weights, "--runner", "pooling", "--convert", "embed")
	b, _ = findModel(t, pooling.addr, backend.VLLM)
	embedsBoth(t, b, `["The sea is blue.","A ship sails."]`)
	embedsBoth(t, b, `[[1,2,3],[4,5]]`)
}
