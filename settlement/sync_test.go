package settlement_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"flotilla/settlement"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// failingDisk fails the syncs of the ledger's log from some moment on.
type failingDisk struct {
	vfs.FS
	fails atomic.Bool
}

func (d *failingDisk) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, category)
	if err != nil || !strings.HasSuffix(name, ".log") {
		return f, err
	}
	return &failingFile{f, d}, nil
}

type failingFile struct {
	vfs.File
	disk *failingDisk
}

func (f *failingFile) SyncData() error {
	if f.disk.fails.Load() {
		return syscall.EIO
	}
	return f.File.SyncData()
}

// TestFailingDisk: a ledger whose disk has failed takes nothing more, not even what would not wait for the disk, and says so to whoever runs
// it. A ledger opened anew goes on.
func TestFailingDisk(t *testing.T) {
	f := newFixture(t, 1)
	memory := vfs.NewCrashableMem()
	disk := &failingDisk{FS: memory}
	l, err := settlement.OpenLedger("ledger", settlement.LedgerOptions{Key: f.gateway.key, Domain: testDomain}.OnFiles(disk))
	if err != nil {
		t.Fatal(err)
	}
	first, second := f.opening(t, 0), f.opening(t, 0)
	f.record(t, l, first)
	f.record(t, l, second)
	acc, err := l.AcceptReceipt(t.Context(), f.served(t, 0, first, 1))
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(t.Context())
	stop()
	if err := l.AwaitFailure(running); err != nil {
		t.Errorf("before the disk fails: %v", err)
	}
	disk.fails.Store(true)
	if _, err := l.Vouched(t.Context(), acc); !errors.Is(err, syscall.EIO) {
		t.Errorf("a promise on a disk that fails: %v", err)
	}
	if err := l.AwaitFailure(t.Context()); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "start again") {
		t.Errorf("who runs the ledger is told %v", err)
	}
	disk.fails.Store(false) // what was lost is not written for that
	if _, err := l.AcceptReceipt(t.Context(), f.served(t, 0, second, 2)); !errors.Is(err, syscall.EIO) {
		t.Errorf("a receipt after that: %v", err)
	}
	if _, _, err := l.RecordOrder(t.Context(), f.opening(t, 0)); !errors.Is(err, syscall.EIO) {
		t.Errorf("an order after that: %v", err)
	}
	if err := l.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("closing it: %v", err)
	}
	again := openLedger(t, "ledger", settlement.LedgerOptions{Key: f.gateway.key}.OnFiles(memory.CrashClone(vfs.CrashCloneCfg{})))
	f.record(t, again, f.opening(t, 0))
}
