package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"flotilla/routing/index"
	"flotilla/routing/indexfile"
	"flotilla/settlement"
)

const (
	// indexTimeout bounds the transfer of an index from a gateway: as long as that sends one.
	indexTimeout = 10 * time.Minute
	// longestIndexPause is above the minute that a gateway asks for between two indexes.
	longestIndexPause = 2 * time.Minute
)

// indexFetcher has gateways give the indexes that their receipts name. It keeps the last one: of 100,000 rows one is 55 MB.
type indexFetcher struct {
	gateways []serverURL
	apiKey   string
	dir      string // where they are kept for the next time; "" for nowhere
	log      io.Writer

	wanted, begun int // how many are not at hand, and which of them this is

	last    *index.Index
	refused map[string]error    // by index id, so that a thousand receipts ask once
	silent  map[serverURL]error // by gateway, why it is not asked any more
}

func newIndexFetcher(c *verifyCmd, log io.Writer) indexFetcher {
	return indexFetcher{gateways: c.Gateway, apiKey: c.APIKey, dir: c.IndexDir, log: log, refused: map[string]error{}, silent: map[serverURL]error{}}
}

// index gives the one with this id by a receipt whose decision names it.
func (f *indexFetcher) index(ctx context.Context, receipt settlement.ReceiptID, id string) (*index.Index, error) {
	x := f.kept(id)
	if x == nil {
		var err error
		if x, err = f.fetch(ctx, receipt, id); err != nil {
			return nil, err
		}
		f.keep(x)
	}
	f.last = x
	return x, nil
}

// kept is one that an earlier run has kept; nil where there is none, or a damaged one.
func (f *indexFetcher) kept(id string) *index.Index {
	if raw, err := hex.DecodeString(id); f.dir == "" || err != nil || len(raw) != sha256.Size { // a stranger's id, which may name any file
		return nil
	}
	x, err := indexfile.Read(f.file(id))
	if err != nil || x.ID() != id {
		return nil
	}
	return x
}

// keep does not fail: the index is at hand.
func (f *indexFetcher) keep(x *index.Index) {
	if f.dir == "" {
		return
	}
	err := os.MkdirAll(f.dir, 0o755)
	if err == nil {
		err = indexfile.Write(f.file(x.ID()), x)
	}
	if err != nil {
		fmt.Fprintf(f.log, "an index is not kept for the next time: %v\n", err)
	}
}

func (f *indexFetcher) file(id string) string { return filepath.Join(f.dir, id+".fidx") }

// fetch asks one gateway after the other.
func (f *indexFetcher) fetch(ctx context.Context, receipt settlement.ReceiptID, id string) (*index.Index, error) {
	if len(f.gateways) == 0 || f.apiKey == "" {
		return nil, errors.New("name its file with --index, or have the gateway that gave the receipt send it (--gateway URL --api-key KEY; its owner exports it with 'flotilla index export --generation')")
	}
	if err := f.refused[id]; err != nil {
		return nil, err
	}
	var errs []error
	elsewhere := false // another receipt with this index may be of this key and gateway
	for _, gateway := range f.gateways {
		x, err := f.ask(ctx, gateway, receipt, id)
		if err == nil {
			return x, nil
		}
		said, answered := refusedWith(err)
		elsewhere = elsewhere || answered && said.Status == http.StatusNotFound
		if len(f.gateways) > 1 {
			err = fmt.Errorf("%s: %w", gateway, err)
		}
		errs = append(errs, err)
	}
	err := errors.Join(errs...)
	if elsewhere {
		return nil, fmt.Errorf("%w (it is given to the key that paid for the answer alone: where that is another's, have its user fetch it with GET /v1/receipts/ID/index, or the gateway's owner export it, and name the file with --index)", err)
	}
	f.refused[id] = err
	return nil, err
}

// ask asks a gateway, again where that is busy or has sent many. One that is not there, or goes on to refuse all, is not asked for another.
func (f *indexFetcher) ask(ctx context.Context, gateway serverURL, receipt settlement.ReceiptID, id string) (x *index.Index, err error) {
	if err := f.silent[gateway]; err != nil {
		return nil, err
	}
	err = persist(ctx, prefixed{f.log, fmt.Sprintf("index %d of %d: ", f.begun, f.wanted)}, longestIndexPause, func() (err error) {
		x, err = askIndex(ctx, gateway, f.apiKey, receipt, id)
		return err
	})
	if said, ok := refusedWith(err); err != nil && ctx.Err() == nil && (passes(err) || neverAnswered(err) || errors.Is(err, context.DeadlineExceeded) || ok && said.Status == http.StatusUnauthorized) {
		f.silent[gateway] = err
	}
	return x, err
}

// errOtherIndex: what a gateway sent is not what it was asked for.
var errOtherIndex = errors.New("the gateway sent another index")

// askIndex believes the gateway in nothing: an index is its checksum's.
func askIndex(ctx context.Context, gateway serverURL, apiKey string, receipt settlement.ReceiptID, id string) (*index.Index, error) {
	ctx, cancel := context.WithTimeout(ctx, indexTimeout)
	defer cancel()
	raw, err := sendGateway(ctx, http.MethodGet, gateway, apiKey, "/v1/receipts/"+receipt.String()+"/index", nil, indexfile.MaxBytes)
	if err != nil {
		return nil, err
	}
	x, err := index.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errOtherIndex, err)
	}
	if x.ID() != id {
		return nil, fmt.Errorf("%w, %s", errOtherIndex, x.ID())
	}
	return x, nil
}

// prefixed puts something before each line that is written to it in one piece.
type prefixed struct {
	io.Writer
	prefix string
}

func (p prefixed) Write(line []byte) (int, error) {
	_, err := p.Writer.Write(append([]byte(p.prefix), line...))
	return len(line), err
}
