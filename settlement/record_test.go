package settlement_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"strings"
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
	key, version := []byte("rcp/"), byte(3)
	for name, payload := range map[string][]byte{
		"1 GiB":     binary.AppendUvarint(nil, 1<<30),
		"cut off":   binary.AppendUvarint(nil, 1<<16),
		"no length": {0xff},
	} {
		sum := crc32.Checksum(append(append(key[:4:4], version), payload...), crc32.MakeTable(crc32.Castagnoli))
		row := append(binary.BigEndian.AppendUint32([]byte{version}, sum), payload...)
		if err := settlement.DecodeRecord(key, row, &settlement.Opening{}); !errors.Is(err, settlement.ErrCorrupt) {
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
