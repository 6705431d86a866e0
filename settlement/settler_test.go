package settlement_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

// checkSettledOnce re-derives from the ledger's receipts alone what the chain must hold: every receipt
// settled under exactly one root, and every lane paid the sum of its receipts.
func checkSettledOnce(t *testing.T, f *fixture, l *settlement.Ledger, receipts int) {
	t.Helper()
	var bundles []settlement.Bundle
	paid := make(map[int]settlement.Amount)
	places := make(map[string]bool)
	for r, err := range l.Receipts(settlement.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.State != settlement.StateSettled {
			t.Errorf("receipt %s is %v", r.Bundle.ID(), r.State)
			continue
		}
		bundles = append(bundles, r.Bundle)
		for i, op := range f.operators {
			if op.addr == r.Bundle.Receipt.Payee {
				paid[i] += r.Bundle.Receipt.Amount
			}
		}
		place := fmt.Sprintf("epoch %d, receipt %d", r.Bundle.Inclusion.Epoch, r.Bundle.Inclusion.Index)
		if places[place] {
			t.Errorf("two receipts at %s", place)
		}
		places[place] = true
	}
	if len(bundles) != receipts {
		t.Errorf("%d receipts settled, want %d", len(bundles), receipts)
	}
	for i, op := range f.operators {
		if got := f.chain.Claim(op.addr); got != paid[i] {
			t.Errorf("operator %d was paid %v, its receipts add up to %v", i, got, paid[i])
		}
	}
	for _, r := range settlement.VerifyAll(t.Context(), bundles, f.chain, settlement.VerifyOptions{Domain: testDomain}) {
		if err := r.Err(); err != nil {
			t.Error(err)
		}
	}
	if b := l.Backlog(); b != (settlement.Backlog{}) {
		t.Errorf("backlog %+v after settling all", b)
	}
}

// checkTransactions: every receipt names the transaction that settled it, also where another one was sent in vain.
func checkTransactions(t *testing.T, f *fixture, l *settlement.Ledger) {
	t.Helper()
	for r, err := range l.Receipts(settlement.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		inc := r.Bundle.Inclusion
		if a, err := f.chain.BatchAnchor(t.Context(), f.gateway.addr, inc.Epoch); err != nil || a.Tx != inc.Tx {
			t.Errorf("receipt %s names transaction %s, batch %d was settled by %s (%v)", r.Bundle.ID(), inc.Tx, inc.Epoch, a.Tx, err)
		}
	}
}

func TestSettleNow(t *testing.T) {
	f := newFixture(t, 3)
	l := f.open(t, f.gateway, t.TempDir())
	s := settlement.NewSettler(l, f.chain, settlement.SettlerConfig{Poll: time.Millisecond})
	if err := s.SettleNow(t.Context()); err != nil {
		t.Fatalf("nothing to settle: %v", err)
	}
	if n := f.chain.Calls(memchain.SubmitBatch); n != 0 {
		t.Errorf("submitted %d batches of nothing", n)
	}
	for round := range 3 {
		for i := range 5 {
			f.accept(t, l, i%3, uint64(10*round+i+1))
		}
		if err := s.SettleNow(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.chain.Calls(memchain.SubmitBatch); n != 3 {
		t.Errorf("submitted %d batches, want 3", n)
	}
	checkSettledOnce(t, f, l, 15)
}

// TestChainFailsAnywhere makes each call of each chain method fail once, in each way, and goes on as Run
// would: the same code again.
func TestChainFailsAnywhere(t *testing.T) {
	type fault func(*memchain.Chain, memchain.Method, int)
	for name, inject := range map[string]fault{
		"fail call":   (*memchain.Chain).FailCall,
		"drop tx":     (*memchain.Chain).DropTx,
		"lose answer": (*memchain.Chain).LoseAnswer,
	} {
		for _, m := range []memchain.Method{memchain.SubmitBatch, memchain.BatchAnchor, memchain.NextEpoch, memchain.TxStatus} {
			for nth := 1; nth <= 3; nth++ {
				t.Run(fmt.Sprintf("%s/%s %d", name, m, nth), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						f := newFixture(t, 2)
						f.chain.SlowMining(3 * time.Second)
						l := f.open(t, f.gateway, "")
						inject(f.chain, m, nth)
						settleByRun(t, f, l, 2)
						checkSettledOnce(t, f, l, 8)
						checkTransactions(t, f, l)
					})
				})
			}
		}
	}
}

// settleByRun accepts rounds of four receipts and lets Settler.Run settle them by age.
func settleByRun(t *testing.T, f *fixture, l *settlement.Ledger, rounds int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() {
		stopped <- settlement.NewSettler(l, f.chain, settlement.SettlerConfig{MaxAge: 10 * time.Second}).Run(ctx)
	}()
	for round := range rounds {
		for i := range 4 {
			f.accept(t, l, i%2, uint64(10*round+i+1))
		}
		time.Sleep(time.Minute) // virtual
	}
	cancel()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestRunSettlesByCountAndAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		l := f.open(t, f.gateway, "")
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		s := settlement.NewSettler(l, f.chain, settlement.SettlerConfig{MaxReceipts: 3, MaxAge: time.Hour})
		go func() { stopped <- s.Run(ctx) }()
		settled := func(want int) {
			t.Helper()
			synctest.Wait()
			time.Sleep(time.Second)
			if n := f.chain.Calls(memchain.SubmitBatch); n != want {
				t.Errorf("%d batches after %d receipts, want %d", n, l.Backlog().Receipts, want)
			}
		}
		f.accept(t, l, 0, 1)
		f.accept(t, l, 0, 2)
		settled(0)
		f.accept(t, l, 0, 3) // the third makes it due by count
		settled(1)
		f.accept(t, l, 0, 4)
		time.Sleep(59 * time.Minute)
		settled(1)
		time.Sleep(time.Minute) // the fourth is due by age
		settled(2)
		f.accept(t, l, 0, 5)
		if err := s.SettleNow(t.Context()); err != nil { // beside Run
			t.Error(err)
		}
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		checkSettledOnce(t, f, l, 5)
	})
}

func TestRunWaitsForTheChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 2)
		l := f.open(t, f.gateway, "")
		f.chain.SetDown(true)
		time.AfterFunc(30*time.Minute, func() { f.chain.SetDown(false) })
		settleByRun(t, f, l, 35)
		checkSettledOnce(t, f, l, 4*35)
	})
}

// errCrash stands for the process dying at a commit.
var errCrash = errors.New("crash")

// TestCrashAnywhere kills the gateway before and after every single commit, from the first receipt to
// the last settled batch, reopens the ledger and goes on.
func TestCrashAnywhere(t *testing.T) {
	t.Parallel()
	const receipts = 5
	for _, stage := range []settlement.CommitStage{settlement.BeforeCommit, settlement.AfterCommit} {
		for nth := 1; ; nth++ {
			crashed := false
			t.Run(fmt.Sprintf("stage %d, commit %d", stage, nth), func(t *testing.T) {
				crashed = crashAt(t, stage, nth, receipts)
			})
			if !crashed {
				if nth < 2*receipts+7 { // order and receipt each; seal, submission, three of inclusions, the end
					t.Errorf("only %d commits seen: the test does not reach all steps", nth-1)
				}
				break
			}
			if t.Failed() {
				return
			}
		}
	}
}

// crashAt runs one gateway life that ends at the nth commit, and a second one that finishes the work. It
// returns false when there are fewer commits.
func crashAt(t *testing.T, stage settlement.CommitStage, nth, receipts int) bool {
	f := newFixture(t, 2)
	dir := t.TempDir()
	l := f.open(t, f.gateway, dir)
	l.SmallCommits(2) // three commits of inclusions
	count, dead := 0, false
	l.SetCommitHook(func(at settlement.CommitStage) error {
		if at == stage {
			count++
		}
		if dead || (at == stage && count == nth) {
			dead = true // nothing is written after a crash
			return errCrash
		}
		return nil
	})
	var todo []settlement.Bundle
	for i := range receipts {
		o := f.opening(t, i%2)
		todo = append(todo, f.served(t, i%2, o, uint64(i+1)))
	}
	err := live(t, f, l, todo)
	if dead && !errors.Is(err, errCrash) {
		t.Errorf("died at commit %d, but the caller was told %v", nth, err)
	}
	if !dead && err != nil {
		t.Error(err)
	}
	closeLedger(t, l)
	l = f.open(t, f.gateway, dir)
	if err := live(t, f, l, todo); err != nil {
		t.Errorf("second life: %v", err)
	}
	checkSettledOnce(t, f, l, receipts)
	return dead
}

// live is a gateway's life: orders, receipts, settling. What an earlier life has done is met again as
// "exists" or "replayed".
func live(t *testing.T, f *fixture, l *settlement.Ledger, todo []settlement.Bundle) error {
	for _, b := range todo {
		_, _, err := l.RecordOrder(t.Context(), settlement.Opening{
			Advert: b.Advert, AdvertSig: b.AdvertSig, Order: b.Order, OrderSig: b.OrderSig, Salt: b.Salt, DecisionJSON: string(b.DecisionJSON),
		})
		if err != nil && !errors.Is(err, settlement.ErrOrderExists) {
			return err
		}
		if _, err := l.AcceptReceipt(t.Context(), b); err != nil && !errors.Is(err, settlement.ErrReceiptReplayed) {
			return err
		}
	}
	return settlement.NewSettler(l, f.chain, settlement.SettlerConfig{Poll: time.Millisecond}).SettleNow(t.Context())
}

func TestEpochConflict(t *testing.T) {
	f := newFixture(t, 1)
	ours, theirs := f.open(t, f.gateway, ""), f.open(t, f.gateway, "")
	f.accept(t, ours, 0, 1)
	f.accept(t, theirs, 0, 2)
	if _, err := ours.Seal(t.Context(), 1, nil); err != nil {
		t.Fatal(err)
	}
	settle(t, theirs, f.chain)
	err := settlement.NewSettler(ours, f.chain, settlement.SettlerConfig{}).SettleNow(t.Context())
	wantErr(t, err, settlement.ErrEpochConflict)
	f.accept(t, theirs, 0, 3)
	_, err = theirs.Seal(t.Context(), 1, nil)
	wantErr(t, err, settlement.ErrEpochConflict)
}

// TestOneBatchInFlight: receipts that arrive while a batch is out wait for the next one.
func TestOneBatchInFlight(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.gateway, "")
	first := f.accept(t, l, 0, 1)
	sealed, err := l.Seal(t.Context(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	second := f.accept(t, l, 0, 2)
	again, err := l.Seal(t.Context(), 2, nil)
	if err != nil || again.Batch.Epoch != 1 || again.Batch.ReceiptsRoot != sealed.Batch.ReceiptsRoot {
		t.Errorf("sealed batch %+v (%v) beside the one in flight", again, err)
	}
	states := func(want ...settlement.State) {
		t.Helper()
		for i, id := range []settlement.ReceiptID{first.ID, second.ID} {
			if r, err := l.Receipt(id); err != nil || r.State != want[i] {
				t.Errorf("receipt %d is %v (%v), want %v", i, r.State, err, want[i])
			}
		}
	}
	states(settlement.StateSealed, settlement.StatePending)
	if err := l.MarkSubmitted(t.Context(), 1, sealed.Batch.ReceiptsRoot); err != nil {
		t.Fatal(err)
	}
	states(settlement.StateSubmitted, settlement.StatePending)
	settle(t, l, f.chain)
	states(settlement.StateSettled, settlement.StateSettled)
	checkSettledOnce(t, f, l, 2)
}

// TestClippedPayoutIsMadeUp: what stake or escrow does not cover stays owed and the next batch pays it.
func TestClippedPayoutIsMadeUp(t *testing.T) {
	f := newFixture(t, 1)
	op := newParty(t, 50)
	f.operators = append(f.operators, op)
	f.chain.AddStake(op.addr, 1000)
	f.chain.Deposit(f.gateway.addr, op.addr, 50) // one receipt and a bit
	l := f.open(t, f.gateway, "")
	f.accept(t, l, 1, 1)
	acc := f.accept(t, l, 1, 2)
	settle(t, l, f.chain)
	b, err := l.Bundle(acc.ID)
	if err != nil {
		t.Fatal(err)
	}
	opts := settlement.VerifyOptions{Domain: testDomain, LaneSum: 84}
	wantErr(t, settlement.Verify(t.Context(), b, f.chain, opts).Err(), settlement.ErrLaneUncovered)
	f.chain.Deposit(f.gateway.addr, op.addr, 1000)
	f.accept(t, l, 1, 3)
	settle(t, l, f.chain)
	checkSettledOnce(t, f, l, 3)
}
