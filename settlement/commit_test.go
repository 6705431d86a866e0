package settlement_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"flotilla/settlement"
)

// TestParallelAccept: many receipts at once, some of them twice; each counts once.
func TestParallelAccept(t *testing.T) {
	const n = 300
	f := newFixture(t, 3)
	dir := t.TempDir()
	l := f.open(t, f.gateway, dir)
	var bundles []settlement.Bundle
	for i := range n {
		bundles = append(bundles, f.served(t, i%3, f.opening(t, i%3), uint64(i+1)))
	}
	recordAll(t, l, bundles)
	var replayed, highest atomic.Int64
	inParallel(t, 50, 2*n, func(i int) error {
		acc, err := l.AcceptReceipt(t.Context(), bundles[i%n])
		if errors.Is(err, settlement.ErrReceiptReplayed) {
			replayed.Add(1)
			return nil
		}
		for { // vouchers of one lane carry different counts; remember the highest
			h := highest.Load()
			if int64(acc.Voucher.ReceiptCount) <= h || highest.CompareAndSwap(h, int64(acc.Voucher.ReceiptCount)) {
				return err
			}
		}
	})
	if replayed.Load() != n || highest.Load() != n/3 {
		t.Errorf("%d replays, highest voucher over %d receipts; want %d and %d", replayed.Load(), highest.Load(), n, n/3)
	}
	closeLedger(t, l)
	l = f.open(t, f.gateway, dir)
	settle(t, l, f.chain)
	checkSettledOnce(t, f, l, n)
}

// TestCommitErrorRefusesTheWholeGroup: nobody is told "stored" by a commit that failed.
func TestCommitErrorRefusesTheWholeGroup(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.gateway, "")
	var broken atomic.Bool
	l.SetCommitHook(func(settlement.CommitStage) error {
		if broken.Load() {
			return errCrash
		}
		return nil
	})
	var bundles []settlement.Bundle
	for i := range 20 {
		bundles = append(bundles, f.served(t, 0, f.opening(t, 0), uint64(i+1)))
	}
	recordAll(t, l, bundles)
	broken.Store(true)
	var refused atomic.Int64
	inParallel(t, 20, 20, func(i int) error {
		if _, err := l.AcceptReceipt(t.Context(), bundles[i]); errors.Is(err, errCrash) {
			refused.Add(1)
			return nil
		}
		return errors.New("accepted by a broken disk")
	})
	broken.Store(false)
	if refused.Load() != 20 || l.Backlog().Receipts != 0 {
		t.Errorf("%d refused, backlog %+v", refused.Load(), l.Backlog())
	}
	acceptAll(t, l, bundles, 20)
	settle(t, l, f.chain)
	checkSettledOnce(t, f, l, 20)
}

// childDir, when set in the environment, makes TestKilledProcess the child that gets killed.
const childDir = "FLOTILLA_TEST_LEDGER_DIR"

// TestKilledProcess kills a process with SIGKILL while it accepts receipts: all that it has acknowledged
// must be there, and settle once.
func TestKilledProcess(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		acceptForever(t, dir)
		return
	}
	f := newFixture(t, 2)
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestKilledProcess$", "-test.v")
	child.Env = append(os.Environ(), childDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []settlement.ReceiptID
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), "accepted ")
		if !ok {
			continue
		}
		id, err := settlement.ParseReceiptID(text)
		if err != nil {
			t.Fatal(err)
		}
		if acknowledged = append(acknowledged, id); len(acknowledged) == 40 {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	l := f.open(t, f.gateway, dir)
	for _, id := range acknowledged {
		if _, err := l.Bundle(id); err != nil {
			t.Errorf("acknowledged receipt is lost: %v", err)
		}
	}
	n := l.Backlog().Receipts
	if n < len(acknowledged) || len(acknowledged) < 40 {
		t.Errorf("%d receipts stored, %d acknowledged", n, len(acknowledged))
	}
	settle(t, l, f.chain)
	checkSettledOnce(t, f, l, n)
}

// acceptForever accepts receipts from four goroutines until it is killed.
func acceptForever(t *testing.T, dir string) {
	f := newFixture(t, 2)
	l := f.open(t, f.gateway, dir)
	const enough = 100_000 // never reached: the parent kills long before
	inParallel(t, 4, enough, func(i int) error {
		o := f.opening(t, i%2)
		if _, _, err := l.RecordOrder(t.Context(), o); err != nil {
			return err
		}
		acc, err := l.AcceptReceipt(t.Context(), f.served(t, i%2, o, uint64(i+1)))
		if err == nil {
			fmt.Printf("\naccepted %s\n", acc.ID)
		}
		return err
	})
}

// TestVouched: each of many who ask at once gets a voucher, and a closed ledger says so.
func TestVouched(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.gateway, t.TempDir())
	inParallel(t, 20, 100, func(i int) error {
		_, err := l.Vouched(t.Context(), f.accept(t, l, 0, uint64(i+1)))
		return err
	})
	closeLedger(t, l)
	if _, err := l.Vouched(t.Context(), settlement.Acceptance{}); !errors.Is(err, settlement.ErrClosed) {
		t.Errorf("Vouched after Close: %v, want ErrClosed", err)
	}
}
