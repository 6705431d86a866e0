//go:build !linux

package settlement

// birthOf is a file's number and when it was last changed.
func birthOf(file string) (string, error) { return changeOf(file) }
