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

// placeOf tells a ledger's directory from copies of it: by the number of a link in it that is made once, and when that was made. Both are
// the file system's, and no program that copies files can keep them; a link, unlike a file, is never written over in its place. Moved or
// renamed, or given to another owner, it stays the same. A snapshot of a whole disk keeps both, and so does a restore that leaves this link
// alone, as rsync does: there the owner deletes it (docs/settlement.md).
func placeOf(dir string) (place string, err error) {
	mark := filepath.Join(dir, "PLACE")
	err = os.Symlink("LOCK", mark) // which is there, for what follows links
	if err != nil && !errors.Is(err, os.ErrExist) {
		err = makeFile(mark) // where the file system has no links
	}
	if err == nil || errors.Is(err, os.ErrExist) {
		place, err = birthOf(mark)
	}
	if err != nil {
		return "", fmt.Errorf("make and look at what tells a ledger from its copies: %w", err)
	}
	return place, nil
}

// makeFile makes an empty file, and leaves one that is there as it is.
func makeFile(name string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
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
func (l *Ledger) noticeCopy(tx *stagedTx, here string) error {
	var was string
	if err := tx.get([]byte(keyPlace), &was); err != nil && !errors.Is(err, errNoRecord) || was == here {
		return err
	}
	if was != "" {
		l.log.Warn("the ledger is a copy, or its files were restored: never let the original run beside a copy; what it signed since is not known here",
			"opened_before_as", was, "now", here)
		err := durable.Scan(tx.batch, []byte(prefixAdvert), nil, func(e entry) (bool, error) {
			tx.del(bytes.Clone(e.Key))
			return true, nil
		})
		if err != nil {
			return err
		}
	}
	return tx.put([]byte(keyPlace), here)
}
