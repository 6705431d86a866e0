package eval

import (
	"context"
	"math"
)

// only is the knob of routers that have none.
var only = []setting{{dial: notDial, offered: true}}

// fixed always takes the same model, whatever the prompt; the next in its order where that has no outcome.
type fixed struct {
	label string
	order func(s *split) []int
}

func (f *fixed) name() string    { return f.label }
func (f *fixed) knob() []setting { return only }

func (f *fixed) fit(_ context.Context, s *split) (chooser, error) {
	return &fixedChooser{s.table, f.order(s)}, nil
}

type fixedChooser struct {
	*table
	order []int
}

func (c *fixedChooser) choose(_ context.Context, row int, out *choice) error {
	out.sure(0, c.first(row, c.order))
	return nil
}

// first is the first model of the order that has an outcome in the row.
func (t *table) first(row int, order []int) int {
	for _, m := range order {
		if t.has(row, m) {
			return m
		}
	}
	return order[0] // unreachable: a row has two outcomes at least
}

// oracleRouter knows the scores: the best model, and the cheapest of those.
type oracleRouter struct{}

func (oracleRouter) name() string    { return oracle }
func (oracleRouter) knob() []setting { return only }

func (oracleRouter) fit(_ context.Context, s *split) (chooser, error) {
	return oracleChooser{s.table}, nil
}

type oracleChooser struct{ *table }

func (c oracleChooser) choose(_ context.Context, row int, out *choice) error {
	r, best := c.rows[row], -1
	for m, score := range r.score {
		if c.has(row, m) && (best < 0 || score > r.score[best] || score == r.score[best] && r.costUSD[m] < r.costUSD[best]) {
			best = m
		}
	}
	out.sure(0, best)
	return nil
}

// randomRouter takes any model with equal chance.
type randomRouter struct{}

func (randomRouter) name() string    { return random }
func (randomRouter) knob() []setting { return only }

func (randomRouter) fit(_ context.Context, s *split) (chooser, error) {
	return randomChooser{s.table}, nil
}

type randomChooser struct{ *table }

func (c randomChooser) choose(_ context.Context, row int, out *choice) error {
	n := 0.0
	for m := range c.models {
		if c.has(row, m) {
			n++
		}
	}
	for m := range c.models {
		if c.has(row, m) {
			out.chance[0][m] = 1 / n
		}
	}
	return nil
}

// mix looks at no prompt either: at each budget it draws between two single models on the convex hull of cost and
// quality. No router that reads prompts should lose to it.
type mix struct{}

const mixSteps = 400

func (*mix) name() string { return staticMix }

func (*mix) knob() []setting {
	var out []setting
	for step := mixSteps; step >= 0; step-- {
		out = append(out, setting{notDial, float64(step) / mixSteps, true})
	}
	return out
}

func (x *mix) fit(_ context.Context, s *split) (chooser, error) {
	score, cost := s.means(s.train)
	c := &mixChooser{table: s.table, knob: x.knob(), order: byScore(score, cost)}
	for _, m := range hull(score, cost) {
		c.hull = append(c.hull, m)
		c.cost = append(c.cost, cost[m])
	}
	return c, nil
}

type mixChooser struct {
	*table
	knob  []setting
	order []int // by quality, for rows where a hull model has no outcome
	hull  []int // by rising cost and quality
	cost  []float64
}

func (c *mixChooser) choose(_ context.Context, row int, out *choice) error {
	last := len(c.hull) - 1
	for k, s := range c.knob {
		budget := c.cost[0] + s.value*(c.cost[last]-c.cost[0])
		j := 0
		for j < last-1 && c.cost[j+1] < budget {
			j++
		}
		low, high := c.hull[j], c.hull[min(j+1, last)]
		share := 0.0
		if low != high {
			share = min((budget-c.cost[j])/(c.cost[j+1]-c.cost[j]), 1)
		}
		out.chance[k][c.orElse(row, low)] += 1 - share
		out.chance[k][c.orElse(row, high)] += share
	}
	return nil
}

func (c *mixChooser) orElse(row, m int) int {
	if c.has(row, m) {
		return m
	}
	return c.first(row, c.order)
}

// hull lists the points of the upper convex hull of (cost, score), from the cheapest to the best, by index. NaN scores
// are left out.
func hull(score, cost []float64) []int {
	var out []int
	for _, m := range ranking(negated(cost)) {
		if math.IsNaN(score[m]) || len(out) > 0 && score[m] <= score[out[len(out)-1]] {
			continue
		}
		if len(out) > 0 && cost[m] == cost[out[len(out)-1]] {
			out = out[:len(out)-1] // as cheap, and better
		}
		for len(out) >= 2 {
			a, b := out[len(out)-2], out[len(out)-1]
			if (score[b]-score[a])*(cost[m]-cost[a]) > (score[m]-score[a])*(cost[b]-cost[a]) {
				break
			}
			out = out[:len(out)-1] // below the line from a to m
		}
		out = append(out, m)
	}
	return out
}
