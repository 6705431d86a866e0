package routing

import (
	"fmt"

	"flotilla/routing/index"
)

// Index is what r decides with.
func (r *Router) Index() *index.Index { return r.index }

// Embedder is what r embeds prompts with.
func (r *Router) Embedder() Embedder { return r.embedder }

// WithIndex is r with another index: what an edit of a living index makes. Decisions under way in r end with the index
// they began with. An index of another embedder is refused (errors.Is index.ErrEmbedderMismatch).
func (r *Router) WithIndex(x *index.Index) (*Router, error) {
	if err := x.CheckEmbedder(r.embedder.ID()); err != nil {
		return nil, fmt.Errorf("change index: %w", err)
	}
	next := *r
	next.index = x
	return &next, nil
}
