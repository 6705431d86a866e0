package openai

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// headerTimeout bounds reading a request's headers; slow-loris clients lose their connection after it.
	headerTimeout = 10 * time.Second
	// idleTimeout is how long an idle connection is kept: longer than client libraries keep theirs.
	idleTimeout = 120 * time.Second
	// maxHeaderBytes bounds a request's headers; SDKs send under 2 KiB.
	maxHeaderBytes = 32 << 10
)

// Server serves the HTTP surface on a listener.
type Server struct {
	http http.Server
}

// NewServer checks the configuration and returns a server that is not listening yet.
func NewServer(cfg Config) (*Server, error) {
	if cfg.Completer == nil {
		return nil, errors.New("no completer: the HTTP surface has nothing to serve")
	}
	if cfg.Keys == nil {
		return nil, errors.New("no API keys: an open gateway spends its owner's money for anyone")
	}
	cfg.setDefaults()
	return &Server{http: http.Server{
		Handler: NewHandler(cfg), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		// Bodies and writes have their deadlines in the handler: one for the whole answer would cut long streams.
		ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}}, nil
}

// Serve answers on ln until ctx ends, then takes no new requests and lets those under way finish for at most drain;
// what is left after that is cut. It closes ln and waits for all its goroutines. A drained end returns nil.
func (s *Server) Serve(ctx context.Context, ln net.Listener, drain time.Duration) error {
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := s.http.Shutdown(end)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	if err != nil {
		return fmt.Errorf("shut HTTP down: %w", err)
	}
	return nil
}
