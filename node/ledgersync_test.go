package node

import (
	"encoding/json"
	"strings"
	"testing"

	"flotilla/p2p"
	"flotilla/settlement"
)

// Partial receipts with long decisions, as a large fleet makes them, are brought a few at a time: a message of all would be
// refused whenever it was sent.
func TestPartialsFitAMessage(t *testing.T) {
	long := json.RawMessage(`"` + strings.Repeat("x", 70<<10) + `"`)
	var req ledgerRequest
	for range maxPartialsPerSync {
		req.Partials = append(req.Partials, settlement.Bundle{DecisionJSON: long})
	}
	raw, err := req.fit()
	if err != nil || len(raw) > p2p.MaxRequestBytes {
		t.Fatalf("%d bytes (%v), at most %d are taken", len(raw), err, p2p.MaxRequestBytes)
	}
	var got ledgerRequest
	if err := decode(raw, &got); err != nil || len(got.Partials) != len(req.Partials) || len(got.Partials) == 0 {
		t.Errorf("%d of %d receipts in the message (%v)", len(got.Partials), len(req.Partials), err)
	}
	small := ledgerRequest{Partials: make([]settlement.Bundle, maxPartialsPerSync)}
	if _, err := small.fit(); err != nil || len(small.Partials) != maxPartialsPerSync {
		t.Errorf("%d of %d short receipts fit (%v)", len(small.Partials), maxPartialsPerSync, err)
	}
}
