// Package backend is the client of local model servers: Ollama, llama.cpp's server, vLLM, LM Studio and anything else
// that speaks OpenAI's chat completions. It forwards requests byte for byte but for the members it must set, tells a
// whole answer from a cut one, and stops the server's generation when the caller leaves.
package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

var (
	// ErrNotReady means that the server is up but still loading its model; ask again in a moment.
	ErrNotReady = errors.New("model server is still loading its model")
	// ErrTruncated means that the answer ended before the server said that it was whole.
	ErrTruncated = errors.New("model server cut its answer short")
	// ErrBadAnswer means that the server answered with something that is not OpenAI's chat completions API.
	ErrBadAnswer = errors.New("server does not answer like an OpenAI-compatible model server")
	// ErrIdle means that the server sent nothing for longer than Options allow.
	ErrIdle = errors.New("model server went quiet")
	// ErrClosed is returned by a stream that was closed.
	ErrClosed = errors.New("stream is closed")
)

// Options of a Backend. The zero value is ready to use.
type Options struct {
	// Model is the name that requests are sent with, as the server lists it. Empty keeps the name in the request.
	Model string
	// APIKey is sent as a bearer token; empty sends none. Local servers ignore it.
	APIKey string
	// NoStore wants new answers of a server that keeps a cache, as a gateway may, and none of them kept.
	NoStore bool
	// ConnectTimeout bounds opening a connection. Default 3 s.
	ConnectTimeout time.Duration
	// FirstByteTimeout bounds the time from the request to the first event, including the server's own queue and
	// reading the prompt, which takes minutes for a long one on a CPU. Default 5 min.
	FirstByteTimeout time.Duration
	// IdleTimeout bounds the time between two events. Default 2 min: some servers hold
	// a whole tool call back until it is complete.
	IdleTimeout time.Duration
	// MaxEventBytes bounds one streamed event. Default 1 MiB: an event carries a few tokens, or one tool call.
	MaxEventBytes int
	// MaxAnswerBytes bounds one answer that is not streamed. Default 16 MiB.
	MaxAnswerBytes int64
	// MaxConns bounds open connections to the server. Default 64.
	MaxConns int
	// DialContext opens connections in place of a plain dialer, for tests and unix sockets. Optional.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Logger gets notes at debug level, never prompts. Default: none.
	Logger *slog.Logger
}

func (o *Options) setDefaults() {
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, 3*time.Second)
	o.FirstByteTimeout = cmp.Or(o.FirstByteTimeout, 5*time.Minute)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, 2*time.Minute)
	o.MaxEventBytes = cmp.Or(o.MaxEventBytes, 1<<20)
	o.MaxAnswerBytes = cmp.Or(o.MaxAnswerBytes, 16<<20)
	o.MaxConns = cmp.Or(o.MaxConns, 64)
	if o.DialContext == nil {
		o.DialContext = (&net.Dialer{Timeout: o.ConnectTimeout}).DialContext
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Backend talks to one model server. It is safe for concurrent use and starts no goroutine of its own.
type Backend struct {
	root   string // scheme://host:port[/prefix], without /v1
	opts   Options
	client *http.Client
}

// Root makes the ways to write the URL of one server, with /v1 and without, one.
func Root(baseURL string) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(baseURL), "/"), "/v1")
}

// New returns a client of the server at baseURL, with or without the trailing /v1. It does not connect yet.
func New(baseURL string, opts Options) (*Backend, error) {
	u, err := url.Parse(strings.TrimSpace(baseURL))
	if err != nil {
		return nil, fmt.Errorf("parse model server URL (want http://host:port or http://host:port/v1): %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("model server URL %q: want http://host:port or http://host:port/v1", u.Redacted())
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("model server URL %q: leave out user, query and fragment; a key is given apart (--backend-key, or --api-key of probe)", u.Redacted())
	}
	opts.setDefaults()
	transport := &http.Transport{
		DialContext:         opts.DialContext,
		TLSHandshakeTimeout: opts.ConnectTimeout,
		MaxConnsPerHost:     opts.MaxConns,
		MaxIdleConnsPerHost: opts.MaxConns,
		IdleConnTimeout:     30 * time.Second,
		// A compressed stream would be held back by the compressor until its window fills.
		DisableCompression: true,
	}
	return &Backend{
		root: Root(u.String()),
		opts: opts,
		client: &http.Client{
			Transport: transport,
			// A redirect would carry the prompt to a place that nobody configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// WithModel returns a Backend for another model of the same server; both share connections.
func (b *Backend) WithModel(name string) *Backend {
	other := *b
	other.opts.Model = name
	return &other
}

// URL is the server's base URL with /v1, as an OpenAI client would be given it.
func (b *Backend) URL() string { return b.root + "/v1" }

// Model is the name that requests are sent with; empty if the request's own is kept.
func (b *Backend) Model() string { return b.opts.Model }

// Ready is nil when the server can serve, ErrNotReady while it loads, and another error when it cannot be reached,
// is no model server, or does not have the model that this Backend was made for.
func (b *Backend) Ready(ctx context.Context) error {
	listed, err := b.Listed(ctx)
	if err != nil || b.opts.Model == "" {
		return err
	}
	return listed.Has(b.opts.Model)
}

// Listing is what a server said that it has: names of models.
type Listing map[string]bool

// Listed asks the server which models it has now. Its errors are those of Ready.
func (b *Backend) Listed(ctx context.Context) (Listing, error) {
	ids, err := b.modelIDs(ctx)
	if err != nil {
		return nil, err
	}
	out := make(Listing, len(ids))
	for _, m := range ids {
		out[m.ID] = true
	}
	return out, nil
}

// Has is nil when the model is listed, by its name or, as Ollama may, with ":latest". llama.cpp answers to any model name, so a
// chat that succeeds would prove nothing.
func (l Listing) Has(model string) error {
	if l[model] || l[model+":latest"] {
		return nil
	}
	return fmt.Errorf("model server does not list model %q: load it, or name one of its own", model)
}

// Close frees idle connections. Streams that are open go on.
func (b *Backend) Close() { b.client.CloseIdleConnections() }
