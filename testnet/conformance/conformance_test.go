// Package conformance runs unmodified clients of OpenAI's API, OpenRouter's and Anthropic's against a real gateway and a real operator, over libp2p and a
// development chain, whose model server does what each check needs.
package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"flotilla/settlement"
	"flotilla/testnet"
	"flotilla/testnet/fleettest"
)

// suite is one table: the programs that check, by their names in it, and the checks' titles by number from 1. docs/gateway.md says more.
type suite struct {
	clients []client
	titles  []string
}

type client struct{ name, file string }

// chats are the checks of all but the Responses API.
var chats = suite{[]client{
	{"openai-python", "client_openai.py"},
	{"openai-node", "client_openai.mjs"},
	{"langchain", "client_langchain.py"},
	{"litellm", "client_litellm.py"},
	{"vercel-ai", "client_vercel.mjs"},
	{"openrouter", "client_openrouter.mjs"},
}, []string{
	"plain answer, request id", "stream: chunks, one [DONE], equal ids", "include_usage: one usage chunk, last", "tool call, streamed",
	"json_schema", "image part, null content", "unknown fields, both ways", "models list and retrieve", "embeddings, float and base64",
	"completions", "each status: class, code, type, request id", "Retry-After, x-should-retry", "no key, bad key: 401",
	"malformed JSON, method, path: JSON errors", "upstream cut is no clean end", "upstream error event", "upstream HTML: 502",
	"client gone: upstream released < 1 s", "client timeout: same", "50 streams at once", "raw and streaming responses",
	"1 MiB prompt; over the cap 413", "odd chunks", "usage: stream = whole = receipt", "chunk k before k+1 is sent",
}}

// responses are the checks of the Responses API, which most of these clients use by default.
var responses = suite{[]client{
	{"openai-python", "responses_openai.py"},
	{"openai-node", "responses_openai.mjs"},
	{"openai-agents", "responses_agents.py"},
	{"langchain", "responses_langchain.py"},
	{"vercel-ai", "responses_vercel.mjs"},
	{"openrouter", "responses_openrouter.mjs"},
}, []string{
	"plain answer, ids", "stream: events in order, numbered", "tool round trip, streamed", "json_schema, parsed", "image part", "thoughts",
	"usage: stream = whole = receipt", "unknown fields, both ways", "each status: class, code, type, request id", "what needs a store: 400 that says so",
	"cut by max_output_tokens: incomplete", "upstream cut is no clean end", "client gone: upstream released < 1 s",
}}

// messages are the checks of Anthropic's Messages API.
var messages = suite{[]client{
	{"anthropic-py", "messages_anthropic.py"},
	{"anthropic-js", "messages_anthropic.mjs"},
}, []string{
	"plain answer, ids, headers", "stream: events in order", "tool round trip, streamed", "json_schema, parsed", "image, base64 and URL", "thoughts, shown and not",
	"usage: stream = whole = receipt", "unknown fields, both ways", "each status: class, type, request id", "x-api-key, bearer; bad key: 401", "what is not served: 400, 404; over the cap 413",
	"cut by max_tokens: max_tokens", "upstream cut is no clean end", "client gone: upstream released < 1 s", "models, count_tokens",
}}

// outcome is one check by one client, as suite.py and suite.mjs print it.
type outcome struct {
	Check  int    `json:"check"`
	Client string `json:"client"`
	Why    string `json:"why"` // why it failed; empty when it passed
	MS     int    `json:"ms"`
}

// TestClients needs package registries for its first run and is skipped unless asked for (make conformance).
// FLOTILLA_CLIENTS=a,b and FLOTILLA_CHECKS=1,2 limit it, as -run TestClients/responses does.
func TestClients(t *testing.T) {
	dir := os.Getenv("FLOTILLA_CONFORMANCE")
	if dir == "" {
		t.Skip("set FLOTILLA_CONFORMANCE=DIR to install the clients there and run them")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "./install.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("install the clients: %v\n%s", err, out)
	}
	upstream, net := startFleet(t)
	env := []string{"FLOTILLA_BASE_URL=" + net.URL(), "FLOTILLA_API_KEY=" + net.APIKey(), "FLOTILLA_UPSTREAM_URL=" + upstream}
	t.Run("chats", func(t *testing.T) { chats.run(t, dir, env...) })
	t.Run("responses", func(t *testing.T) { responses.run(t, dir, env...) })
	t.Run("messages", func(t *testing.T) { messages.run(t, dir, env...) })
}

// run makes the checks and prints their table.
func (s suite) run(t *testing.T, dir string, env ...string) {
	only := strings.Split(os.Getenv("FLOTILLA_CLIENTS"), ",")
	var all []outcome
	for _, c := range s.clients {
		if only[0] != "" && !slices.Contains(only, c.name) {
			continue
		}
		start := time.Now()
		got, err := runClient(t.Context(), dir, c.file, env...)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if len(got) == 0 {
			t.Errorf("%s made no check", c.name)
		}
		fmt.Printf("%-14s %d checks in %.0f s\n", c.name, len(got), time.Since(start).Seconds())
		all = append(all, got...)
	}
	fmt.Print(s.table(all))
	for _, o := range all {
		if o.Why != "" {
			t.Errorf("check %d, %s: %s", o.Check, o.Client, o.Why)
		}
	}
}

// startFleet opens a chain, a gateway and one operator, and returns the model server's URL.
func startFleet(t *testing.T) (upstream string, _ *fleettest.Fleet) {
	t.Helper()
	logFile, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log, err := os.ReadFile(logFile.Name()); t.Failed() && err == nil && os.Getenv("FLOTILLA_SHOW_LOG") != "" {
			t.Logf("%s", log)
		}
	})
	upstream = fleettest.ModelServer(t, "smollm2-135m-instruct", "gemma-3-270m")
	return upstream, fleettest.Start(t, testnet.Config{
		Logger:    slog.New(slog.NewTextHandler(logFile, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Operators: []testnet.OperatorSpec{{Name: "alder", URL: upstream, Price: settlement.Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000}, Stake: 50_000_000}},
	})
}

// clientTimeout bounds one client's checks: a client that hangs is a failed check.
const clientTimeout = 5 * time.Minute

func runClient(ctx context.Context, dir, file string, env ...string) ([]outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	program := filepath.Join(dir, "python", "bin", "python")
	if strings.HasSuffix(file, ".mjs") { // Node looks for packages beside the file
		program = "node"
		for _, name := range []string{file, "suite.mjs"} {
			raw, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			if err := os.WriteFile(filepath.Join(dir, "node", name), raw, 0o600); err != nil {
				return nil, err
			}
		}
		file = filepath.Join(dir, "node", file)
	}
	cmd := exec.CommandContext(ctx, program, file)
	cmd.Env = append(os.Environ(), append(env, "PYTHONDONTWRITEBYTECODE=1", "LANGSMITH_TRACING=false")...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var out []outcome
	for lines := bufio.NewScanner(&stdout); lines.Scan(); {
		var o outcome
		if json.Unmarshal(lines.Bytes(), &o) == nil && o.Check > 0 {
			out = append(out, o)
		}
	}
	if err != nil {
		return out, fmt.Errorf("%w\n%s", err, tail(stderr.String(), 2000))
	}
	return out, nil
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// table shows every check by every client: ok, FAIL, or a dot where the client has no such call.
func (s suite) table(all []outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-50s", "")
	for _, c := range s.clients {
		fmt.Fprintf(&b, " %13s", c.name)
	}
	b.WriteByte('\n')
	for i, title := range s.titles {
		fmt.Fprintf(&b, "%2d  %-46s", i+1, title)
		for _, c := range s.clients {
			cell := "·"
			for _, o := range all {
				if o.Check == i+1 && o.Client == c.name && cell != "FAIL" {
					cell = "ok"
					if o.Why != "" {
						cell = "FAIL"
					}
				}
			}
			fmt.Fprintf(&b, " %13s", cell)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
