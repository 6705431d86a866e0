package openai

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"flotilla/node/openai/internal/dialect"
)

// stream sends server-sent events, each in one write and flush. The first chunk is awaited before the status goes out,
// so that an answer which breaks at once still gets a status of its own.
func (a *answer) stream() {
	out := &eventWriter{x: a.x, alive: ": keep-alive\n\n"}
	if a.dialect != nil {
		out.alive = cmp.Or(a.dialect.Quiet(), out.alive)
	}
	defer out.close()
	ctx := a.x.r.Context()
	for {
		raw, err := a.reply.Next(ctx)
		var events []dialect.Event
		if err == nil {
			if events, err = a.chunk(raw); err != nil {
				a.reply.Stop()
			}
		}
		if err != nil {
			a.x.final = a.reply.Final()
			a.end(out, err)
			return
		}
		a.send(out, events)
	}
}

func (a *answer) send(out *eventWriter, events []dialect.Event) {
	for _, e := range events {
		if out.send(e) != nil {
			a.x.abandon()
		}
	}
}

// end finishes the stream: with usage and [DONE], or another API's last event, only if the answer is whole. After an error there is an error
// event and neither: client libraries raise on the first, and take a stream without the second for complete.
func (a *answer) end(out *eventWriter, err error) {
	whole := errors.Is(err, io.EOF)
	if !out.begun() {
		if whole {
			err = errBadAnswer() // not a single chunk
		}
		a.fail(err)
		return
	}
	if !whole && a.x.gone() {
		a.x.abandon()
	}
	if whole {
		a.send(out, a.lastEvents())
		return
	}
	a.x.logInternal(err)
	api := asAPIError(err)
	a.x.outcome = "cut: " + api.Code
	a.send(out, a.brokenEvents(api))
}

// lastEvents are those of a whole answer.
func (a *answer) lastEvents() (last []dialect.Event) {
	if a.dialect != nil {
		return a.dialect.End(a.billed(), time.Now().Unix())
	}
	if a.req.IncludeUsage {
		last = append(last, dialect.Event{Data: a.usageChunk()})
	}
	return append(last, dialect.Event{Data: []byte("[DONE]")})
}

// brokenEvents are the last ones of an answer that broke.
func (a *answer) brokenEvents(api *APIError) []dialect.Event {
	body := a.x.errorBody(api, a.x.final)
	switch {
	case a.dialect != nil:
		return a.brokenAnswer(api, body)
	case a.x.openRouter:
		body = a.brokenChunk(body)
	}
	return []dialect.Event{{Data: body}}
}

// eventWriter writes events, and a sign of life after quiet times. Its timer writes from another goroutine, hence the lock.
type eventWriter struct {
	x     *exchange
	alive string

	mu     sync.Mutex // guards all below; held for one write
	buf    bytes.Buffer
	quiet  *time.Timer // runs stayAlive; nil until the first event, since before it the status is not known
	open   bool        // headers are sent
	closed bool        // the handler has returned or is about to: nothing may be written
	err    error
}

func (w *eventWriter) begun() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open
}

// send writes one event.
func (w *eventWriter) send(e dialect.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Reset()
	if e.Name != "" {
		w.buf.WriteString("event: " + e.Name + "\n")
	}
	w.buf.WriteString("data: ")
	if bytes.ContainsAny(e.Data, "\r\n") { // a line break would end the event's line; in valid JSON it is only white space
		if err := json.Compact(&w.buf, e.Data); err != nil {
			return err
		}
	} else {
		w.buf.Write(e.Data)
	}
	w.buf.WriteString("\n\n")
	return w.flush()
}

// stayAlive keeps proxies and clients from taking quiet for death.
func (w *eventWriter) stayAlive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.buf.Reset()
	w.buf.WriteString(w.alive)
	_ = w.flush() // remembered in w.err
}

// flush writes buf. The caller holds mu.
func (w *eventWriter) flush() error {
	if w.err != nil {
		return w.err
	}
	if !w.open {
		w.open = true
		w.quiet = time.AfterFunc(w.x.h.cfg.KeepAlive, w.stayAlive)
		w.x.status = http.StatusOK
		h := w.x.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Accel-Buffering", "no")
		w.x.w.WriteHeader(http.StatusOK)
	}
	w.x.writeDeadline(w.x.h.cfg.WriteTimeout)
	if _, w.err = w.x.w.Write(w.buf.Bytes()); w.err == nil {
		w.err = w.x.rc.Flush()
	}
	w.quiet.Reset(w.x.h.cfg.KeepAlive)
	return w.err
}

// close stops the signs of life and waits for one that is being written.
func (w *eventWriter) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.quiet != nil {
		w.quiet.Stop()
	}
}
