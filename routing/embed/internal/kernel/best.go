package kernel

// Best returns the fastest set that this machine runs.
func Best() *Set {
	sets := All()
	return sets[len(sets)-1]
}
