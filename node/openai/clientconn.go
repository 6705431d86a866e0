package openai

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// maxEarly bounds what is kept of what a client sends before it has its answer. After more, its leaving is noticed when the
// answer is written.
const maxEarly = 4 << 10

// clientConn notices that a client leaves also when that has sent something after its request. To notice it, net/http reads one
// byte while it serves, and stops for good at the first that comes: a line break, which old clients send after a body, or the next
// request. The answer would be waited for, generated to its end and charged, for nobody.
type clientConn struct {
	net.Conn
	conns   *conns      // that it is one of
	serving atomic.Bool // a request, whose body may still come
	early   []byte      // belongs to who reads: net/http never reads twice at once
}

// Read reads on while net/http only waits for the client to leave, and gives what came by then to the next read.
func (c *clientConn) Read(b []byte) (int, error) {
	if len(b) != 1 || !c.serving.Load() { // a header may be read by single bytes too
		if len(c.early) == 0 {
			return c.Conn.Read(b)
		}
		return c.take(b), nil
	}
	var some [512]byte
	for len(c.early) < maxEarly {
		n, err := c.Conn.Read(some[:])
		if c.early = append(c.early, some[:n]...); err != nil {
			return 0, err
		}
	}
	return c.take(b), nil
}

func (c *clientConn) take(b []byte) int {
	n := copy(b, c.early)
	if c.early = c.early[n:]; len(c.early) == 0 {
		c.early = nil
	}
	return n
}

// CloseWrite is what net/http ends a connection with whose client may still be sending: closed at once, it would lose the answer.
func (c *clientConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// clientListener accepts clientConns.
type clientListener struct {
	net.Listener
	conns *conns
}

func (l clientListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &clientConn{Conn: conn, conns: l.conns}, nil
}

type clientConnKey struct{}

// withClientConn is an http.Server's ConnContext.
func withClientConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, clientConnKey{}, conn)
}

// markServing tells the request's connection that it is served, and is not to be closed for another; the returned function
// that it no longer is.
func markServing(r *http.Request) func() {
	conn, ok := r.Context().Value(clientConnKey{}).(*clientConn)
	if !ok {
		return func() {}
	}
	conn.conns.serving(conn)
	conn.serving.Store(true)
	return func() { conn.serving.Store(false) }
}
