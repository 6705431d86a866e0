package attack

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"

	"flotilla/routing"
	"flotilla/routing/attack/prompts"
	"flotilla/routing/form"
	"flotilla/routing/index"
)

// fleet is what the prompts are routed over: the models that the built-in index has outcomes of for them, at the prices
// their source states. Dear are those at the top price: an upgrade is a dear pick where a clean text had a cheap one.
var fleet = []member{
	{"gemma-2-9b-it", 100_000, false}, {"qwen2.5-7b-instruct", 200_000, false}, {"codegemma-7b", 200_000, false},
	{"llama-3.1-8b-instruct", 200_000, false}, {"llama-3-chatqa-1.5-8b", 200_000, false}, {"mistral-7b-instruct-v0.3", 200_000, false},
	{"llama-3.3-nemotron-super-49b-v1", 900_000, true}, {"llama-3.1-nemotron-51b-instruct", 900_000, true}, {"llama-3-chatqa-1.5-70b", 900_000, true},
}

// member is a model of the fleet with its price, in and out alike, in base units (1e-6 USD) per 1M tokens.
type member struct {
	id    routing.ModelID
	price uint64
	dear  bool
}

// answerTokens is the answer length that costs are reckoned with: the source has none.
const answerTokens = 250

// prompt is a held-out text with the outcomes that the built-in index has for it.
type prompt struct {
	text   string
	tokens uint32 // of the clean text: what a gadget adds is the attacker's own bill
	words  int
	score  []float64 // by fleet number
}

// lab is what an attack needs: texts held out of the index, the index without them, and vectors.
type lab struct {
	embedder routing.Embedder
	encoder  form.Encoder // the part of it that takes time; vectors are its
	index    *index.Index
	own      []prompt // the attacker's, to climb on
	eval     []prompt // to measure on: accuracy on all, attacks on the first
	words    []string // the attacker's vocabulary
	common   []string // the part of it that any text may hold
	seed     uint64

	mu      sync.Mutex // guards vectors; held for map work only
	vectors map[string][]float32
}

const (
	attackers = 100  // prompts that belong to the attacker
	same      = 0.97 // cosine above which an index row is the held-out prompt, or as good as
)

// newLab splits the built-in index into rows and held-out texts.
func newLab(ctx context.Context, embedder routing.Embedder, full *index.Index, opts Options) (*lab, error) {
	texts, err := prompts.All()
	if err != nil {
		return nil, err
	}
	l := &lab{embedder: embedder, encoder: embedder, seed: opts.Seed, vectors: map[string][]float32{}}
	if joined, ok := embedder.(*form.Embedder); ok {
		l.encoder = joined.Encoder()
	}
	l.vocabulary(texts)
	if err := l.prepare(ctx, texts); err != nil {
		return nil, err
	}
	held := make(map[int]bool)
	for i, text := range texts {
		p, rows, err := l.find(ctx, full, text)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			held[r] = true
		}
		switch {
		case p.score == nil: // not an outcome of every model of the fleet
		case i < attackers:
			l.own = append(l.own, p)
		default:
			l.eval = append(l.eval, p)
		}
	}
	if len(l.own) < attackers/2 || len(l.eval) < opts.prompts {
		return nil, fmt.Errorf("the index holds outcomes for only %d of %d prompts: use the built-in index", len(l.own)+len(l.eval), len(texts))
	}
	l.index, err = without(full, held)
	return l, err
}

// find looks a text up in the index: its outcomes, and every row that is the same prompt.
func (l *lab) find(ctx context.Context, x *index.Index, text string) (prompt, []int, error) {
	p := prompt{text: text, tokens: uint32((len(text) + 3) / 4), words: len(strings.Fields(text))}
	v, err := l.Embed(ctx, text)
	if err != nil {
		return p, nil, err
	}
	scan, err := x.Scan(v)
	if err != nil {
		return p, nil, err
	}
	defer scan.Release()
	var rows []int
	limit := int32(math.Round(same * index.SimilarityOne))
	for _, h := range scan.Top(nil, 20) {
		if h.Similarity < limit {
			break
		}
		rows = append(rows, h.Row)
		if p.score == nil {
			p.score = outcomes(x, h.Row)
		}
	}
	return p, rows, nil
}

// outcomes are a row's scores by fleet number, nil when one is missing.
func outcomes(x *index.Index, row int) []float64 {
	out := make([]float64, len(fleet))
	for i, f := range fleet {
		m, ok := x.Model(string(f.id))
		if !ok {
			return nil
		}
		c, ok := x.Cell(row, m)
		if !ok {
			return nil
		}
		out[i] = float64(c.Score) / index.ScoreSteps
	}
	return out
}

// without is the index with some rows left out.
func without(x *index.Index, out map[int]bool, more ...index.Row) (*index.Index, error) {
	b, err := index.NewBuilder(x.EmbedderID(), x.Dim())
	if err != nil {
		return nil, err
	}
	for i := range x.Len() {
		if out[i] {
			continue
		}
		if err := b.Add(rowOf(x, i)); err != nil {
			return nil, fmt.Errorf("split index: %w", err)
		}
	}
	for _, r := range more {
		if err := b.Add(r); err != nil {
			return nil, fmt.Errorf("add row: %w", err)
		}
	}
	return b.Build()
}

func rowOf(x *index.Index, i int) index.Row {
	r := index.Row{Vector: x.Vector(i), Source: x.Source(i)}
	for _, c := range x.Cells(i) {
		o := index.Outcome{Model: x.Models()[c.Model], Score: float64(c.Score) / index.ScoreSteps}
		if c.Length != 0 {
			o.OutputTokens = uint32(math.Round(math.Exp2(float64(c.Length-1) / index.LengthSteps)))
		}
		r.Outcomes = append(r.Outcomes, o)
	}
	return r
}

func unit(v []float32) []float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(float64(x) / math.Sqrt(sum))
	}
	return out
}

// vocabulary is the words of the shipped texts; the common ones first.
func (l *lab) vocabulary(texts []string) {
	count := map[string]int{}
	for _, t := range texts {
		for _, w := range strings.FieldsFunc(strings.ToLower(t), func(r rune) bool { return r < 'a' || r > 'z' }) {
			if len(w) >= 3 {
				if count[w]++; count[w] == 1 {
					l.words = append(l.words, w)
				}
				if count[w] == commonCount {
					l.common = append(l.common, w)
				}
			}
		}
	}
}

// commonCount is how often a word occurs in the texts to be called common.
const commonCount = 6

// prepare embeds what is not embedded yet, on all CPUs.
func (l *lab) prepare(ctx context.Context, texts []string) error {
	var todo []string
	l.mu.Lock()
	for _, t := range texts {
		if _, ok := l.vectors[t]; !ok {
			l.vectors[t] = nil
			todo = append(todo, t)
		}
	}
	l.mu.Unlock()
	next := make(chan string)
	var wg sync.WaitGroup
	var once sync.Once
	var failed error
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for t := range next {
				v, err := l.encoder.Embed(ctx, t)
				if err != nil {
					once.Do(func() { failed = err })
				}
				l.mu.Lock()
				l.vectors[t] = v
				l.mu.Unlock()
			}
		})
	}
	for _, t := range todo {
		next <- t
	}
	close(next)
	wg.Wait()
	if failed != nil {
		return fmt.Errorf("embed: %w", failed)
	}
	return nil
}

// Embed implements routing.Embedder from memory, so that a text is encoded once for all routers.
func (l *lab) Embed(ctx context.Context, text string) ([]float32, error) {
	return l.EmbedPart(ctx, text, text)
}

// EmbedPart implements routing.PartEmbedder.
func (l *lab) EmbedPart(ctx context.Context, part, like string) ([]float32, error) {
	v, err := l.encode(ctx, part)
	if err != nil || l.encoder == l.embedder {
		return v, err
	}
	return form.AddPart(part, like, v)
}

func (l *lab) encode(ctx context.Context, text string) ([]float32, error) {
	l.mu.Lock()
	v := l.vectors[text]
	l.mu.Unlock()
	if v != nil {
		return v, nil
	}
	if err := l.prepare(ctx, []string{text}); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.vectors[text], nil
}

// likeText embeds each text as if it began and ended like another.
type likeText struct {
	*lab
	like string
}

func (e likeText) Embed(ctx context.Context, part string) ([]float32, error) {
	return e.EmbedPart(ctx, part, e.like)
}

// ID and Dim implement routing.Embedder.
func (l *lab) ID() string { return l.embedder.ID() }
func (l *lab) Dim() int   { return l.embedder.Dim() }

// rng is a fresh stream of the run's seed: what one family draws does not depend on which others ran.
func (l *lab) rng(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(l.seed, stream)) }
