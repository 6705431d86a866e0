package index

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Models that answered the same prompts find mostly the same ones hard, so their scores correlate. Where one model's do
// not, its labels belong to other prompts: a published table had its columns in four different row orders, and looked
// like any other.

// IncoherentError says which models' labels cannot belong to the same prompts as the others'.
type IncoherentError struct {
	Columns     []string // the models that are unrelated to most others
	Others      int      // how many models those others are
	Correlation float64  // of the columns' mean score with the others', -1 to 1
	Rows        int      // that were compared
}

func (e *IncoherentError) Error() string {
	const named = 8
	names := strings.Join(e.Columns[:min(named, len(e.Columns))], ", ")
	if more := len(e.Columns) - named; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("the scores of %s do not correlate with the other models' (%d; r = %.2f over %d prompts): their rows are probably in another order; put the columns into one order or leave these out",
		names, e.Others, e.Correlation, e.Rows)
}

const (
	coherenceRows   = 2000      // rows looked at, evenly spread
	coherencePairs  = 200 << 20 // bound on the products formed; a table of very many models is judged by fewer rows
	coherenceShared = 100       // prompts that two columns must share to be compared
	coherenceSpread = 16        // least sum of squared deviations of a column: one that is nearly constant tells nothing
	sureLink        = 4         // standard errors of r (1/√n) above zero that join two columns
	likelyLink      = 2.5       // and that join two groups of columns by their mean scores
)

// CheckCoherence refuses a table whose models' scores do not correlate (*IncoherentError). outcomes[i] are those of
// prompt i. Columns with few shared prompts or hardly any variance cannot be judged and pass.
func CheckCoherence(outcomes [][]Outcome) error {
	t := newScoreTable(outcomes)
	groups := t.join(t.link())
	slices.SortStableFunc(groups, func(a, b []int) int { return len(b) - len(a) })
	var bad IncoherentError
	for _, g := range groups[min(1, len(groups)):] {
		r, n := correlation(t.mean(groups[0]), t.mean(g))
		if n < coherenceShared {
			continue
		}
		for _, c := range g {
			bad.Columns = append(bad.Columns, t.models[c])
		}
		if bad.Rows == 0 || r > bad.Correlation {
			bad.Correlation, bad.Rows = r, n
		}
	}
	if bad.Columns == nil {
		return nil
	}
	bad.Others = len(groups[0])
	slices.Sort(bad.Columns)
	return &bad
}

// CheckCoherence checks the rows of each source of x, see CheckCoherence.
func (x *Index) CheckCoherence() error {
	bySource := make([][][]Outcome, len(x.sources))
	for i := range x.Len() {
		row := make([]Outcome, 0, len(x.Cells(i)))
		for _, c := range x.Cells(i) {
			row = append(row, Outcome{Model: x.models[c.Model], Score: float64(c.Score) / scoreSteps})
		}
		bySource[x.rowSource[i]] = append(bySource[x.rowSource[i]], row)
	}
	for i, rows := range bySource {
		if err := CheckCoherence(rows); err != nil {
			return fmt.Errorf("source %q: %w", x.sources[i], err)
		}
	}
	return nil
}

// scoreTable holds the columns that can be judged, standardised; NaN where a model was not run.
type scoreTable struct {
	models  []string
	columns [][]float64
}

func newScoreTable(outcomes [][]Outcome) scoreTable {
	number := map[string]int{}
	var names []string
	for _, row := range outcomes {
		for _, o := range row {
			if _, ok := number[o.Model]; !ok {
				number[o.Model] = len(names)
				names = append(names, o.Model)
			}
		}
	}
	rows := min(len(outcomes), coherenceRows, coherencePairs/max(1, len(names)*len(names)))
	columns := make([][]float64, len(names))
	for i := range columns {
		columns[i] = slices.Repeat([]float64{math.NaN()}, rows)
	}
	for i := range rows {
		for _, o := range outcomes[i*len(outcomes)/rows] {
			columns[number[o.Model]][i] = o.Score
		}
	}
	var t scoreTable
	for i, c := range columns {
		if standardise(c) {
			t.models, t.columns = append(t.models, names[i]), append(t.columns, c)
		}
	}
	return t
}

// standardise gives c mean 0 and variance 1; false if it varies too little.
func standardise(c []float64) bool {
	var n, sum, squares float64
	for _, v := range c {
		if v == v {
			n, sum = n+1, sum+v
		}
	}
	for _, v := range c {
		if v == v {
			squares += (v - sum/n) * (v - sum/n)
		}
	}
	if n < coherenceShared || squares < coherenceSpread {
		return false
	}
	for i := range c {
		c[i] = (c[i] - sum/n) / math.Sqrt(squares/n)
	}
	return true
}

// link groups the columns that are surely related, each with each or through others.
func (t scoreTable) link() [][]int {
	group := make([]int, len(t.columns)) // number of a column's group
	for i := range group {
		group[i] = i
	}
	for a := range t.columns {
		for b := range a {
			if group[a] != group[b] && related(t.columns[a], t.columns[b], sureLink) {
				from, to := group[b], group[a]
				for i, g := range group {
					if g == from {
						group[i] = to
					}
				}
			}
		}
	}
	var out [][]int
	for g := range group {
		var members []int
		for i := range group {
			if group[i] == g {
				members = append(members, i)
			}
		}
		if members != nil {
			out = append(out, members)
		}
	}
	return out
}

// join merges groups whose mean scores are related, until none are: a weak column shows against many what it does not
// show against one.
func (t scoreTable) join(groups [][]int) [][]int {
	for a := 0; a < len(groups); a++ {
		for b := range a {
			if related(t.mean(groups[a]), t.mean(groups[b]), likelyLink) {
				groups[b] = append(groups[b], groups[a]...)
				groups = slices.Delete(groups, a, a+1)
				a = 0
				break
			}
		}
	}
	return groups
}

// mean is the members' mean score in each row that any has.
func (t scoreTable) mean(members []int) []float64 {
	if len(members) == 0 {
		return nil
	}
	out := make([]float64, len(t.columns[members[0]]))
	for i := range out {
		n, sum := 0.0, 0.0
		for _, m := range members {
			if v := t.columns[m][i]; v == v {
				n, sum = n+1, sum+v
			}
		}
		out[i] = sum / n // NaN for none
	}
	return out
}

func related(a, b []float64, standardErrors float64) bool {
	r, n := correlation(a, b)
	return n >= coherenceShared && r*math.Sqrt(float64(n)) >= standardErrors
}

// correlation is Pearson's, over the rows that both have.
func correlation(a, b []float64) (r float64, rows int) {
	var n, sa, sb, saa, sbb, sab float64
	for i, v := range a {
		if w := b[i]; v == v && w == w {
			n, sa, sb = n+1, sa+v, sb+w
			saa, sbb, sab = saa+v*v, sbb+w*w, sab+v*w
		}
	}
	va, vb := saa-sa*sa/n, sbb-sb*sb/n
	if n == 0 || va <= 0 || vb <= 0 {
		return 0, int(n)
	}
	return (sab - sa*sb/n) / math.Sqrt(va*vb), int(n)
}
