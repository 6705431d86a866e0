package cache

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"flotilla/routing/index"
)

// Bounds of a Cache.
const (
	maxBytes      = 64 << 20 // of all keys together
	maxKeyBytes   = 16 << 20 // of one key
	maxKeyEntries = 4096     // of one key
	maxShelves    = 10_000   // keys; an empty shelf is dropped
	entryBytes    = 512      // what an entry takes beside its answer and vector
)

// Cache keeps answers by API key. It is safe for concurrent use.
type Cache struct {
	now            func() time.Time
	dim            int // of vectors
	most, mostAKey int // bytes

	mu      sync.Mutex // guards all below; held for map work and, by meaning, for one search of a shelf
	shelves *simplelru.LRU[string, *shelf]
	bytes   int
	stats   Stats
}

// Stats are a cache's figures since its start, but for Entries and Bytes, which are as they are now.
type Stats struct {
	ExactHits, SimilarHits, Misses uint64
	Kept, Dropped                  uint64 // answers; dropped to make room, or too old
	SavedMicroUSD                  uint64 // what the answers that were given again had cost
	Entries, Bytes                 int
}

// Hit is an answer that is given again.
type Hit struct {
	Answer
	// Similar: the request was another, with a text that asks the same. Similarity is that of the two texts, else 1.
	Similar    bool
	Similarity float64
	Age        time.Duration
}

// New is an empty cache; dim is the length of the vectors that it is given.
func New(dim int, now func() time.Time) *Cache {
	c := &Cache{now: now, dim: dim, most: maxBytes, mostAKey: maxKeyBytes}
	var err error
	if c.shelves, err = simplelru.NewLRU(maxShelves, func(_ string, s *shelf) { s.clear() }); err != nil {
		panic("cache: " + err.Error()) // only for a size below 1
	}
	return c
}

// Find is the answer to the same request of the key, not older than maxAge. accept may refuse it.
func (c *Cache) Find(key string, q Question, stream bool, maxAge time.Duration, accept func(Origin) bool) (Hit, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.shelves.Get(key)
	if !ok {
		return Hit{}, false
	}
	e, ok := s.entries.Get(q.exact)
	if !ok {
		return Hit{}, false
	}
	return c.serve(s, e, stream, maxAge, accept)
}

// FindSimilar is the answer to the key's request that differs from q in its text alone, and whose text is the nearest of
// those with a similarity of least or more.
func (c *Cache) FindSimilar(key string, q Question, vector []float32, least float64, stream bool, maxAge time.Duration, accept func(Origin) bool) (Hit, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.shelves.Get(key)
	if !ok || q.Text == "" {
		return Hit{}, false
	}
	wording := wordingOf(q.Text)
	for _, near := range s.nearest(q.group, vector) {
		similarity := float64(near.Similarity) / index.SimilarityOne
		if similarity < least {
			break
		}
		e, ok := s.byRow[near.Row]
		if !ok || !e.wording.like(wording) {
			continue
		}
		if hit, ok := c.serve(s, e, stream, maxAge, accept); ok {
			s.entries.Get(e.exact) // used now
			hit.Similar, hit.Similarity = true, similarity
			return hit, true
		}
	}
	return Hit{}, false
}

// Gave counts a hit that was given again. Who only wants to know whether there is one does not count it.
func (c *Cache) Gave(h Hit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.Similar {
		c.stats.SimilarHits++
	} else {
		c.stats.ExactHits++
	}
	c.stats.SavedMicroUSD += h.Origin.CostMicroUSD
}

// Missed counts a request that nothing was found for.
func (c *Cache) Missed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Misses++
}

// serve gives an entry's answer, unless it is too old, refused, or cannot be told in that shape. The caller holds mu.
func (c *Cache) serve(s *shelf, e *entry, stream bool, maxAge time.Duration, accept func(Origin) bool) (Hit, bool) {
	now := c.now()
	if !now.Before(e.expires) {
		s.entries.Remove(e.exact)
		return Hit{}, false
	}
	age := now.Sub(e.answer.Origin.At)
	if age > maxAge || !accept(e.answer.Origin) {
		return Hit{}, false
	}
	a, ok := e.answer.in(stream)
	if !ok {
		return Hit{}, false
	}
	return Hit{Answer: a, Similarity: 1, Age: max(0, age)}, true
}

// Keep keeps a whole answer for so long and reports whether it did; what is cut, filtered or too large is not kept. vector
// is that of the question's text, nil where wording counts. The pieces must not be changed afterwards.
func (c *Cache) Keep(key string, q Question, vector []float32, a Answer, life time.Duration) bool {
	size := a.bytes()
	if life <= 0 || size > MaxAnswer || !a.complete() {
		return false
	}
	e := &entry{exact: q.exact, answer: a, expires: a.Origin.At.Add(life), bytes: size + entryBytes}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.shelves.Get(key)
	if !ok {
		s = newShelf(c)
		c.shelves.Add(key, s)
	}
	s.entries.Remove(q.exact)
	if vector != nil && q.Text != "" && len(vector) == c.dim {
		if row, err := s.vectors.Add(vector); err == nil { // else it is found by the same request alone
			e.group, e.row, e.near, e.wording = q.group, row, true, wordingOf(q.Text)
			e.bytes += c.dim + 4*len(e.wording.words)
		}
	}
	s.put(e)
	c.stats.Kept++
	c.makeRoom(s)
	return true
}

// makeRoom drops what was used longest ago: of the shelf while it is over its own bound, then of the shelf that was used
// longest ago while all together are over theirs.
func (c *Cache) makeRoom(s *shelf) {
	for s.bytes > c.mostAKey {
		s.entries.RemoveOldest()
	}
	for c.bytes > c.most {
		key, oldest, _ := c.shelves.GetOldest()
		oldest.entries.RemoveOldest()
		if oldest.entries.Len() == 0 {
			c.shelves.Remove(key)
		}
	}
}

// Stats as they are now.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.stats
	out.Bytes = c.bytes
	for _, s := range c.shelves.Values() {
		out.Entries += s.entries.Len()
	}
	return out
}
