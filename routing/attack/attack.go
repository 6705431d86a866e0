// Package attack attacks routers with texts made to buy a dearer model than a prompt needs, with poisoned rows and with
// absurd prices, and measures what it brings. It runs the live router itself, with and without its guard, beside plain
// kNN-40 and Avengers-Pro, on the built-in index without the prompts attacked. Nothing but the seed is random, and
// nothing is fetched or run.
//
// The families follow "Rerouting LLM Routers" (arXiv 2501.01818) and what has been tried since:
//
//	A0  ten random words: the noise floor, subtracted from the rest
//	A1  a gadget climbed alone, without any prompt
//	A2  a gadget climbed on a few prompts of the attacker's
//	A3  a gadget climbed on another router
//	A4  the best of some readable sentences, in front, behind, and both
//	A5  A2 split between both ends, and spread over the text
//	A6  climbed against the defended router, in each of the three placements
//	A7  A2 downwards
//	A8  typing errors: how many picks flip
//	A9  rows planted in the index
//	A10 operators with absurd prices
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

// Options of Run. Zero values mean the defaults named.
type Options struct {
	Seed  uint64 // 1
	Quick bool   // fewer prompts and shorter climbs: a few minutes less
	// Progress, if set, is called before each step, from Run's goroutine.
	Progress func(step string)

	prompts int    // attacked
	effort  effort // of each climb
}

func (o Options) withDefaults() Options {
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	o.prompts, o.effort = 200, effort{rounds: 24, tries: 12, patience: 16, prompts: 4}
	if o.Quick {
		o.prompts, o.effort = 80, effort{rounds: 10, tries: 6, patience: 10, prompts: 3}
	}
	return o
}

// dearShare is the share of dear picks on clean texts that all routers are set to, as closely as the dial allows.
const dearShare = 0.4

// Run attacks. The embedder must be the index's, and the index the built-in one or hold the same prompts.
func Run(ctx context.Context, embedder routing.Embedder, x *index.Index, opts Options) (Report, error) {
	opts = opts.withDefaults()
	opts.Progress("embed prompts")
	l, err := newLab(ctx, embedder, x, opts)
	if err != nil {
		return Report{}, fmt.Errorf("attack: %w", err)
	}
	g, err := guard.New()
	if err != nil {
		return Report{}, fmt.Errorf("attack: %w", err)
	}
	s := &suite{lab: l, opts: opts, guard: g}
	for _, step := range []func(context.Context) error{s.targets, s.texts, s.sentences, s.poison, s.prices} {
		if err := step(ctx); err != nil {
			return Report{}, fmt.Errorf("attack: %w", err)
		}
	}
	s.report.finish(opts)
	return s.report, nil
}

// suite is one run.
type suite struct {
	lab    *lab
	opts   Options
	guard  *guard.Guard
	report Report

	open, defended, knn, avengers *subject
}

// subject is a target with its picks on the clean texts.
type subject struct {
	target
	clean []int
	floor map[string]*counts // by placement
}

func (s *suite) subjects() []*subject { return []*subject{s.open, s.defended, s.knn, s.avengers} }

// targets sets up the routers, all at about the same share of dear picks.
func (s *suite) targets(ctx context.Context) error {
	s.opts.Progress("calibrate")
	best := math.Inf(1)
	for dial := float64(routing.MinDial); dial <= routing.MaxDial; dial++ {
		t, err := newLive(s.lab, nameOpen, s.lab.index, nil, dial)
		if err != nil {
			return err
		}
		sub, err := s.subject(ctx, t)
		if err != nil {
			return err
		}
		if off := math.Abs(s.share(sub) - dearShare); off < best {
			best, s.open, s.report.Dial = off, sub, dial
		}
	}
	share := s.share(s.open)
	t, err := newLive(s.lab, nameDefended, s.lab.index, s.guard, s.report.Dial)
	if err != nil {
		return err
	}
	if s.defended, err = s.subject(ctx, t); err != nil {
		return err
	}
	for _, c := range []struct {
		to **subject
		t  *plain
	}{{&s.knn, newKNN(s.lab, 40)}, {&s.avengers, newAvengers(s.lab)}} {
		if err := c.t.calibrate(ctx, s.lab.eval, share); err != nil {
			return err
		}
		if *c.to, err = s.subject(ctx, c.t); err != nil {
			return err
		}
	}
	s.report.Prompts, s.report.CleanPrompts = s.opts.prompts, len(s.lab.eval)
	for _, sub := range s.subjects() {
		s.report.Clean = append(s.report.Clean, s.cleanOf(sub))
	}
	s.report.AccuracyLost = s.report.Clean[0].Accuracy - s.report.Clean[1].Accuracy
	s.report.AccuracyLostCI = s.accuracyLostCI()
	return nil
}

const (
	nameOpen     = "flotilla without guard"
	nameDefended = "flotilla"
)

func (s *suite) subject(ctx context.Context, t target) (*subject, error) {
	clean := make([]string, len(s.lab.eval))
	for i, p := range s.lab.eval {
		clean[i] = p.text
	}
	picks, err := s.picks(ctx, t, clean)
	return &subject{target: t, clean: picks, floor: map[string]*counts{}}, err
}

// picks routes one text for each prompt.
func (s *suite) picks(ctx context.Context, t target, texts []string) ([]int, error) {
	var all []string
	for _, text := range texts {
		all = append(all, t.texts(text)...)
	}
	if err := s.lab.prepare(ctx, all); err != nil {
		return nil, err
	}
	out := make([]int, len(texts))
	for i, text := range texts {
		var err error
		if out[i], err = t.pick(ctx, text, s.lab.eval[i].tokens); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *suite) share(sub *subject) float64 {
	n := 0
	for _, m := range sub.clean {
		if fleet[m].dear {
			n++
		}
	}
	return float64(n) / float64(len(sub.clean))
}

func (s *suite) cleanOf(sub *subject) Clean {
	c := Clean{Router: sub.name(), DearShare: s.share(sub)}
	n := float64(len(sub.clean))
	for i, m := range sub.clean {
		c.Accuracy += s.lab.eval[i].score[m] / n
		c.CostUSD += s.lab.eval[i].cost(m) / n
	}
	return c
}

// accuracyLostCI resamples prompts, which both routers answered.
func (s *suite) accuracyLostCI() [2]float64 {
	diff := make([]float64, len(s.lab.eval))
	for i, p := range s.lab.eval {
		diff[i] = p.score[s.open.clean[i]] - p.score[s.defended.clean[i]]
	}
	rng := s.lab.rng(streamBootstrap)
	means := make([]float64, resamples)
	for b := range means {
		for range diff {
			means[b] += diff[rng.IntN(len(diff))] / float64(len(diff))
		}
	}
	slices.Sort(means)
	return [2]float64{means[resamples/40], means[resamples-1-resamples/40]}
}
