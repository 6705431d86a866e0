package settlement_test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// An operator never signs two adverts under one number, whatever its clock does and however often it restarts.
func TestAdvertNumbersRiseOverClockAndRestart(t *testing.T) {
	dir := t.TempDir()
	operator := newParty(t, 1)
	start := time.UnixMilli(1_700_000_000_000)
	var last uint64
	for _, offset := range []time.Duration{0, 0, -time.Hour, time.Second, time.Millisecond} {
		l := openLedger(t, dir, settlement.LedgerOptions{Key: operator.key})
		for range 2 {
			seq, err := l.NextAdvertSeq(t.Context(), nodeOf(operator.addr), start.Add(offset))
			if err != nil {
				t.Fatal(err)
			}
			if seq <= last || seq < uint64(start.Add(offset).UnixMilli()) {
				t.Fatalf("number %d after %d at %s", seq, last, offset)
			}
			last = seq
		}
		closeLedger(t, l)
	}
}

// TestPartialUnderAnAdvertOfAnotherLedger: an operator that goes on without its ledger signs no receipt for an order under an advert
// from before. It may have signed one.
func TestPartialUnderAnAdvertOfAnotherLedger(t *testing.T) {
	for name, tc := range map[string]struct {
		node    common.Hash // zero: the advert's
		numbers []int64
		want    error
	}{
		"its own":        {common.Hash{}, []int64{advertSeq, advertSeq + 1}, nil},
		"a lost one's":   {common.Hash{}, []int64{advertSeq + 1}, settlement.ErrUnknownAdvert},
		"after the copy": {common.Hash{}, []int64{advertSeq - 1, advertSeq + 1}, settlement.ErrUnknownAdvert},
		"forgotten":      {common.Hash{}, []int64{advertSeq, 31 * 24 * time.Hour.Milliseconds()}, settlement.ErrUnknownAdvert},
		"another node's": {common.Hash{1}, []int64{advertSeq}, settlement.ErrUnknownAdvert},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 1)
			operator := f.open(t, f.operators[0], "")
			for _, at := range tc.numbers {
				if _, err := operator.NextAdvertSeq(t.Context(), cmp.Or(tc.node, nodeOf(f.operators[0].addr)), time.UnixMilli(at)); err != nil {
					t.Fatal(err)
				}
			}
			o := f.opening(t, 0)
			b := o.Bundle(testDomain, receipt(t, o, 0), nil)
			b.GatewaySig = f.gateway.sign(t, b.Receipt.Digest(testDomain))
			_, err := operator.CountersignPartial(t.Context(), b)
			wantErr(t, err, tc.want)
		})
	}
}

// TestCopyOfALedgerThatServed: an operator whose ledger was copied while it served goes on with the copy. For what it served after the copy
// it signs no second receipt, though both know the advert. Stopped, killed or moved, the ledger itself is no copy.
func TestCopyOfALedgerThatServed(t *testing.T) {
	for name, tc := range map[string]struct {
		goOn func(t *testing.T, dir, copied string) string // returns where it goes on
		want error
	}{
		"itself": {func(_ *testing.T, dir, _ string) string { return dir }, settlement.ErrReceiptReplayed},
		"moved":  {func(t *testing.T, dir, copied string) string { return move(t, dir, copied+"-moved") }, settlement.ErrReceiptReplayed},
		"restored by cp -a over itself": {func(t *testing.T, dir, copied string) string {
			if out, err := exec.CommandContext(t.Context(), "cp", "-a", copied+"/.", dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return dir
		}, settlement.ErrUnknownAdvert},
		"a copy":   {func(_ *testing.T, _, copied string) string { return copied }, settlement.ErrUnknownAdvert},
		"restored": {func(t *testing.T, dir, copied string) string { remove(t, dir); return move(t, copied, dir) }, settlement.ErrUnknownAdvert},
		"restored by rsync, PLACE deleted": {func(t *testing.T, dir, copied string) string {
			putBack(t, copied, dir)
			remove(t, filepath.Join(dir, "PLACE"))
			return dir
		}, settlement.ErrUnknownAdvert},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 1)
			dir, copied := filepath.Join(t.TempDir(), "ledger"), filepath.Join(t.TempDir(), "copy")
			f.open(t, f.operators[0], dir).Close()
			l := f.open(t, f.operators[0], dir)
			f.number(t, l)
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			o := f.opening(t, 0)
			if _, err := l.RecordServed(t.Context(), f.unserved(t, o)); err != nil {
				t.Fatal(err)
			}
			closeLedger(t, l)
			l = f.open(t, f.operators[0], tc.goOn(t, dir, copied))
			b := o.Bundle(testDomain, receipt(t, o, 0), nil)
			b.GatewaySig = f.gateway.sign(t, b.Receipt.Digest(testDomain))
			_, err := l.CountersignPartial(t.Context(), b)
			wantErr(t, err, tc.want)
			if seq, err := l.NextAdvertSeq(t.Context(), nodeOf(f.operators[0].addr), time.UnixMilli(advertSeq)); err != nil || seq <= advertSeq {
				t.Errorf("the next number is %d after %d: %v", seq, advertSeq, err)
			}
		})
	}
}

// TestOwnerOfALedgerIsSet: what sets the owner of all files before each start, as Kubernetes does with fsGroup, makes no copy of a ledger.
func TestOwnerOfALedgerIsSet(t *testing.T) {
	f := newFixture(t, 1)
	dir := filepath.Join(t.TempDir(), "ledger")
	l := f.open(t, f.operators[0], dir)
	f.number(t, l)
	closeLedger(t, l)
	time.Sleep(20 * time.Millisecond) // file systems count time in steps
	for _, e := range dirEntries(t, dir) {
		if err := os.Lchown(filepath.Join(dir, e), -1, os.Getgid()); err != nil {
			t.Fatal(err)
		}
	}
	l = f.open(t, f.operators[0], dir)
	o := f.opening(t, 0)
	b := o.Bundle(testDomain, receipt(t, o, 0), nil)
	b.GatewaySig = f.gateway.sign(t, b.Receipt.Digest(testDomain))
	if _, err := l.CountersignPartial(t.Context(), b); err != nil {
		t.Error(err)
	}
}

func move(t *testing.T, from, to string) string {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
	return to
}

// putBack makes dir like copied, and leaves files alone that are as long, as rsync does where they are as old too.
func putBack(t *testing.T, copied, dir string) {
	t.Helper()
	for _, e := range dirEntries(t, dir) {
		is, err := os.Lstat(filepath.Join(dir, e))
		if err != nil {
			t.Fatal(err)
		}
		if was, err := os.Lstat(filepath.Join(copied, e)); err == nil && was.Size() == is.Size() {
			remove(t, filepath.Join(copied, e))
		} else {
			remove(t, filepath.Join(dir, e))
		}
	}
	for _, e := range dirEntries(t, copied) {
		move(t, filepath.Join(copied, e), filepath.Join(dir, e))
	}
}

func dirEntries(t *testing.T, dir string) (names []string) {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		names = append(names, e.Name())
	}
	return names
}

func remove(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
}
