package localmodels

import (
	"bufio"
	"cmp"
	"context"
	_ "embed"
	"errors"
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
	"time"
)

//go:embed serve.py
var serveScript string

const (
	// readyTimeout bounds loading: 1.5 s on an idle machine, 25 s measured on an overloaded one.
	readyTimeout = 120 * time.Second
	// stopTimeout is how long Stop waits for a clean exit before it kills.
	stopTimeout = 5 * time.Second
)

// Config says which model to serve and how. Zero values mean the defaults.
type Config struct {
	Paths   Paths  // from Install
	Model   string // SmolLM2 or Gemma3
	Port    int    // on 127.0.0.1; 0 takes any free port
	Threads int    // compute threads; default 1, because more than there are idle cores crawls
	Ctx     int    // context window over all slots, in tokens; default 4096
	Slots   int    // requests served at once, each with Ctx/Slots tokens; default 2
	Embed   bool   // also make vectors of texts, the mean over their tokens
	LogDir  string // default: "logs" in the cache directory
}

// Server is one running llama.cpp server.
type Server struct {
	URL   string // e.g. "http://127.0.0.1:40123"; the OpenAI API is under /v1
	Model string // name in /v1/models
	PID   int    // process, and process group, of the server
	Log   string // path of its log file

	stdin  io.Closer     // open as long as the server shall live
	exited chan struct{} // closed when the process has ended
}

// Start runs a llama.cpp server for one model and returns when it answers. The server binds
// 127.0.0.1 only and ends with this process, also when that is killed; ctx bounds the start alone.
// The caller must Stop the server.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	model, err := modelByName(cfg.Model)
	if err != nil {
		return nil, err
	}
	log, err := createLog(cmp.Or(cfg.LogDir, filepath.Join(cfg.Paths.Dir, "logs")), model.Name)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s := &Server{Model: cfg.Model, Log: log.Name(), exited: make(chan struct{})}
	cmd := exec.Command(cfg.Paths.Python, "-c", serveScript,
		filepath.Join(cfg.Paths.Models, model.file), model.Name, strconv.Itoa(cfg.Port), strconv.Itoa(max(cfg.Threads, 1)),
		strconv.Itoa(cmp.Or(cfg.Ctx, 4096)), strconv.Itoa(cmp.Or(cfg.Slots, 2)), model.template, strconv.FormatBool(cfg.Embed))
	cmd.Env = append(os.Environ(), "PYTHONPATH="+cfg.Paths.Server, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stderr = log
	ownGroup(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("make server stdin: %w", err)
	}
	s.stdin = stdin
	listening, err := s.run(cmd)
	if err != nil {
		return nil, fmt.Errorf("start model server: %w", err)
	}
	if err := s.awaitReady(ctx, listening); err != nil {
		return nil, errors.Join(fmt.Errorf("start model server for %s: %w (log %s: %s)", cfg.Model, err, s.Log, logTail(s.Log)), s.Stop())
	}
	return s, nil
}

// run starts cmd and returns a channel that yields its address once it says so, and is closed when
// its stdout ends. The goroutine it starts ends with the process; Stop waits for it.
func (s *Server) run(cmd *exec.Cmd) (<-chan string, error) {
	started := make(chan error, 1)
	listening := make(chan string, 1)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	go func() {
		// Linux sends the parent-death signal when the starting thread ends, so this thread stays
		// with the child for life.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(s.exited)
		err := cmd.Start()
		if err == nil {
			s.PID = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			close(listening)
			return
		}
		scan := bufio.NewScanner(stdout)
		for scan.Scan() {
			if url, ok := strings.CutPrefix(scan.Text(), "listening "); ok {
				select {
				case listening <- url:
				default:
				}
			}
		}
		close(listening)
		_ = cmd.Wait() // how it ended is in the log
	}()
	return listening, <-started
}

// awaitReady waits until the server has said its address and its health check passes.
func (s *Server) awaitReady(ctx context.Context, listening <-chan string) error {
	select {
	case url, ok := <-listening:
		if !ok {
			return errors.New("process ended before it listened")
		}
		s.URL = url
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		if healthy(ctx, s.URL) {
			return nil
		}
		select {
		case <-s.exited:
			return errors.New("process ended before it was ready")
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// healthy asks llama.cpp's health endpoint, which answers 503 while the model loads.
func healthy(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/health", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// Exited is closed when the server process has ended, for whatever reason.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// Stop ends the server and waits until it is gone: first by closing its stdin, then by killing its
// process group. It is safe to call again.
func (s *Server) Stop() error {
	_ = s.stdin.Close() // a second close is an error and does not matter
	select {
	case <-s.exited:
		return nil
	case <-time.After(stopTimeout):
	}
	return s.Kill()
}

// Kill ends the server at once, as a crash would, and waits until it is gone.
func (s *Server) Kill() error {
	select {
	case <-s.exited:
		return nil // its process id may belong to another by now
	default:
	}
	if err := killGroup(s.PID); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill model server %d: %w", s.PID, err)
	}
	select {
	case <-s.exited:
		return nil
	case <-time.After(stopTimeout):
		return fmt.Errorf("model server %d does not end", s.PID)
	}
}
