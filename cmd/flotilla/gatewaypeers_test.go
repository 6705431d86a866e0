package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// peerSubjects starts the gateways of others that testdata/peers/install.sh has put into dir, in front of the mock model
// server: with what they do by default, and no database.
func peerSubjects(t *testing.T, dir, mock string) []subject {
	t.Helper()
	portkey, litellm := freePort(t), freePort(t)
	secret := "sk-" + strings.Repeat("5eed", 16) // LiteLLM does not start without one
	config := filepath.Join(t.TempDir(), "litellm.yaml")
	err := os.WriteFile(config, fmt.Appendf(nil, "model_list:\n  - model_name: %s\n    litellm_params:\n      model: openai/%s\n      api_base: %s/v1\n      api_key: x\n",
		testModel, testModel, mock), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return []subject{
		startPeer(t, subject{
			name: "Portkey 1.15.2", url: fmt.Sprintf("http://127.0.0.1:%d", portkey), key: "x",
			header: map[string]string{"x-portkey-provider": "openai", "x-portkey-custom-host": mock + "/v1"},
		}, "node", filepath.Join(dir, "node/node_modules/@portkey-ai/gateway/build/start-server.js"), fmt.Sprintf("--port=%d", portkey), "--headless"),
		startPeer(t, subject{name: "LiteLLM 1.106.2, one worker", url: fmt.Sprintf("http://127.0.0.1:%d", litellm), key: secret},
			filepath.Join(dir, "python/bin/litellm"), "--config", config, "--host", "127.0.0.1", "--port", fmt.Sprint(litellm), "--telemetry", "False"),
	}
}

// startPeer starts a gateway and waits until it answers.
func startPeer(t *testing.T, s subject, command string, args ...string) subject {
	t.Helper()
	cmd := exec.Command(command, args...)
	cmd.Env = append(os.Environ(), "LITELLM_MASTER_KEY="+s.key, "LITELLM_LOG=ERROR",
		"LITELLM_LOCAL_MODEL_COST_MAP=True") // or it fetches prices from the network
	out := &tail{}
	cmd.Stdout, cmd.Stderr = out, out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	s.pids = []int{cmd.Process.Pid}
	s.ready = s.firstAnswer(t, began, out)
	return s
}

// firstAnswer waits for one, and says how long after began it came.
func (s subject) firstAnswer(t *testing.T, began time.Time, out *tail) time.Duration {
	t.Helper()
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for {
		_, err := s.once(t.Context(), client, false)
		if err == nil {
			return time.Since(began)
		}
		if time.Since(began) > 2*patience {
			t.Fatal(errors.Join(err, errors.New(strings.TrimSpace(out.String()))))
		}
		time.Sleep(20 * time.Millisecond)
	}
}
