package requestlog

import "testing"

// A writer that does not keep up costs records and no time.
func TestFullQueueDrops(t *testing.T) {
	l := &Log{queue: make(chan *Record, 2)} // nobody writes
	for range 5 {
		l.Add(Record{})
	}
	if l.Dropped() != 3 || len(l.queue) != 2 {
		t.Errorf("%d dropped, %d queued", l.Dropped(), len(l.queue))
	}
}
