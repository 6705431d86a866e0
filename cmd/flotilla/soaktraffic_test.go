package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// kind is one sort of request of the soak, as one of a hundred.
type kind struct {
	name    string
	percent int
	stream  bool
	script  string
	leave   int           // after so many pieces the client leaves; 0: it stays
	within  time.Duration // the client waits no longer; 0: as long as it takes
	broken  bool          // the model server breaks off: nothing but an error may come of it
}

const soakTokens = 20

// soakKinds are the traffic. What is not whole by its script must never look whole to a client.
var soakKinds = []kind{
	{name: "stream", percent: 48, stream: true},
	{name: "plain", percent: 30},
	{name: "client leaves", percent: 10, stream: true, script: "delay=2ms", leave: 5},
	{name: "leaves before the first byte", percent: 3, stream: true, script: "first=5s", within: 100 * time.Millisecond},
	{name: "cut stream", percent: 4, stream: true, script: "cut=7", broken: true},
	{name: "error in the stream", percent: 3, stream: true, script: "error=9", broken: true},
	{name: "cut answer", percent: 1, script: "cut=3", broken: true},
	{name: "server error", percent: 1, script: "status=500", broken: true},
}

// heard is what a client made of one request.
type heard struct {
	kind    *kind
	receipt string // of the headers
	status  int
	whole   bool   // a clean end
	failed  bool   // an error status, event, or a connection that broke off
	tokens  int    // that arrived
	cost    uint64 // that the bill said, µUSD
	billed  bool
}

// traffic sends requests and keeps what came of them.
type traffic struct {
	url, key string
	client   *http.Client

	mu    sync.Mutex // guards below
	heard []heard
	wrong []string // what no client should see
}

func newTraffic(url, key string, clients int) *traffic {
	return &traffic{url: url, key: key, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}}
}

func pickKind() *kind {
	n := rand.IntN(100)
	for i := range soakKinds {
		if n -= soakKinds[i].percent; n < 0 {
			return &soakKinds[i]
		}
	}
	panic("the kinds do not add up to 100")
}

// one sends a request of the kind and judges the answer. Any may end in an error: its operator may have been killed.
func (tr *traffic) one(ctx context.Context, k *kind) {
	h := tr.send(ctx, k)
	complaint := ""
	switch {
	case h.whole && k.broken:
		complaint = "an answer that broke off ended cleanly"
	case h.whole && h.tokens != soakTokens:
		complaint = fmt.Sprintf("silent truncation: a clean end after %d of %d tokens", h.tokens, soakTokens)
	case h.whole && !h.billed:
		complaint = "a whole answer without a bill"
	case h.whole && h.receipt == "":
		complaint = "a whole answer without a receipt"
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.heard = append(tr.heard, h)
	if complaint != "" && len(tr.wrong) < 20 {
		tr.wrong = append(tr.wrong, fmt.Sprintf("%s: %s (receipt %s)", k.name, complaint, h.receipt))
	}
}

func (tr *traffic) send(ctx context.Context, k *kind) (h heard) {
	h.kind = k
	if k.within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, k.within)
		defer cancel()
	}
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	options := ""
	if k.stream {
		options = `"stream_options":{"include_usage":true},`
	}
	body := fmt.Sprintf(`{"model":%q,"stream":%t,%s"max_tokens":50,"messages":[{"role":"user","content":"@script tokens=%d %s"}]}`,
		testModel, k.stream, options, soakTokens, k.script)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, tr.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		panic(err) // the URL is made here
	}
	req.Header.Set("Authorization", "Bearer "+tr.key)
	resp, err := tr.client.Do(req)
	if err != nil {
		h.failed = true
		return h
	}
	defer resp.Body.Close()
	h.status, h.receipt = resp.StatusCode, resp.Header.Get("X-Flotilla-Receipt")
	if !k.stream || h.status != http.StatusOK {
		h.readWhole(resp.Body)
		return h
	}
	h.readStream(resp.Body, k.leave)
	return h
}

// answerJSON is what a client reads of an answer, whole or in pieces.
type answerJSON struct {
	Choices []struct {
		Delta, Message struct{ Content string }
	}
	Usage *struct {
		Flotilla struct {
			CostMicroUSD uint64 `json:"cost_micro_usd"`
		}
	}
	Error *struct{}
}

func (h *heard) take(a answerJSON) {
	for _, c := range a.Choices {
		h.tokens += strings.Count(c.Delta.Content+c.Message.Content, "t")
	}
	if a.Usage != nil {
		h.billed, h.cost = true, a.Usage.Flotilla.CostMicroUSD
	}
	h.failed = h.failed || a.Error != nil
}

func (h *heard) readWhole(body io.Reader) {
	var a answerJSON
	raw, err := io.ReadAll(body)
	if err != nil || json.Unmarshal(raw, &a) != nil {
		h.failed = true
		return
	}
	h.take(a)
	h.whole = h.status == http.StatusOK && !h.failed
}

// readStream reads events until the end, or until the client has had enough.
func (h *heard) readStream(body io.Reader, leave int) {
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			h.whole = !h.failed
			return
		}
		var a answerJSON
		if json.Unmarshal([]byte(data), &a) != nil {
			h.failed = true
			return
		}
		if h.take(a); leave > 0 && h.tokens >= leave {
			return
		}
	}
	h.failed = true // no end: the connection broke off
}
