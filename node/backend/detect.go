package backend

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// detectTimeout bounds asking one address: a local server answers its model list in milliseconds.
	detectTimeout = 3 * time.Second
	// maxDetectTargets bounds how many addresses are asked in one go.
	maxDetectTargets = 64
)

// Found is a model server that answered.
type Found struct {
	// BaseURL ends in /v1 and can be given to New.
	BaseURL string
	// Runtime is empty while the server is still loading and does not tell.
	Runtime Runtime
	Models  []Model
	// Loading means that the server is there but cannot serve yet; Models is empty then.
	Loading bool
}

// usualPorts are where the runtimes listen unless told otherwise: Ollama, llama.cpp, vLLM, LM Studio.
var usualPorts = [...]string{"11434", "8080", "8000", "1234"}

// Detect asks the usual ports of the given hosts, or of 127.0.0.1 if none are given, for model servers. A host with a
// port ("127.0.0.1:9000") is asked at that port only. It returns what answered like a model server, by address, and
// sends nothing but requests for model lists and properties.
func Detect(ctx context.Context, hosts []string) []Found {
	targets := detectTargets(hosts)
	answers := make([]*Found, len(targets))
	var wg sync.WaitGroup
	for i, target := range targets {
		wg.Go(func() { answers[i] = ask(ctx, target) })
	}
	wg.Wait()
	var found []Found
	for _, f := range answers {
		if f != nil {
			found = append(found, *f)
		}
	}
	slices.SortStableFunc(found, func(a, b Found) int { return cmp.Compare(a.BaseURL, b.BaseURL) })
	return found
}

func detectTargets(hosts []string) []string {
	if len(hosts) == 0 {
		hosts = []string{"127.0.0.1"}
	}
	var targets []string
	for _, h := range hosts {
		if _, _, err := net.SplitHostPort(h); err == nil {
			targets = append(targets, h)
			continue
		}
		for _, port := range usualPorts {
			targets = append(targets, net.JoinHostPort(strings.Trim(h, "[]"), port))
		}
	}
	slices.Sort(targets)
	targets = slices.Compact(targets)
	return targets[:min(len(targets), maxDetectTargets)]
}

// ask returns nil for whatever is no model server.
func ask(ctx context.Context, target string) *Found {
	ctx, cancel := context.WithTimeout(ctx, detectTimeout)
	defer cancel()
	b, err := New("http://"+target, Options{ConnectTimeout: time.Second})
	if err != nil {
		return nil
	}
	defer b.Close()
	models, err := b.Models(ctx)
	if errors.Is(err, ErrNotReady) {
		return &Found{BaseURL: b.URL(), Loading: true}
	}
	if err != nil {
		return nil
	}
	f := &Found{BaseURL: b.URL(), Runtime: OpenAICompatible, Models: models}
	if len(models) > 0 {
		f.Runtime = models[0].Runtime
	}
	return f
}
