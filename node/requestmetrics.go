package node

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"flotilla/node/requestlog"
)

// maxSeries bounds the combinations of key, model and status that are counted apart; what comes after is counted under
// "other". A gateway with 100 keys and 10 models has some 3,000.
const maxSeries = 5_000

// requestMetrics counts requests, tokens and money as the log and the budgets do, in whole µUSD. It implements
// prometheus.Collector.
type requestMetrics struct {
	dropped func() uint64

	mu     sync.Mutex // guards series; held for map work only
	series map[requestLabels]*requestCount

	firstByte, total prometheus.Histogram
	refused          *prometheus.CounterVec
}

type requestLabels struct{ key, model, status string }

type requestCount struct{ requests, promptTokens, completionTokens, costMicroUSD uint64 }

// secondsBuckets reach from a gateway's own answer to a long generation.
var secondsBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}

func newRequestMetrics(dropped func() uint64) *requestMetrics {
	histogram := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "flotilla_" + name, Help: help, Buckets: secondsBuckets})
	}
	return &requestMetrics{
		dropped: dropped, series: map[requestLabels]*requestCount{},
		firstByte: histogram("request_first_byte_seconds", "Until the fleet began to answer."),
		total:     histogram("request_seconds", "Until an answer of the fleet was over."),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "flotilla_requests_refused_total", Help: "Requests that were refused before they were admitted, by the error's code.",
		}, []string{"code"}),
	}
}

// refuse counts a request that was not admitted.
func (m *requestMetrics) refuse(code string) { m.refused.WithLabelValues(code).Inc() }

// count adds one request.
func (m *requestMetrics) count(r requestlog.Record) {
	if r.FirstByteMillis > 0 && r.Cache == "" {
		m.firstByte.Observe(r.FirstByteMillis / 1e3)
		m.total.Observe(r.TotalMillis / 1e3)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	labels := requestLabels{r.Key, r.Model, strconv.Itoa(r.Status)}
	c := m.series[labels]
	if c == nil {
		if len(m.series) >= maxSeries {
			labels = requestLabels{"other", "other", "other"}
			c = m.series[labels]
		}
		if c == nil {
			c = &requestCount{}
			m.series[labels] = c
		}
	}
	c.requests++
	if r.Cache != "" { // no receipt says these tokens
		return
	}
	c.promptTokens += uint64(r.PromptTokens)
	c.completionTokens += uint64(r.CompletionTokens)
	c.costMicroUSD += r.CostMicroUSD
}

var (
	requestsTotal    = desc("requests_total", "Requests, by API key, model that answered and HTTP status.", "key", "model", "status")
	promptTokens     = desc("prompt_tokens_total", "Prompt tokens by receipt.", "key", "model", "status")
	completionTokens = desc("completion_tokens_total", "Output tokens by receipt.", "key", "model", "status")
	costTotal        = desc("cost_usd_total", "Sum of the receipts.", "key", "model", "status")
	logDropped       = desc("request_log_dropped_total", "Records that the request log had no room for.")
)

// Describe implements prometheus.Collector.
func (m *requestMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{requestsTotal, promptTokens, completionTokens, costTotal, logDropped} {
		ch <- d
	}
	m.firstByte.Describe(ch)
	m.total.Describe(ch)
	m.refused.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *requestMetrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	counts := make(map[requestLabels]requestCount, len(m.series))
	for l, c := range m.series {
		counts[l] = *c
	}
	m.mu.Unlock()
	for l, c := range counts {
		counter(ch, requestsTotal, float64(c.requests), l.key, l.model, l.status)
		counter(ch, promptTokens, float64(c.promptTokens), l.key, l.model, l.status)
		counter(ch, completionTokens, float64(c.completionTokens), l.key, l.model, l.status)
		counter(ch, costTotal, float64(c.costMicroUSD)/microUSD, l.key, l.model, l.status)
	}
	counter(ch, logDropped, float64(m.dropped()))
	m.firstByte.Collect(ch)
	m.total.Collect(ch)
	m.refused.Collect(ch)
}
