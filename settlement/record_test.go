package settlement_test

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
)

// TestOldRowsAreRead: a ledger whose rows were written as JSON opens as it is.
func TestOldRowsAreRead(t *testing.T) {
	f := newFixture(t, 1)
	want := f.served(t, 0, f.opening(t, 0), 1)
	key, payload := []byte("rcp/"), mustJSON(t, want)
	sum := crc32.Checksum(append(append(key[:4:4], 1), payload...), crc32.MakeTable(crc32.Castagnoli))
	row := append(binary.BigEndian.AppendUint32([]byte{1}, sum), payload...)
	var got settlement.Bundle
	if err := settlement.DecodeRecord(key, row, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bundle read from an old row (-want +got):\n%s", diff)
	}
	again, err := settlement.EncodeRecord(key, want)
	if err != nil {
		t.Fatal(err)
	}
	got = settlement.Bundle{}
	if err := settlement.DecodeRecord(key, again, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(again) > len(row)*6/10 {
		t.Errorf("new row of %d bytes, old %d (-want +got):\n%s", len(again), len(row), diff)
	}
}
