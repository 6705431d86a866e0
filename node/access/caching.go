package access

import "fmt"

// CacheMode says which answers may be given to a key again.
type CacheMode string

// The modes. The zero value leaves it to the gateway.
const (
	CacheOff      CacheMode = "off"
	CacheExact    CacheMode = "exact"    // to the same request
	CacheSemantic CacheMode = "semantic" // and to one that asks the same in other words
)

// Caching is how a key's answers are kept to be given again. Zero fields leave it to the gateway.
type Caching struct {
	Mode CacheMode `json:"mode,omitempty"`
	// Seconds is how long an answer may be given again.
	Seconds uint64 `json:"seconds,omitempty"`
	// Similarity is the least cosine of two texts that ask the same.
	Similarity float64 `json:"similarity,omitempty"`
}

// Bounds of Caching.
const (
	maxCacheSeconds  = 30 * 24 * 3600
	leastSimilarity  = 0.8 // below it lie other questions about the same thing
	defaultCacheTime = 3600
	// defaultSimilarity: see docs/gateway.md for what it lets through.
	defaultSimilarity = 0.97
)

// Validate says what is wrong.
func (c Caching) Validate() error {
	switch c.Mode {
	case "", CacheOff, CacheExact, CacheSemantic:
	default:
		return fmt.Errorf("cache %q: want off, exact or semantic", c.Mode)
	}
	if c.Seconds > maxCacheSeconds {
		return fmt.Errorf("cache time %d s: at most 30 days", c.Seconds)
	}
	if c.Similarity != 0 && !(c.Similarity >= leastSimilarity && c.Similarity <= 1) {
		return fmt.Errorf("cache similarity %v: want %v to 1", c.Similarity, leastSimilarity)
	}
	return nil
}

// Or fills what c leaves open from the gateway's, and what that leaves open with the defaults: off, an hour, 0.97.
func (c Caching) Or(gateway Caching) Caching {
	defaults := Caching{Mode: CacheOff, Seconds: defaultCacheTime, Similarity: defaultSimilarity}
	for _, next := range []Caching{gateway, defaults} {
		if c.Mode == "" {
			c.Mode = next.Mode
		}
		if c.Seconds == 0 {
			c.Seconds = next.Seconds
		}
		if c.Similarity == 0 {
			c.Similarity = next.Similarity
		}
	}
	return c
}
