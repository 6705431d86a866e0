package embed

import (
	"context"
	"math"

	"flotilla/routing/embed/internal/kernel"
)

// scratch is the working memory of one forward pass over up to `positions` tokens.
type scratch struct {
	x      []float32 // [tokens][hidden] residual stream
	y      []float32 // [tokens][hidden] what the current sublayer adds to x
	mixed  []float32 // [tokens][hidden] attention output before its projection
	qkv    []float32 // [tokens][3*hidden]
	inner  []float32 // [tokens][inner]
	scores []float32 // [tokens][tokens rounded up to Panel], one head
	keys   []float32 // [tokens/Panel][headSize][Panel], one head, transposed
	values []float32 // [tokens][headSize], one head
	panel  []float32 // [inner][Panel] one dequantised weight panel
	noBias []float32 // [Panel] zeros
}

func newScratch(w *weights) *scratch {
	t := roundUp(w.positions, kernel.Panel)
	return &scratch{
		x: make([]float32, t*w.hidden), y: make([]float32, t*w.hidden), mixed: make([]float32, t*w.hidden),
		qkv: make([]float32, t*3*w.hidden), inner: make([]float32, t*w.inner),
		scores: make([]float32, t*t), keys: make([]float32, t*kernel.Panel), values: make([]float32, t*kernel.Panel),
		panel: make([]float32, max(w.inner, w.hidden)*kernel.Panel), noBias: make([]float32, kernel.Panel),
	}
}

// forward runs the model over ids (at most w.positions) and returns the mean of the last hidden states, scaled to
// length 1. ctx is looked at between layers.
func forward(ctx context.Context, w *weights, kern *kernel.Set, s *scratch, ids []int32) ([]float32, error) {
	s.embed(w, kern, ids)
	n := len(ids)
	for i := range w.blocks {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		b := &w.blocks[i]
		s.apply(kern, &b.qkv, s.qkv, s.x, n, w.group)
		s.attend(w, kern, n)
		s.apply(kern, &b.output, s.y, s.mixed, n, w.group)
		s.addNorm(w, kern, &b.afterAttention, n)
		s.apply(kern, &b.up, s.inner, s.x, n, w.group)
		kern.GELU(s.inner[:n*w.inner])
		s.apply(kern, &b.down, s.y, s.inner, n, w.group)
		s.addNorm(w, kern, &b.afterFeedForward, n)
	}
	return pool(s.x, n, w.hidden), nil
}

// embed fills x with the normalised sum of word and position embeddings.
func (s *scratch) embed(w *weights, kern *kernel.Set, ids []int32) {
	h := w.hidden
	for t, id := range ids {
		row, q, scale := s.x[t*h:(t+1)*h], w.word[int(id)*h:(int(id)+1)*h], w.wordScale[id]
		for i := range row {
			row[i] = float32(int8(q[i])) * scale
		}
		kern.AddNorm(row, w.position[t*h:(t+1)*h], w.norm.gamma, w.norm.beta)
	}
}

// apply computes out[n][l.n] = x[n][l.k] * W + bias, one dequantised panel after the other: a panel (at most 192 KiB)
// stays in the second-level cache while all rows pass over it.
func (s *scratch) apply(kern *kernel.Set, l *linear, out, x []float32, n, group int) {
	scales := l.k / group * kernel.Panel
	for p := 0; p*kernel.Panel < l.n; p++ {
		kern.Dequantize(s.panel, l.q[p*l.k*kernel.Panel:(p+1)*l.k*kernel.Panel], l.scale[p*scales:(p+1)*scales], group)
		kern.MulPanel(out[p*kernel.Panel:], l.n, x, l.k, n, l.k, s.panel, l.bias[p*kernel.Panel:])
	}
}

// attend computes mixed = softmax(Q*K^T)*V per head; Q comes scaled by 1/sqrt(head size) from the weight file. The
// head size equals Panel, so values of one head are a panel as they stand and keys are one after transposing.
func (s *scratch) attend(w *weights, kern *kernel.Set, n int) {
	const size = kernel.Panel
	stride, wide := 3*w.hidden, roundUp(n, kernel.Panel)
	for head := range w.heads {
		q, k, v := s.qkv[head*size:], s.qkv[w.hidden+head*size:], s.qkv[2*w.hidden+head*size:]
		for t := range wide {
			keys := s.keys[t/kernel.Panel*size*kernel.Panel+t%kernel.Panel:]
			if t >= n { // keys of the padding: their scores are never read, but must not be stale NaNs
				for d := range size {
					keys[d*kernel.Panel] = 0
				}
				continue
			}
			copy(s.values[t*size:(t+1)*size], v[t*stride:])
			for d, x := range k[t*stride:][:size] {
				keys[d*kernel.Panel] = x
			}
		}
		for p := 0; p < wide; p += kernel.Panel {
			kern.MulPanel(s.scores[p:], wide, q, stride, n, size, s.keys[p*size:], s.noBias)
		}
		for t := range n {
			kern.Softmax(s.scores[t*wide:(t+1)*wide], n)
		}
		kern.MulPanel(s.mixed[head*size:], w.hidden, s.scores, wide, n, n, s.values, s.noBias)
	}
}

// addNorm closes a sublayer: x = LayerNorm(x + y).
func (s *scratch) addNorm(w *weights, kern *kernel.Set, l *layerNorm, n int) {
	for t := range n {
		kern.AddNorm(s.x[t*w.hidden:(t+1)*w.hidden], s.y[t*w.hidden:(t+1)*w.hidden], l.gamma, l.beta)
	}
}

// pool averages n rows and scales the mean to length 1 (a zero mean stays zero).
func pool(x []float32, n, hidden int) []float32 {
	out := make([]float32, hidden)
	for t := range n {
		for i, v := range x[t*hidden : (t+1)*hidden] {
			out[i] += v
		}
	}
	var square float64
	for _, v := range out {
		square += float64(v) * float64(v)
	}
	if square > 0 {
		inverse := 1 / math.Sqrt(square) // the mean's 1/n cancels
		for i, v := range out {
			out[i] = float32(float64(v) * inverse)
		}
	}
	return out
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
