package cache

import (
	"slices"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"flotilla/routing/index"
)

// nearestTried is how many of the nearest texts are looked at: the nearest may differ in what a vector does not tell.
const nearestTried = 4

// entry is one answer with the question that it belongs to.
type entry struct {
	exact   digest
	answer  Answer
	expires time.Time
	bytes   int

	// Where another wording may find it: its group, its row among the shelf's vectors, and its text's wording.
	near    bool
	group   digest
	row     uint32
	wording wording
}

// shelf is what is kept of one API key. Cache.mu guards it.
type shelf struct {
	c       *Cache
	bytes   int
	entries *simplelru.LRU[digest, *entry]
	vectors *index.Vectors
	groups  map[digest][]uint32 // rows
	byRow   map[int]*entry
}

func newShelf(c *Cache) *shelf {
	s := &shelf{c: c, groups: map[digest][]uint32{}, byRow: map[int]*entry{}}
	var err error
	if s.vectors, err = index.NewVectors(c.dim); err == nil {
		s.entries, err = simplelru.NewLRU(maxKeyEntries, s.dropped)
	}
	if err != nil {
		panic("cache: " + err.Error()) // only for sizes out of range, and they are constant
	}
	return s
}

func (s *shelf) put(e *entry) {
	s.bytes += e.bytes
	s.c.bytes += e.bytes
	if e.near {
		s.groups[e.group] = append(s.groups[e.group], e.row)
		s.byRow[int(e.row)] = e
	}
	s.entries.Add(e.exact, e)
}

// dropped takes an entry out of all that led to it.
func (s *shelf) dropped(_ digest, e *entry) {
	s.bytes -= e.bytes
	s.c.bytes -= e.bytes
	s.c.stats.Dropped++
	if !e.near {
		return
	}
	s.vectors.Remove(e.row)
	delete(s.byRow, int(e.row))
	rows := s.groups[e.group]
	if i := slices.Index(rows, e.row); i >= 0 {
		rows = slices.Delete(rows, i, i+1)
	}
	if s.groups[e.group] = rows; len(rows) == 0 {
		delete(s.groups, e.group)
	}
}

func (s *shelf) clear() { s.entries.Purge() }

// nearest texts of a group, nearest first.
func (s *shelf) nearest(group digest, vector []float32) []index.Hit {
	rows := s.groups[group]
	if len(rows) == 0 {
		return nil
	}
	hits, err := s.vectors.Top(nil, vector, rows, nearestTried)
	if err != nil { // a vector of no direction, or of another encoder's length
		return nil
	}
	return hits
}
