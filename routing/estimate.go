package routing

import (
	"math"
	"slices"
	"sync"

	"flotilla/routing/catalogue"
	"flotilla/routing/index"
)

// defaultTokens is the answer length where the index knows none for a model: the usual assumption for short tasks.
const defaultTokens = 250

// estimate is what is believed of one model on one prompt.
type estimate struct {
	quality  float64 // 0..1
	se       float64 // standard error of quality
	tokens   float64 // expected output tokens, not yet capped
	ability  float64 // quality on an average prompt
	evidence float64 // effective number of neighbours behind quality
	unknown  bool    // no rows and no name the catalogue knows: quality is a guess
	made     bool    // false: its place is still empty, see of
}

// estimator holds one prompt's neighbours and the estimates made from them. Release it after use.
type estimator struct {
	index    *index.Index
	kernel   *kernel
	scan     *index.Scan
	hits     []index.Hit
	outcomes []index.Cell // of the hits, one after the other
	tallies  []tally      // of the outcomes, by number of the model; none without hits
	ease     float64      // how much easier than average the neighbourhood is
	own      []ownRows    // by group of models, see tally

	models    []estimate            // by number of the model, see of
	strangers map[ModelID]*estimate // of models without a row
	choices   []Choice              // not yet in order, see Decision.settle
}

var estimatorPool = sync.Pool{New: func() any { return new(estimator) }}

func newEstimator(x *index.Index, k *kernel) *estimator {
	e := estimatorPool.Get().(*estimator)
	e.index, e.kernel = x, k
	e.models = append(e.models[:0], make([]estimate, len(x.Models()))...)
	e.own = slices.Grow(e.own[:0], len(x.Models()))[:len(x.Models())]
	for i := range e.own {
		e.own[i].hits = e.own[i].hits[:0]
	}
	return e
}

// release returns the estimator's memory, which must not be used afterwards.
func (e *estimator) release() {
	if e.scan != nil {
		e.scan.Release()
	}
	e.forget()
	clear(e.choices) // what they refer to is not kept
	e.choices = e.choices[:0]
	e.index, e.kernel, e.scan, e.strangers = nil, nil, nil, nil
	estimatorPool.Put(e)
}

// near finds the neighbours and, in one pass over their outcomes, sums them up for all models. The outcomes lie scattered
// in memory: they are brought together first, so that no sum waits for any.
func (e *estimator) near(s *index.Scan) {
	e.scan = s
	e.hits = s.Top(e.hits[:0], nearest)
	e.outcomes = e.outcomes[:0]
	for _, h := range e.hits {
		e.outcomes = append(e.outcomes, e.index.Cells(h.Row)...)
	}
	e.tallies = append(e.tallies[:0], make([]tally, len(e.index.Models()))...)
	var sum, total int64
	rest := e.outcomes
	for _, h := range e.hits {
		v := e.vote(h)
		sum += v.weight * int64(e.index.Ease(h.Row))
		total += v.weight
		n := len(e.index.Cells(h.Row))
		for _, c := range rest[:n] {
			e.tallies[c.Model].add(v, c)
		}
		rest = rest[n:]
	}
	e.ease = float64(sum) / index.EaseOne / float64(total+shrink*weightOne)
}

// vote is what a neighbour's outcomes count: its weight and the square of it, in weightOne.
type vote struct{ weight, square int64 }

func (e *estimator) vote(h index.Hit) vote {
	w := e.kernel.weight(e.hits[0].Similarity - h.Similarity)
	return vote{w, w * w / weightOne}
}

// outlier: the prompt lies farther from the labelled ones than 98 % of them from one another.
func (e *estimator) outlier() bool { return index.MeanSimilarity(e.hits) < e.index.Outlier() }

// forget drops the neighbours, so that estimates are priors.
func (e *estimator) forget() { e.hits, e.tallies, e.ease = e.hits[:0], e.tallies[:0], 0 }

func (e *estimator) neighbors(n int) []Neighbor {
	out := make([]Neighbor, 0, n)
	for _, h := range e.hits[:min(n, len(e.hits))] {
		out = append(out, Neighbor{Row: h.Row, Similarity: float64(h.Similarity) / index.SimilarityOne, Source: e.index.Source(h.Row)})
	}
	return out
}

// of estimates a model, once per prompt.
func (e *estimator) of(m ModelID) *estimate {
	number, known := e.index.Model(string(m))
	if !known {
		return e.ofStranger(m)
	}
	if est := &e.models[number]; !est.made {
		*est = e.estimate(number)
	}
	return &e.models[number]
}

// ofStranger estimates a model that has no row anywhere by its name.
func (e *estimator) ofStranger(m ModelID) *estimate {
	est, made := e.strangers[m]
	if !made {
		c := catalogue.Parse(string(m))
		est = &estimate{ability: c.PriorQuality(), tokens: defaultTokens, unknown: c.Unknown}
		est.quality, est.se = e.posterior(tally{}, est.ability)
		if e.strangers == nil {
			e.strangers = map[ModelID]*estimate{}
		}
		e.strangers[m] = est
	}
	return est
}

// estimate shrinks the neighbours' weighted mean to ability + ease:
//
//	q = (Σ wᵢ·yᵢ + κ·(ability + ease)) / (Σ wᵢ + κ),  wᵢ = exp((sᵢ − s₁)/T)
//
// over the neighbours that have an outcome of the model. Ability is the model's own; ease is the neighbourhood's, told
// by whichever models have rows there: so a model with no row nearby is still rated lower where prompts are hard. Of a
// model with few rows near, whose own nearest lie elsewhere, what they say is first carried over to this neighbourhood: the
// mean of its yᵢ is moved by how much harder those prompts were for all models than the ones here.
func (e *estimator) estimate(number int) estimate {
	t := e.tally(number)
	est := estimate{ability: e.index.Ability(number), evidence: t.effective(), made: true}
	est.quality, est.se = e.posterior(t, est.ability)
	est.tokens = e.length(t, number)
	return est
}

// tally sums weights over neighbours, in exact integers.
type tally struct {
	weight, weight2, score int64 // Σw, Σw² (in weightOne), Σw·score
	lengthWeight, length   int64
	rows                   int
	easier                 float64 // how much easier the neighbourhood is than these rows, where they are not of it
}

func (e *estimator) tally(m int) tally {
	if len(e.tallies) == 0 {
		return tally{}
	}
	if t := e.tallies[m]; t.rows >= sparse || t.rows == e.index.RowsOf(m) {
		return t
	}
	own := &e.own[e.index.Group(m)]
	if len(own.hits) == 0 {
		e.lookUp(own, m)
	}
	t, c, at := tally{easier: own.easier}, index.Cell{}, 0
	for i, h := range own.hits {
		c, at = e.index.CellAt(h.Row, m, at)
		t.add(own.votes[i], c)
	}
	return t
}

// ownRows are the nearest rows of a group of models, and their votes.
type ownRows struct {
	hits   []index.Hit // none before they are looked up
	votes  []vote
	easier float64 // see tally
}

// lookUp finds model m's own nearest rows. All models of its group have the same ones.
func (e *estimator) lookUp(own *ownRows, m int) {
	own.hits, own.votes, own.easier = e.scan.TopOf(own.hits, m, sparse), own.votes[:0], 0
	var ease, weight int64
	for _, h := range own.hits {
		v := e.vote(h)
		own.votes = append(own.votes, v)
		ease += v.weight * int64(e.index.Ease(h.Row))
		weight += v.weight
	}
	if weight > 0 {
		own.easier = e.ease - float64(ease)/index.EaseOne/float64(weight)
	}
}

func (t *tally) add(v vote, c index.Cell) {
	t.rows++
	t.weight += v.weight
	t.weight2 += v.square
	t.score += v.weight * int64(c.Score)
	if c.Length != 0 {
		t.lengthWeight += v.weight
		t.length += v.weight * int64(c.Length)
	}
}

// effective is Kish's effective sample size (Σw)²/Σw².
func (t tally) effective() float64 {
	if t.weight2 == 0 {
		return 0
	}
	w := float64(t.weight)
	return float64(w*w) / float64(t.weight2) / weightOne
}

func (e *estimator) posterior(t tally, ability float64) (quality, se float64) {
	votes := float64(t.score) / index.ScoreSteps / weightOne
	if t.easier != 0 {
		votes = float64(eased(votes/float64(t.weight)*weightOne, t.easier)*float64(t.weight)) / weightOne
	}
	sum := votes + float64(shrink*eased(ability, e.ease))
	quality = min(max(sum/(float64(t.weight)/weightOne+shrink), 0), 1)
	// Agresti and Coull's two extra observations keep the error of "never right so far" above zero.
	n := t.effective() + shrink
	centre := (float64(quality*n) + 1) / (n + 2)
	return quality, math.Sqrt(float64(centre*(1-centre)) / (n + 2))
}

// eased is a quality moved to where prompts are so much easier. Added to a very able or very weak model, ease would leave
// 0..1: no region takes more than three quarters of a model's quality, or of what it lacks.
func eased(quality, ease float64) float64 {
	return min(max(quality+ease, quality/4), 1-(1-quality)/4)
}

// length is the neighbours' log-mean answer length, shrunk to the model's own, in tokens.
func (e *estimator) length(t tally, m int) float64 {
	mean, _, ok := e.index.Length(m)
	if !ok {
		return defaultTokens
	}
	sum := float64(t.length)/weightOne + float64(shrink*mean)
	return e.kernel.tokens(sum / (float64(t.lengthWeight)/weightOne + shrink))
}
