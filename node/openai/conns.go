package openai

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"syscall"
)

const (
	// mostConns bounds the connections to clients: some 20 KB each while nothing is asked.
	mostConns = 8192
	// connShare: clients get a quarter of the files that this process may have open. Half is libp2p's; with none left the
	// ledger cannot begin a new file.
	connShare = 4
)

// defaultMaxConns is mostConns, or what the limit of open files allows.
func defaultMaxConns() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return mostConns
	}
	return int(min(mostConns, max(files.Cur/connShare, 1)))
}

// conns bounds a server's connections: for one too many it closes the one on which nothing has been asked for longest.
type conns struct {
	most int

	mu    sync.Mutex                 // guards all below; held for list work only
	open  map[net.Conn]*list.Element // its place in quiet, nil while a request is under way
	quiet list.List                  // of net.Conn, quiet for longest first
}

// changed is the server's ConnState.
func (c *conns) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.open[conn]; at != nil {
		c.quiet.Remove(at)
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.open[conn] = c.quiet.PushBack(conn)
	case http.StateActive:
		c.open[conn] = nil
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	}
	if first := c.quiet.Front(); first != nil && len(c.open) > c.most {
		c.quiet.Remove(first)
		longest := first.Value.(net.Conn)
		delete(c.open, longest)
		_ = longest.Close() // its reader notices
	}
}
