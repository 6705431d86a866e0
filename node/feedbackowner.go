package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"flotilla/node/admin"
	"flotilla/node/feedback"
	"flotilla/node/openai"
	"flotilla/routing"
	"flotilla/routing/catalogue"
	"flotilla/routing/index"
	"flotilla/settlement"
)

// A key may send 60 verdicts at once, and then one a minute: people's pace, too slow to steer the index.
const (
	feedbackBurst = 60
	feedbackEvery = time.Minute
)

// keyLimits is a rate limit for each API key; keys are as many as the gateway's owner gave out.
type keyLimits struct {
	every time.Duration
	burst int

	mu    sync.Mutex
	limit map[string]*rate.Limiter
}

func (t *keyLimits) allow(key string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.limit[key]
	if l == nil {
		if t.limit == nil {
			t.limit = map[string]*rate.Limiter{}
		}
		l = rate.NewLimiter(rate.Every(t.every), t.burst)
		t.limit[key] = l
	}
	return l.AllowN(now, 1)
}

// takeFeedback keeps a verdict on an answer that the same key paid for. Whose a receipt is, nobody else learns.
func (g *Gateway) takeFeedback(ctx context.Context, f openai.Feedback) error {
	if !g.tellers.allow(f.Key.ID, g.now()) {
		return &openai.APIError{Status: 429, Code: "feedback_rate", RetryAfter: feedbackEvery, Message: fmt.Sprintf("one verdict a minute a key, after the first %d", feedbackBurst)}
	}
	b, err := g.keysBundle(ctx, f.Key, f.ReceiptID, "receipt_id")
	if err != nil {
		return err
	}
	e, err := entryOf(f, b, g.now())
	if err != nil {
		return err
	}
	switch err := g.feedback.Put(e); {
	case errors.Is(err, feedback.ErrReviewed):
		return &openai.APIError{Status: 409, Code: "feedback_reviewed", NoRetry: true, Message: "the feedback on this receipt was reviewed; it cannot be changed any more"}
	case errors.Is(err, feedback.ErrFull):
		return &openai.APIError{Status: 503, Code: "feedback_full", NoRetry: true, Message: "the gateway keeps as much feedback as it can; it takes more when its owner has reviewed some, or as old ones are forgotten"}
	case err != nil:
		return err
	}
	if keys := g.cfg.Load().AcceptFeedback; keys > 0 {
		_, err = g.review(feedback.Accepted, func() ([]feedback.Entry, error) { return g.feedback.AcceptConcordant(e.Receipt, keys) })
	}
	return err
}

// entryOf takes the vector from the routing decision that the receipt is bound to.
func entryOf(f openai.Feedback, b settlement.Bundle, now time.Time) (feedback.Entry, error) {
	var d routing.Decision
	if err := json.Unmarshal(b.DecisionJSON, &d); err != nil {
		return feedback.Entry{}, fmt.Errorf("read decision of the receipt: %w", err)
	}
	if len(d.Query) == 0 {
		return feedback.Entry{}, &openai.APIError{Status: 400, Code: "not_routed", Param: "receipt_id", NoRetry: true,
			Message: "the router did not look at this prompt (the request named its model, or had no text), so nothing can be learned from it"}
	}
	return feedback.Entry{
		Receipt: f.ReceiptID, Key: f.Key.ID, Model: catalogue.ID(b.Advert.Model), Score: f.Score, OutputTokens: b.Receipt.OutputTokens,
		Embedder: d.EmbedderID, Query: d.Query, At: now.UTC().Truncate(time.Second),
	}, nil
}

// review has the store move entries to a state, and makes the index rows of their keys what the store says; move returns
// the entries as they were. On an error both are as before. The store is first: after a crash in between, the same review
// again (or the next one of such a key) brings the index up to it. Where no row comes or goes the index stays as it is.
func (g *Gateway) review(to feedback.State, move func() (were []feedback.Entry, err error)) (Edited, error) {
	g.reviews.Lock()
	defer g.reviews.Unlock()
	were, err := move()
	if err != nil || len(were) == 0 {
		return Edited{}, err
	}
	sources, moves := map[string]bool{}, to == feedback.Accepted
	for _, e := range were {
		sources[e.Source()] = true
		moves = moves || e.State == feedback.Accepted
	}
	rows := g.acceptedRows(sources)
	if x := g.router.Index(); !moves && hasRows(x, sources, rows) {
		return edited(x), nil
	}
	x, err := g.router.Edit(func(b *index.Builder) error {
		b.Remove(func(_ int, source, _ string) bool { return sources[source] })
		for _, row := range rows {
			if err := b.Add(row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Edited{}, errors.Join(fmt.Errorf("put feedback into the index: %w", err), g.feedback.Restore(were))
	}
	e := edited(x)
	e.Added = len(rows)
	return e, nil
}

// acceptedRows are the rows that the store's accepted entries of these sources make. What one key says of one model's answers to
// one prompt is one verdict, the mean of all, however often it asked that again.
func (g *Gateway) acceptedRows(sources map[string]bool) (rows []index.Row) {
	type subject struct{ source, model, query string }
	place := map[subject]int{}
	var groups [][]feedback.Entry
	for _, e := range g.feedback.List() {
		// Vectors of an embedder that is not in use any more cannot be compared.
		if e.State != feedback.Accepted || !sources[e.Source()] || e.Embedder != g.router.Index().EmbedderID() {
			continue
		}
		s := subject{e.Source(), e.Model, fmt.Sprint(e.Query)}
		i, known := place[s]
		if !known {
			i = len(groups)
			place[s] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], e)
	}
	for _, group := range groups {
		row, weight := rowOfVerdicts(group)
		rows = append(rows, slices.Repeat([]index.Row{row}, weight)...)
	}
	return rows
}

// rowOfVerdicts is the mean of verdicts on one prompt, by their weights, and the greatest weight.
func rowOfVerdicts(verdicts []feedback.Entry) (row index.Row, weight int) {
	var score, tokens, n float64
	for _, e := range verdicts {
		score += e.Score * float64(e.Weight)
		tokens += float64(e.OutputTokens) * float64(e.Weight)
		n += float64(e.Weight)
		weight = max(weight, e.Weight)
	}
	e := verdicts[0]
	return index.Row{Vector: unit(e.Query), Source: e.Source(), Outcomes: []index.Outcome{
		{Model: e.Model, Score: score / n, OutputTokens: uint32(math.Round(tokens / n))},
	}}, weight
}

// hasRows: x has these rows of the sources and no others, in whatever order.
func hasRows(x *index.Index, sources map[string]bool, rows []index.Row) bool {
	type said struct {
		source, model string
		score         uint8
	}
	more := map[said]int{}
	for _, r := range rows {
		more[said{r.Source, r.Outcomes[0].Model, uint8(math.Round(r.Outcomes[0].Score * index.ScoreSteps))}]++
	}
	for i := range x.Len() {
		if !sources[x.Source(i)] {
			continue
		}
		for _, c := range x.Cells(i) {
			more[said{x.Source(i), x.Models()[c.Model], c.Score}]--
		}
	}
	for _, n := range more {
		if n != 0 {
			return false
		}
	}
	return true
}

// unit is the vector of length 1 that a query was rounded from, as far as the rounding left it.
func unit(q index.Query) []float32 {
	sum := 0.0
	for _, v := range q {
		sum += float64(v) * float64(v)
	}
	out := make([]float32, len(q))
	for i, v := range q {
		out[i] = float32(float64(v) / math.Sqrt(sum))
	}
	return out
}

// Feedback lists all entries, oldest first.
func (o owner) Feedback(context.Context) (any, error) {
	if o.n.feedback == nil {
		return nil, fmt.Errorf("feedback: %w: only a gateway has any", admin.ErrNotHere)
	}
	return o.n.feedback.List(), nil
}

// FeedbackReview is what the owner decides about entries.
type FeedbackReview struct {
	Receipts []string       `json:"receipts"`
	State    feedback.State `json:"state"`
	Weight   int            `json:"weight,omitempty"` // rows that an accepted entry counts as; 1
}

// ReviewFeedback reads a FeedbackReview; the answer is an Edited.
func (o owner) ReviewFeedback(_ context.Context, decode func(any) error) (any, error) {
	if o.n.Gateway == nil {
		return nil, fmt.Errorf("feedback: %w: only a gateway has any", admin.ErrNotHere)
	}
	r := FeedbackReview{Weight: 1}
	if err := decode(&r); err != nil {
		return nil, err
	}
	if len(r.Receipts) == 0 || (r.State != feedback.Accepted && r.State != feedback.Rejected && r.State != feedback.Pending) {
		return nil, fmt.Errorf("%w: name receipts and a state: accepted, rejected or pending", admin.ErrBadRequest)
	}
	e, err := o.n.Gateway.review(r.State, func() ([]feedback.Entry, error) { return o.n.feedback.Review(r.Receipts, r.State, r.Weight) })
	if errors.Is(err, feedback.ErrUnknown) || errors.Is(err, feedback.ErrFull) || errors.Is(err, feedback.ErrWeight) {
		return nil, fmt.Errorf("%w: %w", admin.ErrBadRequest, err)
	}
	return e, err
}
