package openai

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	receiptsRoute = "/v1/receipts/"
	indexSuffix   = "/index"
)

// An index is tens of MB in memory while it is sent, so few are at once, one a key, and none for longer than a slow line needs.
const (
	maxIndexSends = 4
	indexTime     = 10 * time.Minute
	// indexPiece goes out within one write deadline: at the default, 2 KiB a second are enough.
	indexPiece = 64 << 10
)

var errTooSlow = errors.New("the client has taken too long")

// indexSends are the keys that an index is being sent to.
type indexSends struct {
	mu  sync.Mutex
	key map[string]bool
}

func (s *indexSends) begin(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key[key] || len(s.key) >= maxIndexSends {
		return false
	}
	if s.key == nil {
		s.key = map[string]bool{}
	}
	s.key[key] = true
	return true
}

func (s *indexSends) end(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.key, key)
}

// serveReceiptIndex sends the generation of the routing index that a receipt's decision was made with, as the file that flotilla verify
// reads. Its last bytes are its checksum, so no length is told before.
func (h *handler) serveReceiptIndex(x *exchange) {
	id, api := receiptID(strings.TrimSuffix(strings.TrimPrefix(x.r.URL.Path, receiptsRoute), indexSuffix))
	if api != nil {
		x.fail(api)
		return
	}
	if !h.indexSends.begin(x.key.ID) {
		x.fail(&APIError{Status: http.StatusServiceUnavailable, Code: "index_busy", RetryAfter: 5 * time.Second, Message: fmt.Sprintf("an index is being sent to this key already, or to %d others", maxIndexSends)})
		return
	}
	defer h.indexSends.end(x.key.ID)
	index, err := h.cfg.Completer.ReceiptIndex(x.r.Context(), x.key, id)
	if err != nil {
		x.failWith(err)
		return
	}
	x.w.Header().Set("Content-Type", "application/octet-stream")
	x.w.Header().Set("X-Content-Type-Options", "nosniff")
	x.status = http.StatusOK
	x.w.WriteHeader(http.StatusOK)
	if x.r.Method == http.MethodHead {
		return
	}
	if _, err := index.WriteTo(&pieceWriter{x, time.Now().Add(indexTime)}); err != nil {
		x.abandon() // a proper end would look whole
	}
}

// pieceWriter gives each piece its own write deadline.
type pieceWriter struct {
	x   *exchange
	end time.Time
}

func (p *pieceWriter) Write(b []byte) (n int, err error) {
	for n < len(b) {
		if time.Now().After(p.end) {
			return n, errTooSlow
		}
		p.x.writeDeadline(p.x.h.cfg.WriteTimeout)
		m, err := p.x.w.Write(b[n:min(len(b), n+indexPiece)])
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}
