package durable

import (
	"errors"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

type deadFile struct{ vfs.File }

func (deadFile) SyncData() error { return syscall.EIO }

type deadDisk struct{ vfs.FS }

func (d deadDisk) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, category)
	return deadFile{f}, err
}

// TestFailedSyncOfAClosedLog: between two logs there is none open, and a sync then must not say that all is on the disk either.
func TestFailedSyncOfAClosedLog(t *testing.T) {
	logs := newLogFS(deadDisk{vfs.NewMem()})
	log, err := logs.Create("1.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Write([]byte("row")); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("closing says %v", err)
	}
	if err := logs.sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("the sync after it says %v", err)
	}
}
