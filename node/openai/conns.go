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

// conns bounds a server's connections: for one too many it closes the one that has been quiet for longest. A request breaks the quiet
// once it is admitted: without a key one can be made to last as well, by a body that does not come or an answer that is not read.
// Nor does a view of the page: that opens it again.
type conns struct {
	most int

	mu    sync.Mutex                 // guards all below; held for list work only
	open  map[net.Conn]*list.Element // its place in quiet, nil while an admitted request is served
	quiet list.List                  // of net.Conn, quiet for longest first
}

// changed is the server's ConnState.
func (c *conns) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disturb(conn)
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.open, conn)
	} else { // also with a request, until it is admitted
		c.open[conn] = c.quiet.PushBack(conn)
	}
	if first := c.quiet.Front(); first != nil && len(c.open) > c.most {
		c.quiet.Remove(first)
		longest := first.Value.(net.Conn)
		delete(c.open, longest)
		_ = longest.Close() // its reader notices
	}
}

// serving takes conn from the quiet ones, until it is idle.
func (c *conns) serving(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disturb(conn)
}

// disturb: conn is not among the quiet ones. The caller holds c.mu.
func (c *conns) disturb(conn net.Conn) {
	if at := c.open[conn]; at != nil {
		c.quiet.Remove(at)
		c.open[conn] = nil
	}
}
