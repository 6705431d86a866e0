package scripted

import (
	"sync"
	"time"
)

// Stats is what became of the requests of one tag. Times are unix milliseconds.
type Stats struct {
	Calls    int     `json:"calls"`
	Finished int     `json:"finished"` // answered whole, or with the error that was asked for
	Released int     `json:"released"` // whose client left before the end
	LeftAt   []int64 `json:"left_at"`  // when
	SentAt   []int64 `json:"sent_at"`  // when each token was sent
}

// maxTags and maxTimes bound the books of a server that runs for long.
const (
	maxTags  = 4096
	maxTimes = 4096
)

// book keeps the stats. Safe for concurrent use.
type book struct {
	mu   sync.Mutex // guards tags
	tags map[string]*Stats
}

// note changes the stats of a tag; a book that is full forgets the change.
func (b *book) note(tag string, change func(*Stats)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.tags[tag]
	if s == nil {
		if len(b.tags) >= maxTags {
			return
		}
		s = &Stats{LeftAt: []int64{}, SentAt: []int64{}}
		b.tags[tag] = s
	}
	change(s)
	s.LeftAt, s.SentAt = s.LeftAt[:min(len(s.LeftAt), maxTimes)], s.SentAt[:min(len(s.SentAt), maxTimes)]
}

func (b *book) of(tag string) Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.tags[tag]; s != nil {
		out := *s
		out.LeftAt, out.SentAt = append([]int64{}, s.LeftAt...), append([]int64{}, s.SentAt...)
		return out
	}
	return Stats{LeftAt: []int64{}, SentAt: []int64{}}
}

func nowMS() int64 { return time.Now().UnixMilli() }
