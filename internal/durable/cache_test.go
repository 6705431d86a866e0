package durable

import (
	"encoding/binary"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestTablesAreCached: the room that memtables take is not that of the tables, so what was read before is in memory.
func TestTablesAreCached(t *testing.T) {
	s, err := Open("rows", Options{MemtableBytes: 256 << 10, CacheBytes: 512 << 10, Name: "test", Files: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 8 { // each fills more than a memtable, so that all of them are taken
		if err := s.UpdateSoon(func(b *Batch) error {
			for j := range uint32(100) {
				if err := b.Set(binary.BigEndian.AppendUint32([]byte{byte(i)}, j), make([]byte, 3<<10), nil); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
	read := func() int64 {
		before := s.db.Metrics().BlockCache.Misses
		if has, err := Has(s.db, []byte{1, 0, 0, 0, 50}); err != nil || !has {
			t.Fatal(has, err)
		}
		return s.db.Metrics().BlockCache.Misses - before
	}
	read()
	if missed := read(); missed != 0 {
		t.Errorf("the second look-up of a row reads %d blocks from the disk again", missed)
	}
}
