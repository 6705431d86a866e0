// Package conformance runs the official OpenAI clients against the HTTP surface.
package conformance

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

// TestOfficialClients needs package registries for its first run and is skipped unless asked for.
func TestOfficialClients(t *testing.T) {
	if os.Getenv("FLOTILLA_CONFORMANCE") == "" {
		t.Skip("set FLOTILLA_CONFORMANCE=1 to run the OpenAI clients for Python and Node (installs both)")
	}
	const key = "sk-flotilla-conformance"
	server, err := openai.NewServer(openai.Config{Completer: newFaulty(), Keys: openai.StaticKeys([]string{key})})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, ln, 5*time.Second) }()

	cmd := exec.CommandContext(t.Context(), "./run.sh", "http://"+ln.Addr().String()+"/v1", key)
	cmd.Env = append(os.Environ(), "FLOTILLA_CONFORMANCE_FAULTS=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("run.sh: %v", err)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// faulty is a fleet in which the model's name asks for a fault. It shows how often each was called as the number of
// operators in the model list.
type faulty struct {
	*fakefleet.Fleet
	cut   *fakefleet.Fleet
	calls map[string]*atomic.Int64
}

func newFaulty() *faulty {
	f := &faulty{Fleet: fakefleet.New(), cut: fakefleet.New(), calls: map[string]*atomic.Int64{}}
	f.cut.BreakAt = 2
	f.cut.BreakWith = &openai.APIError{Status: http.StatusBadGateway, Code: "operator_lost", Message: "the answer was cut"}
	f.cut.List = []openai.Model{{ID: "fault-cut"}}
	for _, id := range []string{"fault-cut", "fault-429", "fault-503", "fault-paid"} {
		f.calls[id] = new(atomic.Int64)
	}
	return f
}

func (f *faulty) Complete(ctx context.Context, req openai.Request) (openai.Reply, error) {
	if n, ok := f.calls[req.Model]; ok {
		n.Add(1)
	}
	switch req.Model {
	case "fault-cut":
		return f.cut.Complete(ctx, req)
	case "fault-429":
		return nil, &openai.APIError{Status: http.StatusTooManyRequests, Code: "rate_limit_exceeded", RetryAfter: time.Second, Message: "slow down"}
	case "fault-503":
		return nil, &openai.APIError{Status: http.StatusServiceUnavailable, Code: "no_operator", RetryAfter: time.Second, Message: "nobody is there"}
	case "fault-paid":
		return nil, &openai.APIError{Status: http.StatusBadGateway, Code: "operator_lost", NoRetry: true, Message: "paid for and lost"}
	}
	return f.Fleet.Complete(ctx, req)
}

func (f *faulty) Models(ctx context.Context) ([]openai.Model, error) {
	models, err := f.Fleet.Models(ctx)
	models = append([]openai.Model(nil), models...)
	for id, n := range f.calls {
		models = append(models, openai.Model{ID: id, Operators: int(n.Load())})
	}
	return models, errors.Join(err)
}
