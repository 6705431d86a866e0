package node

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"flotilla/routing"
)

// fleetMetrics are a gateway's figures of what is under way, and of whom it can ask, at the moment.
type fleetMetrics struct{ g *Gateway }

var (
	requestsInFlight = desc("requests_in_flight", "Requests that were admitted and are not over.")
	requestsQueued   = desc("requests_queued", "Those that wait for a busy operator.")
	ordersInFlight   = desc("orders_in_flight", "Orders that operators are at.")
	operatorsNow     = desc("operators", "Operators that advertise, by the best state of their models.", "state")
	offersNow        = desc("offers", "Models that they advertise: ready to be asked for, busy, paused (circuit breaker), or else unavailable.", "state")
)

// Describe implements prometheus.Collector.
func (fleetMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{requestsInFlight, requestsQueued, ordersInFlight, operatorsNow, offersNow} {
		ch <- d
	}
}

// offerStates from the best.
var offerStates = [...]string{"ready", "busy", "paused", "unavailable"}

// offerState is the place in offerStates.
func offerState(c routing.Candidate) int {
	switch {
	case c.Unavailable == "":
		return 0
	case c.Unavailable == busyDetail:
		return 1
	case strings.HasSuffix(c.Unavailable, afterFault):
		return 2
	}
	return 3
}

// Collect implements prometheus.Collector.
func (m fleetMetrics) Collect(ch chan<- prometheus.Metric) {
	now := m.g.now()
	gauge(ch, requestsInFlight, float64(m.g.gate.inFlight.Load()))
	gauge(ch, requestsQueued, float64(m.g.queue.length()))
	gauge(ch, ordersInFlight, float64(m.g.health.orders()))
	best := map[string]int{} // of an operator
	var operators, offers [len(offerStates)]int
	for _, c := range append(m.g.candidates(now), m.g.embedders(now)...) {
		state := offerState(c)
		offers[state]++
		if known, ok := best[c.Operator]; !ok || state < known {
			best[c.Operator] = state
		}
	}
	for _, state := range best {
		operators[state]++
	}
	for i, state := range offerStates {
		gauge(ch, operatorsNow, float64(operators[i]), state)
		gauge(ch, offersNow, float64(offers[i]), state)
	}
}
