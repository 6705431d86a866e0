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

	"flotilla/routing/index"
)

// MaxBytes bounds what is read: a million rows of 384 dimensions and their scores.
const MaxBytes = 1 << 30

// Read reads the index in file. Errors: those of index.Decode, and of the file; a missing one is os.ErrNotExist.
func Read(file string) (*index.Index, error) {
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
	x, err := index.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return x, nil
}

// ErrChanged: the file does not hold what an edit began from.
var ErrChanged = errors.New("the index file was changed meanwhile by another program")

// Replace is Write for an edit of old, nil where there was no file: it refuses (ErrChanged) where the file has become
// another's. Of two edits that end within the same moment one may still be lost, as a whole.
func Replace(file string, old, x *index.Index) error {
	id, err := idOf(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return fmt.Errorf("replace index: %w", err)
	case old == nil || id != old.ID():
		return fmt.Errorf("replace index %s: %w", file, ErrChanged)
	}
	return Write(file, x)
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
// and a .part file that nobody reads; a crash after it, the new one.
func Write(file string, x *index.Index) error {
	part, err := writeSynced(file, x)
	if err != nil {
		return err
	}
	if err := os.Rename(part, file); err != nil {
		return errors.Join(fmt.Errorf("replace index: %w", err), os.Remove(part))
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return fmt.Errorf("replace index: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("replace index: %w", err)
	}
	return nil
}

// writeSynced writes x beside file, under a name of its own: another program may be writing there too.
func writeSynced(file string, x *index.Index) (part string, err error) {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.part")
	if err != nil {
		return "", fmt.Errorf("write index: %w", err)
	}
	w := bufio.NewWriter(f)
	_, err = x.WriteTo(w)
	if err = errors.Join(err, w.Flush(), f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("write index: %w", err), os.Remove(f.Name()))
	}
	return f.Name(), nil
}
