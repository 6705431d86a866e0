package node

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flotilla/node/openai"
	"flotilla/routing"
)

// A request that has its turn and finds every operator busy again goes back to its place: nobody who came later is before
// it, and the queue is not full for it.
func TestQueueKeepsPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{most: 2, wait: 10 * time.Second}
		ctx, cancel := context.WithCancel(t.Context())
		old := place{began: time.Now(), busy: []string{"op"}}
		time.Sleep(queueTick / 2)
		turns := make(chan string, 4)
		wait := func(who string, p *place) {
			go func() {
				if err := q.turn(ctx, p); ctx.Err() == nil {
					if err != nil {
						who += ": " + err.Error()
					}
					turns <- who
				}
			}()
			synctest.Wait()
		}
		wait("old", &old)
		if first := <-turns; first != "old" || time.Since(old.began) != queueTick*3/2 {
			t.Fatalf("%s has its turn after %s", first, time.Since(old.began))
		}
		// While it decides again, others fill the queue.
		wait("young", &place{began: time.Now(), busy: []string{"op"}})
		wait("younger", &place{began: time.Now(), busy: []string{"op"}})
		wait("old", &old)
		var served []string
		for range 3 {
			q.wake("op")
			served = append(served, <-turns)
		}
		if !slices.Equal(served, []string{"old", "young", "younger"}) {
			t.Errorf("had their turns: %q", served)
		}
		cancel()
	})
}

// A request waits for the operators that could serve it, and for no others.
func TestQueueIsForThoseWhoCouldBeServed(t *testing.T) {
	w := newEmptyWorld(t)
	route := func(candidates ...routing.Candidate) error {
		_, err := w.router.Route(t.Context(), routing.Prompt{Text: "x", MaxOutputTokens: 1}, candidates, routing.Policy{Model: worldModel})
		if err == nil {
			t.Fatal("routed to an operator that is not available")
		}
		return err
	}
	named := routing.Candidate{Operator: "named", Model: worldModel, Unavailable: "paused after a fault"}
	other := routing.Candidate{Operator: "other", Model: "another-model", Unavailable: busyDetail}
	if err := route(named, other); len(busyOperators(err)) > 0 {
		t.Errorf("waits for an operator of another model: %v", err)
	}
	named.Unavailable = busyDetail
	if err := route(named, other); !slices.Equal(busyOperators(err), []string{"named"}) {
		t.Errorf("does not wait for the one that is busy: %v", err)
	}
}

// However many wait for one operator, a slot at another goes to who waits for that.
func TestQueueWakesWhoWaitsForTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{most: 16, wait: 10 * time.Second}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan string, 16)
		wait := func(operator string) {
			p := &place{began: time.Now(), busy: []string{operator}}
			go func() {
				for q.turn(ctx, p) == nil {
					if operator == "quick" {
						served <- operator
						return
					}
				}
				if ctx.Err() == nil {
					served <- operator + " gave up"
				}
			}()
			time.Sleep(time.Millisecond)
		}
		for range 2 * queueHead {
			wait("stuck")
		}
		wait("quick")
		wait("quick")
		q.wake("quick")
		if first := <-served; first != "quick" || len(served) != 0 {
			t.Errorf("%s after a slot at quick was free, and %d more", first, len(served))
		}
		// Nobody tells of the next slot: who is among the oldest that wait for it looks by itself.
		if second := <-served; second != "quick" {
			t.Errorf("%s: nobody of those who wait for quick looks again by themselves", second)
		}
		cancel()
		synctest.Wait()
	})
}

// A request that any of several operators could serve looks again where it is among the oldest that wait for one of them, however
// many wait for another.
func TestQueueHeadIsOfAnyOperator(t *testing.T) {
	q := &queue{most: 16}
	join := func(busy ...string) *place {
		p := &place{began: time.Now(), busy: busy}
		if q.join(p) == nil {
			t.Fatal("the queue is full")
		}
		return p
	}
	for range queueHead {
		if !q.atHead(join("stuck")) {
			t.Error("one of the oldest does not look again")
		}
	}
	if q.atHead(join("stuck")) {
		t.Error("one that is not among the oldest looks again")
	}
	if !q.atHead(join("stuck", "quick")) {
		t.Error("the only one that waits for quick does not look again")
	}
}

// A slot is not lost on a client that leaves just as it is its turn.
func TestQueuePassesASlotOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 50 { // whether it has left the queue by then is chance
			q := &queue{most: 2, wait: 10 * time.Second}
			gone, leave := context.WithCancel(t.Context())
			old, young := make(chan error, 1), make(chan error, 1)
			go func() { old <- q.turn(gone, &place{began: time.Now(), busy: []string{"op"}}) }()
			synctest.Wait()
			time.Sleep(time.Millisecond)
			woken := time.Now()
			go func() { young <- q.turn(t.Context(), &place{began: woken, busy: []string{"op"}}) }()
			synctest.Wait()
			leave()
			q.wake("op")
			left := <-old != nil
			if <-young; left && time.Since(woken) > 0 {
				t.Fatalf("the next has its turn %s later", time.Since(woken))
			}
		}
	})
}

// Of the groups of offers that are tried one after the other, any may have a slot soon.
func TestQueueIsForEveryGroup(t *testing.T) {
	rejected := func(operator, detail string) error {
		return &routing.InfeasibleError{Rejected: []routing.Rejection{{Operator: operator, Reason: routing.RejectUnavailable, Detail: detail}}}
	}
	err := ofAll([]error{routing.ErrUnknownModel, rejected("first", "not connected"), rejected("second", busyDetail), rejected("third", busyDetail)})
	if got := busyOperators(err); !slices.Equal(got, []string{"second", "third"}) {
		t.Errorf("waits for %q: %v", got, err)
	}
	if err := ofAll([]error{routing.ErrUnknownModel}); err != routing.ErrUnknownModel {
		t.Error(err)
	}
}

// TestRefusalsSayWhatARepeatBrings: an operator that has just died may be back soon; a context that is too short stays so.
func TestRefusalsSayWhatARepeatBrings(t *testing.T) {
	refusal := func(rejected ...routing.Rejection) *openai.APIError {
		var api *openai.APIError
		if !errors.As(asAPIError(&routing.InfeasibleError{Rejected: rejected}), &api) {
			t.Fatal("no refusal")
		}
		return api
	}
	short := routing.Rejection{Operator: "a", Reason: routing.RejectContext}
	if api := refusal(short, routing.Rejection{Operator: "b", Reason: routing.RejectBlocked}); api.RetryAfter != 0 || !api.NoRetry {
		t.Errorf("repeated in vain: %+v", api)
	}
	died := routing.Rejection{Operator: "b", Reason: routing.RejectUnavailable, Detail: "not connected"}
	if api := refusal(short, died); api.RetryAfter == 0 || api.NoRetry || !strings.Contains(api.Message, "try again") {
		t.Errorf("not worth a repeat: %+v", api)
	}
}
