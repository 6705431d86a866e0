package main

import (
	"flotilla/routing"
	"flotilla/routing/guard"
	"flotilla/routing/index"
	"flotilla/routing/indexfile"
)

// newGuardedRouter makes the router that gateways run: with the guard against texts made to buy an upgrade.
func newGuardedRouter(e routing.Embedder, x *index.Index) (*routing.Router, error) {
	g, err := guard.New()
	if err != nil {
		return nil, err
	}
	return routing.New(routing.Config{Embedder: e, Index: x, Guard: g})
}

// openRouter loads the embedder and the index that a gateway decides with.
func openRouter(indexFile string, f embedderFlags) (*routing.Router, func(), error) {
	emb, closeEmb, err := f.openEmbedder()
	if err != nil {
		return nil, nil, err
	}
	var ix *index.Index
	if indexFile == "" && f.Embedder == "static" {
		ix, err = index.DefaultStatic()
	} else {
		ix, err = openIndex(indexFile)
	}
	if err == nil {
		var r *routing.Router
		if r, err = newGuardedRouter(emb, ix); err == nil {
			return r, closeEmb, nil
		}
	}
	closeEmb()
	return nil, nil, err
}

func openIndex(file string) (*index.Index, error) {
	if file == "" {
		return index.Default()
	}
	return indexfile.Read(file)
}
