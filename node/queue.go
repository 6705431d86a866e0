package node

import (
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

	mu      sync.Mutex // guards waiting; held for list work only
	waiting []chan struct{}
}

const (
	// queueTick is how often those at the head look again although nobody of ours has finished: an operator that other
	// gateways keep busy does not tell when it is free.
	queueTick = time.Second
	// queueHead is how many do: deciding again embeds the prompt again.
	queueHead = 4
)

// errQueueFull refuses one more.
var errQueueFull = errors.New("queue is full")

// turn waits until there may be room. It returns ctx's cause when the client leaves, and an *openai.APIError when the queue
// is full or the request has waited since began for as long as it may.
func (q *queue) turn(ctx context.Context, began time.Time) error {
	ch := make(chan struct{})
	if err := q.join(ch); err != nil {
		return overloaded(fmt.Sprintf("every operator is busy and %d requests wait already", q.most))
	}
	defer q.leave(ch)
	end := time.NewTimer(time.Until(began.Add(q.wait)))
	defer end.Stop()
	tick := time.NewTicker(queueTick)
	defer tick.Stop()
	for {
		select {
		case <-ch:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-end.C:
			return overloaded(fmt.Sprintf("every operator that fits this request was busy for %s", q.wait))
		case <-tick.C:
			if q.atHead(ch) {
				return nil
			}
		}
	}
}

func overloaded(msg string) error {
	return &openai.APIError{Status: 503, Type: "server_error", Code: "overloaded", RetryAfter: queueTick, Message: msg + "; nothing was charged"}
}

func (q *queue) join(ch chan struct{}) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= q.most {
		return errQueueFull
	}
	q.waiting = append(q.waiting, ch)
	return nil
}

func (q *queue) leave(ch chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, ch); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

func (q *queue) atHead(ch chan struct{}) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, ch)
	return i >= 0 && i < queueHead
}

// wake gives the oldest its turn: an operator has a slot free.
func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) > 0 {
		close(q.waiting[0])
		q.waiting = slices.Delete(q.waiting, 0, 1)
	}
}

// busyDetail is why an offer cannot be chosen although nothing is wrong with it.
const busyDetail = "busy"

// onlyBusy: with room at some operator, the request could have been served.
func onlyBusy(err error) bool {
	var infeasible *routing.InfeasibleError
	if errors.As(err, &infeasible) {
		return slices.ContainsFunc(infeasible.Rejected, func(r routing.Rejection) bool {
			return r.Reason == routing.RejectUnavailable && r.Detail == busyDetail
		})
	}
	var none *noAnswerError
	return errors.As(err, &none) && slices.ContainsFunc(none.faults, isOverloaded)
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
