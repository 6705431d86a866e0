package pgtest

import (
	"context"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Link is a network between a gateway and a database that may be slow, stall, or lose a connection without a word.
type Link struct {
	listener net.Listener

	mu    sync.Mutex // guards all below
	to    *Cluster
	delay time.Duration
	stall chan struct{} // not nil: nothing passes until it is closed
	conns map[linked]bool
}

// linked is one connection.
type linked struct{ near, far net.Conn }

// NewLink leads to a cluster until the test ends.
func NewLink(t testing.TB, to *Cluster) *Link {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Link{listener: listener, to: to, conns: map[linked]bool{}}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			done.Go(func() { l.carry(near) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		l.Stall(false)
		l.mu.Lock()
		for c := range l.conns {
			_, _ = c.near.Close(), c.far.Close()
		}
		l.mu.Unlock()
		done.Wait()
	})
	return l
}

// URL is that of a cluster's database, over the link.
func (l *Link) URL(database string) string { return overTCP(l.listener.Addr().String(), database) }

// Delay is how long everything takes from now on, in each direction.
func (l *Link) Delay(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
}

// Stall keeps everything back that is sent, or lets it pass. Connections are made all the same.
func (l *Link) Stall(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case on && l.stall == nil:
		l.stall = make(chan struct{})
	case !on && l.stall != nil:
		close(l.stall)
		l.stall = nil
	}
}

// Lead leads new connections to another cluster.
func (l *Link) Lead(to *Cluster) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to = to
}

func (l *Link) carry(near net.Conn) {
	l.mu.Lock()
	to := l.to
	l.mu.Unlock()
	far, err := (&net.Dialer{}).DialContext(context.Background(), "unix", filepath.Join(to.dir, ".s.PGSQL.5432"))
	if err != nil {
		_ = near.Close()
		return
	}
	c := linked{near, far}
	l.mu.Lock()
	l.conns[c] = true
	l.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { l.pass(far, near) })
	both.Go(func() { l.pass(near, far) })
	both.Wait()
	_, _ = near.Close(), far.Close()
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
}

// pass carries what one end sends, and its end, each for as long as it takes on the way.
func (l *Link) pass(to, from net.Conn) {
	type piece struct {
		raw []byte
		due time.Time
	}
	way := make(chan piece, 1024)
	go func() {
		defer close(way)
		for buf := make([]byte, 32<<10); ; {
			n, err := from.Read(buf)
			l.mu.Lock()
			delay := l.delay
			l.mu.Unlock()
			way <- piece{append([]byte(nil), buf[:n]...), time.Now().Add(delay)}
			if err != nil {
				return
			}
		}
	}()
	for p := range way {
		time.Sleep(time.Until(p.due))
		l.mu.Lock()
		stall := l.stall
		l.mu.Unlock()
		if stall != nil {
			<-stall
		}
		_, _ = to.Write(p.raw) // of who is gone the reader hears
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
