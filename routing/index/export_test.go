package index

// Similarity of row i.
func (s *Scan) Similarity(i int) int32 {
	s.chosen = append(s.chosen[:0], uint32(i))
	s.compare()
	return similarity(s.dots[0], s.x.lengths.exact[i], s.length)
}
