package index

import (
	"cmp"
	"math"
	"slices"
)

// Health tells what an index is worth to a router: rows on which models differ tell them apart, the others only how
// hard a place is; and where rows are thin, estimates are priors.
type Health struct {
	Rows           int          `json:"rows"`
	Discriminating float64      `json:"discriminating"` // share of rows with several models on which some do clearly better than others
	AllGood        float64      `json:"all_good"`       // share of rows that every model answers well
	AllBad         float64      `json:"all_bad"`        // share of rows that none does
	Spread         float64      `json:"spread"`         // mean over rows of the standard deviation between models' scores
	Alone          int          `json:"alone"`          // rows with one model only: no comparison, but evidence of that model
	Duplicates     float64      `json:"duplicates"`     // share of looked-at rows that have a twin
	FewRows        []string     `json:"few_rows"`       // models with fewer rows than fewRows
	Sources        []PartHealth `json:"sources"`
	Regions        []Region     `json:"regions"` // the thinnest first
	Columns        string       `json:"columns"` // what CheckCoherence says; empty when nothing
	Thin           []ThinRow    `json:"thin"`    // the looked-at rows farthest from the others
	Looked         int          `json:"looked"`  // rows whose neighbours were looked at, evenly spread
}

// PartHealth is the health of one source's rows.
type PartHealth struct {
	Name           string  `json:"name"`
	Rows           int     `json:"rows"`
	Discriminating float64 `json:"discriminating"`
	Spread         float64 `json:"spread"`
}

// ThinRow is a row that lies far from the others.
type ThinRow struct {
	Row        int     `json:"row"`
	Source     string  `json:"source"`
	Similarity float64 `json:"similarity"` // mean cosine to its nearest OutlierNeighbors rows
}

// Region is rows that lie together, around one of them.
type Region struct {
	Centre         int     `json:"centre"` // row number
	Source         string  `json:"source"` // of the centre
	Rows           int     `json:"rows"`   // estimated from the looked-at rows
	Similarity     float64 `json:"similarity"`
	Discriminating float64 `json:"discriminating"`
	Models         int     `json:"models"` // that have outcomes there
}

const (
	goodScore     = 0.5   // what counts as answered well
	clearGap      = 0.25  // difference of scores by which models are told apart
	fewRows       = 100   // below it, a model is judged mostly by its prior
	twin          = 0.999 // cosine above which two rows are the same prompt
	healthSample  = 2000  // rows looked at for neighbours and regions
	regionCentres = 24    // regions told apart
	thinShown     = 10    // thin rows listed
)

// Health judges x. It takes about a millisecond for each of up to healthSample rows.
func (x *Index) Health() Health {
	h := Health{Rows: x.Len(), FewRows: []string{}, Thin: []ThinRow{}, Regions: []Region{}}
	for m, id := range x.models {
		if x.RowsOf(m) < fewRows {
			h.FewRows = append(h.FewRows, id)
		}
	}
	if err := x.CheckCoherence(); err != nil {
		h.Columns = err.Error()
	}
	x.judgeScores(&h)
	var looked []int
	for i := 0; i < x.Len(); i += max(1, x.Len()/healthSample) {
		looked = append(looked, i)
	}
	h.Looked = len(looked)
	x.judgeDensity(&h, looked)
	x.judgeRegions(&h, looked)
	return h
}

// rowJudgement is what one row's scores say.
type rowJudgement struct {
	models    int
	low, high float64
	spread    float64
}

func (j rowJudgement) discriminating() bool { return j.high-j.low >= clearGap }

func (x *Index) judgeRow(i int) rowJudgement {
	cells := x.Cells(i)
	j := rowJudgement{models: len(cells), low: 1}
	var sum, squares float64
	for _, c := range cells {
		v := float64(c.Score) / scoreSteps
		j.low, j.high = min(j.low, v), max(j.high, v)
		sum, squares = sum+v, squares+v*v
	}
	n := float64(len(cells))
	j.spread = math.Sqrt(max(0, squares/n-sum/n*sum/n))
	return j
}

func (x *Index) judgeScores(h *Health) {
	h.Sources = make([]PartHealth, len(x.sources))
	compared := make([]float64, len(x.sources))
	var all float64
	for i := range x.Len() {
		part := &h.Sources[x.rowSource[i]]
		part.Name = x.Source(i)
		part.Rows++
		j := x.judgeRow(i)
		if j.models < 2 {
			h.Alone++
			continue
		}
		all++
		compared[x.rowSource[i]]++
		part.Spread += j.spread
		h.Spread += j.spread
		switch {
		case j.discriminating():
			part.Discriminating++
			h.Discriminating++
		case j.low >= goodScore:
			h.AllGood++
		case j.high < goodScore:
			h.AllBad++
		}
	}
	for i := range h.Sources {
		n := max(1, compared[i])
		h.Sources[i].Discriminating /= n
		h.Sources[i].Spread /= n
	}
	all = max(1, all)
	h.Discriminating, h.AllGood, h.AllBad, h.Spread = h.Discriminating/all, h.AllGood/all, h.AllBad/all, h.Spread/all
}

// judgeDensity looks up the neighbours of each looked-at row.
func (x *Index) judgeDensity(h *Health, looked []int) {
	twins := 0
	hits := make([]Hit, 0, OutlierNeighbors+1)
	for _, i := range looked {
		hits = x.nearestOthers(hits[:0], i)
		if len(hits) > 0 && float64(hits[0].Similarity) >= twin*SimilarityOne {
			twins++
		}
		h.Thin = append(h.Thin, ThinRow{i, x.Source(i), float64(MeanSimilarity(hits)) / SimilarityOne})
	}
	h.Duplicates = float64(twins) / float64(len(looked))
	slices.SortStableFunc(h.Thin, func(a, b ThinRow) int { return cmp.Compare(a.Similarity, b.Similarity) })
	h.Thin = slices.Clip(h.Thin[:min(thinShown, len(h.Thin))])
}

// judgeRegions picks centres far from one another (farthest-first traversal: Gonzalez 1985) and gives each looked-at
// row to its nearest.
func (x *Index) judgeRegions(h *Health, looked []int) {
	nearest := make([]float64, len(looked)) // similarity to the nearest centre
	of := make([]int, len(looked))
	for i := range nearest {
		nearest[i] = -2
	}
	var centres []int
	for next := 0; len(centres) < regionCentres && nearest[next] < twin; {
		v := x.Vector(looked[next])
		for i, row := range looked {
			if s := x.cosine(row, v); s > nearest[i] {
				nearest[i], of[i] = s, len(centres)
			}
		}
		centres = append(centres, looked[next])
		next = 0
		for i, s := range nearest {
			if s < nearest[next] {
				next = i
			}
		}
	}
	for c, centre := range centres {
		h.Regions = append(h.Regions, x.judgeRegion(c, centre, looked, of, nearest))
	}
	slices.SortStableFunc(h.Regions, func(a, b Region) int { return a.Rows - b.Rows })
}

func (x *Index) judgeRegion(c, centre int, looked, of []int, nearest []float64) Region {
	r := Region{Centre: centre, Source: x.Source(centre)}
	models := map[uint16]bool{}
	rows, told := 0, 0
	for i, row := range looked {
		if of[i] != c {
			continue
		}
		rows++
		r.Similarity += nearest[i]
		if x.judgeRow(row).discriminating() {
			told++
		}
		for _, cell := range x.Cells(row) {
			models[cell.Model] = true
		}
	}
	r.Models = len(models)
	r.Similarity /= float64(rows)
	r.Discriminating = float64(told) / float64(rows)
	r.Rows = rows * x.Len() / len(looked)
	return r
}

// cosine of row i and v, a unit vector.
func (x *Index) cosine(i int, v []float32) float64 {
	sum := 0.0
	for j, c := range x.vectors[i*x.dim : (i+1)*x.dim] {
		sum += float64(c) * float64(v[j])
	}
	return sum / x.lengths.exact[i]
}
