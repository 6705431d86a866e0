package settlement_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

// settledBatch is an honest batch of five receipts over two lanes that the fixture's chain holds.
func (f *fixture) settledBatch(tb testing.TB) settlement.BatchBundle {
	tb.Helper()
	l := f.open(tb, f.gateway, "")
	for i := range 5 {
		f.accept(tb, l, i%2, uint64(i+1))
	}
	settle(tb, l, f.chain)
	b, err := l.ExportBatch(1)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestVerifyBatchHonest(t *testing.T) {
	f := newFixture(t, 2)
	b, err := settlement.DecodeBatchBundle(mustJSON(t, f.settledBatch(t)))
	if err != nil {
		t.Fatal(err)
	}
	r := settlement.VerifyBatch(t.Context(), b, f.chain, settlement.VerifyOptions{Domain: testDomain})
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	var names []string
	for _, c := range r.Checks {
		names = append(names, c.Name)
		if !c.OK || c.Skipped || c.Evidence == "" {
			t.Errorf("check %+v", c)
		}
	}
	want := []string{settlement.CheckBatchForm, settlement.CheckBatchSignature, settlement.CheckReceiptsRoot, settlement.CheckBatchRoot, settlement.CheckLaneTotal}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
	if a, err := f.chain.BatchAnchor(t.Context(), f.gateway.addr, 1); err != nil || !strings.Contains(r.Checks[3].Evidence, a.Tx.Hex()) {
		t.Errorf("evidence %q does not name transaction %s (%v)", r.Checks[3].Evidence, a.Tx, err)
	}
}

// TestVerifyBatchTampered changes every field of an honest batch, one at a time.
func TestVerifyBatchTampered(t *testing.T) {
	f := newFixture(t, 2)
	honest := mustJSON(t, f.settledBatch(t))
	read := func() (doc map[string]any) {
		dec := json.NewDecoder(strings.NewReader(string(honest)))
		dec.UseNumber()
		if err := dec.Decode(&doc); err != nil {
			t.Fatal(err)
		}
		return doc
	}
	tampered := 0
	for _, path := range leafPaths("", read()) {
		tampered++
		t.Run(path, func(t *testing.T) {
			doc := read()
			mutateLeaf(t, doc, strings.Split(path, "."))
			b, err := settlement.DecodeBatchBundle(mustJSON(t, doc))
			if err != nil {
				t.Fatalf("tampered bundle does not decode: %v", err)
			}
			r := settlement.VerifyBatch(t.Context(), b, f.chain, settlement.VerifyOptions{Domain: testDomain})
			wantErr(t, r.Err(), settlement.ErrVerifyFailed)
			want := settlement.CheckBatchSignature
			switch {
			case strings.HasPrefix(path, "digests."):
				want = settlement.CheckReceiptsRoot
			case strings.HasPrefix(path, "domain."):
				want = "domain"
			}
			if !slices.Contains(r.Failed(), want) {
				t.Errorf("failed checks are %v, want %s among them", r.Failed(), want)
			}
		})
	}
	if tampered < 15 {
		t.Errorf("only %d fields were tampered with", tampered)
	}
}

// TestVerifyBatchSignedTwice: a payer that signs other digests or totals for a settled epoch is contradicted by the chain.
func TestVerifyBatchSignedTwice(t *testing.T) {
	f := newFixture(t, 2)
	honest := f.settledBatch(t)
	for check, change := range map[string]func(*settlement.BatchBundle){
		settlement.CheckBatchRoot: func(b *settlement.BatchBundle) {
			b.Digests = digests(5)
			b.Batch.ReceiptsRoot = newTree(t, b.Digests).Root()
		},
		settlement.CheckLaneTotal: func(b *settlement.BatchBundle) {
			b.Batch.Lanes = slices.Clone(b.Batch.Lanes)
			b.Batch.Lanes[1].ValueAggregate += 1000
		},
		settlement.CheckBatchForm: func(b *settlement.BatchBundle) {
			b.Batch.Lanes = []settlement.LaneTotal{b.Batch.Lanes[1], b.Batch.Lanes[0]}
		},
	} {
		t.Run(check, func(t *testing.T) {
			b := honest
			change(&b)
			b.PayerSig = f.gateway.sign(t, b.Batch.Digest(testDomain))
			r := settlement.VerifyBatch(t.Context(), b, f.chain, settlement.VerifyOptions{Domain: testDomain})
			if diff := cmp.Diff([]string{check}, r.Failed()); diff != "" {
				t.Errorf("failed checks (-want +got):\n%s", diff)
			}
		})
	}
}

// TestVerifyBatchCountsItsReceipts: a count that the digests do not bear out is seen without the chain.
func TestVerifyBatchCountsItsReceipts(t *testing.T) {
	f := newFixture(t, 2)
	b := f.settledBatch(t)
	b.Batch.ReceiptCount++
	b.PayerSig = f.gateway.sign(t, b.Batch.Digest(testDomain))
	r := settlement.VerifyBatch(t.Context(), b, nil, settlement.VerifyOptions{Domain: testDomain})
	if diff := cmp.Diff([]string{settlement.CheckBatchForm}, r.Failed()); diff != "" {
		t.Errorf("failed checks (-want +got):\n%s", diff)
	}
}

func TestVerifyBatchCannotCheck(t *testing.T) {
	f := newFixture(t, 2)
	b := f.settledBatch(t)
	opts := settlement.VerifyOptions{Domain: testDomain}
	checks := settlement.VerifyBatch(t.Context(), b, nil, opts).Checks
	if len(checks) != 5 {
		t.Errorf("%d checks without a chain, want all 5", len(checks))
	}
	for _, c := range checks {
		if onChain := c.Name == settlement.CheckBatchRoot || c.Name == settlement.CheckLaneTotal; c.Skipped != onChain || c.OK == onChain {
			t.Errorf("without a chain: %+v", c)
		}
	}
	wantErr(t, settlement.VerifyBatch(t.Context(), b, nil, opts).Err(), settlement.ErrCannotCheck)
	for _, m := range []memchain.Method{memchain.BatchAnchor, memchain.Lane} {
		f.chain.FailCall(m, 1)
		wantErr(t, settlement.VerifyBatch(t.Context(), b, f.chain, opts).Err(), settlement.ErrCannotCheck)
	}
	long := b
	long.Batch.Lanes = make([]settlement.LaneTotal, settlement.MaxBatchLanes+1) // a stranger's file, which must not have the chain asked without end
	if checks := settlement.VerifyBatch(t.Context(), long, f.chain, opts).Checks; !checks[4].Skipped {
		t.Errorf("more lanes than a batch has: %+v", checks[4])
	}
	f.chain.Reset()
	wantErr(t, settlement.VerifyBatch(t.Context(), b, f.chain, opts).Err(), settlement.ErrNotInBatch)
}

func TestDecodeBatchBundleRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "unknown field": `{"paid":1}`, "text after it": `{} {}`, "not an object": `[]`,
		"too large": `{"digests":["` + strings.Repeat(" ", settlement.MaxBatchBundleBytes) + `"]}`,
	} {
		if _, err := settlement.DecodeBatchBundle([]byte(text)); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}

func TestExportBatchUnknown(t *testing.T) {
	f := newFixture(t, 1)
	_, err := f.open(t, f.gateway, "").ExportBatch(1)
	wantErr(t, err, settlement.ErrUnknownReceipt)
}

// FuzzDecodeBatchBundle: whatever decodes, encodes to something that decodes to the same, and is judged without panic.
func FuzzDecodeBatchBundle(f *testing.F) {
	fix := newFixture(f, 2)
	batch := settlement.Batch{Payer: fix.gateway.addr, Epoch: 1, ReceiptCount: 2, ReceiptsRoot: common.Hash{1}, Lanes: []settlement.LaneTotal{{ValueAggregate: 5}}}
	f.Add(mustJSON(f, settlement.BatchBundle{
		Domain: testDomain, Batch: batch, PayerSig: fix.gateway.sign(f, batch.Digest(testDomain)), Digests: digests(2),
	}))
	f.Add([]byte(`{"digests":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := settlement.DecodeBatchBundle(data)
		if err != nil {
			return
		}
		again, err := settlement.DecodeBatchBundle(mustJSON(t, b))
		if err != nil {
			t.Fatalf("decode what was encoded: %v", err)
		}
		if diff := cmp.Diff(b, again); diff != "" {
			t.Fatalf("not stable:\n%s", diff)
		}
		if settlement.VerifyBatch(t.Context(), b, nil, settlement.VerifyOptions{Domain: testDomain}).Err() == nil {
			t.Fatal("passed without a chain")
		}
	})
}
