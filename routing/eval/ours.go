package eval

import (
	"context"
	"fmt"
	"math"
	"sync"

	"flotilla/routing"
	"flotilla/routing/guard"
	"flotilla/routing/index"
)

// flotilla is the live router. Its knob is the dial in tenths; the whole positions are decided by Route itself, those
// between by the same utilities. A finer and wider sweep only draws the frontier and is offered to nobody.
type flotilla struct {
	label    string
	embedder routing.Embedder
	guard    *guard.Guard // nil: without
	settings []setting
}

// newGuarded is flotilla with its guard against crafted prompts, as a gateway runs it. It has the dial's whole positions
// only: what the guard does between them is not to be had from the utilities.
func newGuarded(embedder routing.Embedder) (*flotilla, error) {
	g, err := guard.New()
	if err != nil {
		return nil, err
	}
	f := &flotilla{label: oursGuarded, embedder: &remembered{Embedder: embedder, vectors: map[[2]string][]float32{}}, guard: g}
	for dial := routing.MinDial; dial <= routing.MaxDial; dial++ {
		f.settings = append(f.settings, setting{dial: dial, offered: true})
	}
	return f, nil
}

func newFlotilla(embedder routing.Embedder, worth []setting) *flotilla {
	f := &flotilla{label: ours, embedder: embedder}
	for t := 10 * routing.MinDial; t <= 10*routing.MaxDial; t++ {
		s := setting{dial: t / 10, offered: true}
		if t%10 != 0 {
			s.dial, s.value = notDial, routing.Worth(float64(t)/10)/1e6
		}
		f.settings = append(f.settings, s)
	}
	for _, w := range worth {
		f.settings = append(f.settings, setting{dial: notDial, value: max(w.value, worthless)})
	}
	return f
}

// worthless is a worth at which only cost counts, USD.
const worthless = 1e-12

func (f *flotilla) name() string    { return f.label }
func (f *flotilla) knob() []setting { return f.settings }

func (f *flotilla) fit(_ context.Context, s *split) (chooser, error) {
	b, err := index.NewBuilder(f.embedder.ID(), f.embedder.Dim())
	if err != nil {
		return nil, err
	}
	for _, i := range s.train {
		r := index.Row{Vector: s.rows[i].vector, Source: s.name}
		for m, id := range s.ids {
			if s.has(i, m) {
				r.Outcomes = append(r.Outcomes, index.Outcome{Model: string(id), Score: s.rows[i].score[m], OutputTokens: uint32(math.Round(s.rows[i].outputTokens[m]))})
			}
		}
		if err := b.Add(r); err != nil {
			return nil, fmt.Errorf("index row %d: %w", i, err)
		}
	}
	x, err := b.Build()
	if err != nil {
		return nil, err
	}
	stored := &storedVectors{Embedder: f.embedder, vectors: map[string][]float32{}}
	for _, i := range s.test {
		stored.vectors[s.rows[i].prompt] = s.rows[i].vector
	}
	r, err := routing.New(routing.Config{Embedder: stored, Index: x, Guard: f.guard})
	if err != nil {
		return nil, err
	}
	return &flotillaChooser{table: s.table, router: r, settings: f.settings}, nil
}

type flotillaChooser struct {
	*table
	router   *routing.Router
	settings []setting
}

func (c *flotillaChooser) choose(ctx context.Context, row int, out *choice) error {
	candidates := c.candidates(row)
	p := routing.Prompt{Text: c.rows[row].prompt, InputTokens: uint32(c.rows[row].inputTokens)}
	var capable routing.Decision // at dial 0
	for k, s := range c.settings {
		if s.dial == notDial {
			out.sure(k, routing.BestAt(capable.Considered, s.value*1e6).Ref.(int))
			continue
		}
		d, err := c.router.Route(ctx, p, candidates, routing.Policy{Dial: float64(s.dial)})
		if err != nil {
			return fmt.Errorf("route row %d: %w", row, err)
		}
		out.sure(k, d.Pick.Ref.(int))
		if s.dial == routing.MinDial {
			capable = d
		}
	}
	for _, c := range capable.Considered {
		out.quality[c.Ref.(int)] = c.Quality
	}
	out.ood = capable.OutOfDistribution
	return nil
}

// candidates offers every model that has an outcome in the row once, at its price in token base units (1e-6 USD).
func (t *table) candidates(row int) []routing.Candidate {
	var out []routing.Candidate
	for m, id := range t.ids {
		if t.has(row, m) {
			out = append(out, routing.Candidate{Operator: "op", Model: id, Ref: m,
				InputPerMTok: uint64(math.Round(t.prices[m].Input * 1e6)), OutputPerMTok: uint64(math.Round(t.prices[m].Output * 1e6))})
		}
	}
	return out
}

// storedVectors hands out vectors already computed, so that each prompt is embedded once for all folds and dials.
type storedVectors struct {
	routing.Embedder
	vectors map[string][]float32
}

func (s *storedVectors) Embed(ctx context.Context, text string) ([]float32, error) {
	if v, ok := s.vectors[text]; ok {
		return v, nil
	}
	return s.Embedder.Embed(ctx, text)
}

// EmbedPart implements routing.PartEmbedder.
func (s *storedVectors) EmbedPart(ctx context.Context, part, like string) ([]float32, error) {
	return routing.EmbedPart(ctx, s.Embedder, part, like)
}

// remembered embeds each text and each part of one once for all folds: a guarded router asks for several of a prompt. Of
// 10,000 prompts it holds some 80 MB.
type remembered struct {
	routing.Embedder
	mu      sync.Mutex
	vectors map[[2]string][]float32 // by text, and by what it counts as beginning and ending like
}

func (r *remembered) Embed(ctx context.Context, text string) ([]float32, error) {
	return r.EmbedPart(ctx, text, text)
}

// EmbedPart implements routing.PartEmbedder.
func (r *remembered) EmbedPart(ctx context.Context, part, like string) ([]float32, error) {
	r.mu.Lock()
	v := r.vectors[[2]string{part, like}]
	r.mu.Unlock()
	if v != nil {
		return v, nil
	}
	v, err := routing.EmbedPart(ctx, r.Embedder, part, like)
	if err == nil {
		r.mu.Lock()
		r.vectors[[2]string{part, like}] = v
		r.mu.Unlock()
	}
	return v, err
}
