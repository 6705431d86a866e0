package admin

import (
	"context"
	"net/http"
	"net/url"
)

// Requests is the part of a Source that shows a gateway's request log.
type Requests interface {
	Requests(ctx context.Context, query url.Values) (any, error)
}

func requestPages(mux *http.ServeMux, source Requests) {
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, r *http.Request) {
		v, err := source.Requests(r.Context(), r.URL.Query())
		answer(w, v, err)
	})
}
