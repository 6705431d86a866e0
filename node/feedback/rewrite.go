package feedback

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// byTime orders entries by time, then by receipt.
func byTime(a, b Entry) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Receipt, b.Receipt))
}

// rewrite replaces the file by one line an entry and opens it for appending. A crash leaves the old file or the new one,
// which say the same, and perhaps a .tmp that the next rewrite overwrites.
func (s *Store) rewrite() error {
	var text []byte
	all := make([]Entry, 0, len(s.entries))
	for _, e := range s.entries {
		all = append(all, e)
	}
	slices.SortFunc(all, byTime)
	for _, e := range all {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode feedback: %w", err)
		}
		text = append(append(text, line...), '\n')
	}
	f, err := os.OpenFile(s.file+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("rewrite feedback: %w", err)
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(s.file+".tmp", s.file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("rewrite feedback: %w", err), f.Close())
	}
	if s.log != nil {
		_ = s.log.Close() // all of it was synced, and nobody reads it any more
	}
	s.log, s.size = f, int64(len(text))
	// Until the folder is synced a power loss may bring the old file back, without what is appended now: s.lines stays, so that
	// nothing is, but after another rewrite.
	if err := s.syncFolder(filepath.Dir(s.file)); err != nil {
		return fmt.Errorf("rewrite feedback: %w", err)
	}
	s.lines = len(all)
	return nil
}

// syncFolder makes a rename in dir survive a crash.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
