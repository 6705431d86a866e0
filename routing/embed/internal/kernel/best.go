package kernel

// Best returns the fastest set that this machine runs.
func Best() *Set { return Generic() }
