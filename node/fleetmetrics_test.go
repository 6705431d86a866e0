package node

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// moment is the gateway's figures of now, by name and label.
func (w *world) moment() map[string]float64 {
	w.t.Helper()
	families, err := w.gateway.metrics().Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		switch f.GetName() {
		case "flotilla_requests_in_flight", "flotilla_requests_queued", "flotilla_orders_in_flight", "flotilla_operators", "flotilla_offers", "flotilla_requests_refused_total":
		default:
			continue
		}
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			if v := m.GetGauge().GetValue() + m.GetCounter().GetValue(); v != 0 {
				out[name] = v
			}
		}
	}
	return out
}

// TestMetricsOfTheMoment: one operator is full and one request waits for it, another operator's breaker is open, and two requests
// had no key or an unknown one.
func TestMetricsOfTheMoment(t *testing.T) {
	w := newWorld(t)
	model := w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	full, release := context.WithCancel(t.Context())
	left := make(chan error, 5)
	run := func(tag string) {
		go func() { _, _, err := w.run(full, true, "hold=0 tag="+tag); left <- err }()
	}
	for range 4 { // OperatorConfig.MaxConcurrent
		run("held")
	}
	w.eventually("every slot is taken", func() bool { return model.Stats("held").Calls == 4 })
	w.scriptedModel(ServedModel{Model: "another", Price: Price{InputPerMTok: 1, OutputPerMTok: 1}})
	g := w.gateway.Gateway
	for _, c := range g.candidates(g.now()) {
		if c.Model == "another" {
			g.health.fault(c.Ref.(*priced).endpoint(), errRefusedAlone, g.now().Add(worldWait))
		}
	}
	run("waits")
	w.eventually("one waits", func() bool { return w.queued() == 1 })
	w.wantRefused("", "{}", http.StatusUnauthorized, "missing_api_key")
	w.wantRefused("sk-mallory", "{}", http.StatusUnauthorized, "invalid_api_key")
	want := map[string]float64{
		"flotilla_requests_in_flight": 5, "flotilla_requests_queued": 1, "flotilla_orders_in_flight": 4,
		"flotilla_offers busy": 1, "flotilla_operators busy": 1, "flotilla_offers paused": 1, "flotilla_operators paused": 1,
		"flotilla_requests_refused_total missing_api_key": 1, "flotilla_requests_refused_total invalid_api_key": 1,
	}
	w.eventually(fmt.Sprint(want), func() bool { return cmp.Equal(want, w.moment()) }) // but for the moments at which the one that waits looks again
	release()
	for range cap(left) {
		<-left
	}
	w.eventually("nothing is under way", func() bool {
		now := w.moment()
		return now["flotilla_requests_in_flight"]+now["flotilla_requests_queued"]+now["flotilla_orders_in_flight"] == 0
	})
}
