// Package feedback keeps what users say of answers, until the gateway's owner has looked at it. It holds the vector that
// a prompt was routed by, never the prompt.
package feedback

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"flotilla/routing/index"
)

// State is where an entry is on its way into the index.
type State string

// The states. Only accepted entries are rows of the index.
const (
	Pending  State = "pending"
	Accepted State = "accepted"
	Rejected State = "rejected"
)

// Entry is one user's verdict on one answer.
type Entry struct {
	Receipt      string      `json:"receipt"` // 0x and 64 hex digits
	Key          string      `json:"key"`     // id of the API key that paid for the answer
	Model        string      `json:"model"`   // canonical id of the model that answered
	Score        float64     `json:"score"`   // 0..1
	OutputTokens uint32      `json:"output_tokens"`
	Embedder     string      `json:"embedder"` // whose vector Query is
	Query        index.Query `json:"query"`
	At           time.Time   `json:"at"`
	State        State       `json:"state"`
	Weight       int         `json:"weight,omitempty"` // of an accepted entry: it counts as so many rows
}

// SourcePrefix stands before the key's id in the source of rows that are from verdicts.
const SourcePrefix = "feedback:"

// Source names the entry's rows in the index.
func (e Entry) Source() string { return SourcePrefix + e.Key }

// MaxWeight is how many rows one entry may count as.
const MaxWeight = 5

// Limits of a store.
const (
	maxEntries = 10_000              // that are accepted, and as many that are not
	retention  = 90 * 24 * time.Hour // of entries that are pending or rejected
	maxLine    = 16 << 10            // an entry of 384 values takes 1.5 KiB
	slack      = 1_000               // lines that are out of date before the file is written anew
)

// Errors callers branch on.
var (
	// ErrFull: nothing more is taken until entries are reviewed, or accepted until others are taken back.
	ErrFull = errors.New("feedback store is full")
	// ErrReviewed: the entry was accepted or rejected, and stays so.
	ErrReviewed = errors.New("feedback was already reviewed")
	// ErrUnknown: no entry is about that receipt.
	ErrUnknown = errors.New("no feedback on that receipt")
	// ErrWeight: an entry cannot count as so many rows.
	ErrWeight = errors.New("weight out of range")
)

// Store is the entries, in one file that is only appended to: one JSON line for each change, the last one of a receipt
// counts. Safe for concurrent use; one process at a time.
type Store struct {
	file string
	now  func() time.Time

	syncFolder func(dir string) error // replaced in tests of a disk that fails

	mu      sync.Mutex // guards all below; held over a write and its fsync
	log     *os.File
	size    int64 // of the log's whole lines
	lines   int
	entries map[string]Entry // by receipt
}

// Open reads the file, or makes it. A line that a crash cut short is dropped: its sender got no answer. What has
// outlived its retention is forgotten.
func Open(file string, now func() time.Time) (*Store, error) {
	s := &Store{file: file, now: now, syncFolder: syncFolder, entries: map[string]Entry{}}
	raw, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open feedback: %w", err)
	}
	scan := bufio.NewScanner(bytes.NewReader(raw[:bytes.LastIndexByte(raw, '\n')+1]))
	scan.Buffer(nil, maxLine)
	for line := 1; scan.Scan(); line++ {
		var e Entry
		if err := json.Unmarshal(scan.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("open feedback: %s line %d: %w", file, line, err)
		}
		s.entries[e.Receipt] = e
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("open feedback: %s: %w", file, err)
	}
	s.forgetOld()
	if err := s.rewrite(); err != nil {
		_ = s.log.Close() // where the rewrite came so far as to open it
		return nil, fmt.Errorf("open feedback: %w", err)
	}
	return s, nil
}

// Put keeps a pending entry; when it returns nil, a crash cannot lose it. A later one on the same receipt replaces it
// until it is reviewed.
func (s *Store) Put(e Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, known := s.entries[e.Receipt]
	switch {
	case known && old.State != Pending:
		return fmt.Errorf("keep feedback: %w", ErrReviewed)
	case !known && len(s.entries)-countAccepted(maps.Values(s.entries)) >= maxEntries && !s.forgetOld() && !s.forgetRejected():
		return fmt.Errorf("keep feedback: %w", ErrFull)
	}
	e.State, e.Weight = Pending, 0
	return s.append(e)
}

// Review moves entries to a state, all of them or none, and returns them as they were; weight counts for accepted ones. After
// a crash in between, some may be moved and the rest are as before.
func (s *Store) Review(receipts []string, to State, weight int) (were []Entry, err error) {
	if weight < 1 || weight > MaxWeight {
		return nil, fmt.Errorf("review feedback: %w: %d, want 1 to %d", ErrWeight, weight, MaxWeight)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.move(receipts, to, weight)
}

// AcceptConcordant accepts the entry on the receipt and all that agree with it, when at least n API keys do, and returns
// them as they were: none when fewer do, when it is reviewed already, or when no more fit. What counts is what the entries say
// now; a verdict that its sender has changed meanwhile is not accepted for what it said before.
func (s *Store) AcceptConcordant(receipt string, n int) (were []Entry, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[receipt]
	if !ok || e.State != Pending {
		return nil, nil
	}
	were, err = s.move(concordant(e, s.sorted(), n), Accepted, 1)
	if errors.Is(err, ErrFull) {
		return nil, nil
	}
	return were, err
}

// move is Review under the lock.
func (s *Store) move(receipts []string, to State, weight int) (were []Entry, err error) {
	var moved []Entry
	for _, id := range receipts {
		e, ok := s.entries[id]
		if !ok {
			return nil, fmt.Errorf("review feedback: %s: %w", id, ErrUnknown)
		}
		were = append(were, e)
		if e.State, e.Weight = to, 0; to == Accepted {
			e.Weight = weight
		}
		moved = append(moved, e)
	}
	if len(moved) == 0 {
		return nil, nil
	}
	fresh := len(were) - countAccepted(slices.Values(were))
	if to == Accepted && countAccepted(maps.Values(s.entries))+fresh > maxEntries {
		return nil, fmt.Errorf("review feedback: at most %d verdicts are rows of the index: take others out of it first ('flotilla feedback remove', or reject): %w", maxEntries, ErrFull)
	}
	return were, s.append(moved...)
}

// Restore makes entries what they were before a Review.
func (s *Store) Restore(were []Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.append(were...)
}

// List is all entries, oldest first; equal times by receipt.
func (s *Store) List() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sorted()
}

// sorted is List under the lock.
func (s *Store) sorted() []Entry {
	out := make([]Entry, 0, len(s.entries))
	for _, e := range s.entries {
		out = append(out, e)
	}
	slices.SortFunc(out, byTime)
	return out
}

// Close closes the file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Close()
}

// append writes a line for each entry and waits for the disk. What a failed write left is cut off again, so that it cannot
// spoil the next line.
func (s *Store) append(entries ...Entry) error {
	if s.lines > 2*len(s.entries)+slack {
		if err := s.rewrite(); err != nil {
			return err
		}
	}
	var text []byte
	for _, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode feedback: %w", err)
		}
		if len(line) >= maxLine {
			return fmt.Errorf("keep feedback: entry has %d bytes, fewer than %d fit", len(line), maxLine)
		}
		text = append(append(text, line...), '\n')
	}
	_, err := s.log.Write(text)
	if err == nil {
		err = s.log.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep feedback: %w", err), s.log.Truncate(s.size))
	}
	s.size += int64(len(text))
	s.lines += len(entries)
	for _, e := range entries {
		s.entries[e.Receipt] = e
	}
	return nil
}

func countAccepted(entries iter.Seq[Entry]) (n int) {
	for e := range entries {
		if e.State == Accepted {
			n++
		}
	}
	return n
}

// forgetOld drops from memory what has outlived its retention, and reports whether there was any.
func (s *Store) forgetOld() bool {
	oldest, had := s.now().Add(-retention), len(s.entries)
	maps.DeleteFunc(s.entries, func(_ string, e Entry) bool { return e.State != Accepted && e.At.Before(oldest) })
	return len(s.entries) < had
}

// forgetRejected drops the oldest rejected entry from memory; the next rewrite drops it from the file.
func (s *Store) forgetRejected() bool {
	var oldest *Entry
	for _, e := range s.entries {
		if e.State == Rejected && (oldest == nil || byTime(e, *oldest) < 0) {
			oldest = &e
		}
	}
	if oldest == nil {
		return false
	}
	delete(s.entries, oldest.Receipt)
	return true
}
