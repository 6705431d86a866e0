package settlement_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

// TestStatus follows one batch through the states that people and metrics see.
func TestStatus(t *testing.T) {
	f := newFixture(t, 2)
	f.chain.SetLaneCost(1)
	l := f.open(t, f.gateway, "")
	s := settlement.NewSettler(l, f.chain, settlement.SettlerConfig{Confirmations: 3})
	show := func() settlement.SettleStatus {
		t.Helper()
		st, err := s.Status()
		if err != nil {
			t.Fatal(err)
		}
		var again settlement.SettleStatus
		if err := json.Unmarshal(mustJSON(t, st), &again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(st, again); diff != "" {
			t.Errorf("status is not what its JSON says (-status +json):\n%s", diff)
		}
		return st
	}
	if st := show(); st.Payer != f.gateway.addr || st.Pending.Receipts != 0 || st.InFlight != nil || st.SettledEpoch != 0 || !st.SettledAt.IsZero() {
		t.Errorf("new ledger: %+v", st)
	}
	f.accept(t, l, 0, 1)
	f.accept(t, l, 0, 2)
	f.accept(t, l, 1, 3)
	st := show()
	if st.Pending.Receipts != 3 || st.Pending.Value != 3*42 || st.Pending.Oldest.IsZero() || st.LaneCount != 2 || len(st.Lanes) != 2 {
		t.Fatalf("three receipts pending: %+v", st)
	}
	if dearest := st.Lanes[0]; dearest.Payee != f.operators[0].addr || dearest.Receipts != 2 || dearest.Value != 2*42 || dearest.Why == "" {
		t.Errorf("dearest lane %+v", dearest)
	}
	if _, err := l.Seal(t.Context(), 1, nil); err != nil {
		t.Fatal(err)
	}
	if b := show().InFlight; b == nil || b.State != "sealed" || b.Receipts != 3 || b.Lanes != 2 || b.Epoch != 1 || b.Sent != 0 || b.SealedAt.IsZero() {
		t.Errorf("sealed: %+v", b)
	}
	f.chain.FailCall(memchain.SubmitBatch, 1) // as where gas is dearer than the ceiling
	if _, err := s.Recover(t.Context()); err == nil {
		t.Fatal("a chain that takes nothing has taken the batch")
	}
	if b := show().InFlight; b == nil || b.Sent != 0 {
		t.Errorf("what was not taken counts as sent: %+v", b)
	}
	for range 2 { // sends, then looks
		if _, err := s.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if b := show().InFlight; b == nil || b.State != "submitted" || b.Sent != 1 || b.Tx == (common.Hash{}) || b.Depth != 1 || b.Wanted != 3 {
		t.Errorf("submitted: %+v", b)
	}
	f.chain.MineBlocks(2)
	if inFlight, err := s.Recover(t.Context()); inFlight || err != nil {
		t.Fatalf("in flight %t (%v) at three blocks", inFlight, err)
	}
	if st := show(); st.InFlight != nil || st.SettledEpoch != 1 || st.SettledAt.IsZero() || st.Pending.Receipts != 0 || len(st.Lanes) != 0 {
		t.Errorf("settled: %+v", st)
	}
}

// TestChainDownIsToldOnce: half an hour without the chain is one line in the log, a state that says why, and no
// receipt less.
func TestChainDownIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 2)
		l := f.open(t, f.gateway, "")
		r := run(t, f, l, settlement.SettlerConfig{})
		f.chain.SetDown(true)
		for i := range 10 {
			f.accept(t, l, i%2, uint64(i+1))
			time.Sleep(3 * time.Minute)
		}
		if st := r.status(t); st.Error == "" || st.Pending.Receipts != 10 || time.Since(st.ErrorSince) < 25*time.Minute {
			t.Errorf("chain is down: %+v", st)
		}
		f.chain.SetDown(false)
		time.Sleep(time.Minute)
		if st := r.status(t); st.Error != "" || st.SettledEpoch != 1 {
			t.Errorf("chain is back: %+v", st)
		}
		r.stop()
		if log := r.log.String(); strings.Count(log, "settling waits") != 1 || strings.Count(log, "settling goes on") != 1 {
			t.Errorf("log:\n%s", log)
		}
		checkSettledOnce(t, f, l, 10)
	})
}
