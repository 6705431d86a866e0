package settlement

import "sync"

// turns has the work of concurrent callers done by themselves, in groups: whoever comes when nobody is at work does its own
// and what has queued up by then, and passes the lead to the first of those that came meanwhile. An idle ledger thus
// switches no goroutine, nobody waits for a timer, and groups grow with the load. The queue is as long as there are callers.
type turns[T any] struct {
	work func(group []T) // one group at a time
	most int             // items in a group

	mu    sync.Mutex // guards queue; not held during work
	queue []*turn[T] // its first is who leads, with its group
}

type turn[T any] struct {
	item T
	wake chan bool // capacity 1; true: lead, false: it is done
}

// do returns when work has had the item.
func (t *turns[T]) do(item T) {
	me := &turn[T]{item, make(chan bool, 1)}
	t.mu.Lock()
	t.queue = append(t.queue, me)
	lead := len(t.queue) == 1
	t.mu.Unlock()
	if !lead && !<-me.wake {
		return
	}
	t.mu.Lock()
	group := t.queue[:min(len(t.queue), t.most)]
	t.mu.Unlock()
	items := make([]T, len(group))
	for i, g := range group {
		items[i] = g.item
	}
	t.work(items)
	t.mu.Lock()
	if t.queue = t.queue[len(group):]; len(t.queue) > 0 {
		t.queue[0].wake <- true
	}
	t.mu.Unlock()
	for _, g := range group[1:] {
		g.wake <- false
	}
}
