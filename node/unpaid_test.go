package node

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"flotilla/p2p"
)

// What the model makes is no more than the order pays for, whatever the request asks for.
func TestOperatorMakesNoMoreThanItIsPaidFor(t *testing.T) {
	w := newWorld(t)
	asked := make(chan string, 1)
	c := w.customer(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			raw, _ := io.ReadAll(r.Body)
			asked <- string(raw)
		}
		fiveTokens(rw, r)
	}, OperatorConfig{})
	body := `{"stream":true,"n":2,"max_tokens":1000000,"max_completion_tokens":1000000,"messages":[{"role":"user","content":"hi"}]}`
	if _, _, err := c.take(c.order(body), body); err != nil {
		t.Fatal(err)
	}
	if got := <-asked; !strings.Contains(got, `"max_tokens":10,`) || !strings.Contains(got, `"max_completion_tokens":10,`) {
		t.Errorf("20 tokens are paid for, the model was asked with %s", got)
	}
}

// endless is a model server that never comes to an end, with a word for each tick.
func endless(every time.Duration) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/chat/completions" {
			fiveTokens(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "text/event-stream")
		tick := time.NewTicker(every)
		defer tick.Stop()
		for ; ; <-tick.C {
			if _, err := fmt.Fprint(rw, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n"); err != nil || r.Context().Err() != nil {
				return
			}
			rw.(http.Flusher).Flush()
		}
	}
}

// An answer that takes longer than its order lives is cut then, and charged as far as it came: after the deadline no
// receipt counts.
func TestOperatorStopsAtTheDeadline(t *testing.T) {
	w := newWorld(t)
	c := w.customer(t, endless(200*time.Millisecond), OperatorConfig{})
	o := c.order(customerBody)
	o.Deadline = uint64(time.Now().Add(2 * time.Second).Unix())
	pieces, end, err := c.take(o, customerBody)
	if err != nil || pieces == 0 || pieces > 15 || end.Error == "" || end.OutputTokens != uint32(pieces) || len(end.Receipt) == 0 {
		t.Errorf("%d pieces, %+v, %v", pieces, end, err)
	}
	if c.owed() == 0 {
		t.Error("nothing is owed")
	}
}

// A gateway that breaks the stream in the middle of each answer, and never admits what it got, is served up to the credit limit
// and no further; what it admits is the ledger's to count.
func TestBrokenAnswersCountTowardsTheCreditLimit(t *testing.T) {
	const limit = 200
	w := newWorld(t)
	c := w.customer(t, endless(time.Millisecond), OperatorConfig{CreditLimit: limit})
	var rejected *p2p.RejectedError
	got := 0
	for answers := 0; answers < 50 && rejected == nil; {
		o := c.order(customerBody)
		o.MaxOutputTokens = 200
		call, err := c.ask(t.Context(), o, customerBody)
		if errors.As(err, &rejected) {
			if rejected.Code == p2p.CodeOverloaded { // the last one is not over yet
				rejected = nil
				time.Sleep(20 * time.Millisecond)
			}
			continue
		}
		answers++
		for n := 0; err == nil && n < 60; n++ {
			if _, err = call.Recv(t.Context()); err == nil {
				got++
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := call.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if rejected == nil || rejected.Code != codeNeedVoucher {
		t.Fatalf("%d tokens for nothing, and then %v", got, rejected)
	}
	if strings.Contains(rejected.Message, "0.000000 USD") || !strings.Contains(rejected.Message, "limit of 0.000200 USD") {
		t.Errorf("refused with %q: all that is owed is for broken answers, and the message does not say how much", rejected.Message)
	}
	book := &c.op.Operator.credit
	book.mu.Lock()
	answers := maps.Clone(book.answers)
	book.mu.Unlock()
	for id, a := range answers {
		book.admitted(id, a.amount)
		book.admitted(id, a.amount)
	}
	book.mu.Lock()
	defer book.mu.Unlock()
	if left := book.debtors[c.payer].broken; left != 0 {
		t.Errorf("%v is owed for what was admitted", left)
	}
}
