package eval

import (
	"context"
	"math/rand/v2"

	"github.com/viterin/vek/vek32"
)

// factorisation is a matrix factorisation in the manner of RouteLLM and EmbedLLM: a model is a vector, the prompt's
// embedding is projected to the same space, and P(right) = sigmoid(vector·(W·embedding) + bias). Trained on
// cross-entropy by stochastic gradient; the answers' cost is the model's mean.
type factorisation struct{ worth []setting }

const (
	matrixFactorisation = "matrix-factorisation"

	factorDim    = 32 // RouteLLM has 128
	factorEpochs = 15
	factorRate   = 0.05 // of the first epoch; falls linearly to 0. Of 0.05, 0.1 and 0.5 on ulab14: the last diverged, the others tie
)

func (f *factorisation) name() string    { return matrixFactorisation }
func (f *factorisation) knob() []setting { return f.worth }

func (f *factorisation) fit(ctx context.Context, s *split) (chooser, error) {
	rng := rand.New(rand.NewPCG(s.seed, 0xfac7))
	gaussian := func(rows, columns int, scale float64) [][]float32 {
		out := make([][]float32, rows)
		for i := range out {
			out[i] = make([]float32, columns)
			for j := range out[i] {
				out[i][j] = float32(scale * rng.NormFloat64())
			}
		}
		return out
	}
	_, answer := s.meanAnswers()
	c := &factorChooser{factorisation: f, table: s.table, answer: answer, bias: make([]float32, len(s.models)),
		project: gaussian(factorDim, len(s.rows[s.train[0]].meaning), 1), factors: gaussian(len(s.models), factorDim, 0.1)}
	total := float32(factorEpochs * len(s.train))
	for epoch := range factorEpochs {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		for n, at := range rng.Perm(len(s.train)) {
			c.learn(s.train[at], factorRate*(1-float32(epoch*len(s.train)+n)/total))
		}
	}
	return c, nil
}

type factorChooser struct {
	*factorisation
	*table
	project [][]float32 // factorDim × embedding
	factors [][]float32 // model × factorDim
	bias    []float32
	answer  []float64
}

// learn takes one step on one prompt, all its models at once.
func (c *factorChooser) learn(row int, rate float32) {
	z := c.hidden(row)
	pull := make([]float32, factorDim)
	for m, p := range c.factors {
		if !c.has(row, m) {
			continue
		}
		g := rate * float32(c.rows[row].score[m]-c.predict(z, m))
		c.bias[m] += g
		for d := range p {
			pull[d] += g * p[d]
			p[d] += g * z[d]
		}
	}
	for d, w := range c.project {
		for j, x := range c.rows[row].meaning {
			w[j] += pull[d] * x
		}
	}
}

func (c *factorChooser) hidden(row int) []float32 {
	z := make([]float32, factorDim)
	for d, w := range c.project {
		z[d] = vek32.Dot(w, c.rows[row].meaning)
	}
	return z
}

func (c *factorChooser) predict(hidden []float32, m int) float64 {
	return sigmoid(float64(vek32.Dot(hidden, c.factors[m]) + c.bias[m]))
}

func (c *factorChooser) choose(_ context.Context, row int, out *choice) error {
	z := c.hidden(row)
	quality, cost := make([]float64, len(c.models)), make([]float64, len(c.models))
	for m := range quality {
		quality[m] = c.predict(z, m)
		cost[m] = c.inputUSD(row, m) + c.answer[m]
	}
	c.sweep(row, c.worth, quality, cost, out)
	return nil
}
