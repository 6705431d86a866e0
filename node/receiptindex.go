package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"flotilla/node/feedback"
	"flotilla/node/openai"
	"flotilla/routing/index"
	"flotilla/routing/indexfile"
	"flotilla/routing/probe"
)

// IndexSharing says which generations of a gateway's index an API key may have, of those that its own receipts name. A row is
// a vector, which tells roughly what a prompt was about, and how models did on it.
type IndexSharing string

// Who may have what. Default: ShareOwn.
const (
	// ShareOwn gives generations of nothing but the built-in index's sources, probes and the key's own verdicts: others' verdicts,
	// judged logs and tables that the owner has added are somebody's prompts.
	ShareOwn IndexSharing = "own"
	// ShareAll gives all.
	ShareAll IndexSharing = "all"
	// ShareOff gives none.
	ShareOff IndexSharing = "off"
)

// A key may fetch 20 generations at once, and then one a minute: of 100,000 rows one is 45 MB.
const (
	indexBurst = 20
	indexEvery = time.Minute
)

// ReceiptIndex gives the generation of the index that one of the key's receipts names.
func (g *Gateway) ReceiptIndex(ctx context.Context, key openai.KeyInfo, id string) (io.WriterTo, error) {
	b, err := g.keysBundle(ctx, key, id, "id")
	if err != nil {
		return nil, err
	}
	var d struct {
		IndexID string `json:"index_id"`
	}
	if err := json.Unmarshal(b.DecisionJSON, &d); err != nil {
		return nil, fmt.Errorf("read decision of the receipt: %w", err)
	}
	sharing := g.cfg.Load().ShareIndex
	if sharing == ShareOff {
		return nil, notShared(d.IndexID, "this gateway's owner does not give its index away")
	}
	if !g.fetchers.allow(key.ID, g.now()) {
		return nil, &openai.APIError{Status: 429, Code: "index_rate", RetryAfter: indexEvery, Message: fmt.Sprintf("one index a minute a key, after the first %d", indexBurst)}
	}
	x, err := g.router.generation(d.IndexID)
	switch {
	case errors.Is(err, indexfile.ErrNotKept):
		return nil, &openai.APIError{Status: 410, Code: "index_not_kept", NoRetry: true, Message: "the index " + d.IndexID + " of that decision is not kept any more: the gateway keeps the newest generations only, and its owner may remove those too"}
	case err != nil:
		return nil, err
	case sharing == ShareAll:
		return x, nil
	}
	private, err := privateSource(x, key.ID)
	if err != nil {
		return nil, err
	}
	if private {
		return nil, notShared(d.IndexID, "that index has rows of others' prompts or of tables of its owner, which this gateway keeps to itself")
	}
	return x, nil
}

func notShared(id, why string) error {
	return &openai.APIError{Status: 403, Code: "index_not_shared", NoRetry: true,
		Message: fmt.Sprintf("%s: ask the owner for it (flotilla index export --generation %.12s), or to set --share-index", why, id)}
}

// builtInSources are those that everybody has.
var builtInSources = sync.OnceValues(func() ([]string, error) {
	x, err := index.Default()
	if err != nil {
		return nil, err
	}
	return slices.Clone(x.Sources()), nil
})

// privateSource: some rows are neither built in, nor of probes, nor of the key's own verdicts.
func privateSource(x *index.Index, keyID string) (bool, error) {
	public, err := builtInSources()
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(x.Sources(), func(source string) bool {
		return !slices.Contains(public, source) && !strings.HasPrefix(source, probe.SourcePrefix) && source != feedback.SourcePrefix+keyID
	}), nil
}
