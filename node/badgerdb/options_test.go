package badgerdb_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"flotilla/node/badgerdb"
)

// TestLargerMemtablesAreRead: what a process with larger memtables had written when it was killed is there.
func TestLargerMemtablesAreRead(t *testing.T) {
	const rows = 1700
	was, killed := t.TempDir(), t.TempDir()
	db := open(t, was, 4<<20)
	for i := range rows {
		if err := db.Update(func(txn *badger.Txn) error { return txn.Set(fmt.Appendf(nil, "%08d", i), make([]byte, 2000)) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(killed, os.DirFS(was)); err != nil { // as a killed process leaves them
		t.Fatal(err)
	}
	n := 0
	err := open(t, killed, 1<<20).View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.DefaultIteratorOptions)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			n++
		}
		return nil
	})
	if err != nil || n != rows {
		t.Errorf("%d rows, want %d: %v", n, rows, err)
	}
}

func open(t *testing.T, dir string, memtable int64) *badger.DB {
	t.Helper()
	how, err := badgerdb.Options(dir, memtable)
	if err != nil {
		t.Fatal(err)
	}
	db, err := badger.Open(how)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
