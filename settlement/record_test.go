package settlement_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
)

// sealRow frames a payload under a version, with the right checksum.
func sealRow(key []byte, version byte, payload []byte) []byte {
	sum := crc32.Checksum(slices.Concat(key, []byte{version}, payload), crc32.MakeTable(crc32.Castagnoli))
	return append(binary.BigEndian.AppendUint32([]byte{version}, sum), payload...)
}

// TestRowsAreSmall: a bundle is read back from little more than half of its JSON.
func TestRowsAreSmall(t *testing.T) {
	f := newFixture(t, 1)
	want := f.served(t, 0, f.opening(t, 0), 1)
	key := []byte("rcp/")
	row, err := settlement.EncodeRecord(key, want)
	if err != nil {
		t.Fatal(err)
	}
	var got settlement.Bundle
	if err := settlement.DecodeRecord(key, row, &got); err != nil {
		t.Fatal(err)
	}
	if diff, most := cmp.Diff(want, got), len(mustJSON(t, want))*6/10; diff != "" || len(row) > most {
		t.Errorf("row of %d bytes, at most %d wanted (-want +got):\n%s", len(row), most, diff)
	}
}

// TestRowsOfOtherVersionsAreRefused: and said to be that.
func TestRowsOfOtherVersionsAreRefused(t *testing.T) {
	key := []byte("ord/")
	for version, known := range map[byte]bool{0: false, 1: false, 2: true, 4: false} {
		var deadline uint64
		err := settlement.DecodeRecord(key, sealRow(key, version, []byte{7}), &deadline)
		if known && (err != nil || deadline != 7) || !known && (!errors.Is(err, settlement.ErrCorrupt) || !strings.Contains(err.Error(), "version")) {
			t.Errorf("version %d: %d, %v", version, deadline, err)
		}
	}
}

// TestDamagedRowsAreRefused: a bit that a disk has turned, or a row under another's key, is not read for an amount.
func TestDamagedRowsAreRefused(t *testing.T) {
	key := []byte("ord/")
	row, err := settlement.EncodeRecord(key, uint64(7))
	if err != nil {
		t.Fatal(err)
	}
	var got uint64
	for bit := range 8 * len(row) {
		damaged := slices.Clone(row)
		damaged[bit/8] ^= 1 << (bit % 8)
		if err := settlement.DecodeRecord(key, damaged, &got); !errors.Is(err, settlement.ErrCorrupt) {
			t.Errorf("bit %d turned: %d, %v", bit, got, err)
		}
	}
	if err := settlement.DecodeRecord([]byte("orx/"), row, &got); !errors.Is(err, settlement.ErrCorrupt) {
		t.Errorf("under another key: %d, %v", got, err)
	}
}

// TestLargeRowsAreCompressed: a decision repeats itself, and is stored once.
func TestLargeRowsAreCompressed(t *testing.T) {
	key := []byte("rcp/")
	want := settlement.Opening{DecisionJSON: `"` + strings.Repeat("candidate ", 5000) + `"`}
	row, err := settlement.EncodeRecord(key, want)
	if err != nil {
		t.Fatal(err)
	}
	if len(row) > len(want.DecisionJSON)/10 {
		t.Errorf("%d bytes for a decision of %d", len(row), len(want.DecisionJSON))
	}
	var got settlement.Opening
	if err := settlement.DecodeRecord(key, row, &got); err != nil || got.DecisionJSON != want.DecisionJSON {
		t.Errorf("read back %d bytes of decision, want %d: %v", len(got.DecisionJSON), len(want.DecisionJSON), err)
	}
}

// TestRowThatClaimsTooMuch: a length that no record has allocates nothing, though its checksum is right.
func TestRowThatClaimsTooMuch(t *testing.T) {
	key := []byte("rcp/")
	for name, payload := range map[string][]byte{
		"1 GiB":     binary.AppendUvarint(nil, 1<<30),
		"cut off":   binary.AppendUvarint(nil, 1<<16),
		"no length": {0xff},
	} {
		if err := settlement.DecodeRecord(key, sealRow(key, 3, payload), &settlement.Opening{}); !errors.Is(err, settlement.ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
	}
}

// TestLargestDecision: the largest decision that is admitted is stored and read back, also one that cannot be compressed, and so
// is the evidence of two receipts that carry it.
func TestLargestDecision(t *testing.T) {
	f := newFixture(t, 1)
	dir := t.TempDir()
	l := f.open(t, f.gateway, dir)
	noise := make([]byte, settlement.MaxDecisionBytes*3/4-16)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise) // never fails
	o := f.opening(t, 0)
	o.DecisionJSON = `"` + base64.StdEncoding.EncodeToString(noise) + `"`
	o.Order.Decision = settlement.DecisionDigest([]byte(o.DecisionJSON))
	o.OrderSig = f.gateway.sign(t, o.Order.Digest(testDomain))
	f.record(t, l, o)
	if _, err := l.AcceptReceipt(t.Context(), f.served(t, 0, o, 1)); err != nil {
		t.Fatal(err)
	}
	_, err := l.AcceptReceipt(t.Context(), f.served(t, 0, o, 2))
	wantErr(t, err, settlement.ErrReceiptReplayed)
	closeLedger(t, l)
	l = f.open(t, f.gateway, dir)
	b, err := l.Bundle(o.Order.ID(testDomain))
	if err != nil || string(b.DecisionJSON) != o.DecisionJSON {
		t.Errorf("decision of %d bytes read back, want %d: %v", len(b.DecisionJSON), len(o.DecisionJSON), err)
	}
	if kept, err := l.Evidence(); err != nil || len(kept) != 1 {
		t.Errorf("%d pieces of evidence for two receipts for an order, want 1: %v", len(kept), err)
	}
}
