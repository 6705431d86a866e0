package embed

import (
	"context"
	"math"

	"flotilla/routing/embed/internal/kernel"
)

// blockGroups is the number of weight groups that are dequantised at a time.
const blockGroups = 2

// scratch is the working memory of one forward pass over up to `positions` tokens.
type scratch struct {
	x      []float32 // [tokens][hidden] residual stream
	y      []float32 // [tokens][hidden] what the current sublayer adds to x
	mixed  []float32 // [tokens][hidden] attention output before its projection
	qkv    []float32 // [tokens][3*hidden]
	inner  []float32 // [tokens][hidden] one part of the feed-forward layer's inner values
	scores []float32 // [tokens][tokens rounded up to Panel], one head
	keys   []float32 // [tokens/Panel][headSize][Panel], one head, transposed
	values []float32 // [tokens][headSize], one head
	block  []float32 // [blockGroups*group][Panel] dequantised weights of one panel
	noBias []float32 // [Panel] zeros
}

func newScratch(w *weights) *scratch {
	t := roundUp(w.positions, kernel.Panel)
	return &scratch{
		x: make([]float32, t*w.hidden), y: make([]float32, t*w.hidden), mixed: make([]float32, t*w.hidden),
		qkv: make([]float32, t*3*w.hidden), inner: make([]float32, t*w.hidden),
		scores: make([]float32, t*t), keys: make([]float32, t*kernel.Panel), values: make([]float32, t*kernel.Panel),
		block: make([]float32, blockGroups*w.group*kernel.Panel), noBias: make([]float32, kernel.Panel),
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
		s.feedForward(w, kern, b, n)
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

// feedForward computes y = down(GELU(up(x))), a part of the inner values after the other: one part of 256 tokens stays
// in the second-level cache, all of them would not.
func (s *scratch) feedForward(w *weights, kern *kernel.Set, b *block, n int) {
	for from := 0; from < w.inner; from += w.hidden {
		to := min(from+w.hidden, w.inner)
		up := b.up.outputs(from, to, w.group)
		s.apply(kern, &up, s.inner, s.x, n, w.group)
		kern.GELU(s.inner[:n*up.n])
		s.applyInputs(kern, &b.down, s.y, s.inner, n, w.group, from, to)
	}
}

// apply computes out[n][l.n] = x[n][l.k] * W + bias.
func (s *scratch) apply(kern *kernel.Set, l *linear, out, x []float32, n, group int) {
	s.applyInputs(kern, l, out, x, n, group, 0, l.k)
}

// applyInputs is apply with the inputs from..to only, which are what x[n][to-from] holds: from 0 it starts out at the
// bias, later it adds to out. All rows pass over a few dequantised weights (16 KiB), which stay in the first-level
// cache, before the next ones are dequantised.
func (s *scratch) applyInputs(kern *kernel.Set, l *linear, out, x []float32, n, group, from, to int) {
	for p := 0; p < l.n; p += kernel.Panel {
		for k, depth := from, 0; k < to; k += depth {
			depth = min(blockGroups*group, to-k)
			at := p*l.k + k*kernel.Panel
			kern.Dequantize(s.block, l.q[at:at+depth*kernel.Panel], l.scale[at/group:], group)
			var bias []float32
			if k == 0 {
				bias = l.bias[p:]
			}
			kern.MulPanel(out[p:], l.n, x[k-from:], to-from, n, depth, s.block, bias)
		}
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
