package openai_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

const indexPath = "/v1/receipts/" + fakefleet.ReceiptID + "/index"

// stuck is an index that waits while it is sent.
type stuck struct{ begun, goOn chan struct{} }

func (s stuck) WriteTo(w io.Writer) (int64, error) {
	close(s.begun)
	<-s.goOn
	n, err := w.Write([]byte("late"))
	return int64(n), err
}

// broken is an index that cannot be read to its end.
type broken struct{}

func (broken) WriteTo(w io.Writer) (int64, error) {
	n, _ := w.Write([]byte("half"))
	return int64(n), errors.New("disk")
}

func TestAReceiptsIndexIsSentWhole(t *testing.T) {
	f := fakefleet.New()
	want := strings.Repeat("an index ", 100_000)
	f.Index = bytes.NewReader([]byte(want))
	if w := do(t, config(f), http.MethodGet, indexPath, ""); w.Code != 200 || w.Body.String() != want || w.Header().Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
	}
	if w := do(t, config(f), http.MethodPost, indexPath, ""); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
	if w := do(t, config(f), http.MethodGet, "/v1/receipts/0x"+strings.Repeat("ab", 32)+"/index", ""); w.Code != 404 || apiError(t, w)["code"] != "receipt_not_found" {
		t.Errorf("unknown receipt: %d %s", w.Code, w.Body)
	}

	f.Index = broken{}
	server := httptest.NewServer(openai.NewHandler(config(f)))
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+indexPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	if resp, err := http.DefaultClient.Do(req); err == nil { // else it broke off before the head was out
		defer resp.Body.Close()
		if raw, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("an index that broke off ended properly, after %q", raw)
		}
	}
}

// One index at a time goes to a key.
func TestOneIndexAtATime(t *testing.T) {
	f := fakefleet.New()
	s := stuck{make(chan struct{}), make(chan struct{})}
	f.Index = s
	h := openai.NewHandler(config(f))
	ask := func() *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, indexPath, nil)
		r.Header.Set("Authorization", "Bearer "+testKey)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	first := make(chan *httptest.ResponseRecorder)
	go func() { first <- ask() }()
	<-s.begun
	if w := ask(); w.Code != 503 || apiError(t, w)["code"] != "index_busy" || w.Header().Get("Retry-After") == "" {
		t.Errorf("a second at once: %d %s", w.Code, w.Body)
	}
	close(s.goOn)
	if w := <-first; w.Code != 200 || w.Body.String() != "late" {
		t.Errorf("the first: %d %s", w.Code, w.Body)
	}
	f.Index = strings.NewReader("again")
	if w := ask(); w.Code != 200 {
		t.Errorf("after it: %d %s", w.Code, w.Body)
	}
}
