package main

import (
	"flotilla/routing"
	"flotilla/routing/guard"
	"flotilla/routing/index"
)

// newGuardedRouter makes the router that gateways run: with the guard against texts made to buy an upgrade.
func newGuardedRouter(e routing.Embedder, x *index.Index) (*routing.Router, error) {
	g, err := guard.New()
	if err != nil {
		return nil, err
	}
	return routing.New(routing.Config{Embedder: e, Index: x, Guard: g})
}
