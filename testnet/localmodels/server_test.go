//go:build unix

package localmodels

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// helperEnv makes the test binary start a server, print its process id and wait to be killed.
const helperEnv = "LOCALMODELS_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperEnv); dir != "" {
		startAndWait(dir)
	}
	os.Exit(m.Run())
}

// startAndWait is the parent that TestServerEndsWithItsKilledParent kills.
func startAndWait(dir string) {
	python, err := findPython(context.Background())
	if err == nil {
		var s *Server
		if s, err = Start(context.Background(), Config{Paths: fakeServer(dir, python), Model: SmolLM2}); err == nil {
			fmt.Println("pid", s.PID)
			select {}
		}
	}
	fmt.Println("error", err)
	os.Exit(1)
}

// fakeServer is an installation whose xllamacpp is a small HTTP server in Python, so that process
// handling can be tested without fetching anything. With $FAKE_HANG it ignores its stdin and signals,
// with $FAKE_CRASH it ends before it listens.
func fakeServer(dir, python string) Paths {
	return Paths{Dir: dir, Python: python, Server: filepath.Join(dir, "server"), Models: filepath.Join(dir, "models")}
}

const fakeModule = `
import http.server, os, signal, sys, threading, time
class _Any:
    def __getattr__(self, name):
        self.__dict__[name] = _Any()
        return self.__dict__[name]
CommonParams = _Any
class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
class Server:
    def __init__(self, p):
        if os.environ.get("FAKE_CRASH"):
            sys.exit("cannot open model " + os.path.basename(p.model.path))
        if os.environ.get("FAKE_SLOW"):
            time.sleep(60)
        s = http.server.HTTPServer((p.hostnames[0], p.port), _Handler)
        threading.Thread(target=s.serve_forever, daemon=True).start()
        self.listening_address = "http://127.0.0.1:%d" % s.server_address[1]
        if os.environ.get("FAKE_HANG"):
            print("listening", self.listening_address, flush=True)
            while True:
                time.sleep(1)
`

func installFake(t *testing.T) Paths {
	t.Helper()
	requirePython(t)
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "server"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "server", "xllamacpp.py"), []byte(fakeModule), 0o644); err != nil {
		t.Fatal(err)
	}
	python, err := findPython(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fakeServer(dir, python)
}

// gone reports whether process pid ends within 10 s.
func gone(pid int) bool {
	for range 200 {
		if state := processState(pid); state == "" || state == "Z" {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

// processState is the state letter of /proc, or signal 0's word for it elsewhere.
func processState(pid int) string {
	if runtime.GOOS != "linux" {
		if syscall.Kill(pid, 0) != nil {
			return ""
		}
		return "R"
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return rest[:1]
}

func TestStartAndStop(t *testing.T) {
	s, err := Start(t.Context(), Config{Paths: installFake(t), Model: SmolLM2})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s.URL, "http://127.0.0.1:") || s.Model != SmolLM2 || s.PID == 0 {
		t.Errorf("server = %+v", s)
	}
	if pgid, err := syscall.Getpgid(s.PID); runtime.GOOS == "linux" && (err != nil || pgid != s.PID) {
		t.Errorf("process group %d, %v, want its own (%d)", pgid, err, s.PID)
	}
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
	if !gone(s.PID) {
		t.Errorf("process %d lives on after Stop", s.PID)
	}
}

func TestStopKillsAServerThatHangs(t *testing.T) {
	t.Setenv("FAKE_HANG", "1")
	s, err := Start(t.Context(), Config{Paths: installFake(t), Model: SmolLM2})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil || !gone(s.PID) {
		t.Errorf("stop: %v; process gone: %v", err, gone(s.PID))
	}
}

func TestStartTellsWhyTheServerEnded(t *testing.T) {
	t.Setenv("FAKE_CRASH", "1")
	_, err := Start(t.Context(), Config{Paths: installFake(t), Model: SmolLM2})
	if err == nil || !strings.Contains(err.Error(), "cannot open model smollm2-135m-instruct-q4_1.gguf") {
		t.Errorf("Start = %v, want the server's own reason", err)
	}
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	t.Setenv("FAKE_SLOW", "1")
	paths := installFake(t)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Config{Paths: paths, Model: SmolLM2}); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("Start = %v, want the deadline", err)
	}
}

func TestStartNamesTheModels(t *testing.T) {
	_, err := Start(t.Context(), Config{Model: "gpt-5"})
	if err == nil || !strings.Contains(err.Error(), SmolLM2) || !strings.Contains(err.Error(), Gemma3) {
		t.Errorf("Start = %v, want the models there are", err)
	}
}

func TestServerEndsWithItsKilledParent(t *testing.T) {
	for _, mode := range []string{"obeys stdin", "hangs, so that only the kernel ends it"} {
		t.Run(mode, func(t *testing.T) {
			if mode != "obeys stdin" {
				if runtime.GOOS != "linux" {
					t.Skip("parent-death signals are Linux's")
				}
				t.Setenv("FAKE_HANG", "1")
			}
			parent := exec.Command(os.Args[0])
			parent.Env = append(os.Environ(), helperEnv+"="+installFake(t).Dir)
			out, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			pid, convErr := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "pid ")))
			if err != nil || convErr != nil {
				t.Fatalf("parent said %q", line)
			}
			if err := parent.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = parent.Wait() // it was killed
			if !gone(pid) {
				t.Errorf("server %d outlives its killed parent", pid)
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		})
	}
}

// TestRealModelsAnswer installs into the default cache directory (nothing is fetched when it is
// there) and asks both real models. -short leaves it out.
func TestRealModelsAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the real models")
	}
	dir, err := DefaultCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	paths, err := Install(t.Context(), dir, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range Models() {
		t.Run(m.Name, func(t *testing.T) {
			s, err := Start(t.Context(), Config{Paths: paths, Model: m.Name, Ctx: 1024, LogDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.Stop(); err != nil {
					t.Error(err)
				}
			}()
			if got := get(t, s.URL+"/v1/models"); !strings.Contains(got, `"`+m.Name+`"`) {
				t.Errorf("/v1/models = %s, want %s in it", got, m.Name)
			}
			body := `{"model":"` + m.Name + `","temperature":0,"max_tokens":8,"messages":[{"role":"user","content":"What is the capital of France?"}]}`
			res, err := http.Post(s.URL+"/v1/chat/completions", "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var reply struct {
				Choices []struct{ Message struct{ Content string } }
				Usage   struct {
					Completion int `json:"completion_tokens"`
				}
			}
			if err := json.NewDecoder(res.Body).Decode(&reply); err != nil || len(reply.Choices) != 1 {
				t.Fatalf("reply %s: %+v, %v", res.Status, reply, err)
			}
			if reply.Choices[0].Message.Content == "" || reply.Usage.Completion == 0 || reply.Usage.Completion > 8 {
				t.Errorf("reply = %+v, want some text in at most 8 tokens", reply)
			}
			t.Logf("%s says %q", m.Name, reply.Choices[0].Message.Content)
		})
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
