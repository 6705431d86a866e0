package main

import (
	"cmp"
	"math"
	"slices"
)

// turn rotates the table to the main directions of the texts' unit vectors and keeps the first dim of them.
func turn(table []float32, c corpus, dim int) []float32 {
	axes := mainDirections(secondMoments(c, table))
	out := make([]float32, 0, len(table)/teacherDim*dim)
	for at := 0; at < len(table); at += teacherDim {
		for _, axis := range axes[:dim] {
			sum := 0.0
			for j, v := range table[at : at+teacherDim] {
				sum += float64(v) * axis[j]
			}
			out = append(out, float32(sum))
		}
	}
	return out
}

type square [teacherDim][teacherDim]float64

func secondMoments(c corpus, table []float32) *square {
	var m square
	pooled := make([]float32, teacherDim)
	for _, ids := range c.ids {
		pool(pooled, ids, table)
		length := 1e-12
		for _, v := range pooled {
			length += float64(v) * float64(v)
		}
		for i, a := range pooled {
			for j, b := range pooled[:i+1] {
				m[i][j] += float64(a) * float64(b) / length
			}
		}
	}
	for i := range m {
		for j := range i {
			m[j][i] = m[i][j]
		}
	}
	return &m
}

// mainDirections returns the eigenvectors of a symmetric matrix, largest eigenvalue first, by Jacobi's rotations. a is
// overwritten.
func mainDirections(a *square) [][]float64 {
	axes := make([][]float64, teacherDim)
	for i := range axes {
		axes[i] = make([]float64, teacherDim)
		axes[i][i] = 1
	}
	for range 12 { // sweeps; it converges quadratically after the first few
		for p := range teacherDim {
			for q := range p {
				if math.Abs(a[p][q]) > 1e-14*math.Sqrt(math.Abs(a[p][p]*a[q][q])) {
					rotate(a, axes, p, q)
				}
			}
		}
	}
	order := make([]int, teacherDim)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(a[j][j], a[i][i]) })
	out := make([][]float64, teacherDim)
	for i, from := range order {
		out[i] = axes[from]
	}
	return out
}

// rotate makes a[p][q] zero (Golub and Van Loan, Matrix Computations, 8.5).
func rotate(a *square, axes [][]float64, p, q int) {
	tau := (a[q][q] - a[p][p]) / (2 * a[p][q])
	t := 1 / (math.Abs(tau) + math.Sqrt(1+tau*tau))
	if tau < 0 {
		t = -t
	}
	c := 1 / math.Sqrt(1+t*t)
	s := t * c
	for k := range teacherDim {
		a[p][k], a[q][k] = c*a[p][k]-s*a[q][k], s*a[p][k]+c*a[q][k]
	}
	for k := range teacherDim {
		a[k][p], a[k][q] = c*a[k][p]-s*a[k][q], s*a[k][p]+c*a[k][q]
	}
	for k, v := range axes[p] {
		axes[p][k], axes[q][k] = c*v-s*axes[q][k], s*v+c*axes[q][k]
	}
}
