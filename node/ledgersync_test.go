package node

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

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

// A message is about one payer: each more would be a question to the chain.
func TestLedgerMessageHasOnePayer(t *testing.T) {
	of := func(payer byte) settlement.Bundle {
		return settlement.Bundle{Receipt: settlement.Receipt{Payer: common.Address{payer}}}
	}
	voucher := &settlement.Voucher{Payer: common.Address{1}}
	for name, tt := range map[string]struct {
		req ledgerRequest
		ok  bool
	}{
		"one":             {ledgerRequest{Voucher: voucher, Partials: []settlement.Bundle{of(1), of(1)}}, true},
		"voucher alone":   {ledgerRequest{Voucher: voucher}, true},
		"receipts alone":  {ledgerRequest{Partials: []settlement.Bundle{of(1)}}, true},
		"nothing":         {ledgerRequest{}, false},
		"another voucher": {ledgerRequest{Voucher: voucher, Partials: []settlement.Bundle{of(2)}}, false},
		"another receipt": {ledgerRequest{Partials: []settlement.Bundle{of(1), of(2), of(1)}}, false},
	} {
		payer, err := tt.req.payer()
		if (err == nil) != tt.ok || tt.ok && payer != (common.Address{1}) {
			t.Errorf("%s: payer %v, %v", name, payer, err)
		}
	}
}
