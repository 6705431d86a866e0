package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"flotilla/node"
	"flotilla/routing/index"
	"flotilla/routing/indexfile"
)

// indexCmd shows and edits routing indexes.
type indexCmd struct {
	Add     indexAddCmd     `cmd:"" help:"Embed labelled prompts and add them."`
	Import  indexImportCmd  `cmd:"" help:"Add the rows of another index file."`
	Remove  indexRemoveCmd  `cmd:"" help:"Remove outcomes by source, model or row."`
	Export  indexExportCmd  `cmd:"" help:"Write the index, or a part of it, to a file."`
	Inspect indexInspectCmd `cmd:"" help:"Show what an index holds."`
	Health  indexHealthCmd  `cmd:"" help:"Show what its rows are worth: where models differ, what is thin, what is double."`
	Forget  indexForgetCmd  `cmd:"" name:"forget-generations" help:"Remove the earlier generations that a running gateway keeps, and with them rows that were removed."`
	Dial    indexDialCmd    `cmd:"" help:"Show what each position of the dial means in money: quality and cost to expect of a fleet."`
}

// builtIn names the index inside the binary where a file is asked for.
const builtIn = "built-in"

var errBuiltIn = errors.New("--index built-in cannot be edited: export it to a file and edit that")

// indexTarget is the index that a command works on: a file, or a running gateway's.
type indexTarget struct {
	Index string `help:"Index file to work on, or built-in; without it, the running gateway's index." placeholder:"FILE"`
	adminFlags
}

func (t indexTarget) live() bool { return t.Index == "" }

// open reads the target.
func (t indexTarget) open(ctx context.Context) (*index.Index, error) {
	switch {
	case t.Index == builtIn:
		return index.Default()
	case !t.live():
		return indexfile.Read(t.Index)
	}
	return t.fetch(ctx, "/index/export")
}

// fetch reads an index from the running gateway.
func (t indexTarget) fetch(ctx context.Context, path string) (*index.Index, error) {
	raw, err := t.send(ctx, http.MethodGet, path, nil, indexfile.MaxBytes)
	if err != nil {
		return nil, err
	}
	return index.Decode(raw)
}

// embedder is the fingerprint of the embedder that the target's rows come from; "" for a file to be made.
func (t indexTarget) embedder(ctx context.Context) (string, error) {
	if t.live() {
		var s index.Summary
		err := t.call(ctx, http.MethodGet, "/index", nil, &s)
		return s.Embedder, err
	}
	x, err := t.open(ctx)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return x.EmbedderID(), nil
}

// add appends rows to the target, in place of those of the source replace if it is not empty. A file that does not exist
// is made.
func (t indexTarget) add(ctx context.Context, rows *index.Index, replace string) (node.Edited, error) {
	if t.live() {
		path := "/index/rows"
		if replace != "" {
			path += "/" + url.PathEscape(replace)
		}
		var e node.Edited
		err := t.exchange(ctx, http.MethodPost, path, rows.Encode(), &e)
		return e, err
	}
	if t.Index == builtIn {
		return node.Edited{}, errBuiltIn
	}
	if _, err := os.Stat(t.Index); errors.Is(err, os.ErrNotExist) {
		e := node.Edited{Added: rows.Len(), Rows: rows.Len(), Generation: rows.Generation(), ID: rows.ID()}
		if err := indexfile.Replace(t.Index, rows); !errors.Is(err, indexfile.ErrChanged) {
			return e, err
		} // another program has made it meanwhile
	}
	return t.editFile(func(b *index.Builder) (node.Edited, error) {
		removed, doubles, err := b.Replace(replace, rows)
		return node.Edited{Added: rows.Len(), Doubles: doubles, Removed: removed}, err
	})
}

// remove takes outcomes out of the target.
func (t indexTarget) remove(ctx context.Context, r index.Removal) (node.Edited, error) {
	if t.live() {
		var e node.Edited
		err := t.call(ctx, http.MethodPost, "/index/remove", r, &e)
		return e, err
	}
	return t.editFile(func(b *index.Builder) (node.Edited, error) {
		removed, err := r.Apply(b)
		return node.Edited{Removed: removed}, err
	})
}

// maxEdits is how often an edit is begun anew because another program was faster.
const maxEdits = 20

// editFile replaces the target file by what change makes of it, and of what another program has made of it meanwhile: rows that took
// minutes to embed are not lost to an edit that came between.
func (t indexTarget) editFile(change func(*index.Builder) (node.Edited, error)) (e node.Edited, err error) {
	for range maxEdits {
		if e, err = t.tryEdit(change); !errors.Is(err, indexfile.ErrChanged) {
			return e, err
		}
	}
	return e, fmt.Errorf("%w, %d times: run the command again", err, maxEdits)
}

// tryEdit is editFile once.
func (t indexTarget) tryEdit(change func(*index.Builder) (node.Edited, error)) (node.Edited, error) {
	if t.Index == builtIn {
		return node.Edited{}, errBuiltIn
	}
	old, err := indexfile.Read(t.Index)
	if err != nil {
		return node.Edited{}, err
	}
	b := old.Edit()
	e, err := change(b)
	if err != nil {
		return node.Edited{}, err
	}
	x, err := b.Build()
	if err != nil {
		return node.Edited{}, err
	}
	if err := indexfile.Replace(t.Index, x, old.ID()); err != nil {
		return node.Edited{}, err
	}
	e.Rows, e.Generation, e.ID = x.Len(), x.Generation(), x.ID()
	return e, nil
}

func printEdited(s *streams, e node.Edited, asJSON bool) error {
	if asJSON {
		return printJSON(s.out, e)
	}
	if e.Added > 0 {
		fmt.Fprintf(s.out, "added    %d rows\n", e.Added)
	}
	if e.Doubles > 0 {
		fmt.Fprintf(s.out, "double   %d of them: they were there already and count twice now ('flotilla index remove' takes rows out)\n", e.Doubles)
	}
	if e.Outcomes > 0 {
		fmt.Fprintf(s.out, "removed  %d outcomes, %d rows with all of theirs\n", e.Outcomes, e.Removed.Rows)
	}
	_, err := fmt.Fprintf(s.out, "now      generation %d, %d rows, id %s\n", e.Generation, e.Rows, e.ID)
	return err
}
