package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"flotilla/settlement"
	"flotilla/testnet"
)

var errNotYet = errors.New("not yet")

// The cheaper operator dies before it has said anything: the other one answers, and the dead one is owed nothing.
func TestOperatorKilledBeforeFirstByte(t *testing.T) {
	f := newFleet(t)
	f.startGateway("--settle-every", "1s")
	held, whole := newModelServer(t, 6, 0), newModelServer(t, 6, -1)
	alder := f.startOperator("alder", held.URL, "1/2")
	f.startOperator("birch", whole.URL, "10/20")
	f.waitServing(2)

	go func() { <-held.reached; alder.kill() }()
	a := f.chat("hello")
	if !a.done || a.err != "" || strings.Count(a.text, "tok") != 6 {
		t.Fatalf("answer %+v, want six tokens and a clean end", a)
	}
	if want := strings.ToLower(testnet.DevAddress("birch").Hex()); !strings.HasPrefix(a.operator, want) {
		t.Errorf("answered by %s, want birch (%s)", a.operator, want)
	}
	if held.requests.Load() != 1 {
		t.Errorf("the dead operator was asked %d times, want once", held.requests.Load())
	}
	paid := f.settled(1)
	if paid[testnet.DevAddress("alder")] != 0 {
		t.Errorf("the dead operator was paid %s", paid[testnet.DevAddress("alder")])
	}
}

// The operator dies in the middle: the client gets a clear error and no clean end, the gateway bills what it
// delivered and nothing else, and the operator signs that receipt when it is back. Nothing is paid twice.
func TestOperatorKilledMidStream(t *testing.T) {
	f := newFleet(t)
	f.startGateway("--settle-every", "1s")
	held := newModelServer(t, 20, 7)
	alder := f.startOperator("alder", held.URL, "10/20")
	f.waitServing(1)

	a := f.chatUntil("hello", func(tokens int) bool {
		if tokens == 7 { // all that the model server says before it waits
			alder.kill()
		}
		return true
	})
	if a.done || a.err == "" {
		t.Fatalf("answer %+v, want an error event and no [DONE]", a)
	}
	delivered := strings.Count(a.text, "tok")
	if delivered != 7 {
		t.Fatalf("%d tokens delivered, want 7", delivered)
	}
	bs := f.bundles()
	if len(bs) != 1 || !bs[0].Partial || int(bs[0].Receipt.OutputTokens) != delivered {
		t.Fatalf("receipts %+v, want one partial receipt for %d tokens", bs, delivered)
	}
	f.startOperator("alder", newModelServer(t, 3, -1).URL, "10/20")
	f.eventually("the operator signs the partial receipt", func() error {
		if len(f.bundles()[0].OperatorSig) == 0 {
			return errNotYet
		}
		return nil
	})
	f.settled(1)
	f.waitServing(1)
	if a := f.chat("again"); !a.done || a.err != "" {
		t.Fatalf("answer after the restart: %+v", a)
	}
	f.settled(2)
}

// The gateway dies after it has served and before it has settled: after a restart everything is settled, once.
func TestGatewayKilledBeforeSettling(t *testing.T) {
	f := newFleet(t)
	f.startGateway("--settle-every", "1h")
	f.startOperator("alder", newModelServer(t, 5, -1).URL, "10/20")
	f.waitServing(1)
	for range 3 {
		if a := f.chat("hello"); !a.done || a.err != "" {
			t.Fatalf("answer %+v", a)
		}
	}
	before := f.bundles()
	if len(before) != 3 {
		t.Fatalf("%d receipts before the kill, want 3", len(before))
	}
	f.gateway.kill()
	f.startGateway("--settle-every", "1s")
	f.settled(3)
	// Let a few more settling rounds pass by serving and settling again: the first three must not be paid again.
	f.waitServing(1)
	if a := f.chat("once more"); !a.done || a.err != "" {
		t.Fatalf("answer after the restart: %+v", a)
	}
	f.settled(4)
}

// A client that leaves stops the operator's generation, and pays for what it got.
func TestClientGoneCancelsGeneration(t *testing.T) {
	f := newFleet(t)
	f.startGateway("--settle-every", "1s")
	held := newModelServer(t, 20, 4)
	f.startOperator("alder", held.URL, "10/20")
	f.waitServing(1)
	f.chatUntil("hello", func(tokens int) bool { return tokens < 4 })
	f.eventually("the model server is released", func() error {
		if held.gone.Load() != 1 {
			return errNotYet
		}
		return nil
	})
	f.settled(1)
	b := f.bundles()[0]
	if b.Partial || len(b.OperatorSig) == 0 || b.Receipt.OutputTokens != 4 {
		t.Errorf("receipt of the cancelled answer: partial %v, %d output tokens, operator signature %d bytes; want 4 tokens signed by both",
			b.Partial, b.Receipt.OutputTokens, len(b.OperatorSig))
	}
}

// A client that leaves before the first byte releases the model server as well, and owes nothing.
func TestClientGoneBeforeFirstByte(t *testing.T) {
	f := newFleet(t)
	f.startGateway("--settle-every", "1s")
	held := newModelServer(t, 20, 0)
	f.startOperator("alder", held.URL, "10/20")
	f.waitServing(1)
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-held.reached; leave() }()
	if _, err := f.streamRequest(ctx, "hello"); err == nil {
		t.Fatal("got an answer from a model server that says nothing")
	}
	f.eventually("the model server is released", func() error {
		if held.gone.Load() != 1 {
			return errNotYet
		}
		return nil
	})
	if n := len(f.bundles()); n != 0 {
		t.Errorf("%d receipts for an answer that never began", n)
	}
}

// The verifier refuses a receipt that was changed, moved to another batch, or given twice.
func TestVerifyRefuses(t *testing.T) {
	f := newFleet(t)
	f.startGateway("--settle-every", "1s")
	f.startOperator("alder", newModelServer(t, 5, -1).URL, "10/20")
	f.waitServing(1)
	f.chat("one")
	f.settled(1)
	f.chat("two")
	f.settled(2)
	bs := f.bundles()
	cases := map[string]struct {
		change func(*settlement.Bundle)
		want   error
	}{
		"amount":      {func(b *settlement.Bundle) { b.Receipt.Amount++ }, settlement.ErrBadSignature},
		"other batch": {func(b *settlement.Bundle) { b.Inclusion = bs[1].Inclusion }, settlement.ErrNotInBatch},
		"price":       {func(b *settlement.Bundle) { b.Advert.OutputPerMTok = 1 }, settlement.ErrBadSignature},
		"decision":    {func(b *settlement.Bundle) { b.DecisionJSON = []byte(`{"why":"other"}`) }, settlement.ErrDecisionMismatch},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := bs[0]
			c.change(&b)
			report := settlement.Verify(t.Context(), b, f.reader, settlement.VerifyOptions{Domain: f.domain})
			err := report.Err()
			if err == nil {
				t.Fatal("a changed receipt was verified")
			}
			if !errors.Is(err, settlement.ErrVerifyFailed) || !slices.ContainsFunc(report.Checks, func(k settlement.Check) bool { return errors.Is(k.Err, c.want) }) {
				t.Errorf("refused with %v, want %v", err, c.want)
			}
		})
	}
	if _, err := f.call(http.MethodGet, "/v1/receipts/0x00", nil); err == nil {
		t.Error("a malformed receipt id was accepted")
	}
}
