package attack

import (
	"context"
	"fmt"
	"math"
	"slices"

	"flotilla/routing"
	"flotilla/routing/guard"
	"flotilla/routing/index"
)

// target is a router under attack.
type target interface {
	name() string
	// texts are what score and pick embed for a text, so that they can be embedded together.
	texts(text string) []string
	// score is by how much the router prefers its best dear model to its best cheap one; above 0 it picks dear. The
	// attacker sees it: nothing about a router is secret.
	score(ctx context.Context, text string) (float64, error)
	// pick is the fleet number of the model chosen for a text; tokens are those of the clean text.
	pick(ctx context.Context, text string, tokens uint32) (int, error)
}

// live is our own router at one dial, as the gateway runs it.
type live struct {
	label  string
	lab    *lab
	index  *index.Index
	router *routing.Router
	guard  *guard.Guard // nil: undefended
	dial   float64
	offers []routing.Candidate
}

func newLive(l *lab, label string, x *index.Index, g *guard.Guard, dial float64) (*live, error) {
	router, err := routing.New(routing.Config{Embedder: l, Index: x, Guard: g})
	if err != nil {
		return nil, err
	}
	return &live{label: label, lab: l, index: x, router: router, guard: g, dial: dial, offers: offers()}, nil
}

// offers is one operator for each model.
func offers() []routing.Candidate {
	out := make([]routing.Candidate, len(fleet))
	for i, f := range fleet {
		out[i] = routing.Candidate{Operator: fmt.Sprintf("op%d", i), Model: f.id, InputPerMTok: f.price, OutputPerMTok: f.price, Ref: i}
	}
	return out
}

func (t *live) name() string { return t.label }

func (t *live) texts(text string) []string {
	var out []string
	for _, v := range t.versions(text) {
		out = append(out, v.Text)
	}
	return out
}

// versions of a text that must agree, the whole first.
func (t *live) versions(text string) []guard.Crop {
	if t.guard == nil {
		return []guard.Crop{{Text: text, Like: text}}
	}
	text = t.guard.Inspect(text).Text
	return append([]guard.Crop{{Text: text, Like: text}}, guard.Crops(text)...)
}

func (t *live) pick(ctx context.Context, text string, tokens uint32) (int, error) {
	d, err := t.router.Route(ctx, routing.Prompt{Text: text, InputTokens: tokens}, t.offers, routing.Policy{Dial: t.dial})
	if err != nil {
		return 0, fmt.Errorf("pick: %w", err)
	}
	return d.Pick.Ref.(int), nil
}

// score is the least over the versions of the text that must agree, each with the benefit of the doubt that it gives.
func (t *live) score(ctx context.Context, text string) (float64, error) {
	least := math.Inf(1)
	for _, version := range t.versions(text) {
		plain, err := routing.New(routing.Config{Embedder: likeText{t.lab, version.Like}, Index: t.index})
		if err != nil {
			return 0, err
		}
		d, err := plain.Route(ctx, routing.Prompt{Text: version.Text, InputTokens: scoreTokens}, t.offers, routing.Policy{Dial: t.dial})
		if err != nil {
			return 0, fmt.Errorf("score: %w", err)
		}
		cheap, dear := math.Inf(-1), math.Inf(-1)
		for _, c := range d.Considered {
			if fleet[c.Ref.(int)].dear {
				dear = max(dear, c.Utility)
			} else {
				cheap = max(cheap, c.Utility)
			}
		}
		benefit := 0.0
		switch {
		case t.guard == nil:
		case version.Fragment:
			benefit = routing.FragmentBenefit
		default:
			benefit = routing.GuardBenefit
		}
		least = min(least, dear-cheap+benefit)
	}
	return least, nil
}

// scoreTokens is the input length that scores are reckoned with: near the mean of the texts.
const scoreTokens = 60

// plain is a router that only has a quality for each model, calibrated to a share of dear picks.
type plain struct {
	label     string
	lab       *lab
	qualities func(v []float32) ([]float64, error) // by fleet number
	threshold float64
}

func (t *plain) name() string               { return t.label }
func (t *plain) texts(text string) []string { return []string{text} }

func (t *plain) score(ctx context.Context, text string) (float64, error) {
	cheap, dear, q, err := t.rivals(ctx, text)
	if err != nil {
		return 0, err
	}
	return q[dear] - q[cheap] - t.threshold, nil
}

func (t *plain) pick(ctx context.Context, text string, _ uint32) (int, error) {
	cheap, dear, q, err := t.rivals(ctx, text)
	if err != nil {
		return 0, err
	}
	if q[dear]-q[cheap] > t.threshold {
		return dear, nil
	}
	return cheap, nil
}

func (t *plain) rivals(ctx context.Context, text string) (cheap, dear int, q []float64, err error) {
	v, err := t.lab.Embed(ctx, text)
	if err != nil {
		return 0, 0, nil, err
	}
	if q, err = t.qualities(v); err != nil {
		return 0, 0, nil, err
	}
	cheap, dear = -1, -1
	for i, f := range fleet {
		if f.dear && (dear < 0 || q[i] > q[dear]) {
			dear = i
		}
		if !f.dear && (cheap < 0 || q[i] > q[cheap]) {
			cheap = i
		}
	}
	return cheap, dear, q, nil
}

// calibrate sets the threshold so that a share of the prompts has a dear pick.
func (t *plain) calibrate(ctx context.Context, ps []prompt, share float64) error {
	var scores []float64
	t.threshold = 0
	for _, p := range ps {
		s, err := t.score(ctx, p.text)
		if err != nil {
			return err
		}
		scores = append(scores, s)
	}
	slices.Sort(scores)
	t.threshold = scores[min(max(int(math.Round((1-share)*float64(len(scores))))-1, 0), len(scores)-1)]
	return nil
}

// newKNN is the usual recipe: the mean score of the k nearest rows.
func newKNN(l *lab, k int) *plain {
	return &plain{label: fmt.Sprintf("kNN-%d", k), lab: l, qualities: func(v []float32) ([]float64, error) {
		scan, err := l.index.Scan(v)
		if err != nil {
			return nil, err
		}
		defer scan.Release()
		q, n := make([]float64, len(fleet)), 0
		for _, h := range scan.Top(nil, 4*k) { // some rows are of other fleets
			o := outcomes(l.index, h.Row)
			if o == nil {
				continue
			}
			for i := range q {
				q[i] += o[i]
			}
			if n++; n == k {
				break
			}
		}
		for i := range q {
			q[i] /= float64(max(n, 1))
		}
		return q, nil
	}}
}
