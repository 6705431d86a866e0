// Package indexfile keeps an index in a file, so that an edit is there as a whole or not at all.
package indexfile

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"flotilla/routing/index"
)

// MaxBytes bounds what is read: a million rows of 384 dimensions and their scores.
const MaxBytes = 1 << 30

// Read reads the index in file. Errors: those of index.Decode, and of the file; a missing one is os.ErrNotExist.
func Read(file string) (*index.Index, error) {
	raw, err := readWhole(file)
	if err != nil {
		return nil, err
	}
	x, err := index.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return x, nil
}

// readWhole reads what is in file, if that is no more than an index can have.
func readWhole(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	if info.Size() > MaxBytes {
		return nil, fmt.Errorf("read index: %s has %d bytes, at most %d", file, info.Size(), int64(MaxBytes))
	}
	raw := make([]byte, info.Size())
	if _, err := io.ReadFull(f, raw); err != nil {
		return nil, fmt.Errorf("read index %s: %w", file, err)
	}
	return raw, nil
}

// ErrChanged: the file does not hold what an edit began from.
var ErrChanged = errors.New("the index file was changed meanwhile by another program")

// Replace is Write for an edit of what the file may hold, told by ids: it refuses (ErrChanged) where the file has become
// another's.
func Replace(file string, x *index.Index, from ...string) error {
	return replace(file, x, func() error {
		id, err := idOf(file)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return fmt.Errorf("replace index: %w", err)
		case !slices.Contains(from, id):
			return fmt.Errorf("replace index %s: %w", file, ErrChanged)
		}
		return nil
	})
}

// idOf is the id of the index in file, which ends with it.
func idOf(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var id [sha256.Size]byte
	if _, err := f.Seek(-int64(len(id)), io.SeekEnd); err != nil {
		return "", nil // too short for one: another's
	}
	if _, err := io.ReadFull(f, id[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(id[:]), nil
}

// Write replaces file by x; when it returns nil, x is on disk. A crash before the rename leaves the old index in force,
// and a .part file that the next write takes over; a crash after it, the new one.
func Write(file string, x *index.Index) error {
	return replace(file, x, unchecked)
}

// replace is Write where check, which no other program's write comes between, finds nothing against it.
func replace(file string, x io.WriterTo, check func() error) error {
	if have, err := os.Stat(file); err == nil && !have.Mode().IsRegular() { // the rename would put a file in place of /dev/stdout
		return fmt.Errorf("write index: %s is no plain file, which would be replaced as a whole: name one", file)
	}
	part, err := openPart(file + ".part")
	if err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	defer part.Close()
	dir, err := os.Open(filepath.Dir(file)) // while nothing is changed
	if err != nil {
		return errors.Join(fmt.Errorf("write index: %w", err), os.Remove(part.Name()))
	}
	defer dir.Close()
	if err := errors.Join(writeSynced(part, x), check()); err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	if err := os.Rename(part.Name(), file); err != nil {
		return errors.Join(fmt.Errorf("replace index: %w", err), os.Remove(part.Name()))
	}
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("replace index: the new file is there, but a power loss may bring the old one back: %w", err)
	}
	return nil
}

// openPart opens the file that is to be renamed, for one program at a time: until it is closed, or the program ends.
func openPart(name string) (*os.File, error) {
	for {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
		}
		mine, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if there, err := os.Stat(name); err == nil && os.SameFile(mine, there) {
			return f, nil
		}
		_ = f.Close() // who had it has renamed or removed it
	}
}

func writeSynced(f *os.File, x io.WriterTo) error {
	w := bufio.NewWriter(f)
	err := f.Truncate(0) // what a crash left
	if err == nil {
		_, err = x.WriteTo(w)
	}
	if err = errors.Join(err, w.Flush(), f.Chmod(0o644), f.Sync()); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}
