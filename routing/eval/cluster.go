package eval

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/viterin/vek/vek32"
)

// clustering is the centres of a k-means on unit vectors. The centres are means, not unit vectors themselves.
type clustering struct {
	centres [][]float32
	half    []float32 // |centre|²/2: x·c − |c|²/2 is highest for the nearest centre
}

const (
	kmeansStarts = 3  // the best of these, by distortion
	kmeansRounds = 25 // Lloyd's; set by hand
)

// clustering of the split's training prompts, made once. An inner split borrows its parent's: no label is in it, and
// thirty of them for each run would cost minutes. If that favours anybody it is the baseline.
func (s *split) clustering(k int) *clustering {
	if s.parent != nil {
		return s.parent.clustering(k)
	}
	s.clusterLock.Lock()
	defer s.clusterLock.Unlock()
	if c := s.clusters[k]; c != nil {
		return c
	}
	points := make([][]float32, len(s.train))
	for at, i := range s.train {
		points[at] = s.rows[i].meaning
	}
	if s.clusters == nil {
		s.clusters = map[int]*clustering{}
	}
	s.clusters[k] = kmeans(points, min(k, len(points)), rand.New(rand.NewPCG(s.seed, uint64(k))))
	return s.clusters[k]
}

func kmeans(points [][]float32, k int, rng *rand.Rand) *clustering {
	var best *clustering
	bestSum := math.Inf(1)
	for range kmeansStarts {
		c := newClustering(seedCentres(points, k, rng))
		sum := 0.0
		for range kmeansRounds {
			sum = c.round(points)
		}
		if sum < bestSum {
			best, bestSum = c, sum
		}
	}
	return best
}

// seedCentres is k-means++: each next centre is drawn by its squared distance to those before.
func seedCentres(points [][]float32, k int, rng *rand.Rand) [][]float32 {
	out := [][]float32{slices.Clone(points[rng.IntN(len(points))])}
	distance := make([]float64, len(points))
	for i := range distance {
		distance[i] = math.Inf(1)
	}
	for len(out) < k {
		sum := 0.0
		for i, p := range points {
			distance[i] = min(distance[i], max(0, 2-2*float64(vek32.Dot(p, out[len(out)-1]))))
			sum += distance[i]
		}
		r, at := rng.Float64()*sum, 0
		for at < len(points)-1 && r >= distance[at] {
			r -= distance[at]
			at++
		}
		out = append(out, slices.Clone(points[at]))
	}
	return out
}

func newClustering(centres [][]float32) *clustering {
	c := &clustering{centres: centres, half: make([]float32, len(centres))}
	c.measure()
	return c
}

func (c *clustering) measure() {
	for j, v := range c.centres {
		c.half[j] = vek32.Dot(v, v) / 2
	}
}

// nearest is the number of the nearest centre, and the squared distance to it.
func (c *clustering) nearest(v []float32) (int, float64) {
	best, bestValue := 0, float32(math.Inf(-1))
	for j, centre := range c.centres {
		if value := vek32.Dot(v, centre) - c.half[j]; value > bestValue {
			best, bestValue = j, value
		}
	}
	return best, max(0, 1-2*float64(bestValue))
}

// round moves every centre to the mean of the points nearest to it, and returns the distortion before. An empty
// cluster stays where it is.
func (c *clustering) round(points [][]float32) float64 {
	n := make([]int, len(c.centres))
	sums := make([][]float32, len(c.centres))
	for j := range sums {
		sums[j] = make([]float32, len(points[0]))
	}
	total := 0.0
	for _, p := range points {
		j, d := c.nearest(p)
		n[j]++
		vek32.Add_Inplace(sums[j], p)
		total += d
	}
	for j := range sums {
		if n[j] > 0 {
			vek32.MulNumber_Inplace(sums[j], 1/float32(n[j]))
			c.centres[j] = sums[j]
		}
	}
	c.measure()
	return total
}

// closest are the n centres of highest cosine similarity, as neighbours whose row is the centre's number.
func (c *clustering) closest(v []float32, n int) []neighbour {
	all := make([]neighbour, len(c.centres))
	for j, centre := range c.centres {
		all[j] = neighbour{j, vek32.Dot(v, centre) / float32(math.Sqrt(2*float64(c.half[j])))}
	}
	slices.SortFunc(all, nearer)
	return all[:min(n, len(all))]
}
