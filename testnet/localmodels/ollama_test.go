package localmodels_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"flotilla/node/backend"
	"flotilla/testnet/localmodels"
)

// ollama is a real Ollama with one model, made of the weights that Install fetches.
type ollama struct {
	addr string
	cmd  *exec.Cmd
}

const (
	ollamaModel   = "smollm2:135m-instruct-q4_1"
	ollamaContext = 512
)

// startOllama skips without FLOTILLA_OLLAMA, the path of an ollama binary: `make backends` builds one.
func startOllama(t *testing.T) *ollama {
	t.Helper()
	binary := os.Getenv("FLOTILLA_OLLAMA")
	if binary == "" {
		t.Skip("make backends builds an Ollama and tests against it")
	}
	cache, err := localmodels.DefaultCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	paths, err := localmodels.Install(t.Context(), cache, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &ollama{addr: free.Addr().String()}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	env := append(os.Environ(), "HOME="+home, "OLLAMA_HOST="+o.addr, "OLLAMA_MODELS="+filepath.Join(home, "models"), "OLLAMA_NUM_PARALLEL=1")
	o.cmd = exec.Command(binary, "serve")
	o.cmd.Env, o.cmd.Stdout, o.cmd.Stderr = env, t.Output(), t.Output()
	o.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its runner is a child of its own
	o.cmd.WaitDelay = 5 * time.Second
	if err := o.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.kill)
	waitFor(t, "http://"+o.addr+"/api/version")
	recipe := filepath.Join(home, "Modelfile")
	weights := filepath.Join(paths.Models, "smollm2-135m-instruct-q4_1.gguf")
	if err := os.WriteFile(recipe, fmt.Appendf(nil, "FROM %s\nPARAMETER num_ctx %d\n", weights, ollamaContext), 0o600); err != nil {
		t.Fatal(err)
	}
	create := exec.CommandContext(t.Context(), binary, "create", ollamaModel, "-f", recipe)
	create.Env = env
	if said, err := create.CombinedOutput(); err != nil {
		t.Fatalf("create model: %v: %s", err, said)
	}
	return o
}

// kill ends the server and its runner as a power cut would.
func (o *ollama) kill() {
	_ = syscall.Kill(-o.cmd.Process.Pid, syscall.SIGKILL) // gone is as good
	_ = o.cmd.Wait()
}

func waitFor(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			return
		} else if ctx.Err() != nil {
			t.Fatalf("%s does not answer: %v", url, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (o *ollama) find(t *testing.T) (*backend.Backend, backend.Model) {
	t.Helper()
	found := backend.Detect(t.Context(), []string{o.addr})
	if len(found) != 1 || len(found[0].Models) != 1 || found[0].Runtime != backend.Ollama {
		t.Fatalf("found %+v", found)
	}
	b, err := backend.New("http://"+o.addr, backend.Options{Model: found[0].Models[0].ID})
	if err != nil {
		t.Fatal(err)
	}
	return b, found[0].Models[0]
}

// What a backend reads of a real Ollama, and its answers: streamed, whole, left, refused and cut off.
func TestBackendOfRealOllama(t *testing.T) {
	o := startOllama(t)
	b, m := o.find(t)
	if m.ID != ollamaModel || m.ContextLength != ollamaContext || m.Quantization != "Q4_1" || m.TokenCounting != "ollama/template" || m.Embeds() {
		t.Errorf("%+v", m)
	}
	answersAlike(t, b)
	leavingFreesTheServer(t, b)

	embedsBoth(t, b, `["The sea is blue.","A ship sails."]`)

	var refused *backend.UpstreamError
	if _, err := b.WithModel("no-such-model").Chat(t.Context(), []byte(story(8)), true); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
		t.Errorf("a model that is not there: %v", err)
	}

	// Ollama drops the beginning of a prompt that is too long, without a word: the context length that we tell is what it keeps.
	long := strings.Replace(story(8), "Write", strings.Repeat("The sea is blue. ", ollamaContext/2)+"Write", 1)
	s, err := b.Chat(t.Context(), []byte(long), false)
	if all := events(t, s, err); len(all) != 1 || all[0].Usage == nil || all[0].Usage.PromptTokens == 0 || all[0].Usage.PromptTokens > m.ContextLength {
		t.Errorf("a prompt longer than the context of %d: %+v", m.ContextLength, all)
	}

	s, err = b.Chat(t.Context(), []byte(story(400)), true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err = s.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.kill()
	for err == nil {
		_, err = s.Next(t.Context())
	}
	if errors.Is(err, io.EOF) {
		t.Error("an answer that was cut off by the server's death ended cleanly")
	}
	if err := b.Ready(t.Context()); err == nil {
		t.Error("a dead server is ready")
	}
}
