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

// placeOf tells a ledger's directory from copies of it: by the number of a file in it that is made once and never written, and when that
// was made. Both are the file system's, and no program that copies files can keep them. Moved or renamed, it stays the same. A snapshot of a
// whole disk keeps both, and so does a restore that leaves this file alone, as rsync does: there the owner deletes it (docs/settlement.md).
func placeOf(dir string) (string, error) {
	f, err := os.OpenFile(filepath.Join(dir, "PLACE"), os.O_RDONLY|os.O_CREATE, 0o600)
	if err != nil {
		return "", fmt.Errorf("make the file that tells a ledger from its copies: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return "", fmt.Errorf("look at %s: %w", f.Name(), err)
	}
	sec, nsec := st.Ctim.Unix()
	return fmt.Sprintf("%d of %d.%09d", st.Ino, sec, nsec), nil
}

// noticeCopy has a ledger that is a copy forget which adverts it has numbered: its original may have signed receipts under them after it
// was copied, and a partial receipt for one of those orders would be a second one, which costs stake. Nothing else is lost by it: partial
// receipts are paid whether they are signed or not. So no harm is done where the files' owner was changed, which looks the same.
func (l *Ledger) noticeCopy(tx *stagedTx, here string) error {
	var was string
	if err := tx.get([]byte(keyPlace), &was); err != nil && !errors.Is(err, errNoRecord) || was == here {
		return err
	}
	if was != "" {
		l.log.Warn("the ledger is a copy, or its files were restored or had their owner changed: never let the original run beside a copy; what it signed since is not known here",
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
