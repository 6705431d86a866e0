package page

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"flotilla/node/requestlog"
)

const (
	maxRecent = 1000 // requests that are remembered whole, about 1 MB
	maxOfKey  = 10   // and of each key its newest, however many others have asked since
	maxKeys   = 1000 // with sums of their own, about 15 KB each; the one idle longest is forgotten first
	maxModels = 64   // with a line of their own in a sum; then otherModels
	dayHours  = 24
)

// otherModels is the line of all models that came after the first maxModels.
const otherModels = "(others)"

// reasonNamed is the router's word for a request that names its model: nothing was chosen, so nothing is compared.
const reasonNamed = "pinned"

// Book is what the page shows of requests: the newest, and sums that are made when a request ends, so that a view costs
// the same after a million. It is in memory only; what it forgets is in the request log, from which a start fills it.
type Book struct {
	now func() time.Time

	mu     sync.Mutex // guards all below; held for work in memory only
	recent []requestlog.Record
	keys   map[string]*sum
	all    *sum
}

// NewBook returns an empty book.
func NewBook(now func() time.Time) *Book {
	return &Book{now: now, keys: map[string]*sum{}, all: newSum(now())}
}

// Add counts a request that has ended.
func (b *Book) Add(r requestlog.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.recent = append(b.recent, r)
	if len(b.recent) >= 2*maxRecent {
		b.recent = append(make([]requestlog.Record, 0, 2*maxRecent), b.recent[len(b.recent)-maxRecent:]...)
	}
	s := b.count(r)
	if len(s.recent) == maxOfKey {
		s.recent = slices.Delete(s.recent, 0, 1)
	}
	s.recent = append(s.recent, r)
}

// Fill adds requests from before this book, newest first.
func (b *Book) Fill(older []requestlog.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range older {
		if s := b.count(r); len(s.recent) < maxOfKey {
			s.recent = slices.Insert(s.recent, 0, r)
		}
	}
	kept := slices.Clone(older[:min(len(older), max(0, maxRecent-len(b.recent)))])
	slices.Reverse(kept)
	b.recent = append(kept, b.recent...)
}

// count adds to the sums, and returns that of the request's key.
func (b *Book) count(r requestlog.Record) *sum {
	s := b.keys[r.Key]
	if s == nil {
		if len(b.keys) >= maxKeys {
			b.forgetOne()
		}
		s = newSum(r.At)
		b.keys[r.Key] = s
	}
	s.add(r)
	b.all.add(r)
	return s
}

func (b *Book) forgetOne() {
	idlest, last := "", time.Time{}
	for key, s := range b.keys {
		if idlest == "" || s.last.Before(last) {
			idlest, last = key, s.last
		}
	}
	delete(b.keys, idlest)
}

// Recent are the viewer's newest requests, newest first.
func (b *Book) Recent(v Viewer, most int) []requestlog.Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []requestlog.Record{}
	for _, r := range slices.Backward(b.seen(v)) {
		if len(out) == most {
			break
		}
		out = append(out, r)
	}
	return out
}

// Find is the viewer's request with that id or receipt id; with an empty id, the newest that was answered.
func (b *Book) Find(v Viewer, id string) (requestlog.Record, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range slices.Backward(b.seen(v)) {
		if id == "" && r.Receipt != "" || id != "" && (id == r.ID || id == r.Receipt) {
			return r, true
		}
	}
	return requestlog.Record{}, false
}

// seen are the viewer's requests that are remembered, oldest first. The caller holds mu.
func (b *Book) seen(v Viewer) []requestlog.Record {
	if v.Owner {
		return b.recent
	}
	var out []requestlog.Record
	for _, r := range b.recent {
		if v.Sees(r.Key) {
			out = append(out, r)
		}
	}
	if s := b.keys[v.Key]; s != nil && len(s.recent) > len(out) {
		return s.recent
	}
	return out
}

// Spend is the viewer's.
func (b *Book) Spend(v Viewer) Spend {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.all
	if !v.Owner {
		s = b.keys[v.Key]
		if s == nil {
			s = newSum(b.now())
		}
	}
	out := s.spend(b.now())
	out.Viewer = v
	return out
}

// Spend is what requests have cost, and what they were compared with. Amounts are in µUSD.
type Spend struct {
	Viewer Viewer    `json:"viewer"`
	Since  time.Time `json:"since"` // the oldest request that is counted
	Tally
	// Compared are the automatic answers of which it is known what always asking the best single model would have cost;
	// Named those whose request named the model.
	Compared Comparison   `json:"compared"`
	Named    Tally        `json:"named"`
	Models   []ModelSpend `json:"models"` // dearest first
	Hours    []HourSpend  `json:"hours"`  // the last 24, oldest first
	// Best are the models that were the best single one.
	Best []string   `json:"best"`
	Keys []KeySpend `json:"keys"` // of the owner's, all; else one
}

// Tally counts requests.
type Tally struct {
	Requests         uint64 `json:"requests"`
	Failed           uint64 `json:"failed"` // no answer went out; a client that left counts
	PromptTokens     uint64 `json:"prompt_tokens"`
	CompletionTokens uint64 `json:"completion_tokens"`
	CostMicroUSD     uint64 `json:"cost_micro_usd"`
}

// Comparison is the counterfactual.
type Comparison struct {
	Requests         uint64 `json:"requests"`
	CostMicroUSD     uint64 `json:"cost_micro_usd"`
	BaselineMicroUSD uint64 `json:"baseline_micro_usd"`
	// Mean predicted quality of what answered and of the best single model, over the answers that have both.
	Quality         float64 `json:"quality"`
	BaselineQuality float64 `json:"baseline_quality"`
	Rated           uint64  `json:"rated"`  // how many answers that is
	Failed          uint64  `json:"failed"` // of Requests: the answer broke, or its client left
}

// ModelSpend is one model's part.
type ModelSpend struct {
	Model string `json:"model"`
	Tally
}

// HourSpend is one hour's part.
type HourSpend struct {
	At               time.Time `json:"at"`
	Requests         uint64    `json:"requests"`
	CostMicroUSD     uint64    `json:"cost_micro_usd"`
	ComparedMicroUSD uint64    `json:"compared_micro_usd"` // the part of it that is compared
	BaselineMicroUSD uint64    `json:"baseline_micro_usd"`
}

// KeySpend is a key's budget as its limits count it.
type KeySpend struct {
	Key            string     `json:"key"`
	Name           string     `json:"name,omitempty"`
	SpentMicroUSD  uint64     `json:"spent_micro_usd"` // in the period
	BudgetMicroUSD uint64     `json:"budget_micro_usd,omitempty"`
	Reset          string     `json:"reset,omitempty"`
	ResetAt        *time.Time `json:"reset_at,omitempty"`
	Revoked        bool       `json:"revoked,omitempty"`
}

// sum is a Spend in the making.
type sum struct {
	since, last time.Time
	recent      []requestlog.Record // a key's newest, oldest first
	tally       Tally
	named       Tally
	compared    Comparison
	models      map[string]*Tally
	best        map[string]bool
	hours       [dayHours]HourSpend // by hour since 1970 modulo 24
}

func newSum(since time.Time) *sum {
	return &sum{since: since, models: map[string]*Tally{}, best: map[string]bool{}}
}

func (t *Tally) add(r requestlog.Record) {
	t.Requests++
	if r.Status >= 400 {
		t.Failed++
	}
	t.PromptTokens += uint64(r.PromptTokens)
	t.CompletionTokens += uint64(r.CompletionTokens)
	t.CostMicroUSD += r.CostMicroUSD
}

func (s *sum) add(r requestlog.Record) {
	if r.At.Before(s.since) {
		s.since = r.At
	}
	if r.At.After(s.last) {
		s.last = r.At
	}
	s.tally.add(r)
	if r.Model != "" {
		s.model(r.Model).add(r)
	}
	compared := r.Receipt != "" && r.BaselineModel != "" && r.Reason != reasonNamed
	if r.Reason == reasonNamed {
		s.named.add(r)
	}
	if compared {
		s.compare(r)
	}
	hour := r.At.Truncate(time.Hour)
	h := &s.hours[hour.Unix()/3600%dayHours]
	if h.At.Before(hour) {
		*h = HourSpend{At: hour}
	}
	if h.At.Equal(hour) {
		h.Requests++
		h.CostMicroUSD += r.CostMicroUSD
		if compared {
			h.ComparedMicroUSD += r.CostMicroUSD
			h.BaselineMicroUSD += r.BaselineMicroUSD
		}
	}
}

func (s *sum) model(name string) *Tally {
	if s.models[name] == nil {
		if len(s.models) >= maxModels {
			name = otherModels
		}
		if s.models[name] == nil {
			s.models[name] = &Tally{}
		}
	}
	return s.models[name]
}

func (s *sum) compare(r requestlog.Record) {
	c := &s.compared
	c.Requests++
	if r.Status >= 400 {
		c.Failed++
	}
	c.CostMicroUSD += r.CostMicroUSD
	c.BaselineMicroUSD += r.BaselineMicroUSD
	if r.PredictedQuality != nil && r.BaselineQuality != nil {
		c.Rated++
		c.Quality += (*r.PredictedQuality - c.Quality) / float64(c.Rated)
		c.BaselineQuality += (*r.BaselineQuality - c.BaselineQuality) / float64(c.Rated)
	}
	if len(s.best) < maxModels {
		s.best[r.BaselineModel] = true
	}
}

func (s *sum) spend(now time.Time) Spend {
	out := Spend{Since: s.since, Tally: s.tally, Compared: s.compared, Named: s.named, Models: []ModelSpend{}, Best: []string{}, Keys: []KeySpend{}}
	for m, t := range s.models {
		out.Models = append(out.Models, ModelSpend{m, *t})
	}
	slices.SortFunc(out.Models, func(a, b ModelSpend) int {
		return cmp.Or(cmp.Compare(b.CostMicroUSD, a.CostMicroUSD), strings.Compare(a.Model, b.Model))
	})
	for m := range s.best {
		out.Best = append(out.Best, m)
	}
	slices.Sort(out.Best)
	for at := now.Truncate(time.Hour).Add(-(dayHours - 1) * time.Hour); len(out.Hours) < dayHours; at = at.Add(time.Hour) {
		h := s.hours[at.Unix()/3600%dayHours]
		if !h.At.Equal(at) {
			h = HourSpend{At: at}
		}
		h.At = h.At.UTC()
		out.Hours = append(out.Hours, h)
	}
	return out
}
