package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"flotilla/node/backend"
	"flotilla/routing/probe"
)

// Bounds of what a run of prompts puts up with. Who is busy, or has just died, is back within moments or not soon.
const (
	promptTries  = 5
	firstPause   = time.Second // it doubles, where none is asked for
	longestPause = 30 * time.Second
	// mostInARow prompts without an answer end a run: there is nobody to ask.
	mostInARow = 3
	// gradedOf is the share of prompts that may lack an answer: one of so many. Who refuses what it cannot do must not look better for it.
	gradedOf = 10
)

// patient asks a prompt again that was refused for now, and tells log of it.
func (a asking) patient(log io.Writer) probe.Chat {
	return func(ctx context.Context, prompt string, maxTokens int) (answer probe.Answer, err error) {
		err = persist(ctx, log, longestPause, func() (err error) {
			answer, err = a.ask(ctx, prompt, maxTokens)
			return err
		})
		return answer, err
	}
}

// persist asks again, up to promptTries times, while that is refused for now: after the pause that the refusal names, up to longest, or
// one that doubles. It tells log of each.
func persist(ctx context.Context, log io.Writer, longest time.Duration, ask func() error) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := ask()
		if err == nil || !passes(err) || ctx.Err() != nil {
			return err
		}
		if try == promptTries {
			return fmt.Errorf("asked %d times: %w", try, err)
		}
		wait := pause
		if said, ok := refusedWith(err); ok && said.RetryAfter > 0 {
			wait = said.RetryAfter
		}
		wait = min(wait, longest)
		fmt.Fprintf(log, "asks again in %s: %s\n", wait, plain(err.Error()))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
		pause *= 2
	}
}

// refusedWith is what a model server or a gateway said in place of what it was asked for.
func refusedWith(err error) (*backend.UpstreamError, bool) {
	if said := (*refusal)(nil); errors.As(err, &said) {
		return &backend.UpstreamError{Status: said.status, RetryAfter: said.retryAfter, Final: said.final}, true
	}
	said := (*backend.UpstreamError)(nil)
	return said, errors.As(err, &said)
}

// passes: the same may be answered soon. An answer that took too long would take as long again.
func passes(err error) bool {
	if said, ok := refusedWith(err); ok {
		soon := said.Status == http.StatusTooManyRequests || said.Status >= http.StatusInternalServerError || said.Status == http.StatusOK // in an answer
		return soon && !said.Final
	}
	return !neverAnswered(err) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errOtherIndex)
}

// endsRun: no prompt will be answered, or nobody waits for it.
func endsRun(err error) bool {
	said := (*backend.UpstreamError)(nil)
	return neverAnswered(err) || errors.Is(err, context.Canceled) || errors.As(err, &said) && said.Status/100 == 4 && !passes(err) && !refusesOne(err)
}

// neverAnswered: nobody listens at the address.
func neverAnswered(err error) bool {
	dial := (*net.OpError)(nil)
	return errors.As(err, &dial) && dial.Op == "dial"
}

// ungraded counts the prompts of a run that got no answer.
type ungraded struct {
	log         io.Writer
	total       int
	all, inARow int
}

// goesOn says whether the run does, without the prompt that err is about.
func (u *ungraded) goesOn(err error) bool {
	u.all, u.inARow = u.all+1, u.inARow+1
	if endsRun(err) || u.inARow == mostInARow || u.all > u.total/gradedOf {
		return false
	}
	fmt.Fprintf(u.log, "not graded: %s\n", plain(err.Error()))
	return true
}

// ended adds to the error that ended a run how many prompts were not graded.
func (u *ungraded) ended(err error) error {
	if err == nil || u.all < 2 {
		return err
	}
	return fmt.Errorf("%d of %d prompts were not graded, the last: %w", u.all, u.total, err)
}
