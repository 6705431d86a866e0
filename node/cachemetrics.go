package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"flotilla/node/access"
	"flotilla/node/cache"
)

// cacheMetrics are the figures of the answers that are given again, of keys that have a cache.
type cacheMetrics struct{ stats func() cache.Stats }

var (
	cacheHits    = desc("cache_hits_total", "Answers given again, to the same request (exact) or to one that asks the same (semantic).", "kind")
	cacheMisses  = desc("cache_misses_total", "Requests that looked for an old answer and found none.")
	cacheSaved   = desc("cache_saved_usd_total", "What the answers that were given again had cost when they were new.")
	cacheKept    = desc("cache_kept_total", "Answers that were kept.")
	cacheDropped = desc("cache_dropped_total", "Answers that were dropped: too old, replaced, or to make room.")
	cacheEntries = desc("cache_entries", "Answers that are kept now.")
	cacheBytes   = desc("cache_bytes", "Their size.")
)

// Describe implements prometheus.Collector.
func (*cacheMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{cacheHits, cacheMisses, cacheSaved, cacheKept, cacheDropped, cacheEntries, cacheBytes} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *cacheMetrics) Collect(ch chan<- prometheus.Metric) {
	s := m.stats()
	counter(ch, cacheHits, float64(s.ExactHits), string(access.CacheExact))
	counter(ch, cacheHits, float64(s.SimilarHits), string(access.CacheSemantic))
	counter(ch, cacheMisses, float64(s.Misses))
	counter(ch, cacheSaved, float64(s.SavedMicroUSD)/microUSD)
	counter(ch, cacheKept, float64(s.Kept))
	counter(ch, cacheDropped, float64(s.Dropped))
	gauge(ch, cacheEntries, float64(s.Entries))
	gauge(ch, cacheBytes, float64(s.Bytes))
}
