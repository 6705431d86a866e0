package node

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"flotilla/node/backend"
	"flotilla/node/backend/scripted"
	"flotilla/node/openai"
)

// scriptedOperator serves worldModel from a model server that does what prompts say.
func (w *world) scriptedOperator(price Price) *scripted.Server {
	w.t.Helper()
	return w.scriptedModel(ServedModel{Price: price})
}

// scriptedModel is scriptedOperator with more of the offer given.
func (w *world) scriptedModel(m ServedModel) *scripted.Server {
	w.t.Helper()
	model := scripted.New(worldModel)
	srv := httptest.NewServer(model)
	w.t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	b, err := backend.New(srv.URL, backend.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	serving := len(w.gateway.Gateway.Serving())
	m.Model = cmp.Or(m.Model, worldModel)
	m.BackendModel, m.Backend, m.MaxContext, m.Features = worldModel, b, 1<<20, []string{backend.FeatureTools}
	w.open(Config{
		DataDir: w.t.TempDir(), Key: testKey(w.t), Bootstrap: w.gateway.Addrs(),
		Operator: &OperatorConfig{Stake: 50_000_000, Models: []ServedModel{m}},
	})
	w.waitServing(serving + 1)
	return model
}

// run sends a chat with a script, and with more members as name and value; the answer is the status and the whole body.
func (w *world) run(ctx context.Context, stream bool, script string, members ...any) (*http.Response, string, error) {
	w.t.Helper()
	request := map[string]any{"model": worldModel, "stream": stream, "max_tokens": 50, "messages": []any{map[string]string{"role": "user", "content": "@script " + script}}}
	for i := 0; i < len(members); i += 2 {
		request[members[i].(string)] = members[i+1]
	}
	body, err := json.Marshal(request)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.gateway.HTTPAddr()+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+worldAPIKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return resp, string(raw), err
}

// TestModelServerFaults: what a model server says reaches the client as a direct connection would bring it, or better.
func TestModelServerFaults(t *testing.T) {
	w := newWorld(t)
	w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	for script, want := range map[string]struct {
		status int
		code   string
	}{
		"status=400": {400, "scripted_400"}, "status=403": {403, "scripted_403"}, "status=422": {422, "scripted_422"},
		"status=429 retry-after=7": {429, "scripted_429"}, "status=503": {503, "scripted_503"}, "status=500": {502, "scripted_500"},
		"status=401": {502, "scripted_401"}, "html=1": {502, "bad_answer"},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprint(script, " stream=", stream), func(t *testing.T) {
				w.eventually("the operator is asked again", func() bool { return len(w.gateway.Gateway.Serving()) == 1 })
				resp, body, err := w.run(t.Context(), stream, script)
				if err != nil {
					t.Fatal(err)
				}
				var answer struct {
					Error struct{ Message, Type, Code string }
				}
				if err := json.Unmarshal([]byte(body), &answer); err != nil {
					t.Fatalf("%s: %v", body, err)
				}
				if resp.StatusCode != want.status || answer.Error.Code != want.code || answer.Error.Type == "" {
					t.Errorf("%d %s, want %d %s", resp.StatusCode, body, want.status, want.code)
				}
				if want.status == 429 && resp.Header.Get("Retry-After") != "7" {
					t.Errorf("Retry-After %q, want the model server's", resp.Header.Get("Retry-After"))
				}
				if again := resp.Header.Get("X-Should-Retry"); (want.status < 429) != (again == "false") {
					t.Errorf("X-Should-Retry %q", again)
				}
				if resp, _, err := w.run(t.Context(), false, "tokens=1"); err == nil && resp.StatusCode == 200 {
					return // closes the breaker
				}
				w.eventually("the operator answers again", func() bool {
					resp, _, err := w.run(t.Context(), false, "tokens=1")
					return err == nil && resp.StatusCode == 200
				})
			})
		}
	}
}

// TestQueue: requests beyond an operator's slots wait for one; a client that leaves the queue is never sent on; a full
// queue, and a wait that is too long, are said clearly.
func TestQueue(t *testing.T) {
	w := newWorld(t)
	model := w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	full, release := context.WithCancel(t.Context())
	defer release()
	var held sync.WaitGroup
	for range 4 { // OperatorConfig.MaxConcurrent
		held.Go(func() { _, _, _ = w.run(full, false, "hold=0 tag=held") })
	}
	w.eventually("every slot is taken", func() bool { return model.Stats("held").Calls == 4 })
	w.gateway.Gateway.queue.most, w.gateway.Gateway.queue.wait = 2, worldWait

	gone, leave := context.WithCancel(t.Context())
	left, served := make(chan error, 1), make(chan string, 1)
	go func() { _, _, err := w.run(gone, true, "tag=gone"); left <- err }()
	w.eventually("one waits", func() bool { return w.queued() == 1 })
	go func() { _, body, _ := w.run(t.Context(), true, "tokens=3 tag=served"); served <- body }()
	w.eventually("two wait", func() bool { return w.queued() == 2 })
	resp, body, err := w.run(t.Context(), true, "tag=third")
	if err != nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, `"overloaded"`) {
		t.Errorf("a third in a queue of two: %v, %s", resp, body)
	}
	leave()
	if err := <-left; err == nil {
		t.Error("a client that left was answered")
	}
	w.eventually("its place is free", func() bool { return w.queued() == 1 })
	release()
	if body := <-served; !strings.HasSuffix(body, "data: [DONE]\n\n") {
		t.Errorf("the one that waited got %s", body)
	}
	held.Wait()
	if n := model.Stats("gone").Calls + model.Stats("third").Calls; n != 0 {
		t.Errorf("%d requests were sent on that should not have been", n)
	}
}

func (w *world) queued() int { return w.gateway.Gateway.queue.length() }

// TestQueueTurn: each way out of the queue.
func TestQueueTurn(t *testing.T) {
	q := queue{most: 1, wait: 20 * time.Millisecond}
	var api *openai.APIError
	if err := q.turn(t.Context(), &place{began: time.Now(), busy: []string{"op"}}); !errors.As(err, &api) || api.Status != 503 || api.RetryAfter == 0 {
		t.Errorf("after the longest wait: %v", err)
	}
	q.wait = worldWait
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.turn(ctx, &place{began: time.Now(), busy: []string{"op"}}); err != context.Canceled {
		t.Errorf("client gone: %v", err)
	}
	woken := make(chan error, 1)
	go func() { woken <- q.turn(t.Context(), &place{began: time.Now(), busy: []string{"op"}}) }()
	for len(woken) == 0 {
		q.wake("op")
		time.Sleep(time.Millisecond)
	}
	if err := <-woken; err != nil || len(q.waiting) != 0 {
		t.Errorf("woken: %v, %d left in the queue", err, len(q.waiting))
	}
}

// TestQueueHearsOfFailures: a request that got no first byte frees its slot all the same, and the oldest that waits is told.
func TestQueueHearsOfFailures(t *testing.T) {
	w := newWorld(t)
	model := w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	waits := func() <-chan struct{} {
		return w.gateway.Gateway.queue.join(&place{began: time.Now(), busy: w.gateway.Gateway.Serving()})
	}
	turn := waits()
	if resp, body, err := w.run(t.Context(), true, "status=500"); err != nil || resp.StatusCode != 502 {
		t.Fatalf("%v %s %v", resp, body, err)
	}
	select {
	case <-turn:
	default:
		t.Error("nobody is told of the slot of a request that failed")
	}
	turn = waits()
	gone, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { _, _, err := w.run(gone, true, "hold=0 tag=gone"); left <- err }()
	w.eventually("it is under way", func() bool { return model.Stats("gone").Calls == 1 })
	leave()
	<-left
	select {
	case <-turn:
	case <-time.After(worldWait):
		t.Error("nobody is told of the slot of a client that left")
	}
}

// TestTrialHoldsNobodyUp: once a lost operator has taken the order of the request on trial, others are served beside it, however long
// it is, streamed or not; a model whose server failed keeps them waiting until its answer begins.
func TestTrialHoldsNobodyUp(t *testing.T) {
	for _, stream := range []bool{true, false} {
		w := newWorld(t)
		model := w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
		g := w.gateway.Gateway
		p := g.candidates(g.now())[0].Ref.(*priced)
		try := func(script string) (leave func()) {
			long, cancel := context.WithCancel(t.Context())
			left := make(chan error, 1)
			go func() { _, _, err := w.run(long, stream, script); left <- err }()
			return func() {
				cancel()
				<-left
				w.eventually("it is over", func() bool { return g.health.inFlight(p.peer) == 0 })
			}
		}
		served := func() bool { return g.health.paused(p.endpoint(), g.now()) == "" }
		beside := func(what string, status int) {
			t.Helper()
			if resp, body, err := w.run(t.Context(), true, "tokens=1"); err != nil || resp.StatusCode != status {
				t.Errorf("beside %s, stream %v: %v %s %v", what, stream, resp, body, err)
			}
		}
		g.health.fault(p.endpoint(), errors.New("lost"), g.now().Add(-pauseFirst))
		leave := try("hold=0 tag=lost")
		w.eventually("its order is taken", func() bool { return model.Stats("lost").Calls == 1 && served() })
		beside("a long answer on trial", 200)
		leave()
		g.health.fault(p.endpoint(), errRefusedAlone, g.now().Add(-pauseFirst))
		leave = try("hold=0 tag=silent")
		w.eventually("it is under way", func() bool { return model.Stats("silent").Calls == 1 })
		beside("a model that does not answer yet", 503)
		leave()
		if stream {
			leave = try("tokens=5 hold=3 tag=begun")
			w.eventually("it has begun", func() bool { return model.Stats("begun").Calls == 1 && served() })
			beside("a model on trial that answers", 200)
			leave()
		}
	}
}

// TestCutAnswers: an answer that breaks off is never a clean end, streamed or not.
func TestCutAnswers(t *testing.T) {
	w := newWorld(t)
	w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	for _, script := range []string{"tokens=20 cut=10", "tokens=20 error=10"} {
		resp, body, err := w.run(t.Context(), true, script)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: %v %v", script, resp, err)
		}
		events := strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n")
		last := events[len(events)-1]
		if strings.Contains(body, "[DONE]") || !strings.HasPrefix(last, `data: {"error":{"message":`) || !strings.Contains(last, `"partial"`) && !strings.Contains(last, `"receipt_id"`) {
			t.Errorf("%s ended with %s", script, last)
		}
		if n := strings.Count(body, `"content":"t`); n == 0 || n > 10 {
			t.Errorf("%s: %d tokens arrived of 10", script, n)
		}
		w.waitServing(1)
		resp, body, err = w.run(t.Context(), false, script)
		if err != nil || resp.StatusCode != 502 || !strings.Contains(body, `"error"`) {
			t.Errorf("%s, not streamed: %v, %v, %s", script, resp, err, body)
		}
		w.eventually("the operator answers again", func() bool {
			resp, _, err := w.run(t.Context(), false, "tokens=1")
			return err == nil && resp.StatusCode == 200
		})
	}
}

// TestCutAnswerBillsThePrompt: of an answer that broke off no server has counted the prompt, and what in it is no text is not
// billed as if it were.
func TestCutAnswerBillsThePrompt(t *testing.T) {
	w := newWorld(t)
	w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	parts := []any{
		map[string]string{"type": "text", "text": "@script tokens=20 cut=10"},
		map[string]any{"type": "input_audio", "input_audio": map[string]string{"format": "wav", "data": strings.Repeat("UklGRg", 30_000)}},
	}
	resp, body, err := w.run(t.Context(), true, "", "messages", []any{map[string]any{"role": "user", "content": parts}}, "metadata", map[string]string{"of": strings.Repeat("x", 10_000)})
	if err != nil || resp.StatusCode != 200 || !strings.Contains(body, `"partial":true`) {
		t.Fatalf("%v %v\n%s", resp, err, body)
	}
	got := w.receipts()
	if len(got) != 1 || got[0].Receipt.InputTokens < 10 || got[0].Receipt.InputTokens > 600 || got[0].Receipt.OutputTokens == 0 {
		t.Errorf("billed as %+v", got[0].Receipt)
	}
}

// TestClientGoneReleasesTheModelServer: before the first byte and in the middle, streamed or not; nothing is left counted.
func TestClientGoneReleasesTheModelServer(t *testing.T) {
	w := newWorld(t)
	model := w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	for i, c := range []struct {
		stream bool
		script string
		sent   int
	}{{false, "hold=0", 0}, {true, "hold=0", 0}, {false, "tokens=9 hold=4", 0}, {true, "tokens=9 hold=4", 4}} {
		tag := fmt.Sprint("gone", i)
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { _, _, err := w.run(ctx, c.stream, c.script+" tag="+tag); left <- err }()
		w.eventually("the model server works", func() bool { s := model.Stats(tag); return s.Calls == 1 && len(s.SentAt) == c.sent })
		at := time.Now()
		leave()
		if err := <-left; err == nil {
			t.Error("a client that left was answered")
		}
		w.eventually("the model server is released", func() bool { return model.Stats(tag).Released == 1 })
		t.Logf("%s, stream %v: released after %d ms", c.script, c.stream, model.Stats(tag).LeftAt[0]-at.UnixMilli())
	}
	// A broken stream would be billed by a partial receipt: this one was cancelled, and its operator has signed for what it sent.
	w.eventually("what was sent is billed", func() bool { return len(w.receipts()) > 0 })
	if got := w.receipts(); len(got) != 1 || got[0].Partial || got[0].Receipt.OutputTokens != 4 {
		t.Errorf("billed as %+v", got)
	}
	w.eventually("no request is counted as under way", func() bool {
		for _, c := range w.gateway.Gateway.candidates(time.Now()) {
			if c.Load != 0 {
				return false
			}
		}
		return true
	})
}

// TestFirstByteTimeout: an operator that says nothing is given up for the next one, and its model server is released.
func TestFirstByteTimeout(t *testing.T) {
	w := newWorld(t)
	cfg := *w.gateway.Gateway.cfg.Load()
	cfg.Timeouts.FirstByte = 300 * time.Millisecond
	w.gateway.Gateway.cfg.Store(&cfg)
	slow := w.scriptedOperator(Price{InputPerMTok: 500_000, OutputPerMTok: 1_000_000})
	resp, body, err := w.run(t.Context(), true, "hold=0 tag=slow")
	if err != nil || resp.StatusCode != 504 || !strings.Contains(body, "first_byte_timeout") {
		t.Errorf("alone: %v, %v, %s", resp, err, body)
	}
	w.eventually("the model server is released", func() bool { return slow.Stats("slow").Released == 1 })
	w.honestOperator()
	w.waitServing(2)
	resp, body, err = w.run(t.Context(), true, "hold=0 tag=again")
	if err != nil || resp.StatusCode != 200 || !strings.HasSuffix(body, "data: [DONE]\n\n") || slow.Stats("again").Calls != 1 {
		t.Errorf("with a second operator: %v, %v, %s", resp, err, body)
	}
}

// TestMostTellingFault: of what several operators failed with, the client is told what a model server said of its request,
// whoever was tried first.
func TestMostTellingFault(t *testing.T) {
	broken := &modelFault{Status: 500, Message: "out of memory"}
	busy := &modelFault{Status: 429, Message: "busy"}
	tooLong := &modelFault{Status: 400, Code: "context_length_exceeded", Message: "too long"}
	for _, c := range []struct {
		faults []error
		status int
		code   string
	}{
		{[]error{errors.New("lost"), broken, tooLong}, 400, "context_length_exceeded"},
		{[]error{tooLong, broken}, 400, "context_length_exceeded"},
		{[]error{busy, tooLong}, 400, "context_length_exceeded"},
		{[]error{errors.New("lost"), broken, busy}, 502, "model_server_error"},
		{[]error{errors.New("lost")}, 503, "no_operator_answered"},
	} {
		for i, err := range c.faults {
			c.faults[i] = fmt.Errorf("operator %d: %w", i, err)
		}
		if e := noAnswer(&noAnswerError{c.faults}); e.Status != c.status || e.Code != c.code {
			t.Errorf("%v: %d %s, want %d %s", c.faults, e.Status, e.Code, c.status, c.code)
		}
	}
}

// TestFaultCodes: a code is a word, not an HTTP status once more, which servers put there also under another status.
func TestFaultCodes(t *testing.T) {
	for code, want := range map[string]string{"": "model_server_error", "500": "model_server_error", "400": "model_server_error", "oom": "oom"} {
		if e := (&modelFault{Status: 502, Code: code}).apiError(); e.Code != want {
			t.Errorf("code %q became %q, want %q", code, e.Code, want)
		}
	}
}

// TestOthersAreTriedFirst: an operator whose server fails does not use up the attempts with its other offers.
func TestOthersAreTriedFirst(t *testing.T) {
	w := newWorld(t)
	failing := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/models" {
			http.Error(rw, `{"error":{"message":"out of memory"}}`, http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(rw, `{"object":"list","data":[{"id":%q}]}`, worldModel)
	}))
	t.Cleanup(failing.Close)
	b, err := backend.New(failing.URL, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var cheap []ServedModel
	for _, q := range []string{"q4_0", "q5_0", "q6_k", "q8_0"} {
		cheap = append(cheap, ServedModel{Model: worldModel, BackendModel: worldModel, Backend: b, Quantization: q, MaxContext: 1 << 20, Price: Price{InputPerMTok: 1, OutputPerMTok: 1}})
	}
	w.open(Config{
		DataDir: t.TempDir(), Key: testKey(t), Bootstrap: w.gateway.Addrs(), Operator: &OperatorConfig{Stake: 50_000_000, Models: cheap},
	})
	w.eventually("four offers are served", func() bool { return len(w.gateway.Gateway.Serving()) == 4 })
	w.scriptedModel(ServedModel{Price: Price{InputPerMTok: 1_000_000, OutputPerMTok: 1_000_000}})
	w.eventually("both are served", func() bool { return len(w.gateway.Gateway.Serving()) == 5 })
	resp, raw := w.say(worldAPIKey, "@script tokens=2", "")
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%d %s, want the answer of the other operator", resp.StatusCode, raw)
	}
}
