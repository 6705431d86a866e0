package settlement_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flotilla/settlement"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestPowerLoss: of what is only written a power loss leaves a first part, of what is synced all: also where the database
// has begun a new log in between.
func TestPowerLoss(t *testing.T) {
	f := newFixture(t, 1)
	disk := vfs.NewCrashableMem()
	open := func(files *vfs.MemFS) *settlement.Ledger {
		return openLedger(t, "ledger", settlement.LedgerOptions{Key: f.gateway.key}.OnFiles(files))
	}
	l := open(disk)
	var ids []settlement.ReceiptID
	for i := range 2500 { // some 8 MB: the log is begun anew
		acc := f.accept(t, l, 0, uint64(i+1))
		ids = append(ids, acc.ID)
		if i == 2000 {
			vouched(t, l, acc)
		}
	}
	after := open(disk.CrashClone(vfs.CrashCloneCfg{})) // none of what is not synced
	held := 0
	for i, id := range ids {
		switch _, err := after.Bundle(id); {
		case err == nil && held == i:
			held++
		case err == nil:
			t.Fatalf("receipt %d is there, receipt %d is not", i, held)
		case !errors.Is(err, settlement.ErrUnknownReceipt):
			t.Fatal(err)
		}
	}
	if held < 2001 {
		t.Errorf("%d receipts are left of 2001 that were synced", held)
	}
	f.accept(t, after, 0, uint64(held+1)) // the ledger goes on from there
	vouched(t, l, f.accept(t, l, 0, uint64(len(ids)+1)))
	if _, err := open(disk.CrashClone(vfs.CrashCloneCfg{})).Bundle(ids[len(ids)-1]); err != nil {
		t.Errorf("the last receipt after a sync and a power loss: %v", err)
	}
}

// TestLedgerOfAnotherVersionIsRefused: and says what to do.
func TestLedgerOfAnotherVersionIsRefused(t *testing.T) {
	f := newFixture(t, 1)
	for _, format := range []int{0, 2} {
		dir := t.TempDir()
		l := f.open(t, f.gateway, dir)
		if err := l.SetFormat(t.Context(), format); err != nil {
			t.Fatal(err)
		}
		closeLedger(t, l)
		_, err := settlement.OpenLedger(dir, settlement.LedgerOptions{Key: f.gateway.key, Domain: testDomain})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("of another version (format %d, this program writes 1)", format)) {
			t.Errorf("format %d: %v", format, err)
		}
	}
}

// TestWhatIsHandedOutIsOnDisk: a voucher that is asked for, and the receipt of an order that comes a second time, leave the
// machine at once; what stands behind them must be there after a power loss.
func TestWhatIsHandedOutIsOnDisk(t *testing.T) {
	f := newFixture(t, 1)
	open := func(p party, files *vfs.MemFS) *settlement.Ledger {
		return openLedger(t, "ledger", settlement.LedgerOptions{Key: p.key}.OnFiles(files))
	}
	cut := func(disk *vfs.MemFS) *vfs.MemFS { return disk.CrashClone(vfs.CrashCloneCfg{}) }
	t.Run("voucher", func(t *testing.T) {
		disk := vfs.NewCrashableMem()
		l := open(f.gateway, disk)
		for range 20 { // not all are older than the sync that comes by itself
			o := f.opening(t, 0)
			f.record(t, l, o)
			b := o.Bundle(testDomain, receipt(t, o, 0), nil)
			if _, err := l.AcceptPartial(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if _, _, err := l.Voucher(f.operators[0].addr); err != nil {
				t.Fatal(err)
			}
			if _, err := open(f.gateway, cut(disk)).Bundle(b.ID()); err != nil {
				t.Errorf("a receipt that a voucher is out for: %v", err)
			}
		}
	})
	t.Run("second receipt", func(t *testing.T) {
		disk := vfs.NewCrashableMem()
		l := open(f.operators[0], disk)
		waits := errors.New("still waits for the disk")
		l.SetCommitHook(func(s settlement.CommitStage) error {
			if s == settlement.AfterCommit {
				return waits
			}
			return nil
		})
		b := f.unserved(t, f.opening(t, 0))
		_, err := l.RecordServed(t.Context(), b)
		wantErr(t, err, waits)
		again, err := l.RecordServed(t.Context(), b)
		wantErr(t, err, settlement.ErrReceiptReplayed)
		if _, err := open(f.operators[0], cut(disk)).Bundle(again.ID()); err != nil {
			t.Errorf("a receipt that was handed out: %v", err)
		}
	})
}

// TestOperatorWhoseAddressEndsInFF: one in 256 does, and its lane is found like any other.
func TestOperatorWhoseAddressEndsInFF(t *testing.T) {
	f := newFixture(t, 1)
	for n := 10; f.operators[0].addr[19] != 0xff; n++ {
		f.operators[0] = newParty(t, n)
	}
	payee := f.operators[0].addr
	l := f.open(t, f.gateway, "")
	f.accept(t, l, 0, 1)
	o := f.opening(t, 0)
	f.record(t, l, o)
	if _, err := l.AcceptPartial(t.Context(), o.Bundle(testDomain, receipt(t, o, 0), nil)); err != nil {
		t.Fatal(err)
	}
	if partials, err := l.UnsignedPartials(payee, 10, time.Now()); err != nil || len(partials) != 1 {
		t.Errorf("%d partial receipts to sign, want 1: %v", len(partials), err)
	}
	n := 0
	for _, err := range l.Receipts(settlement.Filter{Lane: &settlement.LaneKey{Payer: f.gateway.addr, Payee: payee}}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d receipts on the lane, want 2", n)
	}
}

// TestVouchersOutliveAPowerLoss: no voucher that may leave is for more than what a power loss then would leave of its lane, though
// receipts that come at once have one together.
func TestVouchersOutliveAPowerLoss(t *testing.T) {
	f := newFixture(t, 1)
	disk := vfs.NewCrashableMem()
	open := func(files *vfs.MemFS) *settlement.Ledger {
		return openLedger(t, "ledger", settlement.LedgerOptions{Key: f.gateway.key}.OnFiles(files))
	}
	l := open(disk)
	var shared atomic.Int32
	inParallel(t, 8, 200, func(i int) error {
		acc := f.accept(t, l, 0, uint64(i+1))
		out, err := l.Vouched(t.Context(), acc)
		if err != nil {
			return err
		}
		if signer, err := settlement.Recover(out.Voucher.Digest(testDomain), out.VoucherSig); err != nil || signer != f.gateway.addr {
			t.Errorf("voucher signed by %s: %v", signer, err)
		}
		if out.Voucher.ReceiptCount < acc.Voucher.ReceiptCount || out.Voucher.ValueAggregate != 42*settlement.Amount(out.Voucher.ReceiptCount) {
			t.Errorf("voucher for %v over %d receipts, the receipt is number %d", out.Voucher.ValueAggregate, out.Voucher.ReceiptCount, acc.Voucher.ReceiptCount)
		}
		if out.Voucher != acc.Voucher {
			shared.Add(1)
		}
		if i%10 != 0 {
			return nil
		}
		after := open(disk.CrashClone(vfs.CrashCloneCfg{}))
		v, _, err := after.Voucher(f.operators[0].addr)
		if err == nil && v.ReceiptCount < out.Voucher.ReceiptCount {
			t.Errorf("a voucher for %d receipts may leave, a power loss leaves %d", out.Voucher.ReceiptCount, v.ReceiptCount)
		}
		return err
	})
	if shared.Load() == 0 {
		t.Error("no two receipts had a voucher together")
	}
}
