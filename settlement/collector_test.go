package settlement_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

// owedFixture is an operator that holds a voucher for one receipt of 42 base units from a gateway that never settles.
func owedFixture(t *testing.T) (*fixture, *settlement.Ledger) {
	f := newFixture(t, 1)
	gateway, op := f.open(t, f.gateway, ""), f.open(t, f.operators[0], "")
	o := f.opening(t, 0)
	f.record(t, gateway, o)
	b := o.Bundle(testDomain, receipt(t, o, 0), nil)
	b.Partial = false
	served, err := op.RecordServed(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	acc, err := gateway.AcceptReceipt(t.Context(), served)
	if err != nil {
		t.Fatal(err)
	}
	acc = vouched(t, gateway, acc)
	if _, err := op.AcceptSettlement(t.Context(), acc.ID, acc.GatewaySig, acc.Voucher, acc.VoucherSig); err != nil {
		t.Fatal(err)
	}
	return f, op
}

func claimable(t *testing.T, f *fixture) settlement.Amount {
	t.Helper()
	a, err := f.chain.Claimable(t.Context(), f.operators[0].addr)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A gateway that stops settling does not keep an operator from its money: after MaxWait the operator collects alone,
// once, and not before.
func TestCollectorSettlesWhenThePayerDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, op := owedFixture(t)
		c := settlement.NewCollector(op, f.chain, settlement.CollectorConfig{MaxWait: time.Hour})
		start := time.Now()
		for minute := range 59 {
			if err := c.Collect(t.Context(), start.Add(time.Duration(minute)*time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		if got := claimable(t, f); got != 0 {
			t.Fatalf("%v collected before the wait was over", got)
		}
		for minute := 60; minute < 180; minute++ {
			if err := c.Collect(t.Context(), start.Add(time.Duration(minute)*time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		if got := claimable(t, f); got != 42 {
			t.Fatalf("collected %v, want 0.000042 USD", got)
		}
		if n := f.chain.Calls(memchain.SettleVoucher); n != 1 {
			t.Errorf("%d vouchers sent, want 1", n)
		}
	})
}

// A thawing lane is collected at once, whatever gas costs: after the thaw the money is gone.
func TestCollectorDoesNotWaitForAThaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, op := owedFixture(t)
		f.chain.SetLaneCost(1_000_000)
		f.chain.ThawLane(f.gateway.addr, f.operators[0].addr, uint64(time.Now().Add(time.Hour).Unix()))
		c := settlement.NewCollector(op, f.chain, settlement.CollectorConfig{})
		if err := c.Collect(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		if got := claimable(t, f); got != 42 {
			t.Fatalf("collected %v, want 0.000042 USD", got)
		}
	})
}

// Dust waits: 42 base units are not worth 3 lanes of gas a hundred times over; when gas is cheap they are.
func TestCollectorWeighsGas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, op := owedFixture(t)
		c := settlement.NewCollector(op, f.chain, settlement.CollectorConfig{MaxWait: time.Hour, MinGain: 7})
		f.chain.SetLaneCost(3) // 42 / 3 / 7 = 2
		now := time.Now()
		for range 3 {
			if err := c.Collect(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Hour)
		}
		if got := claimable(t, f); got != 0 {
			t.Fatalf("%v collected at a loss", got)
		}
		f.chain.SetLaneCost(2)
		if err := c.Collect(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		if got := claimable(t, f); got != 42 {
			t.Fatalf("collected %v, want 0.000042 USD", got)
		}
	})
}

// A voucher whose transaction was dropped is sent again, and Run rides out a chain that is away for minutes.
func TestCollectorTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, op := owedFixture(t)
		f.chain.DropTx(memchain.SettleVoucher, 1)
		f.chain.SetDown(true)
		c := settlement.NewCollector(op, f.chain, settlement.CollectorConfig{MaxWait: time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		time.Sleep(10 * time.Minute) // virtual
		f.chain.SetDown(false)
		time.Sleep(time.Hour)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := claimable(t, f); got != 42 {
			t.Fatalf("collected %v, want 0.000042 USD", got)
		}
		if n := f.chain.Calls(memchain.SettleVoucher); n != 2 {
			t.Errorf("%d vouchers sent, want one dropped and one mined", n)
		}
	})
}

// A chain that is away for a day is told once, and that it is back.
func TestCollectorTellsOnceThatTheChainIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, op := owedFixture(t)
		var log bytes.Buffer
		c := settlement.NewCollector(op, f.chain, settlement.CollectorConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Hour)
		defer cancel()
		f.chain.SetDown(true)
		time.AfterFunc(24*time.Hour, func() { f.chain.SetDown(false) })
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if text := log.String(); strings.Count(text, "waits") != 1 || strings.Count(text, "goes on") != 1 {
			t.Errorf("want one line for each, got:\n%s", text)
		}
	})
}
