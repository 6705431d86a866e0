package eval

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var approx = cmpopts.EquateApprox(0, 1e-9)

// The example: the cheapest model is 50 % right for 1, the best single 80 % for 5, the oracle 90 % for 2.
var example = references{cheapest: point{0.5, 1}, best: point{0.8, 5}, oracle: point{0.9, 2}}

// settings of a router on it; (0.6, 4) is beaten by (0.7, 2), and (0.85, 6) costs more than the best single.
var settings = []point{{0.85, 6}, {0.6, 4}, {0.7, 2}, {0.8, 3}, {0.5, 1}}

func TestParetoKeepsWhatNothingBeats(t *testing.T) {
	want := []point{{0.5, 1}, {0.7, 2}, {0.8, 3}, {0.85, 6}}
	if diff := cmp.Diff(want, pareto(settings), cmp.AllowUnexported(point{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]point{{0.5, 1}}, pareto([]point{{0.4, 1}, {0.5, 1}, {0.5, 2}}), cmp.AllowUnexported(point{})); diff != "" {
		t.Errorf("equal costs, equal accuracies: %s", diff)
	}
}

func TestMetricsOnAHandComputedFrontier(t *testing.T) {
	f := pareto(settings)
	for name, c := range map[string]struct{ got, want float64 }{
		// (0.8, 3) costs 3 of 5.
		"save at 100": {saveAt(f, 1, example.best), 0.4},
		// 0.875 × 0.8 = 0.7 is reached for 2 of 5.
		"save at 87.5": {saveAt(f, 0.875, example.best), 0.6},
		// 0.85 costs 6: more than the best single model.
		"save at 106":  {saveAt(f, 1.0625, example.best), 0},
		"out of reach": {saveAt(f, 2, example.best), 0},
		"best":         {maxAccuracy(f), 0.85},
		// 1 … 2: 0.5, 2 … 3: 0.7, 3 … 5: 0.8; (0.5 + 0.7 + 1.6) / 4.
		"aiq": {aiq(f, example), 0.7},
		// Nothing as cheap as the cheapest model: 1 … 4 counts 0.5, 4 … 5 counts 0.8.
		"aiq of a dear router": {aiq([]point{{0.8, 4}}, example), 2.3 / 4},
		"aiq of none cheap":    {aiq([]point{{0.9, 9}}, example), 0.5},
		// The best single model is the cheapest: only what its money buys.
		"aiq, nothing to save": {aiq([]point{{0.7, 1}, {0.9, 2}}, references{best: point{0.8, 1}, cheapest: point{0.8, 1}}), 0.8},
		"gap closed":           {gapClosed(0.85, example), 0.5},
		"gap lost":             {gapClosed(0.75, example), -0.5},
		"no gap":               {gapClosed(0.9, references{best: point{0.9, 1}, oracle: point{0.9, 1}}), 0},
		// In shares of (0.8, 5): the first point lies on the joint frontier, the second 0.08/0.8 and 0.5/5 away from (0.8, 3).
		"pareto distance": {paretoDistance([]point{{0.5, 1}, {0.72, 3.5}}, pareto(settings), example.best), math.Hypot(0.1, 0.1) / 2},
	} {
		if math.Abs(c.got-c.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

func TestHullHasTheModelsWorthMixing(t *testing.T) {
	score := []float64{0.2, 0.3, 0.8, 0.7, 0.75, math.NaN(), 0.1}
	cost := []float64{1, 3, 5, 2, 9, 1, 1}
	// 3 lies on the way from 0 to 2, above the line; 1 below it; 4 is dearer and worse than 2; 6 as cheap as 0, and worse.
	if diff := cmp.Diff([]int{0, 3, 2}, hull(score, cost)); diff != "" {
		t.Error(diff)
	}
	// 1 is as cheap as 0, and better; 2 is dearer and better than 1, but below the line to 3; 4 is on the line from 1 to 3.
	if diff := cmp.Diff([]int{1, 3}, hull([]float64{0.1, 0.2, 0.3, 0.8, 0.5}, []float64{1, 1, 2, 3, 2})); diff != "" {
		t.Error(diff)
	}
}

func TestCollapseIndexCountsWorseAndNeedlesslyDearChoices(t *testing.T) {
	dearest := []bool{false, false, true}
	for name, c := range map[string]struct {
		score []float64
		pick  int
		want  float64
	}{
		"a best one, cheap":              {[]float64{1, 0, 1}, 0, 0},
		"the dearest, a cheaper as good": {[]float64{1, 0, 1}, 2, 1},
		"the dearest, alone best":        {[]float64{0, 0, 1}, 2, 0},
		"a worse one":                    {[]float64{0, 0, 1}, 1, 1},
		"nobody right, cheap":            {[]float64{0, 0, 0}, 1, 0},
		"nobody right, dear":             {[]float64{0, 0, 0}, 2, 1},
		"a missing outcome":              {[]float64{math.NaN(), 0.5, 0.5}, 1, 0},
	} {
		if got := collapsed(c.score, highest(c.score), c.pick, dearest); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	// Where two models are the dearest, neither is the cheaper choice beside the other.
	alike := dearestOf([]float64{1, 3, 3, math.NaN()})
	for pick, want := range map[int]float64{0: 1, 1: 0, 2: 0} {
		if got := collapsed([]float64{0, 1, 1, math.NaN()}, 1, pick, alike); got != want {
			t.Errorf("two of one cost, %d: %v, want %v", pick, got, want)
		}
	}
	for pick := range 2 {
		if got := collapsed([]float64{1, 1, 1, math.NaN()}, 1, 1+pick, alike); got != 1 {
			t.Errorf("two of one cost, where a cheaper is as good: %v", got)
		}
	}
}

func TestCalibrationErrorByHand(t *testing.T) {
	v := []prediction{{0, 0.95, 1}, {0, 0.95, 0}, {1, 0.25, 0}, {2, 1, 1}}
	// Bin 9 holds 0.95, 0.95 and 1.0: predicted 2.9, scored 2; bin 2: 0.25 and 0. (0.9 + 0.25) / 4.
	if got := calibrationError(v, []float64{1, 1, 1}); math.Abs(got-1.15/4) > 1e-9 {
		t.Errorf("%v", got)
	}
	// Errors of two bins do not make up for one another.
	if got := calibrationError([]prediction{{0, 0.95, 0}, {1, 0.05, 1}}, []float64{1, 1}); math.Abs(got-0.95) > 1e-9 {
		t.Errorf("too much in one bin, too little in another: %v", got)
	}
	// Row 1 drawn twice, row 2 not at all: bin 9 1.9 and 1, bin 2 0.5 and 0; (0.9 + 0.5) / 4.
	if got := calibrationError(v, []float64{1, 2, 0}); math.Abs(got-1.4/4) > 1e-9 {
		t.Errorf("resampled: %v", got)
	}
}

func TestCallCurveByHand(t *testing.T) {
	// weak 0.5, strong 0.9; a quarter of calls recovers half the gap.
	curve := pgr([]call{{1, 0.9}, {0.25, 0.7}, {0, 0.5}}, 0.5, 0.9)
	if diff := cmp.Diff([]call{{0, 0}, {0.25, 0.5}, {1, 1}}, curve, cmp.AllowUnexported(call{}), approx); diff != "" {
		t.Error(diff)
	}
	// ½·¼·½ + ¾·(½+1)/2
	if got := apgr(curve); math.Abs(got-0.625) > 1e-9 {
		t.Errorf("APGR %v, want 0.625", got)
	}
	for level, want := range map[float64]float64{0.2: 0.1, 0.5: 0.25, 0.8: 0.25 + 0.75*0.6} {
		if got := cpt(curve, level); math.Abs(got-want) > 1e-9 {
			t.Errorf("CPT(%v) %v, want %v", level, got, want)
		}
	}
}

func TestDrawsAreReproducibleAndPaired(t *testing.T) {
	a, b, c := make([]float64, 50), make([]float64, 50), make([]float64, 50)
	draw(1, 7, a)
	draw(1, 7, b)
	draw(1, 8, c)
	if !cmp.Equal(a, b) || cmp.Equal(a, c) {
		t.Error("the same draw must repeat, another must differ")
	}
	sum := 0.0
	for _, w := range a {
		sum += w
	}
	if sum != 50 {
		t.Errorf("%v rows drawn, want 50", sum)
	}
}

func TestIntervalIsThePercentiles(t *testing.T) {
	v := make([]float64, 1001)
	for i := range v {
		v[i] = float64((i * 8) % 1001)
	}
	if got := interval(v); got != (Interval{25, 975}) {
		t.Errorf("%v, want the 2.5th and 97.5th percentile", got)
	}
}

func TestTheCheapestSettingThatKeepsTheQualityIsChosen(t *testing.T) {
	tr := &trace{knob: []setting{{offered: true}, {offered: true}, {offered: false}, {offered: true}, {offered: true}},
		quality: [][]float64{{1, 0.8}, {0.8, 0.8}, {1, 0.8}, {0.6, 0.4}, {1, 0.8}}, costUSD: [][]float64{{4, 4}, {3, 3}, {0, 0}, {1, 3}, {5, 5}}}
	for quality, want := range map[float64]int{1: 0, 0.9: 0, 0.85: 0, 0.8: 1, 0.5: 3, 0.1: 3} { // none keeps 1: the best, of equals the first
		if got := tr.cheapestKeeping(quality); got != want {
			t.Errorf("to keep %v setting %d is chosen, want %d", quality, got, want)
		}
	}
}

// Predictions are weighed by the row that they are of, which moves when splits are joined.
func TestJoinedPredictionsStayWithTheirRows(t *testing.T) {
	part := func(rows int, at int) *trace {
		return &trace{ood: make([]float64, rows), share: []float64{float64(rows)}, predicted: []prediction{{at, 0.5, 1}},
			quality: matrix(1, rows), costUSD: matrix(1, rows), collapsed: matrix(1, rows), op: outcomes{make([]float64, rows), make([]float64, rows)}}
	}
	tr := &trace{knob: only}
	tr.join([]*trace{part(3, 2), part(4, 0), part(1, 0)})
	var at []int
	for _, p := range tr.predicted {
		at = append(at, p.at)
	}
	if diff := cmp.Diff([]int{2, 3, 7}, at); diff != "" || tr.share[0] != 1 || len(tr.ood) != 8 {
		t.Errorf("share %v of %d rows, predictions of rows %s", tr.share, len(tr.ood), diff)
	}
}

// Of Avengers-Pro's three nearest clusters the nearest has the most to say.
func TestNearerClustersWeighMore(t *testing.T) {
	tab := &table{models: []string{"a", "b"}, rows: []row{{meaning: []float32{0.9, 0.3, 0.3}, score: []float64{1, 1}}}}
	c := &avengersChooser{avengers: &avengers{}, split: &split{table: tab}, settings: []setting{{value: 1}, {value: 0}},
		clustering: &clustering{[][]float32{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, []float32{0.5, 0.5, 0.5}},
		score:      [][]float64{{1, 0}, {0, 1}, {0, 1}}, cost: [][]float64{{0, 1}, {1, 0}, {1, 0}}}
	out := newChoice(2, 2)
	if err := c.choose(t.Context(), 0, out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]float64{{1, 0}, {0, 1}}, out.chance); diff != "" {
		t.Errorf("by score the nearest cluster's model, by cost its cheap one: %s", diff)
	}
}
