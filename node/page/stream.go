package page

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

const (
	// lookEvery is how often a view that is open is looked at for a change; less often where a look takes long, so that a
	// view takes no more than 1/restShare of a core.
	lookEvery = time.Second
	restShare = 100
	// quietMost is how often a comment is sent: proxies cut at 30 to 60 s, and a viewer that has gone is noticed.
	quietMost = 15 * time.Second
	// streamLife bounds one stream; the page opens the next. So a key that was revoked is asked for again.
	streamLife = 10 * time.Minute
)

// enter counts a view in; where there is room, leave counts it out.
func (h *Handler) enter(v Viewer) (leave func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	most := maxStreams // the owner's door has one viewer
	if h.cfg.Keys != nil {
		most = maxKeyStreams
	}
	if h.open >= maxStreams || h.streams[v] >= most {
		return nil, &Refusal{Status: http.StatusServiceUnavailable, RetryAfter: quietMost, Message: fmt.Sprintf("%d views of this page are open already, %d of them yours: close one", h.open, h.streams[v])}
	}
	h.open++
	h.streams[v]++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.open--
		if h.streams[v]--; h.streams[v] == 0 {
			delete(h.streams, v)
		}
	}, nil
}

// stream sends a view now, and again whenever it has changed.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, v Viewer, look func() ([]byte, error)) {
	leave, err := h.enter(v)
	if err != nil {
		refuse(w, err)
		return
	}
	defer leave()
	began := time.Now()
	last, err := look()
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	send := func(format string, body []byte) error {
		_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := fmt.Fprintf(w, format, body); err != nil {
			return err
		}
		return rc.Flush()
	}
	next, quiet := time.NewTimer(rest(time.Since(began))), time.NewTicker(quietMost)
	defer next.Stop()
	defer quiet.Stop()
	err = send("data: %s\n\n", last)
	for err == nil && time.Since(began) < streamLife {
		select {
		case <-r.Context().Done():
			return
		case <-h.closing:
			return
		case <-quiet.C: // also while a slow view rests: the page takes a silent gateway for a lost one
			err = send(": still here%s\n\n", nil)
			continue
		case <-next.C:
		}
		var now []byte
		looked := time.Now()
		if now, err = look(); err != nil {
			h.cfg.Logger.Error("serve a view of the page", "path", r.URL.Path, "err", err)
			return // the page asks again, and is told then
		}
		next.Reset(rest(time.Since(looked)))
		if !bytes.Equal(now, last) {
			last = now
			err = send("data: %s\n\n", now)
		}
	}
}

// rest is the pause after a look that took so long.
func rest(took time.Duration) time.Duration { return max(lookEvery, restShare*took) }
