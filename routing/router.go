// Package routing decides which operator answers a prompt: the cheapest one that is capable. It is pure: no network,
// files, clock or randomness, so a decision can be recomputed from its inputs.
//
// Route goes through these steps, in this order:
//
//  1. Feasible set: policy, pin, price ceiling, context, features, health, load (feasible.go).
//  2. Quality per model, with its uncertainty, from the nearest labelled prompts, shrunk to what is known of the model
//     in general; far from every labelled prompt only the latter counts, and the decision says so (estimate.go).
//  3. Expected answer length from the same neighbours, hence expected cost in absolute money from each operator's own
//     prices.
//  4. Utility = quality − cost / W(dial) − doubt, quality in steps of one point so that near-ties fall to the cheaper
//     (dial.go). Doubt keeps to the best single model, the leader, unless another is better by enough (leader.go). The best
//     utility wins; equal utilities go to the cheaper, then to the idler operator.
//  5. What may overrule the best: a budget for upgrades that is used up (allowance.go), a conversation that has a model,
//     the user's own default far from everything (session.go), and the guard, which cuts crafted text and lets shorter
//     versions of the prompt vote on an upgrade (guarded.go).
//
// Replay makes a decision again from its record and the index, through the same code (replay.go).
//
// Nothing is scaled by the fleet: a candidate's utility depends on that candidate, the prompt, the index, and on which offer
// leads. So whatever anybody else advertises wins the request, or becomes the leader, or changes nothing.
package routing

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"flotilla/routing/catalogue"
	"flotilla/routing/guard"
	"flotilla/routing/index"
)

// MaxCandidates bounds one decision; a fleet view beyond it must be cut by the caller.
const MaxCandidates = 4096

// Embedder turns text into vectors. Implementations: routing/embed (MiniLM, the default, and the static one),
// routing/embed/hugotembed and routing/embed/ortembed.
type Embedder interface {
	// Embed returns the unit vector of text, Dim() values. It must accept any string.
	Embed(ctx context.Context, text string) ([]float32, error)
	// ID is a fingerprint of everything that shapes the vectors: weights, tokenizer rules, arithmetic.
	ID() string
	Dim() int
}

// PartEmbedder is an Embedder for which a part of a text lies nearer to the whole if it is told how the whole begins and ends.
type PartEmbedder interface {
	// EmbedPart is Embed of a part that counts as beginning and ending like another text; of a text like itself it is Embed.
	EmbedPart(ctx context.Context, part, like string) ([]float32, error)
}

// EmbedPart embeds a part as e can: with the beginning and end of like where e looks at these (PartEmbedder). It is how a
// decision's shorter versions of a prompt (guard.Crop) become queries.
func EmbedPart(ctx context.Context, e Embedder, part, like string) ([]float32, error) {
	if p, ok := e.(PartEmbedder); ok && part != like {
		return p.EmbedPart(ctx, part, like)
	}
	return e.Embed(ctx, part)
}

// Config is what a Router is made of. Embedder and Index are required, and Index must have been made with Embedder.
type Config struct {
	Embedder Embedder
	Index    *index.Index
	Guard    *guard.Guard // against texts made to buy an upgrade; nil trusts every text
}

// Router decides. Immutable and safe for concurrent use; a new index generation needs a new Router, which is cheap.
type Router struct {
	embedder Embedder
	index    *index.Index
	guard    *guard.Guard
	kernel   *kernel
}

// New refuses an index made with another embedder (errors.Is index.ErrEmbedderMismatch).
func New(c Config) (*Router, error) {
	if c.Embedder == nil || c.Index == nil {
		return nil, errors.New("new router: an embedder and an index are needed")
	}
	if err := c.Index.CheckEmbedder(c.Embedder.ID()); err != nil {
		return nil, fmt.Errorf("new router: %w", err)
	}
	if c.Embedder.Dim() != c.Index.Dim() {
		return nil, fmt.Errorf("new router: embedder has %d dimensions, index %d", c.Embedder.Dim(), c.Index.Dim())
	}
	return &Router{embedder: c.Embedder, index: c.Index, guard: c.Guard, kernel: newKernel()}, nil
}

// Route decides for one prompt. Errors: ErrNoCandidate, ErrUnknownModel, *InfeasibleError, *PolicyError, or the
// embedder's. The candidates are only read.
func (r *Router) Route(ctx context.Context, p Prompt, candidates []Candidate, policy Policy) (Decision, error) {
	if len(candidates) == 0 {
		return Decision{}, ErrNoCandidate
	}
	if len(candidates) > MaxCandidates {
		return Decision{}, fmt.Errorf("route: %d candidates, at most %d", len(candidates), MaxCandidates)
	}
	if err := policy.check(); err != nil {
		return Decision{}, err
	}
	p = p.withInputTokens()
	f, err := r.feasible(p, candidates, policy)
	if err != nil {
		return Decision{}, err
	}
	d := newDecision(p, policy, r.index)
	d.Rejected = f.rejected
	if d, err = r.guarded(ctx, p, f, d); err != nil {
		return Decision{}, err
	}
	d.explain()
	d.trim()
	return d, nil
}

// evidence embeds and searches, unless the model is named or there is nothing to embed. A decision that has its query
// already needs neither text nor embedder: that is how Replay comes here.
func (r *Router) evidence(ctx context.Context, part, like string, d *Decision) (*estimator, error) {
	e := newEstimator(r.index, r.kernel)
	switch {
	case d.Pinned:
		return e, nil
	case d.Query == nil && strings.TrimSpace(part) == "":
		d.OutOfDistribution, d.NoText = true, true
		return e, nil
	case d.Query == nil:
		vector, err := EmbedPart(ctx, r.embedder, part, like)
		if err != nil {
			return nil, fmt.Errorf("embed prompt: %w", err)
		}
		if d.Query, err = r.index.Quantize(vector); err != nil {
			return nil, fmt.Errorf("embed prompt: %w", err)
		}
	}
	scan, err := r.index.ScanQuery(d.Query)
	if err != nil {
		return nil, fmt.Errorf("route: %w", err)
	}
	e.near(scan)
	d.OutOfDistribution = e.outlier()
	d.Neighbors = e.neighbors(shownNeighbors)
	if d.OutOfDistribution {
		e.forget()
	}
	return e, nil
}

// shownNeighbors go into the decision record; enough to see what it rests on.
const shownNeighbors = 8

// pinnedID is the canonical id behind a policy's model name.
func pinnedID(name string) ModelID { return ModelID(catalogue.ID(name)) }
