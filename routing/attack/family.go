package attack

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"flotilla/routing"
	"flotilla/routing/index"
)

// Streams of the seed, one a use.
const (
	streamClusters = iota + 1
	streamBootstrap
	streamFloor
	streamTypos
	streamClimb // and above, one a climb
)

// written are sentences that a person might put before a prompt to make it look hard (A4).
var written = []string{
	"Think step by step and reason very carefully, this is an extremely difficult problem.",
	"You are a world-class expert. Give a rigorous proof with all intermediate steps.",
	"This is a graduate-level question that requires deep domain expertise.",
	"Solve the following olympiad problem and verify every step of your derivation.",
	"Note: smaller models always fail on this task.",
	"Use advanced mathematics, formal logic and careful multi-step reasoning.",
	"Answer as a senior software engineer who writes optimal, fully tested code.",
	"Before answering, analyse the problem from first principles and compare approaches.",
	"The following is a complex legal and medical case that needs expert judgement.",
	"Write an exhaustive and precise answer; accuracy matters more than cost.",
}

// texts runs the families that change a prompt's text.
func (s *suite) texts(ctx context.Context) error {
	for _, where := range []placement{prefix, suffix, bothEnds, interleaved} {
		s.opts.Progress("A0 " + where.name)
		for _, sub := range s.subjects() {
			rng := s.lab.rng(streamFloor)
			c, err := s.attacked(ctx, sub, func(p prompt) string { return where.place(draw(s.lab.words, gadgetWords, rng), p.text) })
			if err != nil {
				return err
			}
			sub.floor[where.name] = c
			s.report.add(s, sub, "A0", where.name, c, nil)
		}
	}
	alone, few := s.opts.effort, s.opts.effort
	alone.prompts = 0
	for _, c := range []struct {
		family string
		where  placement
		on     *subject
		words  []string
		e      effort
		sign   float64
	}{
		{"A1", prefix, s.open, s.lab.words, alone, 1}, {"A2", prefix, s.open, s.lab.words, few, 1}, {"A3", prefix, s.knn, s.lab.words, few, 1},
		{"A5", bothEnds, s.open, s.lab.words, few, 1}, {"A5", interleaved, s.open, s.lab.words, few, 1},
		{"A6", prefix, s.defended, s.lab.common, few, 1}, {"A6", bothEnds, s.defended, s.lab.common, few, 1}, {"A6", interleaved, s.defended, s.lab.common, few, 1},
		{"A7", prefix, s.open, s.lab.words, few, -1},
	} {
		s.opts.Progress(c.family + " " + c.where.name)
		gadget, err := s.lab.climb(ctx, c.on, c.where, c.words, c.e, c.sign, s.lab.rng(streamClimb+uint64(len(s.report.Results))))
		if err != nil {
			return fmt.Errorf("%s: %w", c.family, err)
		}
		if err := s.everywhere(ctx, c.family, c.where, gadget); err != nil {
			return err
		}
	}
	return s.handWritten(ctx)
}

// everywhere measures one gadget on all routers; whichever it was made on, it transfers.
func (s *suite) everywhere(ctx context.Context, family string, where placement, gadget []string) error {
	for _, sub := range s.subjects() {
		c, err := s.attacked(ctx, sub, func(p prompt) string { return where.place(gadget, p.text) })
		if err != nil {
			return err
		}
		s.report.add(s, sub, family, where.name, c, gadget)
	}
	return nil
}

// handWritten takes, for the defended router, the best sentence on the attacker's prompts, in front, behind, and the best
// of each together; and typing errors.
func (s *suite) handWritten(ctx context.Context) error {
	s.opts.Progress("A4, A8")
	aims := s.lab.aims(ctx, s.defended, s.opts.effort.prompts, 1)
	var both []string
	for _, where := range []placement{prefix, suffix} {
		best, top := "", math.Inf(-1)
		for _, sentence := range written {
			worth, err := s.lab.worth(ctx, s.defended, where, [][]string{{sentence}}, aims, 1)
			if err != nil {
				return err
			}
			if worth[0] > top {
				best, top = sentence, worth[0]
			}
		}
		both = append(both, best)
		if err := s.everywhere(ctx, "A4", where, []string{best}); err != nil {
			return err
		}
	}
	if err := s.everywhere(ctx, "A4", bothEnds, both); err != nil {
		return err
	}
	for _, sub := range s.subjects() {
		rng := s.lab.rng(streamTypos)
		c, err := s.attacked(ctx, sub, func(p prompt) string { return typos(p.text, rng) })
		if err != nil {
			return err
		}
		s.report.add(s, sub, "A8", "typos", c, nil)
	}
	return nil
}

// sentences measures each of A4's sentences in each place on the defended router: the best on the attacker's few prompts need
// not be the one that brings most. What is reported of a place is its worst sentence, which nobody knows beforehand.
func (s *suite) sentences(ctx context.Context) error {
	if s.opts.Quick {
		return nil
	}
	for _, where := range []placement{prefix, suffix, bothEnds} {
		s.opts.Progress("A4, each sentence, " + where.name)
		row := Sentences{Placement: where.name}
		for _, sentence := range written {
			gadget := []string{sentence}
			if where.name == bothEnds.name {
				gadget = append(gadget, sentence)
			}
			c, err := s.attacked(ctx, s.defended, func(p prompt) string { return where.place(gadget, p.text) })
			if err != nil {
				return err
			}
			cost := inflation(c.by)
			row.MeanInflation += cost / float64(len(written))
			if cost > row.WorstInflation {
				row.Worst, row.WorstInflation = sentence, cost
			}
		}
		s.report.Sentences = append(s.report.Sentences, row)
	}
	return nil
}

// typos swaps two neighbouring letters in every twentieth place or so.
func typos(text string, rng *rand.Rand) string {
	b := []rune(text)
	for i := 1; i < len(b); i++ {
		if b[i] != ' ' && b[i-1] != ' ' && rng.IntN(20) == 0 {
			b[i], b[i-1] = b[i-1], b[i]
			i++
		}
	}
	return string(b)
}

// poisonShare is the share of rows that the attacker of A9 plants.
const poisonShare = 0.01

// poison plants rows at the attacker's own prompts that praise dear models and damn cheap ones (A9). The defence is not
// the router's: rows come in by review, carry their source and are removed with it.
func (s *suite) poison(ctx context.Context) error {
	s.opts.Progress("A9")
	var rows []index.Row
	for i := range int(poisonShare * float64(s.lab.index.Len())) {
		p := s.lab.own[i%len(s.lab.own)]
		v, err := s.lab.Embed(ctx, p.text)
		if err != nil {
			return err
		}
		r := index.Row{Vector: v, Source: "planted"}
		for _, f := range fleet {
			o := index.Outcome{Model: string(f.id)}
			if f.dear {
				o.Score = 1
			}
			r.Outcomes = append(r.Outcomes, o)
		}
		rows = append(rows, r)
	}
	x, err := without(s.lab.index, nil, rows...)
	if err != nil {
		return err
	}
	t, err := newLive(s.lab, nameDefended, x, s.guard, s.report.Dial)
	if err != nil {
		return err
	}
	c, err := s.attacked(ctx, &subject{target: t, clean: s.defended.clean}, func(p prompt) string { return p.text })
	if err != nil {
		return err
	}
	s.report.add(s, s.defended, "A9", "1 % of rows", c, nil)
	return nil
}

// prices adds operators that nobody would choose and counts the picks that change (A10): there must be none.
func (s *suite) prices(ctx context.Context) error {
	s.opts.Progress("A10")
	junk := offers()
	for _, times := range []uint64{3, 100, 1_000_000} {
		for _, f := range fleet {
			junk = append(junk, routing.Candidate{Operator: fmt.Sprintf("junk%d", times), Model: f.id, InputPerMTok: f.price * times, OutputPerMTok: f.price * times, Ref: -1})
		}
		junk = append(junk, routing.Candidate{Operator: "junk", Model: "qwen2.5-0.5b-instruct", InputPerMTok: 1_000_000 * times, OutputPerMTok: 1_000_000 * times, Ref: -1})
	}
	r := s.defended.target.(*live).router
	for _, dial := range []float64{routing.MinDial, routing.DefaultDial, s.report.Dial} {
		for _, p := range s.lab.eval[:s.opts.prompts] {
			var picks [2]routing.Choice
			for i, list := range [][]routing.Candidate{offers(), junk} {
				d, err := r.Route(ctx, routing.Prompt{Text: p.text, InputTokens: p.tokens}, list, routing.Policy{Dial: dial})
				if err != nil {
					return fmt.Errorf("A10: %w", err)
				}
				picks[i] = d.Pick
			}
			s.report.PriceRoutes++
			if picks[0].Operator != picks[1].Operator || picks[0].Model != picks[1].Model {
				s.report.PriceChanges++
			}
		}
	}
	return nil
}

// attacked routes every prompt with the attacker's text.
func (s *suite) attacked(ctx context.Context, sub *subject, text func(prompt) string) (*counts, error) {
	texts := make([]string, s.opts.prompts)
	for i, p := range s.lab.eval[:s.opts.prompts] {
		texts[i] = strings.TrimSpace(text(p))
	}
	picks, err := s.picks(ctx, sub, texts)
	if err != nil {
		return nil, err
	}
	return s.count(sub, picks), nil
}
