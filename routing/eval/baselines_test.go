package eval_test

import (
	"math"
	"testing"

	"flotilla/routing/eval"
)

// Where the prompts' kinds say all, everyone who learns finds out which half the small model can do. A baseline that learned nothing
// would make us look good.
func TestBaselinesLearn(t *testing.T) {
	s := samples(300)
	for i := range s {
		s[i].Scores = map[string]float64{small: float64(1 - i%2), large: 1}
	}
	_, r := run(t, eval.Set{Train: part(t, s)}, eval.Options{})
	saved := r["oracle"].OperatingPoint.Saved
	for name, o := range r {
		switch name {
		case "random", "cheapest", "best-single", "static-mix":
			if o.Frontier.SaveAt99 > 0.03 {
				t.Errorf("%s reads no prompt, and saves %.2f", name, o.Frontier.SaveAt99)
			}
		default:
			if o.Frontier.SaveAt99 < 0.9*saved || o.Frontier.MaxAccuracy < 0.99 {
				t.Errorf("%s saves %.3f at %.3f accuracy, the oracle %.3f", name, o.Frontier.SaveAt99, o.Frontier.MaxAccuracy, saved)
			}
		}
	}
}

// What the yardsticks, chance and the mix come to can be told from the table alone.
func TestFiguresOfThoseThatReadNoPrompt(t *testing.T) {
	s := samples(300)
	b, r := run(t, eval.Set{Train: part(t, s)}, eval.Options{Routers: []string{"random", "static-mix"}})
	var weak, strong, most, alone, needless float64 // means: of either model, of the better; only the large is right; it need not be
	for _, x := range s {
		w, g := x.Scores[small]/300, x.Scores[large]/300
		weak, strong, most = weak+w, strong+g, most+max(w, g)
		alone, needless = alone+max(0, g-w), needless+1./300-max(0, g-w)
	}
	cheap, dear := (40+100)*0.1e-6, (40+200)*0.9e-6
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	near("best single", b.BestSingle.Accuracy, strong)
	near("best single's cost", b.BestSingle.Cost, dear)
	near("cheapest", b.Cheapest.Accuracy, weak)
	near("cheapest's cost", b.Cheapest.Cost, cheap)
	near("oracle", b.Oracle.Accuracy, most)
	near("oracle's cost", b.Oracle.Cost, cheap+alone*(dear-cheap))
	near("random", r["random"].OperatingPoint.Accuracy, (weak+strong)/2)
	near("random's cost", r["random"].OperatingPoint.Cost, (cheap+dear)/2)
	near("random's AIQ", r["random"].Frontier.AIQ, (weak+(weak+strong)/2)/2)
	near("random's gap", r["random"].OracleGapClosed, ((weak+strong)/2-strong)/(most-strong))
	near("collapse of the best single", r["best-single"].RCI["0"], needless)
	near("collapse of the cheapest", r["cheapest"].RCI["0"], alone)
	near("collapse of the oracle", r["oracle"].RCI["0"], 0)
	near("collapse of the mix, capable end", r["static-mix"].RCI["0"], needless)
	near("collapse of the mix, cheap end", r["static-mix"].RCI["10"], alone)
	curve := r["static-mix"].Curve
	if len(curve) != 401 {
		t.Fatalf("%d positions of the mix", len(curve))
	}
	for k, p := range curve {
		share := float64(k) / 400
		near("mix", p.Accuracy, weak+share*(strong-weak))
		near("mix's cost", p.Cost, cheap+share*(dear-cheap))
	}
}
