package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/routing"
)

// TestDialOfAFleet: the prices are those of the models; "auto", which is listed beside them, is none.
func TestDialOfAFleet(t *testing.T) {
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":[{"id":"auto","pricing":{"prompt":"-1","completion":"-1"}},{"id":"qwen3-8b","pricing":{"prompt":"0.0000002","completion":"0.0000004"}},{"id":"unpriced"}]}`)
	}))
	defer gateway.Close()
	c := indexDialCmd{Gateway: gateway.URL, APIKey: "sk-flotilla-test"}
	offers, err := c.offers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []routing.Candidate{{Operator: "fleet", Model: "qwen3-8b", InputPerMTok: 200_000, OutputPerMTok: 400_000}}
	if d := cmp.Diff(want, offers); d != "" {
		t.Error(d)
	}
}
