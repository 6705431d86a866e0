package main

import (
	"fmt"
	"io"
	"math"
	"sync"
)

const (
	rarity     = 1e-3 // a of the weight a/(a + frequency)
	ridge      = 0.3  // how strongly a token keeps its first vector, in texts' worth
	rounds     = 3    // of fitting; each begins with the lengths that the last one gave
	iterations = 25   // of conjugate gradients in a round
	block      = 32   // columns solved together: they stay in the cache
)

// fit returns the table [len(tokens)/teacherDim][teacherDim].
func fit(c *corpus, tokens []float32, log io.Writer) []float32 {
	table := start(c, tokens)
	for round := range rounds {
		x := scaled(c, table)
		var wg sync.WaitGroup
		columns := make(chan int)
		for range 2 {
			wg.Go(func() {
				for from := range columns {
					x.improve(table, c.vectors, from)
				}
			})
		}
		for from := 0; from < teacherDim; from += block {
			columns <- from
		}
		close(columns)
		wg.Wait()
		fmt.Fprintf(log, "round %d: mean cosine of fitted texts %.3f\n", round+1, c.cosine(table))
	}
	return table
}

// start centres the vectors of single tokens, which share a large part, and weights them by rarity.
func start(c *corpus, tokens []float32) []float32 {
	vocab := len(tokens) / teacherDim
	times, all := make([]float64, vocab), 0.0
	for _, ids := range c.ids {
		for _, t := range ids {
			times[t.id] += float64(t.times)
			all += float64(t.times)
		}
	}
	var mean [teacherDim]float64
	for i, v := range tokens {
		mean[i%teacherDim] += float64(v) / float64(vocab)
	}
	table := make([]float32, len(tokens))
	for i, v := range tokens {
		weight := rarity / (rarity + times[i/teacherDim]/all)
		table[i] = float32((float64(v) - mean[i%teacherDim]) * weight)
	}
	return table
}

// counts is the matrix [texts][tokens] of token counts, each text divided by its pooled length, so that its pooled
// vector is compared with a vector of length 1.
type counts struct {
	rows     [][]counted
	diagonal []float32 // [tokens] of the normal equations: sum of squares + ridge
}

func scaled(c *corpus, table []float32) *counts {
	x := &counts{diagonal: make([]float32, len(table)/teacherDim)}
	for i := range x.diagonal {
		x.diagonal[i] = ridge
	}
	pooled := make([]float32, teacherDim)
	for _, ids := range c.ids {
		pool(pooled, ids, table)
		square := 1e-12
		for _, v := range pooled {
			square += float64(v) * float64(v)
		}
		inverse := float32(1 / math.Sqrt(square))
		row := make([]counted, len(ids))
		for k, t := range ids {
			row[k] = counted{t.id, t.times * inverse}
			x.diagonal[t.id] += row[k].times * row[k].times
		}
		x.rows = append(x.rows, row)
	}
	return x
}

type columns [block]float32

// normal adds (XᵀX + ridge)p to nothing: out = X'(Xp) + ridge p.
func (x *counts) normal(out, p []columns) {
	for i := range out {
		for j, v := range p[i] {
			out[i][j] = ridge * v
		}
	}
	for _, row := range x.rows {
		var sum columns
		for _, t := range row {
			for j, v := range &p[t.id] {
				sum[j] += t.times * v
			}
		}
		x.spread(out, row, &sum)
	}
}

// spread adds one text's values to each of its tokens.
func (x *counts) spread(out []columns, row []counted, value *columns) {
	for _, t := range row {
		o := &out[t.id]
		for j, v := range value {
			o[j] += t.times * v
		}
	}
}

// improve adds to columns from..from+block of table the ridge solution of X·change = want − X·table, by conjugate
// gradients with the diagonal as preconditioner.
func (x *counts) improve(table, want []float32, from int) {
	n := len(x.diagonal)
	residual, direction, image, change := make([]columns, n), make([]columns, n), make([]columns, n), make([]columns, n)
	for i, row := range x.rows {
		var miss columns
		copy(miss[:], want[i*teacherDim+from:])
		for _, t := range row {
			for j := range miss {
				miss[j] -= t.times * table[int(t.id)*teacherDim+from+j]
			}
		}
		x.spread(residual, row, &miss)
	}
	var weight [block]float64 // residual · residual/diagonal of the last step
	for range iterations {
		next := x.dot(residual, residual, true)
		for i := range direction {
			for j := range direction[i] {
				ratio := float32(0)
				if weight[j] > 0 {
					ratio = float32(next[j] / weight[j])
				}
				direction[i][j] = residual[i][j]/x.diagonal[i] + ratio*direction[i][j]
			}
		}
		weight = next
		x.normal(image, direction)
		curve := x.dot(direction, image, false)
		for i := range change {
			for j := range change[i] {
				step := float32(0)
				if curve[j] > 0 {
					step = float32(weight[j] / curve[j])
				}
				change[i][j] += step * direction[i][j]
				residual[i][j] -= step * image[i][j]
			}
		}
	}
	for i, row := range change {
		for j, v := range row {
			table[i*teacherDim+from+j] += v
		}
	}
}

// dot multiplies column by column; with scaled each product is divided by the diagonal.
func (x *counts) dot(a, b []columns, scaled bool) (out [block]float64) {
	for i := range a {
		d := float64(1)
		if scaled {
			d = float64(x.diagonal[i])
		}
		for j, v := range a[i] {
			out[j] += float64(v) * float64(b[i][j]) / d
		}
	}
	return out
}
