package node

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"

	"flotilla/node/access"
	"flotilla/node/requestlog"
)

// moody answers by what the prompt says: whole or streamed, fails, breaks off after two tokens, or stops there until the
// caller has left.
func moody(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/chat/completions" {
		fiveTokens(rw, r)
		return
	}
	raw, _ := io.ReadAll(r.Body)
	body := string(raw)
	switch {
	case strings.Contains(body, "fail"):
		http.Error(rw, `{"error":{"message":"out of memory"}}`, http.StatusInternalServerError)
	case strings.Contains(body, `"stream":true`) && (strings.Contains(body, "break") || strings.Contains(body, "hang")):
		rw.Header().Set("Content-Type", "text/event-stream")
		for i := range 2 {
			fmt.Fprintf(rw, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"t%d \"}}]}\n\n", i)
		}
		_ = http.NewResponseController(rw).Flush()
		if strings.Contains(body, "hang") {
			<-r.Context().Done()
		}
	case strings.Contains(body, `"stream":true`):
		r.Body = io.NopCloser(strings.NewReader(body))
		fiveTokens(rw, r)
	default:
		rw.Header().Set("Content-Type", "application/json")
		fmt.Fprint(rw, `{"choices":[{"index":0,"message":{"role":"assistant","content":"one two three"},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":3}}`)
	}
}

// tell asks, and returns what the answer, read to its end, says that it costs; a prompt that hangs is left after its first line.
func (w *world) tell(key, prompt string, stream bool) (cost uint64) {
	w.t.Helper()
	ctx, leave := context.WithCancel(w.t.Context())
	defer leave()
	body := fmt.Sprintf(`{"model":%q,"stream":%t,"stream_options":{"include_usage":true},"max_tokens":20,"messages":[{"role":"user","content":%q}]}`, worldModel, stream, prompt)
	if !stream {
		body = strings.Replace(body, `"stream_options":{"include_usage":true},`, "", 1)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.gateway.HTTPAddr()+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return 0
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	var bill struct {
		Usage *struct {
			Flotilla struct {
				CostMicroUSD uint64 `json:"cost_micro_usd"`
			}
		}
		Error *struct {
			Flotilla struct {
				CostMicroUSD uint64 `json:"cost_micro_usd"`
			}
		}
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		line := strings.TrimPrefix(lines.Text(), "data: ")
		if strings.Contains(prompt, "hang") {
			return 0 // leaves
		}
		bill.Usage, bill.Error = nil, nil
		if json.Unmarshal([]byte(line), &bill) != nil {
			continue
		}
		switch {
		case bill.Usage != nil:
			cost = bill.Usage.Flotilla.CostMicroUSD
		case bill.Error != nil:
			cost = bill.Error.Flotilla.CostMicroUSD
		}
	}
	return cost
}

func (w *world) logged(f requestlog.Filter) []requestlog.Record {
	w.t.Helper()
	f.Limit = requestlog.MaxPage
	page, err := w.gateway.requests.List(w.t.Context(), f)
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Requests
}

// metered sums the cost counters of a key, in µUSD.
func (w *world) metered(key access.KeyID) (cost uint64, requests int) {
	w.t.Helper()
	families, err := w.gateway.metrics().Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() != "key" || l.GetValue() != string(key) {
					continue
				}
				switch f.GetName() {
				case "flotilla_cost_usd_total":
					cost += uint64(math.Round(m.GetCounter().GetValue() * 1e6))
				case "flotilla_requests_total":
					requests += int(m.GetCounter().GetValue())
				}
			}
		}
	}
	return cost, requests
}

// mixed is the traffic of several keys, and what their clients were told.
type mixed struct {
	sent, left int
	answers    map[access.KeyID][]uint64
}

// traffic sends all kinds of requests in parallel, and at last those that pause the operator or reach none.
func (w *world) traffic(keys []CreatedKey, rounds int) mixed {
	w.t.Helper()
	m := mixed{answers: map[access.KeyID][]uint64{}}
	var wg sync.WaitGroup
	var mu sync.Mutex
	send := func(k CreatedKey, prompt string, stream bool) {
		a := w.tell(k.Secret, prompt, stream)
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(prompt, "hang") {
			m.left++
		} else {
			m.answers[k.ID] = append(m.answers[k.ID], a)
		}
	}
	for _, k := range keys {
		for range rounds {
			for _, prompt := range []string{"hello", "hello you", "please break", "please hang"} {
				wg.Go(func() { send(k, prompt, true) })
			}
			for _, prompt := range []string{"hello", "hello you"} {
				wg.Go(func() { send(k, prompt, false) })
			}
			m.sent += 6
		}
	}
	wg.Wait()
	for _, k := range keys {
		send(k, "please fail", true)
		w.post(k.Secret, "/v1/chat/completions", chatBody("nobody-serves-this", false, 5))
		w.post(k.Secret, "/v1/chat/completions", `{`)
		m.sent += 3
	}
	return m
}

// Streams, whole answers, broken ones, clients that leave, failures and refusals, in parallel and from two keys: response,
// log, metric, budget and receipt say the same, to the µUSD.
func TestOneFigureEverywhere(t *testing.T) {
	w := newWorld(t)
	w.operatorOf(moody, OperatorConfig{MaxConcurrent: 64, MaxPerGateway: 64})
	keys := []CreatedKey{w.newKey(access.Terms{}), w.newKey(access.Terms{Budget: 1_000_000})}
	m := w.traffic(keys, 3)
	w.eventually("all is logged", func() bool { return len(w.logged(requestlog.Filter{})) == m.sent })
	statuses := map[int]int{}
	for _, k := range keys {
		u := w.usage(k.ID)
		receipts, n := w.sumOf(k.ID)
		var inLog, toClients, ofClients uint64
		billed := 0
		for _, r := range w.logged(requestlog.Filter{Key: string(k.ID)}) {
			statuses[r.Status]++
			inLog += r.CostMicroUSD
			if r.Status != 499 {
				toClients += r.CostMicroUSD
			}
			if r.Receipt == "" {
				continue
			}
			billed++
			if r.Model != worldModel || r.Operator == "" || r.Why == "" || r.FirstByteMillis <= 0 || r.TotalMillis < r.FirstByteMillis || r.Attempts < 1 {
				t.Errorf("record %+v", r)
			}
		}
		for _, a := range m.answers[k.ID] {
			ofClients += a
		}
		metered, counted := w.metered(k.ID)
		if uint64(u.Spent) != uint64(receipts) || inLog != uint64(receipts) || metered != uint64(receipts) || ofClients != toClients || u.Held != 0 || receipts == 0 {
			t.Errorf("%s: budget %d, receipts %d, log %d, metric %d; told to clients %d, of these in the log %d; held %d", k.ID, u.Spent, receipts, inLog, metered, ofClients, toClients, u.Held)
		}
		if n != billed || uint64(n) != u.Receipts || counted != m.sent/len(keys) {
			t.Errorf("%s: %d receipts, %d billed in the log, %d charged; %d of %d requests counted", k.ID, n, billed, u.Receipts, counted, m.sent/len(keys))
		}
	}
	if failed := m.sent - statuses[200] - statuses[499] - statuses[404] - statuses[400]; statuses[499] != m.left || m.left == 0 || statuses[404] != 2 || statuses[400] != 2 || failed == 0 {
		t.Errorf("statuses %v of %d, %d left", statuses, m.sent, m.left)
	}
	t.Logf("%d requests, statuses %v", m.sent, statuses)
}

func TestGenerationIsTheKeysOwn(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	a, b := w.newKey(access.Terms{}), w.newKey(access.Terms{})
	resp, _ := w.ask(a.Secret)
	receipt, request := resp.Header.Get("X-Flotilla-Receipt"), resp.Header.Get("X-Request-Id")
	get := func(key, id string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.gateway.HTTPAddr()+"/v1/generation?id="+id, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(raw)
	}
	w.eventually("the answer is billed", func() bool { return w.usage(a.ID).Receipts == 1 })
	for _, id := range []string{receipt, request, "chatcmpl-" + strings.TrimPrefix(receipt, "0x")} {
		if status, text := get(a.Secret, id); status != http.StatusOK || !strings.Contains(text, `"tokens_completion":5`) || !strings.Contains(text, `"receipt_id":"`+receipt+`"`) || !strings.Contains(text, `"operator_signature"`) && !strings.Contains(text, `"order"`) {
			t.Errorf("%s: %d %s", id, status, text)
		}
		if status, text := get(b.Secret, id); status != http.StatusNotFound {
			t.Errorf("%s with another key: %d %s", id, status, text)
		}
	}
}
