package openai

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
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
	http  http.Server
	conns *conns

	handling sync.RWMutex // read-held by each request, so that Serve can wait for those that it has cut; guards over
	over     bool
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
	s := &Server{conns: &conns{most: cfg.MaxConns, open: map[net.Conn]*list.Element{}}}
	s.http = http.Server{
		Handler: s.counted(NewHandler(cfg)), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		// Bodies and writes have their deadlines in the handler: one for the whole answer would cut long streams.
		ErrorLog:  slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
		ConnState: s.conns.changed, ConnContext: withClientConn,
	}
	return s, nil
}

// counted lets Serve wait for every request that next has begun.
func (s *Server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handling.RLock()
		defer s.handling.RUnlock()
		if s.over {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}

// Serve answers on ln until ctx ends, then takes no new requests and lets those under way finish for at most drain;
// what is left after that is cut. It closes ln and waits for all its requests. A drained end returns nil.
func (s *Server) Serve(ctx context.Context, ln net.Listener, drain time.Duration) error {
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	s.http.BaseContext = func(net.Listener) context.Context { return requests }
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(clientListener{ln, s.conns}) }()
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
		cut()
		s.handling.Lock() // Close cuts connections and does not wait for who served them
		s.over = true
		s.handling.Unlock()
	}
	if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	if err != nil {
		return fmt.Errorf("shut HTTP down: %w", err)
	}
	return nil
}
