package indexfile

// Bounded makes a history with other bounds, and none for the least size of a group's deltas.
func Bounded(dir string, maxBytes int64, maxFiles int) *History {
	return &History{dir, maxBytes, maxFiles, 0}
}
