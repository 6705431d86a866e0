package access

import "time"

const (
	windowSeconds = 60
	// A second that has begun counts whole, and so does the one that the minute began in.
	windowBuckets = windowSeconds + 1
)

// window counts what was used in the last minute, by seconds: in no 60 seconds does it let more than limit through.
// (A token bucket would let twice that through in its first minute.)
type window struct {
	limit   uint64
	buckets [windowBuckets]struct {
		second int64 // since 1970
		n      uint64
	}
}

// newWindow returns nil for no limit.
func newWindow(limit uint64) *window {
	if limit == 0 {
		return nil
	}
	return &window{limit: limit}
}

// counts says whether a second still does. One that is more than a minute ahead was before the clock was set back: it begins
// an empty minute, or the key would be locked out until the clock is there again.
func counts(second int64, now time.Time) bool {
	age := now.Unix() - second
	return -windowBuckets < age && age < windowBuckets
}

func (w *window) used(now time.Time) uint64 {
	var n uint64
	for i := range w.buckets {
		if counts(w.buckets[i].second, now) {
			n += w.buckets[i].n
		}
	}
	return n
}

// take counts n, if they fit; else it says when they will, 0 for never.
func (w *window) take(now time.Time, n uint64) (wait time.Duration, ok bool) {
	used := w.used(now)
	if used+n > w.limit {
		return w.wait(now, n), false
	}
	b := &w.buckets[now.Unix()%windowBuckets]
	if b.second != now.Unix() {
		b.second, b.n = now.Unix(), 0
	}
	b.n += n
	return 0, true
}

// wait is how long until n fit.
func (w *window) wait(now time.Time, n uint64) time.Duration {
	if n > w.limit {
		return 0
	}
	used := w.used(now)
	for age := int64(windowBuckets - 1); age > -windowBuckets; age-- { // oldest first
		second := now.Unix() - age
		if b := w.buckets[second%windowBuckets]; b.second == second {
			used -= b.n
		}
		if used+n <= w.limit {
			return time.Unix(second+windowBuckets, 0).Sub(now)
		}
	}
	return windowBuckets * time.Second // not reached: with all gone, n fits
}

// correct replaces an estimate that was taken at second by what was really used, if that still counts.
func (w *window) correct(second int64, estimate, used uint64) {
	if b := &w.buckets[second%windowBuckets]; b.second == second {
		b.n = b.n - min(estimate, b.n) + used
	}
}

func (w *window) rate(now time.Time) Rate {
	used := w.used(now)
	r := Rate{Limit: w.limit}
	if used < w.limit {
		r.Remaining = w.limit - used
	}
	for i := range w.buckets {
		if b := w.buckets[i]; b.n > 0 && counts(b.second, now) {
			r.Reset = max(r.Reset, time.Unix(b.second+windowBuckets, 0).Sub(now))
		}
	}
	return r
}
