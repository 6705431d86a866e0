package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"flotilla/node"
	"flotilla/routing/index"
	"flotilla/routing/indexfile"
	"flotilla/routing/table"
)

type indexAddCmd struct {
	indexTarget
	embedderFlags
	Table  []string `arg:"" help:"Labelled prompts, JSON lines (may be .gz): {\"prompt\":…,\"scores\":{MODEL: 0..1},\"output_tokens\":{MODEL: N}}; - reads standard input."`
	Source string   `help:"Name for where these labels come from; 'index remove --source' takes them out again." required:"" placeholder:"NAME"`
	JSON   bool     `help:"Print the outcome as JSON." name:"json"`
}

// Help is shown above the flags.
func (c *indexAddCmd) Help() string {
	return "Columns are read as model names in any spelling; those of closed or unknown models and of models that answer no chats are left out and listed. Lines of one prompt become one row, with the mean of what they say of a model. A table whose columns do not correlate with one another is refused: their rows would be in different orders. The prompts themselves are not kept."
}

// Run embeds here, not in the gateway, so that its requests do not wait for the CPU.
func (c *indexAddCmd) Run(ctx context.Context, s *streams) error {
	if c.Source == "" {
		return errors.New("--source is empty: without a name the rows could not be taken out again")
	}
	var samples []index.Sample
	for _, name := range c.Table {
		part, err := readSamples(name)
		if err != nil {
			return err
		}
		samples = append(samples, part...)
	}
	if len(samples) == 0 {
		return fmt.Errorf("%s: no labelled prompt in it", strings.Join(c.Table, ", "))
	}
	tab, err := table.New(samples)
	if err != nil {
		return err
	}
	if len(tab.LeftOut) > 0 {
		fmt.Fprintf(s.err, "columns left out: %s\n", plain(strings.Join(tab.LeftOut, " ")))
	}
	want, err := c.embedder(ctx)
	if err != nil {
		return err
	}
	emb, closeEmb, err := c.openEmbedder()
	if err != nil {
		return err
	}
	defer closeEmb()
	if want != "" && want != emb.ID() {
		return &index.EmbedderError{Index: want, Embedder: emb.ID()}
	}
	b, err := index.NewBuilder(emb.ID(), emb.Dim())
	if err != nil {
		return err
	}
	said := time.Now()
	err = tab.AddTo(ctx, b, emb, c.Source, func(done, total int) {
		if time.Since(said) > 5*time.Second {
			said = time.Now()
			fmt.Fprintf(s.err, "embedded %d of %d prompts\n", done, total)
		}
	})
	if err != nil {
		return err
	}
	rows, err := b.Build()
	if err != nil {
		return err
	}
	e, err := c.add(ctx, rows, "")
	if err != nil {
		return err
	}
	return printEdited(s, e, c.JSON)
}

func readSamples(name string) ([]index.Sample, error) {
	var in io.Reader = os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read table: %w", err)
		}
		defer f.Close()
		in = f
	}
	samples, err := index.ReadSamples(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return samples, nil
}

type indexImportCmd struct {
	indexTarget
	File string `arg:"" help:"Index file whose rows are added." type:"existingfile"`
	JSON bool   `help:"Print the outcome as JSON." name:"json"`
}

// Run refuses rows of another embedder, and sources whose columns do not belong together.
func (c *indexImportCmd) Run(ctx context.Context, s *streams) error {
	rows, err := indexfile.Read(c.File)
	if err != nil {
		return err
	}
	if err := rows.CheckCoherence(); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	e, err := c.add(ctx, rows, "")
	if err != nil {
		return err
	}
	return printEdited(s, e, c.JSON)
}

// removalFlags name outcomes.
type removalFlags struct {
	Source string `help:"Only of this source." placeholder:"NAME"`
	Model  string `help:"Only of this model (canonical id, see 'index inspect')." placeholder:"MODEL"`
	Row    []int  `help:"Only of these rows; needs --id." placeholder:"N"`
	ID     string `help:"Id of the index that the row numbers were read from, or its first digits: edits move rows." name:"id" placeholder:"HEX"`
}

func (f removalFlags) removal() index.Removal {
	return index.Removal{Source: f.Source, Model: f.Model, Rows: f.Row, IndexID: f.ID}
}

type indexRemoveCmd struct {
	indexTarget
	removalFlags
	JSON bool `help:"Print the outcome as JSON." name:"json"`
}

// Help is shown above the flags.
func (c *indexRemoveCmd) Help() string {
	return "Decisions are made without it from now on. A running gateway keeps its earlier generations, in which it stays: 'flotilla index forget-generations' removes them."
}

// Run removes what meets all flags.
func (c *indexRemoveCmd) Run(ctx context.Context, s *streams) error {
	e, err := c.remove(ctx, c.removal())
	if err != nil {
		return err
	}
	return printEdited(s, e, c.JSON)
}

type indexExportCmd struct {
	indexTarget
	removalFlags
	Generation string `help:"Write an earlier generation of the running gateway's index, by its id (a decision's index_id) or the first digits of it, at least 8." placeholder:"HEX"`
	Out        string `arg:"" help:"File to write." type:"path"`
}

// Run writes the whole index as it is, or a part as an index of its own.
func (c *indexExportCmd) Run(ctx context.Context, s *streams) error {
	x, err := c.generation(ctx)
	if err != nil {
		return err
	}
	if r := c.removal(); r.Source != "" || r.Model != "" || len(r.Rows) > 0 {
		b := x.Edit()
		if err := r.Keep(b); err != nil {
			return err
		}
		if x, err = b.Build(); err != nil {
			return err
		}
	}
	if err := indexfile.Write(c.Out, x); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "wrote    %d rows of %s, id %s\n", x.Len(), plain(strings.Join(sourcesOf(x), ", ")), x.ID())
	return err
}

// generation reads the one that is asked for.
func (c *indexExportCmd) generation(ctx context.Context) (*index.Index, error) {
	switch {
	case c.Generation == "":
		return c.open(ctx)
	case !c.live():
		return nil, errors.New("--generation is of a running gateway's index, which keeps its earlier ones; an --index file is one generation")
	}
	if err := indexfile.CheckID(c.Generation); err != nil {
		return nil, fmt.Errorf("--generation: %w", err)
	}
	return c.fetch(ctx, "/index/generations/"+c.Generation)
}

type indexForgetCmd struct {
	adminFlags
	JSON bool `help:"Print the outcome as JSON." name:"json"`
}

// Help is shown above the flags.
func (c *indexForgetCmd) Help() string {
	return "What 'flotilla index remove' and 'flotilla feedback remove' take out is still in the generations before. This removes all but the newest, for good: users cannot make decisions of these again any more ('flotilla verify' ends with status 2, and cannot tell whether they were honest), nor can you, unless you export them before."
}

// Run removes all but the newest.
func (c *indexForgetCmd) Run(ctx context.Context, s *streams) error {
	var f node.ForgotGenerations
	if err := c.call(ctx, http.MethodPost, "/index/forget-generations", nil, &f); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, f)
	}
	_, err := fmt.Fprintf(s.out, "removed  %d generations: their decisions cannot be made again any more\nleft     the newest, id %s\n", f.Removed, f.ID)
	return err
}

func sourcesOf(x *index.Index) []string {
	var names []string
	for _, source := range x.Summary().Sources {
		names = append(names, source.Name)
	}
	return slices.Clip(names)
}
