package study

import (
	"fmt"
	"math/rand/v2"
	"sort"

	"flotilla/routing"
	"flotilla/routing/catalogue"
	"flotilla/routing/eval"
	"flotilla/routing/index"
)

// assumedTokens is the answer length where a table has none.
const assumedTokens = 250

// table is the prompts that every priced model was run on, as matrices [prompt][model].
type table struct {
	columns []string          // as the samples name them, sorted
	ids     []routing.ModelID // canonical
	prices  []eval.Price
	prompts []string
	inputs  []float64 // tokens
	vectors [][]float32
	score   [][]float64
	costUSD [][]float64
	tokens  [][]uint32 // 0: not known
}

func newTable(set eval.Set, least int) (*table, error) {
	if len(set.Train.Samples) != len(set.Train.Vectors) {
		return nil, fmt.Errorf("%d samples and %d vectors: want one vector a sample", len(set.Train.Samples), len(set.Train.Vectors))
	}
	t := &table{}
	for c := range set.Prices {
		t.columns = append(t.columns, c)
	}
	sort.Strings(t.columns)
	if len(t.columns) < 3 {
		return nil, fmt.Errorf("%d priced models: want three at least, so that two are left beside a new one", len(t.columns))
	}
	taken := map[routing.ModelID]string{}
	for _, c := range t.columns {
		id := routing.ModelID(catalogue.ID(c))
		if other, dup := taken[id]; dup {
			return nil, fmt.Errorf("columns %q and %q are both %s: price only one", other, c, id)
		}
		taken[id] = c
		t.ids = append(t.ids, id)
		t.prices = append(t.prices, set.Prices[c])
	}
	for i, s := range set.Train.Samples {
		t.add(s, set.Train.Vectors[i])
	}
	if len(t.prompts) < least {
		return nil, fmt.Errorf("%d prompts have scores of all %d priced models: want %d at least", len(t.prompts), len(t.columns), least)
	}
	for m, c := range t.columns {
		if p := t.prices[m]; p.Input == 0 && p.Output == 0 {
			return nil, fmt.Errorf("%s costs nothing, so nothing can be saved beside it: price it, or leave it out of the prices", c)
		}
	}
	return t, nil
}

func (t *table) add(s index.Sample, vector []float32) {
	score, cost, tokens := make([]float64, len(t.columns)), make([]float64, len(t.columns)), make([]uint32, len(t.columns))
	for m, c := range t.columns {
		v, ok := s.Scores[c]
		if !ok {
			return
		}
		out := s.OutputTokens[c]
		tokens[m] = uint32(out)
		if out == 0 {
			out = assumedTokens
		}
		score[m] = v
		cost[m] = (s.InputTokens*t.prices[m].Input + out*t.prices[m].Output) / 1e6
	}
	t.prompts = append(t.prompts, s.Prompt)
	t.inputs = append(t.inputs, s.InputTokens)
	t.vectors = append(t.vectors, vector)
	t.score = append(t.score, score)
	t.costUSD = append(t.costUSD, cost)
	t.tokens = append(t.tokens, tokens)
}

// fold is the prompts to learn from and those to judge; no text is on both sides.
type fold struct{ train, test []int }

func (t *table) folds(n int, seed uint64) []fold {
	out := make([]fold, n)
	at := make([]int, len(t.prompts))
	for i, p := range rand.New(rand.NewPCG(seed, 0xf01d)).Perm(len(t.prompts)) {
		at[p] = i % n
	}
	for f := range out {
		seen := map[string]bool{}
		for i, p := range t.prompts {
			if at[i] == f {
				out[f].test = append(out[f].test, i)
				seen[p] = true
			}
		}
		for i, p := range t.prompts {
			if at[i] != f && !seen[p] {
				out[f].train = append(out[f].train, i)
			}
		}
	}
	return out
}

// nobody is no model's number.
const nobody = -1

// build indexes rows. Of model m only the outcomes on the revealed rows are known.
func (t *table) build(embedder routing.Embedder, rows []int, m int, revealed map[int]bool) (*index.Index, error) {
	b, err := index.NewBuilder(embedder.ID(), embedder.Dim())
	if err != nil {
		return nil, err
	}
	for _, i := range rows {
		r := index.Row{Vector: t.vectors[i], Source: "study"}
		for k, id := range t.ids {
			if k != m || revealed[i] {
				r.Outcomes = append(r.Outcomes, index.Outcome{Model: string(id), Score: t.score[i][k], OutputTokens: t.tokens[i][k]})
			}
		}
		if err := b.Add(r); err != nil {
			return nil, err
		}
	}
	return b.Build()
}

// bestSingle is the model of the highest mean score on rows.
func (t *table) bestSingle(rows []int) int {
	best, most := 0, -1.0
	for m := range t.columns {
		sum := 0.0
		for _, i := range rows {
			sum += t.score[i][m]
		}
		if sum > most {
			best, most = m, sum
		}
	}
	return best
}
