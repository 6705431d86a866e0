package node

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/routing"
)

func TestOnlyNamedOperatorsAnswer(t *testing.T) {
	offers := func() []routing.Candidate {
		return []routing.Candidate{{Operator: "0xaa01/peerA1"}, {Operator: "0xaa01/peerA2"}, {Operator: "0xbb02/peerB1"}}
	}
	for _, c := range []struct {
		only []string
		want []string
	}{
		{[]string{"0xAA01"}, []string{"0xaa01/peerA1", "0xaa01/peerA2"}},
		{[]string{"0xaa01/peerA2", "0xbb02"}, []string{"0xaa01/peerA2", "0xbb02/peerB1"}},
		{[]string{"0xaa"}, nil},
	} {
		var got []string
		for _, o := range only(offers(), c.only) {
			got = append(got, o.Operator)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("only %v (-want +got):\n%s", c.only, diff)
		}
	}
}
