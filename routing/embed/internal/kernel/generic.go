package kernel

import "math"

// Generic returns the portable set.
func Generic() *Set {
	return &Set{
		Name:       "generic",
		Dequantize: dequantizeGeneric,
		MulPanel:   mulPanelGeneric,
		GELU:       geluGeneric,
		Softmax:    softmaxGeneric,
		AddNorm:    addNormGeneric,
		AddScaled:  addScaledGeneric,
	}
}

func dequantizeGeneric(dst []float32, q []byte, scale []float32, group int) {
	for k := 0; k*Panel < len(q); k++ {
		in, out := q[k*Panel:(k+1)*Panel], dst[k*Panel:(k+1)*Panel]
		s := scale[k/group*Panel:][:Panel]
		for j := range out {
			out[j] = float32(int8(in[j])) * s[j]
		}
	}
}

func mulPanelGeneric(out []float32, ldo int, x []float32, ldx, m, depth int, panel, bias []float32) {
	if bias != nil {
		for i := range m {
			copy(out[i*ldo:], bias[:Panel])
		}
	}
	i := 0
	for ; i+2 <= m; i += 2 {
		addTwoRows(out[i*ldo:], out[(i+1)*ldo:], x[i*ldx:][:depth], x[(i+1)*ldx:][:depth], panel)
	}
	if i < m { // the last odd row has nobody beside it
		var nobody [Panel]float32
		addTwoRows(out[i*ldo:], nobody[:], x[i*ldx:][:depth], x[i*ldx:][:depth], panel)
	}
}

// addTwoRows works on 2 rows by 4 columns at a time: as many sums as fit into 16 registers.
func addTwoRows(out0, out1, x0, x1, panel []float32) {
	x1 = x1[:len(x0)]
	for j := 0; j < Panel; j += 4 {
		o, q := out0[j:j+4:j+4], out1[j:j+4:j+4]
		a0, a1, a2, a3 := o[0], o[1], o[2], o[3]
		c0, c1, c2, c3 := q[0], q[1], q[2], q[3]
		at := j
		for k, u := range x0 {
			v, w := x1[k], panel[at:at+4:at+4]
			a0, a1, a2, a3 = a0+u*w[0], a1+u*w[1], a2+u*w[2], a3+u*w[3]
			c0, c1, c2, c3 = c0+v*w[0], c1+v*w[1], c2+v*w[2], c3+v*w[3]
			at += Panel
		}
		o[0], o[1], o[2], o[3] = a0, a1, a2, a3
		q[0], q[1], q[2], q[3] = c0, c1, c2, c3
	}
}

// Constants of expGeneric and erf. gen/pointwise.go repeats them for the assembly.
const (
	expLow  = -87         // below it exp is taken as exp(-87) = 1.6e-38
	log2E   = 1.44269504  // 1/ln 2
	ln2High = 0.693359375 // ln 2 in two parts: the first one has few bits, so n*ln2High is exact
	ln2Low  = -2.12194440e-4
	erfP    = 0.3275911 // Abramowitz and Stegun, 7.1.26: |error| <= 1.5e-7
	erfA1   = 0.254829592
	erfA2   = -0.284496736
	erfA3   = 1.421413741
	erfA4   = -1.453152027
	erfA5   = 1.061405429
)

// expGeneric is e**x for x <= 0: range reduction to |r| <= ln2/2, then the Taylor polynomial of degree 6 (relative
// error below 2e-7).
func expGeneric(x float32) float32 {
	x = max(x, expLow)
	n := float32(math.RoundToEven(float64(x * log2E)))
	r := x - n*ln2High - n*ln2Low
	p := float32(1.0 / 720)
	p = p*r + 1.0/120
	p = p*r + 1.0/24
	p = p*r + 1.0/6
	p = p*r + 0.5
	p = p*r + 1
	p = p*r + 1
	return math.Float32frombits(math.Float32bits(p) + uint32(int32(n))<<23)
}

func geluGeneric(x []float32) {
	for i, v := range x {
		z := v * (1 / math.Sqrt2)
		a := max(z, -z)
		t := 1 / (1 + erfP*a)
		poly := ((((erfA5*t+erfA4)*t+erfA3)*t+erfA2)*t + erfA1) * t
		erf := 1 - poly*expGeneric(-a*a)
		if z < 0 {
			erf = -erf
		}
		h := 0.5 * v
		x[i] = h + h*erf
	}
}

func softmaxGeneric(row []float32, n int) {
	top := row[0]
	for _, v := range row[1:n] {
		top = max(top, v)
	}
	var sums [Lanes]float32
	for i, v := range row[:n] {
		e := expGeneric(v - top)
		row[i] = e
		sums[i%Lanes] += e
	}
	inverse := 1 / addLanes(&sums)
	for i := range row[:n] {
		row[i] *= inverse
	}
	clear(row[n:])
}

func addNormGeneric(x, y, gamma, beta []float32) {
	y, gamma, beta = y[:len(x)], gamma[:len(x)], beta[:len(x)]
	var sums [Lanes]float32
	for i := range x {
		x[i] += y[i]
		sums[i%Lanes] += x[i]
	}
	mean := addLanes(&sums) / float32(len(x))
	sums = [Lanes]float32{}
	for i := range x {
		x[i] -= mean
		sums[i%Lanes] += x[i] * x[i]
	}
	inverse := 1 / float32(math.Sqrt(float64(addLanes(&sums)/float32(len(x))+1e-12)))
	for i := range x {
		x[i] = x[i]*inverse*gamma[i] + beta[i]
	}
}

func addScaledGeneric(sums []int32, row []byte, scale uint16) {
	row = row[:len(sums)]
	for i := range sums {
		sums[i] += int32(int8(row[i])) * int32(scale)
	}
}

// addLanes adds in the order in which the assembly folds a register: halves, then quarters, then pairs.
func addLanes(s *[Lanes]float32) float32 {
	a, b, c, d := s[0]+s[4], s[1]+s[5], s[2]+s[6], s[3]+s[7]
	return (a + c) + (b + d)
}
