package backend

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"flotilla/node/rawjson"
)

// drainTimeout bounds the wait for the end of the HTTP body after [DONE], so that the connection can be used again.
const drainTimeout = 50 * time.Millisecond

// Stream is one answer under way. One goroutine at a time calls Next; Close may be called from any.
type Stream struct {
	body   io.ReadCloser
	cancel context.CancelCauseFunc // aborts the HTTP request: the server stops generating
	cause  func() error            // why the request ended, nil while it lives
	parent <-chan struct{}         // Done of the context given to Chat
	quiet  *time.Timer             // cancels when the server is quiet for too long
	idle   time.Duration
	max    int64

	member     string          // that an answer which is not streamed must have
	dimensions uint32          // that vectors must have; 0: their own
	sse        *sseReader      // nil when the answer is not streamed
	events     uint32          // events with text
	prompt     json.RawMessage // messages or input, to estimate its tokens by
	usage      *Usage
	usageGiven bool
	done       bool  // the server said that the answer is whole; what happens to the connection now is no matter
	err        error // sticky; io.EOF after a clean end
}

// Chat sends a chat completion and returns once the server has accepted it, that is with its response headers. The
// body is forwarded with model, stream and stream_options set, and otherwise as it came. The end of ctx, like Close,
// aborts the request at any time.
func (b *Backend) Chat(ctx context.Context, body []byte, stream bool) (*Stream, error) {
	out, messages, err := upstreamBody(body, b.opts.Model, stream)
	if err != nil {
		return nil, err
	}
	return b.ask(ctx, "/v1/chat/completions", out, &Stream{member: "choices", prompt: messages}, stream)
}

// ask sends body and completes s, the stream of its answer.
func (b *Backend) ask(ctx context.Context, path string, body []byte, s *Stream, stream bool) (*Stream, error) {
	reqCtx, cancel := context.WithCancelCause(ctx)
	s.cancel, s.parent, s.idle, s.max = cancel, ctx.Done(), b.opts.IdleTimeout, b.opts.MaxAnswerBytes
	s.cause = func() error { return context.Cause(reqCtx) }
	s.quiet = time.AfterFunc(b.opts.FirstByteTimeout, func() { cancel(ErrIdle) })
	// The body is whole in memory and can be sent again: net/http then retries on a kept connection that went stale,
	// and an answer that starts before the body was read cannot cut it (golang/go#40747).
	resp, err := b.do(reqCtx, http.MethodPost, path, body)
	if err != nil {
		err = asError(s.cause(), err)
		s.stop(err)
		return nil, fmt.Errorf("ask model server: %w", err)
	}
	s.body = resp.Body
	if err := checkAnswer(resp, stream); err != nil {
		err = asError(s.cause(), err)
		return nil, errors.Join(err, s.Close())
	}
	if stream {
		s.sse = newSSEReader(resp.Body, b.opts.MaxEventBytes)
	}
	return s, nil
}

// checkAnswer refuses error statuses and content that cannot be an answer.
func checkAnswer(resp *http.Response, stream bool) error {
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	want := "application/json"
	if stream {
		want = "text/event-stream"
	}
	if resp.StatusCode == http.StatusOK && err == nil && kind == want {
		return nil
	}
	head, readErr := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if readErr != nil && len(head) == 0 {
		return fmt.Errorf("read model server's error: %w", readErr)
	}
	if obj, err := rawjson.Parse(head); resp.StatusCode != http.StatusOK || err == nil && obj.Has("error") {
		e := upstreamError(resp.StatusCode, head)
		e.RetryAfter, e.Final = RetryAfter(resp.Header), resp.Header.Get("X-Should-Retry") == "false"
		return e
	}
	return badAnswer("want "+want, head)
}

// Next returns the next event. io.EOF comes only after a clean end: [DONE], or a complete JSON body. Where the server
// reported no usage, or zeros, one last event carries an estimate before io.EOF. The end of ctx ends the whole stream.
func (s *Stream) Next(ctx context.Context) (Event, error) {
	if s.err != nil {
		return Event{}, s.err
	}
	if ctx.Done() != s.parent {
		stop := context.AfterFunc(ctx, func() { s.cancel(context.Cause(ctx)) })
		defer stop()
	}
	ev, err := s.read()
	if err != nil {
		if cause := s.cause(); cause != nil && !s.done {
			err = cause
		}
		s.stop(err)
		return Event{}, err
	}
	return ev, nil
}

func (s *Stream) read() (Event, error) {
	if s.usageGiven {
		return Event{}, io.EOF
	}
	if s.sse == nil {
		return s.readWhole()
	}
	data, err := s.sse.next()
	s.quiet.Reset(s.idle)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Event{}, ErrTruncated
	case errors.Is(err, errEventTooLong):
		return Event{}, fmt.Errorf("%w: %w", ErrBadAnswer, err)
	case err != nil:
		return Event{}, fmt.Errorf("%w: %w", ErrTruncated, err)
	case bytes.HasPrefix(data, []byte("[DONE]")):
		s.drain()
		reported := s.usage
		if s.usage = s.counted(reported, s.events); s.usage == reported {
			return Event{}, io.EOF
		}
		s.usageGiven = true
		return Event{Usage: s.usage, UsageOnly: true}, nil
	}
	ev, err := parseEvent(bytes.Clone(data))
	if err != nil {
		return Event{}, err
	}
	if ev.Text != "" {
		s.events++
	}
	if ev.Usage != nil {
		s.usage = ev.Usage
	}
	return ev, nil
}

// readWhole reads an answer that is not streamed.
func (s *Stream) readWhole() (Event, error) {
	data, err := io.ReadAll(io.LimitReader(s.body, s.max+1))
	if err != nil { // includes a body shorter than its Content-Length, and a chunked one without its end
		return Event{}, fmt.Errorf("%w: %w", ErrTruncated, err)
	}
	if int64(len(data)) > s.max {
		return Event{}, fmt.Errorf("%w: answer is longer than %d bytes", ErrBadAnswer, s.max)
	}
	obj, err := rawjson.Parse(data)
	if err != nil {
		return Event{}, badAnswer("want JSON", data)
	}
	ev, err := parseEvent(data)
	if err != nil {
		return Event{}, err
	}
	list, _ := obj.Get(s.member)
	if !hasElements(list) {
		return Event{}, badAnswer("want an answer with "+s.member, data)
	}
	if err := s.checkDimensions(list); err != nil {
		return Event{}, err
	}
	ev.Usage = s.counted(ev.Usage, uint32(len(ev.Text)+bytesPerToken-1)/bytesPerToken)
	s.usage, s.usageGiven, s.done, ev.UsageOnly = ev.Usage, true, true, false
	return ev, nil
}

// hasElements: an array that is not empty. An answer without one choice, or one vector, is none.
func hasElements(list json.RawMessage) bool {
	return len(list) > 0 && list[0] == '[' && bytes.TrimLeft(list[1:], " \t\r\n")[0] != ']'
}

// counted is what the server reported, with an estimate for what it did not count. A zero is no count: some servers put zeros into each
// chunk of a stream, or leave out a prompt that they had read before.
func (s *Stream) counted(reported *Usage, completion uint32) *Usage {
	var u Usage
	if reported != nil {
		u = *reported
	}
	if u.PromptTokens == 0 {
		u.PromptTokens = uint32(promptBytes(s.prompt)+bytesPerToken-1) / bytesPerToken
	}
	u.CompletionTokens = cmp.Or(u.CompletionTokens, completion)
	if reported != nil && u == *reported {
		return reported
	}
	u.Estimated = true
	return &u
}

// PromptTokens is how many tokens the prompt has: as the server counted, else estimated. An answer that is cut has no other count.
func (s *Stream) PromptTokens() uint32 { return s.counted(s.usage, 0).PromptTokens }

// mediaBytes is what an image or a sound in a prompt counts as at most, some 500 tokens: of its bytes no model makes that many.
const mediaBytes = 2048

// promptBytes is the length of messages, or of the input for embeddings, without the bulk of what is no text in them.
func promptBytes(prompt json.RawMessage) int {
	n := len(prompt)
	var messages []struct {
		Content json.RawMessage `json:"content"`
	}
	_ = json.Unmarshal(prompt, &messages) // input is none, and all of it counts
	for _, m := range messages {
		var parts []json.RawMessage
		_ = json.Unmarshal(m.Content, &parts) // a string has none
		for _, raw := range parts {
			var part struct{ Type string }
			if json.Unmarshal(raw, &part) == nil && part.Type != "text" && part.Type != "input_text" {
				n -= max(0, len(raw)-mediaBytes)
			}
		}
	}
	return n
}

// drain reads the end of the HTTP body after [DONE], so that the connection can be used for the next request.
func (s *Stream) drain() {
	s.done = true
	s.quiet.Reset(drainTimeout)
	_, _ = io.CopyN(io.Discard, s.body, 4<<10) // whatever goes wrong here costs a new connection and nothing else
}

// Close aborts the request if it is not over; the server sees the connection go and stops generating.
func (s *Stream) Close() error {
	s.stop(ErrClosed)
	return nil
}

// stop ends the request. Only Next, and Close before or after it, leave the sticky error; cancelling is what makes a
// Next that is under way return.
func (s *Stream) stop(cause error) {
	s.quiet.Stop()
	s.cancel(cause)
	if s.body != nil {
		_ = s.body.Close() // nothing is lost by a failed close of a body that we no longer read
	}
	if cause != ErrClosed {
		s.err = cause
	}
}
