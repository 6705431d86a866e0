package settlement

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"flotilla/internal/durable"
)

// keyPlace holds the place where the ledger was opened last; see placeOf.
const keyPlace = "place"

// place is where a ledger is: as it is recorded from now on, and as an earlier version recorded it, empty where none has made it.
type place struct{ now, before string }

// placeOf tells a ledger's directory from copies of it: by the number of a link in it that is made once, and when that was made. Both are
// the file system's, and no program that copies files can keep them; a link, unlike a file, is never written over in its place. Moved or
// renamed, or given to another owner, it stays the same. A snapshot of a whole disk keeps both, and so does a restore that leaves this link
// alone, as rsync does: there the owner deletes it (docs/settlement.md).
func placeOf(dir string) (place, error) {
	var p place
	mark := filepath.Join(dir, "PLACE")
	info, err := os.Lstat(mark)
	if err == nil && info.Mode().IsRegular() { // as earlier versions made it: it told the time of its last change of owner
		if p.before, err = changeOf(mark); err == nil {
			err = os.Remove(mark)
		}
	}
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = os.Symlink("LOCK", mark) // which is there, for what follows links
	}
	if err != nil && !errors.Is(err, os.ErrExist) { // a file system without links
		err = os.WriteFile(mark, nil, 0o600)
	}
	if err == nil || errors.Is(err, os.ErrExist) {
		p.now, err = birthOf(mark)
	}
	if err != nil {
		return place{}, fmt.Errorf("make and look at what tells a ledger from its copies: %w", err)
	}
	return p, nil
}

// changeOf is a file's number and when it, its mode or its owner was last changed.
func changeOf(file string) (string, error) {
	var st unix.Stat_t
	if err := unix.Lstat(file, &st); err != nil {
		return "", fmt.Errorf("look at %s: %w", file, err)
	}
	sec, nsec := st.Ctim.Unix()
	return fmt.Sprintf("%d of %d.%09d", st.Ino, sec, nsec), nil
}

// noticeCopy has a ledger that is a copy forget which adverts it has numbered: its original may have signed receipts under them after it
// was copied, and a partial receipt for one of those orders would be a second one, which costs stake. Nothing else is lost by it: partial
// receipts are paid whether they are signed or not.
func (l *Ledger) noticeCopy(tx *stagedTx, here place) error {
	var was string
	if err := tx.get([]byte(keyPlace), &was); err != nil && !errors.Is(err, errNoRecord) || was == here.now {
		return err
	}
	if was != "" && was != here.before {
		l.log.Warn("the ledger is a copy, or its files were restored: never let the original run beside a copy; what it signed since is not known here",
			"opened_before_as", was, "now", here.now)
		err := durable.Scan(tx.batch, []byte(prefixAdvert), nil, func(e entry) (bool, error) {
			tx.del(bytes.Clone(e.Key))
			return true, nil
		})
		if err != nil {
			return err
		}
	}
	return tx.put([]byte(keyPlace), here.now)
}
