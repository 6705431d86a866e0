// Package indexfile keeps an index in a file, so that an edit is there as a whole or not at all.
package indexfile

import (
	"bufio"
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

// Write replaces file by x; when it returns nil, x is on disk. A crash before the rename leaves the old index in force,
// and a .part file that the next Write overwrites; a crash after it, the new one.
func Write(file string, x *index.Index) error {
	part := file + ".part"
	if err := writeSynced(part, x); err != nil {
		return err
	}
	if err := os.Rename(part, file); err != nil {
		return fmt.Errorf("replace index: %w", err)
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

func writeSynced(file string, x *index.Index) (err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	defer func() {
		if closeErr := f.Close(); closeErr != nil && err == nil {
			err = fmt.Errorf("write index: %w", closeErr)
		}
	}()
	w := bufio.NewWriter(f)
	if _, err := x.WriteTo(w); err != nil {
		return err
	}
	if err := errors.Join(w.Flush(), f.Sync()); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}
