package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flotilla/routing/indexfile"
)

// answering is a model server whose n-th chat is refused where refuse says so.
func answering(t *testing.T, refuse func(n int64, w http.ResponseWriter) bool) string {
	t.Helper()
	var chats atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `{"data":[{"id":"gemma-3-270m"}]}`)
			return
		}
		if n := chats.Add(1); refuse(n, w) {
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"42\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func refuseChat(w http.ResponseWriter, status int, header string) bool {
	w.Header().Set(header, map[bool]string{true: "false", false: "1"}[header == "X-Should-Retry"])
	w.WriteHeader(status)
	fmt.Fprint(w, `{"error":{"message":"no slot is free","code":"overloaded"}}`)
	return true
}

// An operator that is busy is asked again; a prompt that gets no answer for all that is left out, and the run says so. One in ten may
// be: who refuses what it cannot do must not look better for it.
func TestARunOfProbesOutlivesRefusals(t *testing.T) {
	const soon = "Retry-After-Ms"
	for _, tc := range []struct {
		name   string
		refuse func(n int64, w http.ResponseWriter) bool
		status int
		want   []string
		rows   int
	}{
		{"busy once", func(n int64, w http.ResponseWriter) bool { return n == 3 && refuseChat(w, 503, soon) }, 0, []string{"asks again in 1ms: model server: no slot is free", "20/20", "added    20 rows"}, 20},
		{"two prompts refused", func(n int64, w http.ResponseWriter) bool { return (n == 3 || n == 9) && refuseChat(w, 400, soon) }, 0, []string{"not graded: ask probe", "2 of 20 prompts were not graded: the same command with --resume asks them again", "added    18 rows"}, 18},
		{"three refused", func(n int64, w http.ResponseWriter) bool { return n%5 == 0 && refuseChat(w, 400, soon) }, 1, []string{"3 of 20 prompts were not graded, the last: ask probe"}, 0},
		{"gone for good", func(n int64, w http.ResponseWriter) bool { return n > 10 && refuseChat(w, 503, soon) }, 1, []string{"3 of 20 prompts were not graded, the last: ask probe", "asked 5 times"}, 0},
		{"no budget", func(n int64, w http.ResponseWriter) bool { return n > 1 && refuseChat(w, 429, "X-Should-Retry") }, 1, []string{"no slot is free"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "own.fidx")
			var out bytes.Buffer
			status := run(t.Context(), []string{"probe", "--backend", answering(t, tc.refuse), "--limit", "20", "--add", "--index", file, "--out", filepath.Join(dir, "answers.jsonl")}, &out, &out)
			if status != tc.status {
				t.Errorf("status %d, want %d", status, tc.status)
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, &out)
				}
			}
			if x, err := indexfile.Read(file); tc.rows > 0 && (err != nil || x.Len() != tc.rows) || tc.rows == 0 && err == nil {
				t.Errorf("rows: %v, want %d", err, tc.rows)
			}
		})
	}
}

// Ctrl-C ends a probe at the question that it is at, with the status of a command that was interrupted; what was answered is kept.
func TestCtrlCEndsAProbe(t *testing.T) {
	holds, gone := make(chan struct{}), t.Context().Done()
	var asked atomic.Int64
	url := answering(t, func(n int64, w http.ResponseWriter) bool {
		asked.Store(n)
		if n < 2 {
			return false
		}
		if n == 2 {
			close(holds)
		}
		select {
		case <-gone:
		case <-time.After(time.Minute):
		}
		return true
	})
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "probe", "--backend", url, "--limit", "8", "--out", filepath.Join(dir, "answers.jsonl"))
	var said bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), asFlotilla+"=1"), &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-holds:
	case <-ctx.Done():
		t.Fatal("nothing was asked")
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != interruptedStatus || asked.Load() != 2 || strings.Contains(said.String(), "not graded") || !strings.Contains(said.String(), "--resume") {
		t.Errorf("exit status %d after %d questions: %s", code, asked.Load(), &said)
	}
	if kept := readFile(t, filepath.Join(dir, "answers.jsonl")); strings.Count(kept, "\n") != 1 {
		t.Errorf("kept %q", kept)
	}
}
