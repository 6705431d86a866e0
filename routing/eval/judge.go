package eval

import (
	"context"
	"fmt"

	"flotilla/routing"
	"flotilla/routing/index"
)

// contestants collects, per router and prompt, what its choice scored and cost.
type contestants struct {
	n      int
	names  []string
	result map[string]*outcomes
}

type outcomes struct{ quality, cost []float64 }

func newContestants(n int) *contestants { return &contestants{n: n, result: map[string]*outcomes{}} }

func (c *contestants) record(name string, prompt int, quality, cost float64) {
	o := c.result[name]
	if o == nil {
		o = &outcomes{quality: make([]float64, c.n), cost: make([]float64, c.n)}
		c.result[name] = o
		c.names = append(c.names, name)
	}
	o.quality[prompt], o.cost[prompt] = quality, cost
}

// judge runs all contestants on one fold's test prompts.
type judge struct {
	table          *table
	index          *index.Index
	router         *routing.Router
	best, cheapest int
	candidates     []routing.Candidate
}

const (
	bestSingle = "best single"
	cheapest   = "cheapest"
	random     = "random"
	oracle     = "oracle"
)

func dialName(dial int) string { return fmt.Sprintf("flotilla dial %d", dial) }

func (j *judge) prompt(ctx context.Context, c *contestants, i int) error {
	score, cost := j.table.score[i], j.table.cost[i]
	c.record(bestSingle, i, score[j.best], cost[j.best])
	c.record(cheapest, i, score[j.cheapest], cost[j.cheapest])
	c.record(random, i, mean(score), mean(cost)) // the expectation, so no seed matters
	o := oracleChoice(score, cost)
	c.record(oracle, i, score[o], cost[o])
	scan, err := j.index.Scan(j.table.vectors[i])
	if err != nil {
		return err
	}
	hits := scan.Top(nil, 40)
	scan.Release()
	for _, k := range []int{10, 40} {
		m := j.plainKNN(hits[:min(k, len(hits))])
		c.record(fmt.Sprintf("kNN-%d", k), i, score[m], cost[m])
	}
	s := j.table.samples[i]
	p := routing.Prompt{Text: s.Prompt, InputTokens: uint32(s.InputTokens)}
	for dial := routing.MinDial; dial <= routing.MaxDial; dial++ {
		d, err := j.router.Route(ctx, p, j.candidates, routing.Policy{Dial: dial})
		if err != nil {
			return fmt.Errorf("route sample %s: %w", s.ID, err)
		}
		m := d.Pick.Ref.(int)
		c.record(dialName(dial), i, score[m], cost[m])
	}
	return nil
}

// plainKNN is the usual recipe: the model with the highest mean score among the neighbours, ties to the cheaper.
func (j *judge) plainKNN(hits []index.Hit) int {
	best, bestSum, bestPrice := 0, -1, 0.0
	for m, id := range j.table.ids {
		number, ok := j.index.Model(string(id))
		if !ok {
			continue
		}
		sum := 0
		for _, h := range hits {
			if cell, ok := j.index.Cell(h.Row, number); ok {
				sum += int(cell.Score)
			}
		}
		price := j.table.prices[m].Input + j.table.prices[m].Output
		if sum > bestSum || sum == bestSum && price < bestPrice {
			best, bestSum, bestPrice = m, sum, price
		}
	}
	return best
}

// oracleChoice knows the scores: the best, and the cheapest of those.
func oracleChoice(score, cost []float64) int {
	o := 0
	for m := range score {
		if score[m] > score[o] || score[m] == score[o] && cost[m] < cost[o] {
			o = m
		}
	}
	return o
}

func (t *table) bestSingle(rows []int) int {
	return t.argmax(rows, func(i, m int) float64 { return t.score[i][m] })
}

func (t *table) cheapest(rows []int) int {
	return t.argmax(rows, func(i, m int) float64 { return -t.cost[i][m] })
}

func (t *table) argmax(rows []int, value func(i, m int) float64) int {
	best, bestSum := 0, 0.0
	for m := range t.columns {
		sum := 0.0
		for _, i := range rows {
			sum += value(i, m)
		}
		if m == 0 || sum > bestSum {
			best, bestSum = m, sum
		}
	}
	return best
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
