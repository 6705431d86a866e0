package page_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flotilla/node/page"
	"flotilla/node/requestlog"
)

var noon = time.Date(2026, 11, 29, 12, 30, 0, 0, time.UTC)

func clock() time.Time { return noon }

// answered is an automatic answer that cost so much, where the best single model would have cost the other.
func answered(id string, cost, baseline uint64) requestlog.Record {
	q, b := 0.6, 0.7
	return requestlog.Record{
		ID: id, At: noon.Add(-time.Minute), Key: "key_a", Status: 200, Asked: "auto", Model: "small", Reason: "dial_cheaper", CostMicroUSD: cost,
		PredictedQuality: &q, BaselineQuality: &b, BaselineModel: "big", BaselineMicroUSD: baseline, Receipt: "0x" + id, PromptTokens: 2, CompletionTokens: 3,
	}
}

// What is compared is only what the router chose and somebody answered; a saving may be a loss.
func TestSpendComparesOnlyWhatWasChosen(t *testing.T) {
	b := page.NewBook(clock)
	b.Add(answered("1", 10, 40))
	b.Add(answered("2", 50, 30))
	named := answered("3", 7, 40)
	named.Reason = "pinned"
	b.Add(named)
	b.Add(requestlog.Record{ID: "4", At: noon, Key: "key_a", Status: 404, Asked: "nobody"})
	other := answered("5", 1000, 1)
	other.Key = "key_b"
	b.Add(other)

	got := b.Spend(page.Viewer{Key: "key_a"})
	want := page.Comparison{Requests: 2, CostMicroUSD: 60, BaselineMicroUSD: 70, Quality: 0.6, BaselineQuality: 0.7, Rated: 2}
	if diff := cmp.Diff(want, got.Compared); diff != "" {
		t.Error(diff)
	}
	if got.Requests != 4 || got.Failed != 1 || got.CostMicroUSD != 67 || got.Named.CostMicroUSD != 7 {
		t.Errorf("%+v", got)
	}
	last := got.Hours[len(got.Hours)-1]
	if len(got.Hours) != 24 || last.Requests != 4 || last.CostMicroUSD != 67 || last.ComparedMicroUSD != 60 || last.BaselineMicroUSD != 70 {
		t.Errorf("%d hours, the last is %+v", len(got.Hours), last)
	}
	if all := b.Spend(page.Viewer{Owner: true}); all.CostMicroUSD != 1067 || all.Requests != 5 {
		t.Errorf("the owner sees %+v", all.Tally)
	}
	if none := b.Spend(page.Viewer{Key: "key_c"}); none.Requests != 0 {
		t.Errorf("a key that has done nothing sees %+v", none.Tally)
	}
}

// Nobody sees another key's requests, by list, id or receipt, and the newest come first.
func TestEachKeySeesItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := page.NewBook(clock)
		var mine []string
		for i, key := range rapid.SliceOf(rapid.SampledFrom([]string{"key_a", "key_b"})).Draw(t, "keys") {
			r := answered(fmt.Sprint(i), 1, 1)
			r.Key = key
			b.Add(r)
			if key == "key_a" {
				mine = append([]string{r.ID}, mine...)
			} else if _, found := b.Find(page.Viewer{Key: "key_a"}, r.Receipt); found {
				t.Fatalf("key_a finds %s of key_b", r.ID)
			}
		}
		var got []string
		for _, r := range b.Recent(page.Viewer{Key: "key_a"}, page.MaxListed) {
			got = append(got, r.ID)
		}
		if diff := cmp.Diff(mine[:min(len(mine), page.MaxListed)], got); len(mine) > 0 && diff != "" {
			t.Fatal(diff)
		}
	})
}

// A start fills the book from the log, behind what has come since.
func TestFilledFromTheLog(t *testing.T) {
	b := page.NewBook(clock)
	b.Add(answered("new", 1, 1))
	old := answered("old", 2, 2)
	old.At = noon.Add(-48 * time.Hour)
	b.Fill([]requestlog.Record{answered("newer", 4, 4), old})
	var ids []string
	for _, r := range b.Recent(page.Viewer{Owner: true}, 10) {
		ids = append(ids, r.ID)
	}
	if diff := cmp.Diff([]string{"new", "newer", "old"}, ids); diff != "" {
		t.Error(diff)
	}
	s := b.Spend(page.Viewer{Owner: true})
	if s.CostMicroUSD != 7 || !s.Since.Equal(old.At) {
		t.Errorf("%d since %s", s.CostMicroUSD, s.Since)
	}
	if hour := s.Hours[len(s.Hours)-1]; hour.CostMicroUSD != 5 {
		t.Errorf("two days ago counts in this hour: %+v", hour)
	}
}

// However many requests, keys and models there are, the book holds so many, and the totals are right.
func TestBookIsBounded(t *testing.T) {
	b := page.NewBook(clock)
	const n = 5000
	for i := range n {
		r := answered(fmt.Sprint(i), 1, 2)
		r.Key, r.Model, r.At = fmt.Sprintf("key_%d", i), fmt.Sprintf("model-%d", i), noon.Add(time.Duration(i-n)*time.Millisecond)
		b.Add(r)
	}
	all := b.Spend(page.Viewer{Owner: true})
	if all.Requests != n || len(all.Models) > 65 || all.Compared.BaselineMicroUSD != 2*n {
		t.Errorf("%d requests, %d models, %+v", all.Requests, len(all.Models), all.Compared)
	}
	var sum uint64
	for _, m := range all.Models {
		sum += m.CostMicroUSD
	}
	if sum != n {
		t.Errorf("the models' lines add up to %d, want %d", sum, n)
	}
	if got := len(b.Recent(page.Viewer{Owner: true}, n)); got > 2000 {
		t.Errorf("%d requests are remembered", got)
	}
	if s := b.Spend(page.Viewer{Key: "key_0"}); s.Requests != 0 {
		t.Error("the key that was idle longest is still counted")
	}
	if s := b.Spend(page.Viewer{Key: fmt.Sprintf("key_%d", n-1)}); s.Requests != 1 {
		t.Error("the newest key is not counted")
	}
}

// A key that asks much does not take from another's page what that has asked.
func TestBusyKeyLeavesTheOthersTheirs(t *testing.T) {
	const most = 10
	for _, filled := range []bool{false, true} {
		b := page.NewBook(clock)
		var records []requestlog.Record // oldest first
		for i := range 15 {
			r := answered(fmt.Sprintf("quiet%d", i), 1, 2)
			r.Key = "key_quiet"
			records = append(records, r)
		}
		for i := range 3000 {
			records = append(records, answered(fmt.Sprint(i), 1, 2))
		}
		if filled {
			for i, j := 0, len(records)-1; i < j; i, j = i+1, j-1 {
				records[i], records[j] = records[j], records[i]
			}
			b.Fill(records[:1500])
			b.Fill(records[1500:])
		} else {
			for _, r := range records {
				b.Add(r)
			}
		}
		quiet := page.Viewer{Key: "key_quiet"}
		got := b.Recent(quiet, page.MaxListed)
		if len(got) != most || got[0].ID != "quiet14" || got[most-1].ID != "quiet5" {
			t.Errorf("filled %v: the quiet key sees %d requests: %v", filled, len(got), got)
		}
		if r, ok := b.Find(quiet, ""); !ok || r.ID != "quiet14" {
			t.Errorf("filled %v: its newest answer is %q", filled, r.ID)
		}
		if got := b.Recent(page.Viewer{Key: "key_a"}, page.MaxListed); len(got) != page.MaxListed || got[0].ID != "2999" {
			t.Errorf("filled %v: the busy key sees %d requests", filled, len(got))
		}
	}
}

// An answer whose client left is compared and failed; those that are neither are what is left out.
func TestComparedAnswersThatFailedAreCounted(t *testing.T) {
	b := page.NewBook(clock)
	b.Add(answered("1", 10, 40))
	left := answered("2", 5, 40)
	left.Status, left.Partial = 499, true
	b.Add(left)
	if got := b.Spend(page.Viewer{Owner: true}); got.Failed != 1 || got.Compared.Requests != 2 || got.Compared.Failed != 1 {
		t.Errorf("%d failed, compared %+v", got.Failed, got.Compared)
	}
}
