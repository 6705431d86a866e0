package settlement_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
)

// fill takes n receipts to f's operators through the ledger, as fast as the disk allows.
func (f *fixture) fill(tb testing.TB, l *settlement.Ledger, n int) {
	tb.Helper()
	bundles := make([]settlement.Bundle, n)
	inParallel(tb, 4, n, func(i int) error {
		op := i % len(f.operators)
		bundles[i] = f.served(tb, op, f.opening(tb, op), uint64(i+1))
		return nil
	})
	recordAll(tb, l, bundles)
	acceptAll(tb, l, bundles, 64)
}

// TestLargeBatch: a batch of more receipts than one commit gives their inclusions, before and after a restart.
func TestLargeBatch(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 2)
	dir := t.TempDir()
	l := f.open(t, f.gateway, dir)
	const n = 2500
	f.fill(t, l, n)
	sealed, err := l.Seal(t.Context(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed.Receipts) != n {
		t.Fatalf("%d receipts", len(sealed.Receipts))
	}
	closeLedger(t, l)
	l = f.open(t, f.gateway, dir)
	if diff := cmp.Diff(sealed, l.OpenBatch()); diff != "" {
		t.Errorf("after a restart (-sealed +loaded):\n%s", diff)
	}
	settle(t, l, f.chain)
	checkSettledOnce(t, f, l, n)
	done, err := l.Batch(1)
	if err != nil || done.State != settlement.StateSettled || len(done.Digests) != n || done.SettledAt.IsZero() {
		t.Errorf("settled batch: state %v, %d digests (%v)", done.State, len(done.Digests), err)
	}
}

// TestBatchOfAllLanes: as many lanes as a batch can have, in their longest form, are settled in one commit, and one more in the next.
func TestBatchOfAllLanes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, settlement.MaxBatchLanes+1)
	l := f.open(t, f.gateway, t.TempDir())
	const receipts = 8 * (settlement.MaxBatchLanes + 1)
	f.fill(t, l, receipts)
	sealed, err := l.Seal(t.Context(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed.Batch.Lanes) != settlement.MaxBatchLanes {
		t.Fatalf("%d lanes", len(sealed.Batch.Lanes))
	}
	settle(t, l, f.chain)
	checkSettledOnce(t, f, l, receipts)
}

// TestSecondBatchAfterARestart: what is in flight after a restart is the newest batch, also when others were settled before it.
func TestSecondBatchAfterARestart(t *testing.T) {
	f, dir := newFixture(t, 1), t.TempDir()
	l := f.open(t, f.gateway, dir)
	f.accept(t, l, 0, 1)
	settle(t, l, f.chain)
	f.accept(t, l, 0, 2)
	sealed, err := l.Seal(t.Context(), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	closeLedger(t, l)
	l = f.open(t, f.gateway, dir)
	if open := l.OpenBatch(); open == nil || open.Batch.Epoch != 2 || open.Batch.ReceiptsRoot != sealed.Batch.ReceiptsRoot {
		t.Errorf("in flight after a restart: %+v, want batch 2", open)
	}
	settle(t, l, f.chain)
	checkSettledOnce(t, f, l, 2)
}

// TestBrokenSeal: a disk that fails while a batch is sealed leaves the receipts pending or the batch whole, whether the
// process goes on or is started again, and all is settled once.
func TestBrokenSeal(t *testing.T) {
	for _, at := range []settlement.CommitStage{settlement.BeforeCommit, settlement.AfterCommit} {
		for name, restart := range map[string]bool{"process goes on": false, "process is started again": true} {
			t.Run(fmt.Sprintf("stage %d, %s", at, name), func(t *testing.T) {
				f := newFixture(t, 3)
				dir := t.TempDir()
				l := f.open(t, f.gateway, dir)
				for i := range 9 {
					f.accept(t, l, i%3, uint64(i+1))
				}
				l.SetCommitHook(func(stage settlement.CommitStage) error {
					if stage == at {
						return errCrash
					}
					return nil
				})
				if _, err := l.Seal(t.Context(), 1, nil); !errors.Is(err, errCrash) {
					t.Fatalf("seal on a broken disk: %v", err)
				}
				l.SetCommitHook(nil)
				if restart {
					closeLedger(t, l)
					l = f.open(t, f.gateway, dir)
				}
				want := 0 // receipts in flight
				if at == settlement.AfterCommit {
					want = 9
				}
				if open := l.OpenBatch(); (open == nil) != (want == 0) || open != nil && len(open.Receipts) != want {
					t.Fatalf("open batch %+v, want one of %d receipts", open, want)
				}
				small, err := l.Seal(t.Context(), 1, []common.Address{f.operators[0].addr}) // of one lane, or the one in flight
				if err != nil || len(small.Receipts) != max(want, 3) {
					t.Fatalf("batch %+v (%v), want %d receipts", small, err, max(want, 3))
				}
				settle(t, l, f.chain)
				settle(t, l, f.chain)
				checkSettledOnce(t, f, l, 9)
			})
		}
	}
}

// BenchmarkSeal10000 seals 10,000 receipts over 10 operators: read, tree, and the batch on disk.
func BenchmarkSeal10000(b *testing.B) {
	const n = 10_000
	f := newFixture(b, 10)
	l := f.open(b, f.gateway, b.TempDir())
	f.fill(b, l, n)
	for b.Loop() {
		sealed, err := l.Seal(b.Context(), 1, nil)
		if err != nil || len(sealed.Receipts) != n {
			b.Fatalf("sealed %+v (%v)", sealed, err)
		}
		b.StopTimer()
		if err := l.Unseal(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "receipts/s")
}
