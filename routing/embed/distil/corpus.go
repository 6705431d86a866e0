package main

import (
	"math"
	"slices"
)

// teacherDim is the length of MiniLM's vectors.
const teacherDim = 384

// counted is how often a text holds one token.
type counted struct {
	id    int32
	times float32
}

// corpus is texts as token counts, with the teacher's vector of each: [len(ids)][teacherDim].
type corpus struct {
	ids     [][]counted
	vectors []float32
}

// count leaves out [CLS] and [SEP], the first and the last id: every text has them.
func count(ids []int32) []counted {
	ids = slices.Sorted(slices.Values(ids[1 : len(ids)-1]))
	var out []counted
	for _, id := range ids {
		if n := len(out); n > 0 && out[n-1].id == id {
			out[n-1].times++
		} else {
			out = append(out, counted{id, 1})
		}
	}
	return out
}

func (c *corpus) train() *corpus { return c.pick(func(i int) bool { return i%heldOut != 0 }) }
func (c *corpus) test() *corpus  { return c.pick(func(i int) bool { return i%heldOut == 0 }) }

// pick returns the texts for which want holds and that have any token.
func (c *corpus) pick(want func(int) bool) *corpus {
	out := &corpus{}
	for i, ids := range c.ids {
		if want(i) && len(ids) > 0 {
			out.ids = append(out.ids, ids)
			out.vectors = append(out.vectors, c.vectors[i*teacherDim:(i+1)*teacherDim]...)
		}
	}
	return out
}

// pool adds the token vectors of one text into out.
func pool(out []float32, ids []counted, table []float32) {
	clear(out)
	for _, c := range ids {
		row := table[int(c.id)*teacherDim:][:len(out)]
		for j, v := range row {
			out[j] += c.times * v
		}
	}
}

// cosine is the mean cosine between pooled and teacher's vectors.
func (c *corpus) cosine(table []float32) float64 {
	sum, pooled := 0.0, make([]float32, teacherDim)
	for i, ids := range c.ids {
		pool(pooled, ids, table)
		want := c.vectors[i*teacherDim:]
		dot, square := 0.0, 0.0
		for j, v := range pooled {
			dot += float64(v) * float64(want[j])
			square += float64(v) * float64(v)
		}
		if square > 0 {
			sum += dot / math.Sqrt(square)
		}
	}
	return sum / float64(len(c.ids))
}
