package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"

	"flotilla/node"
	"flotilla/routing/index"
)

type indexInspectCmd struct {
	indexTarget
	JSON bool `help:"Print it as JSON." name:"json"`
}

// Run shows models, sources and fingerprints.
func (c *indexInspectCmd) Run(ctx context.Context, s *streams) error {
	summary, err := shown(ctx, c.indexTarget, "/index", func(x *index.Index) (index.Summary, error) { return x.Summary(), nil })
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, summary)
	}
	return printSummary(s.out, summary)
}

type indexHealthCmd struct {
	indexTarget
	JSON bool `help:"Print it as JSON." name:"json"`
}

// Run judges the index.
func (c *indexHealthCmd) Run(ctx context.Context, s *streams) error {
	health, err := shown(ctx, c.indexTarget, "/index/health", node.HealthOf)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, health)
	}
	return printHealth(s.out, health)
}

// shown is what a running gateway says at path, or of says of a file.
func shown[T any](ctx context.Context, t indexTarget, path string, of func(*index.Index) (T, error)) (T, error) {
	var v T
	if !t.live() {
		x, err := t.open(ctx)
		if err != nil {
			return v, err
		}
		return of(x)
	}
	err := t.call(ctx, http.MethodGet, path, nil, &v)
	return v, err
}

func printSummary(out io.Writer, s index.Summary) error {
	fmt.Fprintf(out, "id         %s\ngeneration %d\nembedder   %s, %d values\nrows       %d, %d outcomes\nfar        below similarity %.2f to the nearest %d\n",
		s.ID, s.Generation, plain(s.Embedder), s.Dim, s.Rows, s.Outcomes, s.Outlier, index.OutlierNeighbors)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nsource\trows\n")
	for _, source := range s.Sources {
		fmt.Fprintf(w, "%s\t%d\n", plain(source.Name), source.Rows)
	}
	fmt.Fprintf(w, "\nmodel\trows\tability\ttokens\n")
	for _, m := range s.Models {
		tokens := "?"
		if m.Tokens > 0 {
			tokens = fmt.Sprintf("%.0f", m.Tokens)
		}
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%s\n", plain(m.ID), m.Rows, m.Ability, tokens)
	}
	return w.Flush()
}

const percent = 100

func printHealth(out io.Writer, h node.IndexHealth) error {
	fmt.Fprintf(out, "rows            %d\ndiscriminating  %.1f %% (some models do clearly better than others)\nall good        %.1f %%\nnone good       %.1f %%\nspread          %.3f (standard deviation between models, mean over rows)\n",
		h.Rows, percent*h.Discriminating, percent*h.AllGood, percent*h.AllBad, h.Spread)
	fmt.Fprintf(out, "one model only  %d rows\ndoubles         %.1f %% of %d rows looked at\n", h.Alone, percent*h.Duplicates, h.Looked)
	few := "none"
	if len(h.FewRows) > 0 {
		few = strings.Join(h.FewRows, " ")
	}
	fmt.Fprintf(out, "few rows        %s\n", plain(few))
	if h.Columns != "" {
		fmt.Fprintf(out, "columns         %s\n", plain(h.Columns))
	}
	for _, c := range h.Disagree {
		fmt.Fprintf(out, "disagree        %s: one of them serves something else (in one pair of 100 this is chance); 'flotilla index remove --source' takes one out\n", plain(compared(c)))
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nsource\trows\tdiscriminating\tspread\n")
	for _, p := range h.Sources {
		fmt.Fprintf(w, "%s\t%d\t%.1f %%\t%.3f\n", plain(p.Name), p.Rows, percent*p.Discriminating, p.Spread)
	}
	fmt.Fprintf(w, "\nregion around row\tsource\trows\tsimilarity\tdiscriminating\tmodels\n")
	for _, r := range h.Regions {
		fmt.Fprintf(w, "%d\t%s\t%d\t%.2f\t%.0f %%\t%d\n", r.Centre, plain(r.Source), r.Rows, r.Similarity, percent*r.Discriminating, r.Models)
	}
	fmt.Fprintf(w, "\nfarthest rows\tsource\tsimilarity to the nearest %d\n", index.OutlierNeighbors)
	for _, t := range h.Thin {
		fmt.Fprintf(w, "%d\t%s\t%.2f\n", t.Row, plain(t.Source), t.Similarity)
	}
	return w.Flush()
}
