package durable

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// logFS is a file system that does not sync the database's log when the database asks, but in sync. Pebble holds what it need
// not sync in the process; what it is told to sync it writes at once, which is all that outliving the process takes.
type logFS struct {
	vfs.FS

	mu     sync.Mutex // guards what follows, and the files against being closed while they are synced
	open   map[*logFile]struct{}
	failed error // of the first sync that failed, and from then on of all
}

func newLogFS(files vfs.FS) *logFS { return &logFS{FS: files, open: make(map[*logFile]struct{})} }

// Create implements vfs.FS.
func (f *logFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, category)
	if err != nil || !strings.HasSuffix(name, ".log") {
		return file, err
	}
	log := &logFile{File: file, fs: f}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open[log] = struct{}{}
	return log, nil
}

// ReuseForWrite implements vfs.FS: a log that is done with is not written over.
func (f *logFS) ReuseForWrite(old, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.FS.Remove(old); err != nil {
		return nil, err
	}
	return f.Create(name, category)
}

// sync returns when all that was written to logs before is on the disk.
func (f *logFS) sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for log := range f.open {
		_ = log.sync() // kept in failed, which also tells of a log that is closed by now
	}
	return f.failed
}

// logFile is a log of the database.
type logFile struct {
	vfs.File
	fs      *logFS
	written atomic.Bool // since the last sync
}

func (l *logFile) Write(p []byte) (int, error) {
	n, err := l.File.Write(p)
	l.written.Store(true)
	return n, err
}

// Sync, SyncData and SyncTo implement vfs.File, and leave it to logFS.sync.
func (l *logFile) Sync() error                { return nil }
func (l *logFile) SyncData() error            { return nil }
func (l *logFile) SyncTo(int64) (bool, error) { return true, nil }

// sync is called with fs.mu held. When it has failed once it does not help to try again: what the kernel could not write counts
// as written from then on (Linux's fsync). So nothing that waits for the disk is answered any more, until a new start has read
// what is there.
func (l *logFile) sync() error {
	if l.fs.failed == nil && l.written.Swap(false) {
		l.fs.failed = l.File.SyncData()
	}
	return l.fs.failed
}

// Close syncs first: what follows is in another log, and a power loss must leave a first part of all that was written.
func (l *logFile) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	delete(l.fs.open, l)
	return errors.Join(l.sync(), l.File.Close())
}
