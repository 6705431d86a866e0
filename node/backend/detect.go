package backend

import (
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

// usualPorts are where the runtimes listen unless told otherwise: Ollama, llama.cpp, vLLM, LM Studio.
var usualPorts = [...]string{"11434", "8080", "8000", "1234"}

// Detect asks the usual ports of the given hosts, or of 127.0.0.1 if none are given, for model servers. A host with a
// port ("127.0.0.1:9000") is asked at that port only. It returns the URLs, for New, of what answered like a model server, also of one that
// still loads, in order, and sends nothing but requests for model lists.
func Detect(ctx context.Context, hosts []string) []string {
	targets := detectTargets(hosts)
	urls := make([]string, len(targets))
	var wg sync.WaitGroup
	for i, target := range targets {
		wg.Go(func() { urls[i] = serverAt(ctx, target) })
	}
	wg.Wait()
	urls = slices.DeleteFunc(urls, func(url string) bool { return url == "" })
	slices.Sort(urls)
	return urls
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

// serverAt is the URL of the model server at target; empty for whatever is none.
func serverAt(ctx context.Context, target string) string {
	ctx, cancel := context.WithTimeout(ctx, detectTimeout)
	defer cancel()
	b, err := New("http://"+target, Options{ConnectTimeout: time.Second})
	if err != nil {
		return ""
	}
	defer b.Close()
	if err := b.Ready(ctx); err != nil && !errors.Is(err, ErrNotReady) {
		return ""
	}
	return b.URL()
}
