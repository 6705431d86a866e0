package main

import (
	"fmt"
	"time"

	"flotilla/node/access"
)

// caching is what a command's cache flags say.
func caching(mode string, ttl time.Duration, similarity float64) (access.Caching, error) {
	if ttl < 0 || ttl%time.Second != 0 {
		return access.Caching{}, fmt.Errorf("--cache-ttl %s: want whole seconds", ttl)
	}
	c := access.Caching{Mode: access.CacheMode(mode), Seconds: uint64(ttl / time.Second), Similarity: similarity}
	if err := c.Validate(); err != nil {
		return access.Caching{}, fmt.Errorf("--cache: %w", err)
	}
	return c, nil
}
