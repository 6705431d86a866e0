package eval

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// linear predicts each model's score from the prompt's vector by ridge or logistic regression. The answers' cost is the
// model's mean.
//
// Both are fitted by the same steps W ← W + (c·XᵀX + λI)⁻¹ (Xᵀ(Y − f(XW)) − λW), where missing outcomes have residual
// 0. For f = identity and c = 1 one step is the exact ridge solution when nothing is missing; for the logistic function
// c = ¼ bounds its curvature, so that every step goes uphill (Böhning and Lindsay 1988) and one factorisation serves all
// models and steps.
type linear struct {
	label    string
	logistic bool
	worth    []setting
}

const (
	ridge    = "ridge"
	logistic = "logistic"

	linearPenalty = 3  // λ; set by hand, not tuned
	ridgeSteps    = 3  // one is exact when no outcome is missing
	logisticSteps = 40 // set by hand; convergence was not measured
)

func (l *linear) name() string    { return l.label }
func (l *linear) knob() []setting { return l.worth }

func (l *linear) fit(ctx context.Context, s *split) (chooser, error) {
	x, y := s.design()
	_, dim := x.Dims()
	gram := mat.NewSymDense(dim, nil)
	curvature, steps := 1.0, ridgeSteps
	if l.logistic {
		curvature, steps = 0.25, logisticSteps
	}
	gram.SymOuterK(curvature, x.T())
	for i := range dim {
		gram.SetSym(i, i, gram.At(i, i)+linearPenalty)
	}
	var factor mat.Cholesky
	if !factor.Factorize(gram) {
		return nil, fmt.Errorf("%s: the normal equations cannot be solved", l.label)
	}
	w := mat.NewDense(dim, len(s.models), nil)
	var residual, gradient, step, decay mat.Dense
	for range steps {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		residual.Mul(x, w)
		residual.Apply(func(i, m int, z float64) float64 {
			if v := y.At(i, m); !math.IsNaN(v) {
				return v - l.link(z)
			}
			return 0
		}, &residual)
		gradient.Mul(x.T(), &residual)
		decay.Scale(linearPenalty, w)
		gradient.Sub(&gradient, &decay)
		if err := factor.SolveTo(&step, &gradient); err != nil {
			return nil, fmt.Errorf("%s: %w", l.label, err)
		}
		w.Add(w, &step)
	}
	_, answer := s.meanAnswers()
	return &linearChooser{linear: l, table: s.table, weights: w, answer: answer}, nil
}

func (l *linear) link(z float64) float64 {
	if l.logistic {
		return sigmoid(z)
	}
	return z
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// design is the training vectors with a constant appended, and the scores, NaN where missing.
func (s *split) design() (x, y *mat.Dense) {
	dim := len(s.rows[s.train[0]].meaning)
	x, y = mat.NewDense(len(s.train), dim+1, nil), mat.NewDense(len(s.train), len(s.models), nil)
	for at, i := range s.train {
		r := x.RawRowView(at)
		for j, v := range s.rows[i].meaning {
			r[j] = float64(v)
		}
		r[dim] = 1
		y.SetRow(at, s.rows[i].score)
	}
	return x, y
}

type linearChooser struct {
	*linear
	*table
	weights *mat.Dense
	answer  []float64
}

func (c *linearChooser) choose(_ context.Context, row int, out *choice) error {
	v := c.rows[row].meaning
	quality, cost := make([]float64, len(c.models)), make([]float64, len(c.models))
	for m := range quality {
		z := c.weights.At(len(v), m)
		for j, x := range v {
			z += float64(x) * c.weights.At(j, m)
		}
		quality[m] = c.link(z)
		cost[m] = c.inputUSD(row, m) + c.answer[m]
	}
	c.sweep(row, c.worth, quality, cost, out)
	return nil
}
