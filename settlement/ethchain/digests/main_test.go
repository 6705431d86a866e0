package main

import (
	"errors"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/contracts/schema"
	"flotilla/contracts/vectors/random"
	"flotilla/settlement"
)

// Each row of the file differs from one other in a single field, in the chain or in the contract.
func TestEveryChangeChangesTheDigest(t *testing.T) {
	for seed := range uint64(3) {
		f, err := generate(seed)
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[any]string)
		for _, l := range f.Lists {
			for i, row := range l.Rows {
				if row["digest"] == "" { // too wide for Go
					continue
				}
				if other, dup := seen[row["digest"]]; dup {
					t.Errorf("seed %d: %s %d with %q changed has the digest of %s", seed, l.Name, i, row["changed"], other)
				}
				seen[row["digest"]] = l.Name
			}
		}
		if len(seen) < 1000 {
			t.Errorf("seed %d: only %d digests", seed, len(seen))
		}
	}
}

func TestEveryFieldIsChangedOnce(t *testing.T) {
	f, err := generate(1)
	if err != nil {
		t.Fatal(err)
	}
	for i, st := range f.Schema.Messages() {
		want := map[any]int{"": perMessage, "chainId": perMessage, "verifyingContract": perMessage}
		for _, field := range st.Fields {
			want[field.Name] = perMessage
		}
		if hasAmount(f.Schema, st) {
			want["width"] = perMessage
		}
		got := make(map[any]int)
		for _, row := range f.Lists[i].Rows {
			got[row["changed"]]++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: rows by changed field (-want +got):\n%s", st.Name, diff)
		}
	}
}

// An amount is 128 bits wide on chain and 64 in Go (settlement.Amount: 18.4e12 dollars; the contracts hold less than 2^72 base
// units). So Go must refuse what it cannot hold, in every message that has such a field, and never hash a part of it.
func TestAmountsBeyondSixtyFourBitsAreRefused(t *testing.T) {
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	r := &random.Source{Rand: rand.New(rand.NewPCG(1, 2)), Schema: s, Index: 2}
	tried := 0
	for _, st := range s.Messages() {
		base := r.Fields(st)
		base["chainId"], base["verifyingContract"] = uint64(1337), "0x5fbdb2315678afecb367f032d93f642f64180aa3"
		for _, f := range st.Fields {
			for _, amount := range []string{
				"18446744073709551615", "18446744073709551616", "340282366920938463463374607431768211455", "340282366920938463463374607431768211456",
			} {
				row := maps.Clone(base)
				if element, isArray := s.Lookup(f.Element()); isArray {
					lane := r.Fields(element)
					lane["valueAggregate"] = amount
					row[f.Name] = []random.Message{lane}
				} else if f.Type != "uint128" {
					continue
				} else {
					row[f.Name] = amount
				}
				tried++
				_, err := digest(st.Name, row)
				if fits := amount == "18446744073709551615"; fits != (err == nil) || (!fits && !errors.Is(err, settlement.ErrOverflow)) {
					t.Errorf("%s.%s = %s: %v", st.Name, f.Name, amount, err)
				}
			}
		}
	}
	if tried != 4*4 {
		t.Errorf("%d amounts tried, want 4 of each of order, receipt, voucher and batch", tried)
	}
}
