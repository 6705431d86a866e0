package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// maxRowsBytes bounds rows that are added at once: about half a million of 384 dimensions.
	maxRowsBytes    = 256 << 20
	maxRemovalBytes = 1 << 20
	// uploadTimeout is how long a body may take: from this machine, a second or two.
	uploadTimeout = time.Minute
)

// Indexes is the part of a Source that shows and edits a gateway's routing index.
type Indexes interface {
	IndexSummary(ctx context.Context) (any, error)
	IndexHealth(ctx context.Context) (any, error)
	// ExportIndex gives the generation whose id begins with the digits; "" the newest.
	ExportIndex(ctx context.Context, id string) (io.WriterTo, error)
	// AddRows gets an index file whose rows are to be appended, in place of those of the source replace if it is not empty.
	AddRows(ctx context.Context, replace string, encoded []byte) (any, error)
	// RemoveRows gets what is to be removed by decode, which refuses unknown fields.
	RemoveRows(ctx context.Context, decode func(any) error) (any, error)
	// ForgetGenerations removes what ExportIndex has of generations before the newest.
	ForgetGenerations(ctx context.Context) (any, error)
}

func indexPages(mux *http.ServeMux, source Indexes) {
	mux.HandleFunc("GET /index", read(source.IndexSummary))
	mux.HandleFunc("GET /index/health", read(source.IndexHealth))
	export := func(w http.ResponseWriter, r *http.Request) {
		x, err := source.ExportIndex(r.Context(), r.PathValue("id"))
		if err != nil {
			answer(w, nil, err)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = x.WriteTo(w) // a reader that left is told nothing; one that got half finds the checksum missing
	}
	mux.HandleFunc("GET /index/export", export)
	mux.HandleFunc("GET /index/generations/{id}", export)
	addRows := func(w http.ResponseWriter, r *http.Request) {
		withBody(maxRowsBytes, func(ctx context.Context, body []byte) (any, error) {
			return source.AddRows(ctx, r.PathValue("replace"), body)
		})(w, r)
	}
	mux.HandleFunc("POST /index/rows", addRows)
	// A path of its own: a gateway that cannot replace has no such page, where it would ignore a parameter and add the rows twice.
	mux.HandleFunc("POST /index/rows/{replace}", addRows)
	mux.HandleFunc("POST /index/remove", withBody(maxRemovalBytes, func(ctx context.Context, body []byte) (any, error) {
		return source.RemoveRows(ctx, strictly(body))
	}))
	mux.HandleFunc("POST /index/forget-generations", act(source.ForgetGenerations))
}

// strictly decodes a body and refuses unknown fields.
func strictly(body []byte) func(any) error {
	return func(into any) error {
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			return fmt.Errorf("%w: read body: %w", ErrBadRequest, err)
		}
		return nil
	}
}

// withBody reads the whole body before anything is done with it.
func withBody(most int64, do func(context.Context, []byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		act(func(ctx context.Context) (any, error) {
			// Without effect on a writer that knows no deadline; then readTimeout bounds the body.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTimeout))
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
			if err != nil {
				return nil, fmt.Errorf("%w: read body: %w", ErrBadRequest, err)
			}
			return do(ctx, body)
		})(w, r)
	}
}
