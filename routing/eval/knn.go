package eval

import (
	"context"
	"fmt"
	"slices"

	"github.com/viterin/vek/vek32"
)

// knn is the usual recipe: the mean score of the k nearest training prompts, all of equal weight. A model without an
// outcome there is rated by its mean over all training prompts.
type knn struct {
	k     int
	worth []setting
}

// mostNeighbours is the largest k: one scan serves every k.
const mostNeighbours = 100

func (n *knn) name() string    { return fmt.Sprintf("knn-%d", n.k) }
func (n *knn) knob() []setting { return n.worth }

func (n *knn) fit(_ context.Context, s *split) (chooser, error) {
	score, answer := s.meanAnswers()
	return &knnChooser{knn: n, split: s, near: s.neighbours(), score: score, answer: answer}, nil
}

type knnChooser struct {
	*knn
	*split
	near          map[int][]neighbour
	score, answer []float64 // fallback by model: mean score, mean cost of the answer in USD
}

func (c *knnChooser) choose(_ context.Context, row int, out *choice) error {
	near := c.near[row]
	near = near[:min(c.k, len(near))]
	quality, cost := make([]float64, len(c.models)), make([]float64, len(c.models))
	for m := range c.models {
		n := 0.0
		for _, h := range near {
			if c.has(h.row, m) {
				n++
				quality[m] += c.rows[h.row].score[m]
				cost[m] += c.rows[h.row].costUSD[m] - c.inputUSD(h.row, m)
			}
		}
		if n == 0 {
			quality[m], cost[m], n = c.score[m], c.answer[m], 1
		}
		quality[m] /= n
		cost[m] = cost[m]/n + c.inputUSD(row, m)
	}
	c.sweep(row, c.worth, quality, cost, out)
	return nil
}

// meanAnswers are each model's mean score, and mean cost of its answers without the prompts, on the training rows.
func (s *split) meanAnswers() (score, answerUSD []float64) {
	score, answerUSD = s.means(s.train)
	for m := range s.models {
		n, input := 0.0, 0.0
		for _, i := range s.train {
			if s.has(i, m) {
				n++
				input += s.inputUSD(i, m)
			}
		}
		answerUSD[m] -= input / n
	}
	return score, answerUSD
}

type neighbour struct {
	row        int
	similarity float32
}

// neighbours are the nearest training rows of each test row, nearest first, found once for all k.
func (s *split) neighbours() map[int][]neighbour {
	s.nearOnce.Do(func() {
		s.near = make(map[int][]neighbour, len(s.test))
		all := make([]neighbour, len(s.train))
		for _, i := range s.test {
			for at, j := range s.train {
				all[at] = neighbour{j, vek32.Dot(s.rows[i].meaning, s.rows[j].meaning)}
			}
			slices.SortFunc(all, nearer)
			s.near[i] = slices.Clone(all[:min(mostNeighbours, len(all))])
		}
	})
	return s.near
}

func nearer(a, b neighbour) int {
	switch {
	case a.similarity > b.similarity:
		return -1
	case a.similarity < b.similarity:
		return 1
	}
	return a.row - b.row
}
