package settlement_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

// allChecks in the order in which Verify makes them.
var allChecks = []string{
	settlement.CheckOperatorSignature, settlement.CheckGatewaySignature, settlement.CheckOrderSignature, settlement.CheckOrderMatch,
	settlement.CheckAdvertSignature, settlement.CheckAdvertMatch, settlement.CheckAdvertValidity, settlement.CheckPrice,
	settlement.CheckOrderLimits, settlement.CheckDecision, settlement.CheckRequestHash, settlement.CheckOperatorStaked,
	settlement.CheckBatchRoot, settlement.CheckInclusion, settlement.CheckLaneTotal,
}

func TestVerifyHonest(t *testing.T) {
	f := newFixture(t, 2)
	r := settlement.Verify(t.Context(), f.settledBundle(t), f.chain, settlement.VerifyOptions{Domain: testDomain, RequestBody: []byte(requestBody)})
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
	if diff := cmp.Diff(allChecks, names); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
}

// TestVerifyTamperedFields changes every field of an honest bundle's JSON, one at a time, and wants the
// verification to fail at the check that is there for it.
func TestVerifyTamperedFields(t *testing.T) {
	f := newFixture(t, 2)
	honest := f.settledBundle(t)
	want := map[string]string{ // path → a check that must be among the failures
		"domain.chainId": "domain", "domain.verifyingContract": "domain",
		"advertSig": settlement.CheckAdvertSignature, "orderSig": settlement.CheckOrderSignature,
		"operatorSig": settlement.CheckOperatorSignature, "gatewaySig": settlement.CheckGatewaySignature,
		"salt": settlement.CheckRequestHash, "decisionJson": settlement.CheckDecision, "partial": settlement.CheckOperatorSignature,
		"inclusion.epoch": settlement.CheckBatchRoot, "inclusion.count": settlement.CheckBatchRoot, "inclusion.root": settlement.CheckBatchRoot,
		"inclusion.index": settlement.CheckInclusion, "inclusion.proof.0": settlement.CheckInclusion,
		"inclusion.proof.1": settlement.CheckInclusion, "inclusion.proof.2": settlement.CheckInclusion,
		"receipt.amount": settlement.CheckPrice, "receipt.inputTokens": settlement.CheckPrice, "receipt.outputTokens": settlement.CheckPrice,
		"receipt.request": settlement.CheckOrderMatch, "order.advert": settlement.CheckAdvertMatch,
	}
	byRoom := map[string]string{ // for all other fields: the signature over the message they are in
		"advert": settlement.CheckAdvertSignature, "order": settlement.CheckOrderSignature, "receipt": settlement.CheckOperatorSignature,
	}
	tampered := 0
	for _, path := range leafPaths("", tree(t, honest)) {
		if path == "inclusion.tx" {
			continue // a hint for people, documented as not verified
		}
		tampered++
		t.Run(path, func(t *testing.T) {
			doc := tree(t, honest)
			mutateLeaf(t, doc, strings.Split(path, "."))
			b, err := settlement.DecodeBundle(mustJSON(t, doc))
			if err != nil {
				t.Fatalf("tampered bundle does not decode: %v", err)
			}
			r := settlement.Verify(t.Context(), b, f.chain, settlement.VerifyOptions{Domain: testDomain, RequestBody: []byte(requestBody)})
			wantErr(t, r.Err(), settlement.ErrVerifyFailed)
			check := want[path]
			if check == "" {
				room, _, _ := strings.Cut(path, ".")
				check = byRoom[room]
			}
			if !slices.Contains(r.Failed(), check) {
				t.Errorf("failed checks are %v, want %s among them", r.Failed(), check)
			}
		})
	}
	if tampered < 45 {
		t.Errorf("only %d fields were tampered with", tampered)
	}
}

// tree is b's JSON as maps and slices; numbers stay exact.
func tree(t *testing.T, b settlement.Bundle) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(mustJSON(t, b))))
	dec.UseNumber()
	var doc map[string]any
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func leafPaths(prefix string, node any) []string {
	var out []string
	switch n := node.(type) {
	case map[string]any:
		for key, child := range n {
			out = append(out, leafPaths(prefix+key+".", child)...)
		}
	case []any:
		for i, child := range n {
			out = append(out, leafPaths(fmt.Sprintf("%s%d.", prefix, i), child)...)
		}
	default:
		return []string{strings.TrimSuffix(prefix, ".")}
	}
	slices.Sort(out)
	return out
}

// mutateLeaf makes the smallest change to the value at path that still decodes.
func mutateLeaf(t *testing.T, node any, path []string) {
	t.Helper()
	if list, ok := node.([]any); ok {
		var i int
		if _, err := fmt.Sscan(path[0], &i); err != nil {
			t.Fatal(err)
		}
		if len(path) > 1 {
			mutateLeaf(t, list[i], path[1:])
			return
		}
		list[i] = mutated(t, list[i])
		return
	}
	fields := node.(map[string]any)
	if len(path) == 1 {
		fields[path[0]] = mutated(t, fields[path[0]])
		return
	}
	mutateLeaf(t, fields[path[0]], path[1:])
}

func mutated(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case bool:
		return !v
	case json.Number:
		return json.Number(plusOne(string(v)))
	case string:
		switch {
		case strings.HasPrefix(v, "0x"): // flip a bit in the middle, away from a signature's last byte
			i := len(v) / 2
			digit := byte('0')
			if v[i] == '0' {
				digit = '1'
			}
			return v[:i] + string(digit) + v[i+1:]
		case strings.Trim(v, "0123456789") == "":
			return plusOne(v)
		case strings.HasPrefix(v, "{"):
			return " " + v
		default:
			return v + "x"
		}
	}
	t.Fatalf("no way to change %T", v)
	return nil
}

func plusOne(digits string) string {
	var n uint64
	fmt.Sscan(digits, &n)
	return fmt.Sprint(n + 1)
}

// TestVerifyResignedLies: whoever has both keys can sign anything, but not make the chain hold it.
func TestVerifyResignedLies(t *testing.T) {
	f := newFixture(t, 2)
	honest := f.settledBundle(t)
	everybody := append([]party{f.gateway}, f.operators...)
	resign := func(b *settlement.Bundle) {
		sign := func(signer common.Address) settlement.Signature {
			p := everybody[slices.IndexFunc(everybody, func(p party) bool { return p.addr == signer })]
			return p.sign(t, b.Receipt.Digest(testDomain))
		}
		b.OperatorSig, b.GatewaySig = sign(b.Receipt.Payee), sign(b.Receipt.Payer)
	}
	other := f.operators[slices.IndexFunc(f.operators, func(p party) bool { return p.addr != honest.Receipt.Payee })].addr
	for _, tc := range []struct {
		name   string
		want   []string
		err    error
		change func(*settlement.Bundle)
	}{
		{"another answer", []string{settlement.CheckInclusion}, settlement.ErrNotInBatch,
			func(b *settlement.Bundle) { b.Receipt.ResponseHash[0] ^= 1 }},
		{"dearer", []string{settlement.CheckPrice, settlement.CheckInclusion}, settlement.ErrPriceAboveAdvert,
			func(b *settlement.Bundle) { b.Receipt.Amount++ }},
		{"cheaper", []string{settlement.CheckPrice, settlement.CheckInclusion}, settlement.ErrPriceBelowAdvert,
			func(b *settlement.Bundle) { b.Receipt.Amount-- }},
		{"too late", []string{settlement.CheckOrderLimits, settlement.CheckInclusion}, settlement.ErrOrderExpired,
			func(b *settlement.Bundle) { b.Receipt.ServedAt = deadline + 1 }},
		{"advert over", []string{settlement.CheckAdvertValidity, settlement.CheckOrderLimits, settlement.CheckInclusion}, settlement.ErrAdvertExpired,
			func(b *settlement.Bundle) { b.Receipt.ServedAt = validTo + 1 }},
		{"another's answer", []string{settlement.CheckOrderMatch, settlement.CheckInclusion}, settlement.ErrWrongParty,
			func(b *settlement.Bundle) { b.Receipt.Payee = other }},
		{"another's money", []string{settlement.CheckOrderMatch, settlement.CheckBatchRoot, settlement.CheckInclusion, settlement.CheckLaneTotal}, settlement.ErrWrongParty,
			func(b *settlement.Bundle) { b.Receipt.Payer = other }},
		{"at another's price", []string{settlement.CheckAdvertMatch, settlement.CheckInclusion}, settlement.ErrWrongParty, func(b *settlement.Bundle) {
			b.Order.Payee, b.Receipt.Payee = other, other
			b.OrderSig = f.gateway.sign(t, b.Order.Digest(testDomain))
			b.Receipt.Request = common.Hash(b.Order.ID(testDomain))
		}},
		{"no salt", []string{settlement.CheckRequestHash}, settlement.ErrRequestMismatch,
			func(b *settlement.Bundle) { b.Salt = make([]byte, settlement.SaltLen) }},
		{"other place", []string{settlement.CheckInclusion}, settlement.ErrNotInBatch, func(b *settlement.Bundle) {
			inc := *b.Inclusion
			inc.Index = 1
			b.Inclusion = &inc
		}},
		{"batch that is not there", []string{settlement.CheckBatchRoot, settlement.CheckInclusion}, settlement.ErrNotInBatch, func(b *settlement.Bundle) {
			inc := *b.Inclusion
			inc.Epoch = 9
			b.Inclusion = &inc
		}},
		{"a batch of nothing, as an empty place on the chain looks", []string{settlement.CheckBatchRoot, settlement.CheckInclusion}, settlement.ErrNotInBatch, func(b *settlement.Bundle) {
			b.Inclusion = &settlement.Inclusion{Epoch: 9}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := honest
			tc.change(&b)
			resign(&b)
			r := settlement.Verify(t.Context(), b, f.chain, settlement.VerifyOptions{Domain: testDomain})
			if diff := cmp.Diff(tc.want, r.Failed()); diff != "" {
				t.Errorf("failed checks (-want +got):\n%s", diff)
			}
			wantErr(t, r.Err(), settlement.ErrVerifyFailed)
			wantErr(t, r.Err(), tc.err)
		})
	}
}

func TestVerifyOperatorWithoutStake(t *testing.T) {
	f := newFixture(t, 2)
	b := f.settledBundle(t)
	bare := memchain.New(memchain.Config{Domain: testDomain})
	r := settlement.Verify(t.Context(), b, bare, settlement.VerifyOptions{Domain: testDomain})
	wantErr(t, r.Err(), settlement.ErrNoStake)
	want := []string{settlement.CheckOperatorStaked, settlement.CheckBatchRoot, settlement.CheckInclusion, settlement.CheckLaneTotal}
	if diff := cmp.Diff(want, r.Failed()); diff != "" {
		t.Errorf("failed checks on an empty chain (-want +got):\n%s", diff)
	}
}

func TestVerifyWithoutChain(t *testing.T) {
	f := newFixture(t, 2)
	b := f.settledBundle(t)
	opts := settlement.VerifyOptions{Domain: testDomain}
	unsettled := b
	unsettled.Inclusion = nil
	forged := b
	forged.Receipt.Amount++
	for _, tc := range []struct {
		name    string
		bundle  settlement.Bundle
		prepare func() settlement.ChainReader
		want    error
	}{
		{"no chain", b, func() settlement.ChainReader { return nil }, settlement.ErrCannotCheck},
		{"chain down", b, func() settlement.ChainReader { f.chain.SetDown(true); return f.chain }, settlement.ErrCannotCheck},
		{"not settled", unsettled, func() settlement.ChainReader { f.chain.SetDown(false); return f.chain }, settlement.ErrCannotCheck},
		{"forged and no chain", forged, func() settlement.ChainReader { return nil }, settlement.ErrVerifyFailed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := settlement.Verify(t.Context(), tc.bundle, tc.prepare(), opts)
			err := r.Err()
			wantErr(t, err, tc.want)
			var names []string
			for _, c := range r.Checks {
				names = append(names, c.Name)
			}
			if diff := cmp.Diff(allChecks, names); diff != "" {
				t.Errorf("checks, of which none is passed over (-want +got):\n%s", diff)
			}
			if errors.Is(err, settlement.ErrVerifyFailed) && errors.Is(err, settlement.ErrCannotCheck) {
				t.Error("one error says both failed and incomplete")
			}
		})
	}
}

// TestVerifyAllThatWasOrdered: an order's limits are what may be used, to the last token, unit and second.
func TestVerifyAllThatWasOrdered(t *testing.T) {
	f := newFixture(t, 2)
	b := f.settledBundle(t)
	b.Order.MaxInputTokens, b.Order.MaxOutputTokens = b.Receipt.InputTokens, b.Receipt.OutputTokens
	b.Order.MaxAmount, b.Order.Deadline = b.Receipt.Amount, b.Receipt.ServedAt
	if failed := settlement.Verify(t.Context(), b, nil, settlement.VerifyOptions{Domain: testDomain}).Failed(); slices.Contains(failed, settlement.CheckOrderLimits) {
		t.Errorf("%v", failed)
	}
}

// TestVerifyUnsettled: what the chain has not paid yet is not false.
func TestVerifyUnsettled(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.gateway, "")
	b, err := l.Bundle(f.accept(t, l, 0, 1).ID)
	if err != nil {
		t.Fatal(err)
	}
	r := settlement.Verify(t.Context(), b, f.chain, settlement.VerifyOptions{Domain: testDomain})
	wantErr(t, r.Err(), settlement.ErrCannotCheck)
	if failed := r.Failed(); len(failed) > 0 {
		t.Errorf("an unsettled receipt fails %v", failed)
	}
}

func TestVerifyAll(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.gateway, "")
	for i := range 4 {
		f.accept(t, l, 0, uint64(i+1))
	}
	settle(t, l, f.chain)
	var bundles []settlement.Bundle
	for r := range l.Receipts(settlement.Filter{}) {
		bundles = append(bundles, r.Bundle)
	}
	opts := settlement.VerifyOptions{Domain: testDomain}
	for _, r := range settlement.VerifyAll(t.Context(), bundles, f.chain, opts) {
		if err := r.Err(); err != nil {
			t.Error(err)
		}
	}
	for _, r := range settlement.VerifyAll(t.Context(), bundles, nil, opts) {
		wantErr(t, r.Err(), settlement.ErrCannotCheck)
	}
	beyond := bundles[1]
	beyond.Receipt.Amount = ^settlement.Amount(0)
	if failed := settlement.VerifyAll(t.Context(), []settlement.Bundle{bundles[0], beyond}, f.chain, opts)[0].Failed(); !slices.Contains(failed, settlement.CheckLaneTotal) {
		t.Errorf("beside a receipt of all money there is, another fails %v", failed)
	}
	reports := settlement.VerifyAll(t.Context(), append(bundles, bundles[0]), f.chain, opts)
	err := reports[len(reports)-1].Err()
	wantErr(t, err, settlement.ErrVerifyFailed)
	// Five times 42 is more than was paid for four, so already the sum gives it away.
	wantErr(t, reports[0].Err(), settlement.ErrLaneUncovered)
	if !slices.Contains(reports[len(reports)-1].Failed(), "unique") {
		t.Errorf("the receipt given twice fails %v", reports[len(reports)-1].Failed())
	}
}

// TestVerifyPartial: what a payer has issued for a broken stream needs no signature of the operator's, but one that is there has to be right.
func TestVerifyPartial(t *testing.T) {
	f := newFixture(t, 2)
	l := f.open(t, f.gateway, "")
	o := f.opening(t, 0)
	f.record(t, l, o)
	acc, err := l.AcceptPartial(t.Context(), o.Bundle(testDomain, receipt(t, o, 0), nil))
	if err != nil {
		t.Fatal(err)
	}
	settle(t, l, f.chain)
	unsigned, err := l.Bundle(acc.ID)
	if err != nil {
		t.Fatal(err)
	}
	opts := settlement.VerifyOptions{Domain: testDomain}
	r := settlement.Verify(t.Context(), unsigned, f.chain, opts)
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	if c := r.Checks[0]; c.Name != settlement.CheckOperatorSignature || c.OK || !c.Skipped {
		t.Errorf("unsigned, it is checked as %+v", c)
	}
	// Only that kind does without: from any other receipt it cannot be left out.
	ordinary := newFixture(t, 2)
	b := ordinary.settledBundle(t)
	b.OperatorSig = nil
	r = settlement.Verify(t.Context(), b, ordinary.chain, opts)
	if diff := cmp.Diff([]string{settlement.CheckOperatorSignature}, r.Failed()); diff != "" {
		t.Errorf("failed checks of an ordinary receipt that the operator has not signed (-want +got):\n%s", diff)
	}
	foreign := unsigned
	foreign.OperatorSig = f.operators[1].sign(t, unsigned.Receipt.Digest(testDomain))
	wantErr(t, settlement.Verify(t.Context(), foreign, f.chain, opts).Err(), settlement.ErrBadSignature)
}

// TestVerifyForeignDomain: a bundle that is right in itself, under a contract of the forger's own.
func TestVerifyForeignDomain(t *testing.T) {
	f := newFixture(t, 2)
	b := f.settledBundle(t)
	trusted := settlement.Domain{ChainID: 1337, Contract: common.HexToAddress("0x01")}
	wantErr(t, settlement.Verify(t.Context(), b, f.chain, settlement.VerifyOptions{Domain: trusted}).Err(), settlement.ErrWrongDomain)
}

func TestReportJSON(t *testing.T) {
	f := newFixture(t, 2)
	b := f.settledBundle(t)
	b.Receipt.Amount++
	data := mustJSON(t, settlement.Verify(t.Context(), b, f.chain, settlement.VerifyOptions{Domain: testDomain}))
	var got struct {
		Receipt string
		Checks  []struct {
			Name, Error string
			OK          bool
		}
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Receipt != b.ID().String() || len(got.Checks) != len(allChecks) || got.Checks[0].OK || got.Checks[0].Error == "" {
		t.Errorf("report in JSON: %s", data)
	}
}
