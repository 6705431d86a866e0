//go:build !amd64

package simd

// All returns the sets that this machine runs, the slowest first.
func All() []*Set { return []*Set{Generic()} }
