package backend_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"flotilla/node/backend"
)

// pipeServer serves HTTP over in-memory pipes: nothing waits for the network, so that synctest's fake clock runs.
type pipeServer struct {
	srv   http.Server
	conns chan net.Conn
	done  chan struct{}
}

func newPipeServer(fn http.HandlerFunc) *pipeServer {
	p := &pipeServer{srv: http.Server{Handler: fn}, conns: make(chan net.Conn), done: make(chan struct{})}
	go func() { _ = p.srv.Serve(p) }()
	return p
}

func (p *pipeServer) backend(t *testing.T) *backend.Backend {
	t.Helper()
	b, err := backend.New("http://pipe", backend.Options{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		client, server := net.Pipe()
		select {
		case p.conns <- server:
			return client, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (p *pipeServer) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipeServer) Close() error {
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	return nil
}

func (p *pipeServer) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
func (p *pipeServer) close()         { _ = p.srv.Close() }
