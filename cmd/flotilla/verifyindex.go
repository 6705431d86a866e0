package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"flotilla/routing/index"
	"flotilla/routing/indexfile"
	"flotilla/settlement"
)

// indexTimeout bounds the transfer of an index from a gateway: as long as that sends one.
const indexTimeout = 10 * time.Minute

// indexFetcher has a gateway give the indexes that its receipts name.
type indexFetcher struct {
	gateway serverURL
	apiKey  string
	refused map[string]error // by id, so that a thousand receipts ask once
}

// index fetches the one with this id by a receipt whose decision names it.
func (f *indexFetcher) index(ctx context.Context, receipt settlement.ReceiptID, id string) (*index.Index, error) {
	if f.gateway == "" || f.apiKey == "" {
		return nil, errors.New("name its file with --index, or have the gateway that gave the receipt send it (--gateway URL --api-key KEY; its owner exports it with 'flotilla index export --generation')")
	}
	if err := f.refused[id]; err != nil {
		return nil, err
	}
	x, err := f.ask(ctx, receipt, id)
	var said *refusal
	if err != nil && (!errors.As(err, &said) || said.status != http.StatusNotFound) { // another receipt may be this key's
		if f.refused == nil {
			f.refused = map[string]error{}
		}
		f.refused[id] = err
	}
	return x, err
}

// ask believes the gateway in nothing: an index is its checksum's.
func (f *indexFetcher) ask(ctx context.Context, receipt settlement.ReceiptID, id string) (*index.Index, error) {
	ctx, cancel := context.WithTimeout(ctx, indexTimeout)
	defer cancel()
	raw, err := sendGateway(ctx, http.MethodGet, f.gateway, f.apiKey, "/v1/receipts/"+receipt.String()+"/index", nil, indexfile.MaxBytes)
	if err != nil {
		return nil, err
	}
	x, err := index.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("what the gateway sent: %w", err)
	}
	if x.ID() != id {
		return nil, fmt.Errorf("the gateway sent another index, %s", x.ID())
	}
	return x, nil
}
