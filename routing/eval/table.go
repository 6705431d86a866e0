package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"flotilla/routing"
	"flotilla/routing/catalogue"
	"flotilla/routing/index"
)

// defaultOutputTokens is the answer length where none is known.
const defaultOutputTokens = 250

// table is the outcomes as matrices. Rows of the training part come first; a cross-validated set has no others.
type table struct {
	name    string
	models  []string          // columns as the samples name them, sorted
	ids     []routing.ModelID // canonical
	prices  []Price
	rows    []row
	trained int // rows of the training part
}

// row is one prompt. A model without an outcome has score NaN.
type row struct {
	task, prompt string
	inputTokens  float64
	vector       []float32 // what our router compares
	meaning      []float32 // the encoder's, which the baselines take
	score        []float64 // 0..1
	costUSD      []float64 // of running the prompt on the model, as it really went
	outputTokens []float64 // 0: not known
}

func newTable(set Set, opts Options) (*table, error) {
	t := &table{name: set.Name}
	for _, p := range []Part{set.Train, set.Test} {
		if len(p.Samples) != len(p.Vectors) || p.Meaning != nil && len(p.Samples) != len(p.Meaning) {
			return nil, fmt.Errorf("%d samples and %d vectors (%d plain): want one vector a sample", len(p.Samples), len(p.Vectors), len(p.Meaning))
		}
	}
	t.models = columns(set, opts.Without)
	if len(t.models) < 2 {
		return nil, fmt.Errorf("%d priced models: want at least two; prices name %d, the rows have %d with a measured cost", len(t.models), len(set.Prices), len(measured(set.Train.Samples)))
	}
	if len(t.models) > routing.MaxRecorded {
		return nil, fmt.Errorf("%d models: at most %d take part; price fewer", len(t.models), routing.MaxRecorded)
	}
	if err := t.identify(); err != nil {
		return nil, err
	}
	for _, m := range t.models {
		p, ok := set.Prices[m]
		if !ok {
			p = impliedPrice(set.Train.Samples, m)
		}
		t.prices = append(t.prices, p)
	}
	t.add(set.Train)
	t.trained = len(t.rows)
	t.add(set.Test)
	if t.trained < 20*opts.Folds {
		return nil, fmt.Errorf("%d training prompts have scores of two priced models: want %d at least", t.trained, 20*opts.Folds)
	}
	return t, t.checkCosts()
}

// checkCosts: a share of what a free model costs is no number, and any model may be the best single one of a resample.
func (t *table) checkCosts() error {
	for m, name := range t.models {
		if !slices.ContainsFunc(t.rows, func(r row) bool { return r.costUSD[m] > 0 }) {
			return fmt.Errorf("%s costs nothing on any prompt, so nothing can be saved beside it: price it, or leave it out (--without)", name)
		}
	}
	return nil
}

// Models are the columns that would take part.
func (s Set) Models() []string { return columns(s, nil) }

// Measured says whether the rows hold costs, so that no prices are needed.
func (s Set) Measured() bool { return len(measured(s.Train.Samples)) > 0 }

// columns are the priced models, or those with measured costs, that the training part knows.
func columns(set Set, without []string) []string {
	priced := set.Prices
	if len(priced) == 0 {
		priced = measured(set.Train.Samples)
	}
	known := map[string]bool{}
	for _, s := range set.Train.Samples {
		for m := range s.Scores {
			known[m] = true
		}
	}
	var out []string
	for m := range priced {
		if known[m] && !slices.Contains(without, m) {
			out = append(out, m)
		}
	}
	sort.Strings(out)
	return out
}

func measured(samples []index.Sample) map[string]Price {
	out := map[string]Price{}
	for _, s := range samples {
		for m := range s.CostUSD {
			out[m] = Price{}
		}
	}
	return out
}

func (t *table) identify() error {
	taken := map[string]string{}
	for _, m := range t.models {
		id := catalogue.ID(m)
		if other, dup := taken[id]; dup {
			return fmt.Errorf("columns %q and %q are both %s: price only one", other, m, id)
		}
		taken[id] = m
		t.ids = append(t.ids, routing.ModelID(id))
	}
	return nil
}

// impliedPrice is the one price per token at which the model's measured costs come out, with answers of
// defaultOutputTokens on average: the live router needs prices, and a table of costs has none.
func impliedPrice(samples []index.Sample, model string) Price {
	cost, tokens := 0.0, 0.0
	for _, s := range samples {
		if c, ok := s.CostUSD[model]; ok {
			cost += c
			tokens += s.InputTokens + defaultOutputTokens
		}
	}
	p := cost / tokens * 1e6
	return Price{Input: p, Output: p}
}

// add appends the samples that two models at least were run on: others leave nothing to choose.
func (t *table) add(p Part) {
	for i, s := range p.Samples {
		r := row{task: s.Task, prompt: s.Prompt, inputTokens: s.InputTokens, vector: p.Vectors[i], meaning: p.Vectors[i]}
		if p.Meaning != nil {
			r.meaning = p.Meaning[i]
		}
		n := 0
		for m, name := range t.models {
			score, ok := s.Scores[name]
			if !ok {
				score = math.NaN()
			} else {
				n++
			}
			cost, tokens := t.cost(m, s)
			r.score, r.costUSD, r.outputTokens = append(r.score, score), append(r.costUSD, cost), append(r.outputTokens, tokens)
		}
		if n >= 2 {
			t.rows = append(t.rows, r)
		}
	}
}

// cost of the sample on model m, in USD, and the answer's tokens: measured, or from the price list. Where only the
// cost was measured the tokens are those that the implied price leaves for the answer.
func (t *table) cost(m int, s index.Sample) (costUSD, outputTokens float64) {
	p := t.prices[m]
	tokens := s.OutputTokens[t.models[m]]
	if c, ok := s.CostUSD[t.models[m]]; ok {
		if tokens == 0 && p.Output > 0 {
			tokens = max(1, (c*1e6-s.InputTokens*p.Input)/p.Output)
		}
		return c, tokens
	}
	answer := tokens
	if answer == 0 {
		answer = defaultOutputTokens
	}
	return (s.InputTokens*p.Input + answer*p.Output) / 1e6, tokens
}

// has says whether model m was run on row i.
func (t *table) has(i, m int) bool { return !math.IsNaN(t.rows[i].score[m]) }

// inputUSD is what row i's prompt alone costs on model m: known before anything runs.
func (t *table) inputUSD(i, m int) float64 { return t.rows[i].inputTokens * t.prices[m].Input / 1e6 }

// means are each model's mean score and cost over the rows it was run on; score NaN where it was on none.
func (t *table) means(rows []int) (score, costUSD []float64) {
	score, costUSD = make([]float64, len(t.models)), make([]float64, len(t.models))
	for m := range t.models {
		n := 0.0
		for _, i := range rows {
			if t.has(i, m) {
				n++
				score[m] += t.rows[i].score[m]
				costUSD[m] += t.rows[i].costUSD[m]
			}
		}
		score[m] /= n
		costUSD[m] /= n
	}
	return score, costUSD
}

// ranking orders the models by falling value; NaN last, equals by name.
func ranking(value []float64) []int {
	order := make([]int, len(value))
	for m := range order {
		order[m] = m
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch va, vb := value[a], value[b]; {
		case math.IsNaN(va) || math.IsNaN(vb):
			if math.IsNaN(va) && !math.IsNaN(vb) {
				return 1
			}
			if math.IsNaN(vb) && !math.IsNaN(va) {
				return -1
			}
			return 0
		case va > vb:
			return -1
		case va < vb:
			return 1
		}
		return 0
	})
	return order
}

// byScore orders the models by falling score, of equals the cheaper first. The first is the best single model.
func byScore(score, costUSD []float64) []int {
	order := ranking(negated(costUSD))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) }) // NaN is less than all
	return order
}

func negated(v []float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = -x
	}
	return out
}
