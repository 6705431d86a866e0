package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"flotilla/node/openai"
	"flotilla/p2p"
	"flotilla/routing"
)

// queue holds requests whose operators are all busy until one is free, oldest first. Its length and each wait are bounded:
// beyond them the client is told to come back, which it does better than we could.
type queue struct {
	most int           // requests that may wait
	wait time.Duration // for one request, all its turns together

	mu      sync.Mutex // guards waiting and the places in it; held for list work only
	waiting []*place   // oldest first
}

// place is a request's in the queue. It keeps it while it decides again, mostly in vain: those that came after it must neither
// overtake it nor fill the queue before it is back.
type place struct {
	began time.Time
	busy  []string      // the operators any of which could serve it, once there is room; at least one
	turn  chan struct{} // closed when it may look again; nil until it has waited once
	slot  string        // the operator that turn was closed for
}

const (
	// queueTick is how often those at the head look again although nobody of ours has finished: an operator that other
	// gateways keep busy does not tell when it is free.
	queueTick = time.Second
	// queueHead is how many do for one operator: deciding again embeds the prompt again.
	queueHead = 4
)

// turn waits until there may be room. It returns ctx's cause when the client leaves, and an *openai.APIError when the queue
// is full or the request has waited since it began for as long as it may.
func (q *queue) turn(ctx context.Context, p *place) error {
	turn := q.join(p)
	if turn == nil {
		return overloaded(fmt.Sprintf("every operator is busy and %d requests wait already", q.most))
	}
	end := time.NewTimer(time.Until(p.began.Add(q.wait)))
	defer end.Stop()
	tick := time.NewTicker(queueTick)
	defer tick.Stop()
	for {
		select {
		case <-turn:
			return nil
		case <-ctx.Done():
			q.giveUp(p)
			return context.Cause(ctx)
		case <-end.C:
			q.giveUp(p)
			return overloaded(fmt.Sprintf("every operator that fits this request was busy for %s", q.wait))
		case <-tick.C:
			if q.atHead(p) {
				q.leave(p)
				return nil
			}
		}
	}
}

func overloaded(msg string) error {
	return &openai.APIError{Status: 503, Type: "server_error", Code: "overloaded", RetryAfter: queueTick, Message: msg + "; nothing was charged"}
}

// join returns the place's turn, which is closed when it may look again; nil: the queue is full.
func (q *queue) join(p *place) (turn <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.turn == nil && len(q.waiting) >= q.most {
		return nil
	}
	p.turn = make(chan struct{})
	i := slices.IndexFunc(q.waiting, func(other *place) bool { return other.began.After(p.began) })
	if i < 0 {
		i = len(q.waiting)
	}
	q.waiting = slices.Insert(q.waiting, i, p)
	return p.turn
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

func (q *queue) leave(p *place) (waited bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, p)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	return i >= 0
}

// giveUp leaves; a slot that p was given in the same moment is the next one's.
func (q *queue) giveUp(p *place) {
	if !q.leave(p) {
		q.wake(p.slot)
	}
}

// atHead: p is among the oldest of those that wait for one of its operators.
func (q *queue) atHead(p *place) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(p.busy, func(operator string) bool {
		older := 0
		for _, other := range q.waiting {
			switch {
			case other == p:
				return true
			case slices.Contains(other.busy, operator):
				if older++; older == queueHead {
					return false
				}
			}
		}
		return false // it has had its turn
	})
}

// wake gives the oldest that waits for the operator its turn: there is a slot free.
func (q *queue) wake(operator string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.IndexFunc(q.waiting, func(p *place) bool { return slices.Contains(p.busy, operator) }); i >= 0 {
		q.waiting[i].slot = operator
		close(q.waiting[i].turn)
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

// busyDetail is why an offer cannot be chosen although nothing is wrong with it.
const busyDetail = "busy"

// busyOperators are those that could have served the request with a slot free; none where waiting is in vain.
func busyOperators(err error) (busy []string) {
	var unserved unservedError
	var none *noAnswerError
	var infeasible *routing.InfeasibleError
	var of *attemptError
	switch {
	case errors.As(err, &unserved):
		for _, turn := range unserved {
			busy = append(busy, busyOperators(turn.err)...)
		}
	case errors.As(err, &none):
		for _, fault := range none.faults {
			busy = append(busy, busyOperators(fault)...)
		}
	case errors.As(err, &infeasible):
		for _, r := range infeasible.Rejected {
			if r.Reason == routing.RejectUnavailable && r.Detail == busyDetail {
				busy = append(busy, r.Operator)
			}
		}
	case isOverloaded(err) && errors.As(err, &of):
		busy = append(busy, of.operator)
	}
	return busy
}

// isOverloaded: the operator has no slot free.
func isOverloaded(err error) bool {
	var rejected *p2p.RejectedError
	return errors.As(err, &rejected) && rejected.Code == p2p.CodeOverloaded
}

// noAnswerError says why each operator that was tried gave nothing.
type noAnswerError struct{ faults []error }

func (e *noAnswerError) Error() string   { return errors.Join(e.faults...).Error() }
func (e *noAnswerError) Unwrap() []error { return e.faults }

// said is what a model server said: of the request rather than of itself, since no other operator would have made that good.
// nil where none said anything.
func (e *noAnswerError) said() (first *modelFault) {
	for _, err := range e.faults {
		var fault *modelFault
		if !errors.As(err, &fault) {
			continue
		}
		if fault.aboutRequest() {
			return fault
		}
		first = cmp.Or(first, fault)
	}
	return first
}

// attemptError is why one operator gave no answer.
type attemptError struct {
	operator string
	err      error
}

func (e *attemptError) Error() string { return e.operator + ": " + e.err.Error() }
func (e *attemptError) Unwrap() error { return e.err }
