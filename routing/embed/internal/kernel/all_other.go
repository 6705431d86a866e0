//go:build !amd64

package kernel

// All returns the sets that this machine runs, the slowest first.
func All() []*Set { return []*Set{Generic()} }
