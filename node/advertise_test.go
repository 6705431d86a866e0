package node

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"flotilla/p2p"
)

// TestWhatDoesNotFitIsLeftOut: an operator whose model server lists more than an advert holds, or a name that cannot be shown, announces
// the others, and says which it does not.
func TestWhatDoesNotFitIsLeftOut(t *testing.T) {
	for name, also := range map[string][]string{
		"many":    numbered("model-%d", 100),
		"lengthy": numbered("model-%d-"+strings.Repeat("x", 150), 63),
		"odd":     {"bad\u202ename", strings.Repeat("y", 200)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				var list []map[string]string
				for _, id := range append([]string{worldModel}, also...) {
					list = append(list, map[string]string{"id": id, "object": "model"})
				}
				_, _ = rw.Write(mustJSON(t, map[string]any{"object": "list", "data": list}))
			}))
			t.Cleanup(srv.Close)
			models, err := ServeURL(t.Context(), srv.URL, Price{InputPerMTok: 1, OutputPerMTok: 2})
			if err != nil {
				t.Fatal(err)
			}
			log := &logBook{}
			op := w.open(Config{
				DataDir: t.TempDir(), Key: testKey(t), Bootstrap: w.gateway.Addrs(), Logger: log.logger(),
				Operator: &OperatorConfig{Models: models, Stake: 50_000_000},
			})
			var got p2p.Advert
			w.eventually("an advert", func() bool {
				a, ok := w.gateway.fleet.Advert(op.fleet.ID())
				got = a
				return ok
			})
			if len(got.Offers) == 0 || got.Offers[0].Model != worldModel {
				t.Errorf("%d models are announced", len(got.Offers))
			}
			last := models[len(models)-1].Model
			if text := log.String(); !strings.Contains(text, "not announced") || !strings.Contains(text, last) {
				t.Errorf("the log says nothing of %q", last)
			}
		})
	}
}

func numbered(format string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf(format, i))
	}
	return names
}
