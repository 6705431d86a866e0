package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
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
		got := make(map[any]int)
		for _, row := range f.Lists[i].Rows {
			got[row["changed"]]++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: rows by changed field (-want +got):\n%s", st.Name, diff)
		}
	}
}
