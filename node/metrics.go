package node

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"flotilla/settlement"
)

// microUSD is the settlement token's base units in a dollar: metrics are in dollars, as Prometheus wants base units.
const microUSD = 1e6

// metrics gathers this node's figures when they are asked for; nothing is counted twice.
func (n *Node) metrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if n.settler != nil {
		r.MustRegister(&settleMetrics{n.settler.Status})
	} else {
		r.MustRegister(&owedMetrics{n.ledger.OwedLanes}, othersMetric{n.Operator.others})
	}
	if n.Gateway != nil {
		r.MustRegister(n.Gateway.gate.metrics, &cacheMetrics{n.Gateway.cache.Stats}, fleetMetrics{n.Gateway})
	}
	return r
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("flotilla_"+name, help, labels, nil)
}

// gauge sends one value.
func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// counter sends one sum that only grows.
func counter(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

func dollars(a settlement.Amount) float64 { return float64(a) / microUSD }

// unixOr is a time in unix seconds, NaN for none.
func unixOr(t time.Time) float64 {
	if t.IsZero() {
		return math.NaN()
	}
	return float64(t.UnixMilli()) / 1e3
}

// settleMetrics are a gateway's figures of settlement.
type settleMetrics struct {
	status func() (settlement.SettleStatus, error)
}

var (
	pendingReceipts = desc("settle_pending_receipts", "Receipts accepted and not settled, those in flight included.")
	pendingValue    = desc("settle_pending_usd", "What they are worth.")
	pendingOldest   = desc("settle_pending_oldest_timestamp_seconds", "When the oldest of them was accepted.")
	pendingLanes    = desc("settle_pending_lanes", "Lanes with something pending.")
	laneCost        = desc("settle_lane_cost_usd", "Gas of one lane in a batch when last asked.")
	inFlightBatch   = desc("settle_batch_in_flight", "1 while a batch is on its way.", "state")
	inFlightSent    = desc("settle_batch_sent", "How often the batch in flight was sent.")
	inFlightDepth   = desc("settle_batch_depth_blocks", "Blocks on the batch in flight, its own included.")
	settledEpoch    = desc("settle_settled_epoch", "The newest settled batch.")
	settledAt       = desc("settle_settled_timestamp_seconds", "When it was settled.")
	unpunished      = desc("settle_evidence", "Provable faults of operators that were not punished yet.")
	settleStuck     = desc("settle_waiting", "1 while settling waits for an error to end.")
)

// Describe implements prometheus.Collector.
func (*settleMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		pendingReceipts, pendingValue, pendingOldest, pendingLanes, laneCost, inFlightBatch, inFlightSent, inFlightDepth,
		settledEpoch, settledAt, unpunished, settleStuck,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *settleMetrics) Collect(ch chan<- prometheus.Metric) {
	s, err := m.status()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(settleStuck, err)
		return
	}
	gauge(ch, pendingReceipts, float64(s.Pending.Receipts))
	gauge(ch, pendingValue, dollars(s.Pending.Value))
	gauge(ch, pendingOldest, unixOr(s.Pending.Oldest))
	gauge(ch, pendingLanes, float64(s.LaneCount))
	gauge(ch, laneCost, dollars(s.LaneCost))
	if b := s.InFlight; b != nil {
		gauge(ch, inFlightBatch, 1, b.State)
		gauge(ch, inFlightSent, float64(b.Sent))
		gauge(ch, inFlightDepth, float64(b.Depth))
	}
	gauge(ch, settledEpoch, float64(s.SettledEpoch))
	gauge(ch, settledAt, unixOr(s.SettledAt))
	gauge(ch, unpunished, float64(s.Evidence))
	stuck := 0.0
	if s.Error != "" {
		stuck = 1
	}
	gauge(ch, settleStuck, stuck)
}

// owedMetrics are an operator's figures of what it is owed, per payer. Payers are as many as have escrow for it.
type owedMetrics struct {
	lanes func() ([]settlement.OwedLane, error)
}

var (
	servedValue    = desc("owed_served_usd", "All receipts signed for a payer.", "payer")
	voucheredValue = desc("owed_vouchered_usd", "The newest voucher held of a payer.", "payer")
	atRisk         = desc("owed_unvouchered_usd", "What would be lost if the payer vanished now.", "payer")
)

// Describe implements prometheus.Collector.
func (*owedMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{servedValue, voucheredValue, atRisk} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *owedMetrics) Collect(ch chan<- prometheus.Metric) {
	lanes, err := m.lanes()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(atRisk, err)
		return
	}
	for _, l := range lanes {
		payer := l.Payer.Hex()
		gauge(ch, servedValue, dollars(l.Served), payer)
		gauge(ch, voucheredValue, dollars(l.Vouchered), payer)
		gauge(ch, atRisk, dollars(l.Unvouchered), payer)
	}
}
