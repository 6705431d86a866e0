package eval

import (
	"context"
	"math"
	"slices"
)

// avengers is Avengers-Pro: prompts are clustered by k-means; in each cluster a model's mean score
// and mean cost are scaled by the extremes of the fleet there,
//
//	x = α·(P − min P)/(max P − min P) + (1−α)·(1 − Q/max Q),
//
// and the query's nearest clusters vote with weights softmax(−β·cosine distance). As published the votes are the x; the
// released code lets each cluster rank the models and sums weight/(1 + rank) instead. The knob is α.
type avengers struct {
	label    string
	clusters int
	ranks    bool // vote by rank, as the code does
}

const (
	avengersPaper = "avengers-pro"      // 60 clusters, sums of x
	avengersCode  = "avengers-pro-code" // 25 clusters, sums of weight/(1+rank)

	avengersNearest = 3
	avengersBeta    = 9
	avengersSteps   = 400 // of α
)

func (a *avengers) name() string { return a.label }

func (a *avengers) knob() []setting {
	var out []setting
	for step := avengersSteps; step >= 0; step-- {
		out = append(out, setting{notDial, float64(step) / avengersSteps, true})
	}
	return out
}

func (a *avengers) fit(_ context.Context, s *split) (chooser, error) {
	c := &avengersChooser{avengers: a, split: s, settings: a.knob(), clustering: s.clustering(a.clusters)}
	members := make([][]int, len(c.centres))
	for _, i := range s.train {
		j, _ := c.nearest(s.rows[i].meaning)
		members[j] = append(members[j], i)
	}
	allScore, allCost := s.means(s.train)
	for _, rows := range members {
		score, cost := s.means(rows)
		for m := range score {
			if math.IsNaN(score[m]) { // an empty cluster, or none of its prompts was run on m
				score[m], cost[m] = allScore[m], allCost[m]
			}
		}
		c.score, c.cost = append(c.score, scaled(score)), append(c.cost, cheapness(cost))
	}
	return c, nil
}

// scaled is (P − min)/(max − min); all 0 where the models do not differ.
func scaled(v []float64) []float64 {
	low, high := slices.Min(v), slices.Max(v)
	out := make([]float64, len(v))
	if high > low {
		for m := range v {
			out[m] = (v[m] - low) / (high - low)
		}
	}
	return out
}

// cheapness is 1 − Q/max.
func cheapness(v []float64) []float64 {
	high := slices.Max(v)
	out := make([]float64, len(v))
	if high > 0 {
		for m := range v {
			out[m] = 1 - v[m]/high
		}
	}
	return out
}

type avengersChooser struct {
	*avengers
	*split
	*clustering
	settings    []setting
	score, cost [][]float64 // by cluster and model, scaled
}

func (c *avengersChooser) choose(_ context.Context, row int, out *choice) error {
	near := c.closest(c.rows[row].meaning, avengersNearest)
	weight, total := make([]float64, len(near)), 0.0
	for n, h := range near {
		weight[n] = math.Exp(-avengersBeta * (1 - float64(h.similarity)))
		total += weight[n]
	}
	x, vote := make([]float64, len(c.models)), make([]float64, len(c.models))
	for k, s := range c.settings {
		clear(vote)
		for n, h := range near {
			for m := range x {
				x[m] = s.value*c.score[h.row][m] + (1-s.value)*c.cost[h.row][m]
			}
			c.cast(vote, x, weight[n]/total)
		}
		out.sure(k, c.first(row, ranking(vote)))
	}
	return nil
}

func (c *avengersChooser) cast(vote, x []float64, weight float64) {
	if !c.ranks {
		for m := range x {
			vote[m] += weight * x[m]
		}
		return
	}
	for rank, m := range ranking(x) {
		vote[m] += weight / float64(1+rank)
	}
}
