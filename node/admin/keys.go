package admin

import (
	"context"
	"net/http"
)

// maxKeyBytes bounds the terms of a key: two lists of patterns and a name.
const maxKeyBytes = 64 << 10

// APIKeys is the part of a Source that makes, shows and revokes a gateway's API keys.
type APIKeys interface {
	Keys(ctx context.Context) (any, error)
	// CreateKey and RevokeKey get what is asked by decode, which refuses unknown fields.
	CreateKey(ctx context.Context, decode func(any) error) (any, error)
	RevokeKey(ctx context.Context, decode func(any) error) (any, error)
}

func keyPages(mux *http.ServeMux, source APIKeys) {
	mux.HandleFunc("GET /keys", read(source.Keys))
	mux.HandleFunc("POST /keys", withBody(maxKeyBytes, func(ctx context.Context, body []byte) (any, error) {
		return source.CreateKey(ctx, strictly(body))
	}))
	mux.HandleFunc("POST /keys/revoke", withBody(maxKeyBytes, func(ctx context.Context, body []byte) (any, error) {
		return source.RevokeKey(ctx, strictly(body))
	}))
}
