package feedback

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flotilla/routing/index"
)

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, file string, now time.Time) *Store {
	t.Helper()
	s, err := Open(file, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func entry(receipt, key string, score float64) Entry {
	return Entry{Receipt: receipt, Key: key, Model: "qwen2.5-7b-instruct", Score: score, Embedder: "e", Query: index.Query{3, -4}, At: start, State: Pending}
}

func put(t *testing.T, s *Store, e Entry) {
	t.Helper()
	if err := s.Put(e); err != nil {
		t.Fatal(err)
	}
}

func TestEntriesSurviveAndALaterVerdictReplaces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "feedback.jsonl")
	s := open(t, file, start)
	put(t, s, entry("0x1", "k", 0.2))
	put(t, s, entry("0x2", "k", 1))
	put(t, s, entry("0x1", "k", 0.7))
	if _, err := s.Review([]string{"0x2"}, Accepted, 2); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(entry("0x2", "k", 0)); !errors.Is(err, ErrReviewed) {
		t.Errorf("a verdict on a reviewed receipt: %v", err)
	}
	want := []Entry{entry("0x1", "k", 0.7), entry("0x2", "k", 1)}
	want[1].State, want[1].Weight = Accepted, 2
	// As after a kill: nothing was closed.
	if diff := cmp.Diff(want, open(t, file, start).List()); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
}

func TestALineCutShortByACrashIsDroppedAndTheNextIsWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "feedback.jsonl")
	s := open(t, file, start)
	put(t, s, entry("0x1", "k", 1))
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"receipt":"0x2","sco`); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	s = open(t, file, start)
	put(t, s, entry("0x3", "k", 0))
	if diff := cmp.Diff([]Entry{entry("0x1", "k", 1), entry("0x3", "k", 0)}, open(t, file, start).List()); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestAFileThatIsNoneIsRefusedAndKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "feedback.jsonl")
	if err := os.WriteFile(file, []byte("not feedback\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, time.Now); err == nil {
		t.Error("opened")
	}
	if raw, _ := os.ReadFile(file); string(raw) != "not feedback\n" {
		t.Errorf("the file is now %q", raw)
	}
}

func TestOldVerdictsAreForgottenAndAcceptedOnesAreNot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "feedback.jsonl")
	s := open(t, file, start)
	for _, id := range []string{"0x1", "0x2", "0x3"} {
		put(t, s, entry(id, "k", 1))
	}
	if _, err := s.Review([]string{"0x2"}, Accepted, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Review([]string{"0x3", "0x9"}, Rejected, 1); !errors.Is(err, ErrUnknown) {
		t.Errorf("a review of an unknown receipt: %v", err)
	}
	if _, err := s.Review([]string{"0x1"}, Accepted, MaxWeight+1); err == nil {
		t.Error("too heavy a verdict was accepted")
	}
	got := open(t, file, start.Add(retention+time.Hour)).List()
	if len(got) != 1 || got[0].Receipt != "0x2" {
		t.Errorf("after the retention: %v", got)
	}
}

func TestAFullStoreTakesNoMoreUntilSomethingIsRejected(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "feedback.jsonl"), start)
	for i := range maxEntries { // as if they had been put
		e := entry(fmt.Sprintf("0x%d", i), "k", 1)
		s.entries[e.Receipt] = e
	}
	if err := s.Put(entry("0xnew", "k", 1)); !errors.Is(err, ErrFull) {
		t.Errorf("Put into a full store: %v", err)
	}
	put(t, s, entry("0x7", "k", 0)) // one that is there may still be replaced
	if _, err := s.Review([]string{"0x7"}, Rejected, 1); err != nil {
		t.Fatal(err)
	}
	put(t, s, entry("0xnew", "k", 1))
	if n := len(s.List()); n != maxEntries {
		t.Errorf("%d entries, want %d", n, maxEntries)
	}
}

// What was accepted is in the index and leaves its room to others. It has a bound of its own.
func TestAcceptedVerdictsLeaveRoomForOthers(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "feedback.jsonl"), start)
	for i := range maxEntries { // as if they had been put and accepted
		e := entry(fmt.Sprintf("0x%d", i), "k", 1)
		e.State, e.Weight = Accepted, 1
		s.entries[e.Receipt] = e
	}
	put(t, s, entry("0xnew", "k", 1))
	if _, err := s.Review([]string{"0xnew"}, Accepted, 1); !errors.Is(err, ErrFull) {
		t.Errorf("one more is accepted: %v", err)
	}
	if were, err := s.AcceptConcordant("0xnew", 1); err != nil || len(were) > 0 {
		t.Errorf("one more is accepted by agreement: %v, %v", were, err)
	}
	if _, err := s.Review([]string{"0x7"}, Accepted, 2); err != nil {
		t.Errorf("one that is accepted gets another weight: %v", err)
	}
	if _, err := s.Review([]string{"0x7"}, Pending, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Review([]string{"0xnew"}, Accepted, 1); err != nil {
		t.Errorf("one in the place of another: %v", err)
	}
}

// A gateway may run for longer than verdicts are kept.
func TestAFullStoreForgetsWhatIsOldWhileItRuns(t *testing.T) {
	now := start
	s, err := Open(filepath.Join(t.TempDir(), "feedback.jsonl"), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for i := range maxEntries + 1 { // as if they had been put, and one accepted
		e := entry(fmt.Sprintf("0x%d", i), "k", 1)
		if i == 7 {
			e.State, e.Weight = Accepted, 1
		}
		s.entries[e.Receipt] = e
	}
	now = start.Add(retention + time.Hour)
	fresh := entry("0xnew", "k", 1)
	fresh.At = now
	put(t, s, fresh)
	if got := s.List(); len(got) != 2 || got[0].Receipt != "0x7" || got[1].Receipt != "0xnew" {
		t.Errorf("%d entries, want the accepted one and the new", len(got))
	}
}

func TestTheFileDoesNotGrowByReplacements(t *testing.T) {
	file := filepath.Join(t.TempDir(), "feedback.jsonl")
	s := open(t, file, start)
	for i := range slack + 20 {
		put(t, s, entry("0x1", "k", float64(i%2)))
	}
	if s.lines > 20 {
		t.Errorf("%d lines for one entry", s.lines)
	}
	if got := open(t, file, start).List(); len(got) != 1 {
		t.Errorf("%d entries", len(got))
	}
}

// What is kept is in the file that a restart reads, also after a rewrite whose folder could not be synced.
func TestRewriteThatFailsHalfWayLosesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "feedback.jsonl")
	s := open(t, file, start)
	s.syncFolder = func(string) error { return syscall.EIO }
	var err error
	for n := 0; err == nil && n < 10+slack; n++ {
		err = s.Put(entry("0x1", "k", 1))
	}
	if !errors.Is(err, syscall.EIO) {
		t.Fatal("no rewrite failed:", err)
	}
	if err := s.Put(entry("0x2", "k", 1)); err == nil {
		t.Error("kept in a file that a power loss may take")
	}
	s.syncFolder = syncFolder
	put(t, s, entry("0x3", "k", 1))
	if diff := cmp.Diff(s.List(), open(t, file, start).List()); diff != "" {
		t.Errorf("after a restart (-was +is):\n%s", diff)
	}
}

// A review that fails moves nothing.
func TestReviewMovesAllOrNone(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "feedback.jsonl"), start)
	long := entry("0x2", "k", 1)
	long.Model = strings.Repeat("m", maxLine)
	s.entries["0x2"] = long // one that cannot be written
	put(t, s, entry("0x1", "k", 1))
	if _, err := s.Review([]string{"0x1", "0x2"}, Accepted, 1); err == nil {
		t.Fatal("reviewed")
	}
	if got := s.List()[0]; got.State != Pending {
		t.Errorf("%s is %s", got.Receipt, got.State)
	}
}

func TestConcordCountsKeysNotVerdicts(t *testing.T) {
	e := entry("0x1", "a", 0.9)
	far, other, apart := entry("0x4", "c", 0.9), entry("0x5", "d", 0.9), entry("0x6", "e", 0.5)
	far.Query, other.Model = index.Query{5, 0}, "gemma-2-9b-it" // a similarity of 0.6
	all := []Entry{e, entry("0x2", "a", 1), entry("0x3", "b", 0.8), far, other, apart}
	if got := concordant(e, all, 2); !cmp.Equal(got, []string{"0x1", "0x3"}) {
		t.Errorf("two keys agree, each with one verdict, got %v", got)
	}
	if got := concordant(entry("0x3", "b", 0.8), all, 2); !cmp.Equal(got, []string{"0x2", "0x3"}) {
		t.Errorf("the newest of a key's verdicts speaks for it, got %v", got)
	}
	if got := concordant(e, all, 3); got != nil {
		t.Errorf("only two keys agree, got %v", got)
	}
}

// Verdicts are accepted for what they say when they are, not for what they said when somebody looked: their senders may change
// them until then, and their owner may have rejected one.
func TestConcordIsOfWhatTheStoreHolds(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "feedback.jsonl"), start)
	put(t, s, entry("0x1", "a", 0.9))
	put(t, s, entry("0x2", "b", 0.9))
	put(t, s, entry("0x2", "b", 0.1))
	if were, err := s.AcceptConcordant("0x1", 2); err != nil || len(were) != 0 {
		t.Errorf("a verdict that was changed is accepted: %+v, %v", were, err)
	}
	put(t, s, entry("0x3", "c", 0.8))
	if _, err := s.Review([]string{"0x1"}, Rejected, 1); err != nil {
		t.Fatal(err)
	}
	if were, err := s.AcceptConcordant("0x1", 1); err != nil || len(were) != 0 {
		t.Errorf("a rejected verdict is accepted: %+v, %v", were, err)
	}
	put(t, s, entry("0x4", "d", 0.9))
	were, err := s.AcceptConcordant("0x4", 2)
	if err != nil || !cmp.Equal(were, []Entry{entry("0x3", "c", 0.8), entry("0x4", "d", 0.9)}) {
		t.Errorf("two keys agree: %+v, %v", were, err)
	}
	states := map[string]State{}
	for _, e := range s.List() {
		states[e.Receipt] = e.State
	}
	if want := (map[string]State{"0x1": Rejected, "0x2": Pending, "0x3": Accepted, "0x4": Accepted}); !cmp.Equal(states, want) {
		t.Error(cmp.Diff(want, states))
	}
}
