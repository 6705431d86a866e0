package settlement_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"flotilla/settlement"
)

// TestLedgerOfLargerMemtables: a ledger that an earlier version, with larger memtables, had open when it was killed opens.
func TestLedgerOfLargerMemtables(t *testing.T) {
	was, killed := t.TempDir(), t.TempDir()
	f := newFixture(t, 1)
	closeLedger(t, f.open(t, f.gateway, was))
	db, err := settlement.OpenBadger(was, 4<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for i := range 1700 { // 3.4 MB
		if err := db.Update(func(txn *badger.Txn) error { return txn.Set(fmt.Appendf(nil, "xxx/%08d", i), make([]byte, 2000)) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(killed, os.DirFS(was)); err != nil { // as a killed process leaves it
		t.Fatal(err)
	}
	l := f.open(t, f.gateway, killed)
	f.accept(t, l, 0, 1)
}
