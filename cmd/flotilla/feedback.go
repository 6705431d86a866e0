package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"flotilla/node"
	"flotilla/node/feedback"
)

// feedbackCmd reviews what users said of answers (POST /v1/feedback) before it becomes rows of the index.
type feedbackCmd struct {
	List   feedbackListCmd   `cmd:"" help:"Show what users said of answers."`
	Accept feedbackAcceptCmd `cmd:"" help:"Make verdicts rows of the index, as they stand now: until then a sender may change its own."`
	Reject feedbackRejectCmd `cmd:"" help:"Put verdicts aside for good; takes the rows of accepted ones out again."`
	Remove feedbackRemoveCmd `cmd:"" help:"Take the rows of accepted verdicts out of the index; they wait for review again."`
}

type feedbackListCmd struct {
	adminFlags
	State string `help:"Only verdicts in this state: pending, accepted or rejected." enum:"pending,accepted,rejected,all" default:"all"`
	JSON  bool   `help:"Print them as JSON, with their vectors." name:"json"`
}

// Run prints the entries, oldest first.
func (c *feedbackListCmd) Run(ctx context.Context, s *streams) error {
	entries, err := c.entries(ctx, feedback.State(c.State))
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, entries)
	}
	for _, e := range entries {
		fmt.Fprintf(s.out, "%s  %s  %-8s  %.2f  %s  %s\n", e.Receipt, e.At.Format(time.DateTime), e.State, e.Score, plain(e.Model), e.Key)
	}
	_, err = fmt.Fprintf(s.out, "%d verdicts\n", len(entries))
	return err
}

// entries in the state; "all" for all.
func (a adminFlags) entries(ctx context.Context, in feedback.State) ([]feedback.Entry, error) {
	var all []feedback.Entry
	if err := a.call(ctx, http.MethodGet, "/feedback", nil, &all); err != nil {
		return nil, err
	}
	out := []feedback.Entry{}
	for _, e := range all {
		if in == "all" || e.State == in {
			out = append(out, e)
		}
	}
	return out, nil
}

// verdictFlags name verdicts under review.
type verdictFlags struct {
	adminFlags
	Receipt []string `arg:"" optional:"" help:"Receipts of the verdicts, as 'feedback list' shows them."`
	Key     string   `help:"All verdicts of this API key, by its id: to remove, the accepted ones; else the pending ones." placeholder:"KEY-ID"`
}

func (f verdictFlags) review(ctx context.Context, s *streams, from, to feedback.State, weight int) error {
	receipts := f.Receipt
	if f.Key != "" {
		all, err := f.entries(ctx, from)
		if err != nil {
			return err
		}
		for _, e := range all {
			if e.Key == f.Key {
				receipts = append(receipts, e.Receipt)
			}
		}
	}
	slices.Sort(receipts)
	receipts = slices.Compact(receipts) // one may be named beside its key
	if len(receipts) == 0 {
		return errors.New("nothing to review: name receipts, or --key with verdicts in that state")
	}
	var e node.Edited
	if err := f.call(ctx, http.MethodPost, "/feedback/review", node.FeedbackReview{Receipts: receipts, State: to, Weight: weight}, &e); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.out, "%d verdicts %s; index generation %d, %d rows, id %s\n", len(receipts), to, e.Generation, e.Rows, e.ID)
	return err
}

type feedbackAcceptCmd struct {
	verdictFlags
	Weight int `help:"Rows that each counts as, 1 to 5." default:"1"`
}

// Run accepts.
func (c *feedbackAcceptCmd) Run(ctx context.Context, s *streams) error {
	return c.review(ctx, s, feedback.Pending, feedback.Accepted, c.Weight)
}

type feedbackRejectCmd struct{ verdictFlags }

// Run rejects.
func (c *feedbackRejectCmd) Run(ctx context.Context, s *streams) error {
	return c.review(ctx, s, feedback.Pending, feedback.Rejected, 1)
}

type feedbackRemoveCmd struct{ verdictFlags }

// Help is shown above the flags.
func (c *feedbackRemoveCmd) Help() string {
	return "The gateway keeps its earlier generations of the index, in which the rows stay: 'flotilla index forget-generations' removes them. 'feedback reject' puts the verdicts aside for good."
}

// Run takes back.
func (c *feedbackRemoveCmd) Run(ctx context.Context, s *streams) error {
	return c.review(ctx, s, feedback.Accepted, feedback.Pending, 1)
}
