package probe_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flotilla/routing/probe"
)

func trial(t *testing.T, suspects int) *probe.Trial {
	t.Helper()
	x, err := probe.NewTrial(suspects, 0.01, 0.05)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// One suspect and right-or-wrong outcomes: Wald's likelihood ratio, by hand.
func TestTrialIsWaldsTestForOneSuspect(t *testing.T) {
	x := trial(t, 1)
	c := probe.Claim{Agreement: 0.9, Suspects: []float64{0.3}}
	want := 1.0
	for i, step := range []struct {
		agreement, ratio float64
		verdict          probe.Verdict
	}{
		{1, 0.3 / 0.9, probe.Undecided}, {0, 0.7 / 0.1, probe.Undecided}, {0, 0.7 / 0.1, probe.Undecided}, {0, 0.7 / 0.1, probe.Substituted},
	} {
		f, err := x.Observe(c, step.agreement)
		if err != nil {
			t.Fatal(err)
		}
		want *= step.ratio
		if math.Abs(f.Evidence-want) > 1e-9*want || f.Verdict != step.verdict || f.Probes != i+1 {
			t.Errorf("after %d probes %+v, want evidence %v and %s", i+1, f, want, step.verdict)
		}
	}
	if f, err := x.Observe(c, 1); err != nil || f.Probes != 4 || f.Verdict != probe.Substituted {
		t.Errorf("a verdict is final, got %+v, %v", f, err)
	}
}

func TestTrialClearsWhenEverySuspectIsRefuted(t *testing.T) {
	x := trial(t, 2)
	c := probe.Claim{Agreement: 0.95, Suspects: []float64{0.3, 0.6}}
	var f probe.Finding
	for range 7 { // 0.6/0.95 to the 7th is 0.040
		f, _ = x.Observe(c, 1)
	}
	if f.Verdict != probe.Genuine || f.Probes != 7 {
		t.Errorf("%+v, want genuine after 7 probes", f)
	}
}

// Whatever the probes' expectations are, and for scores between right and wrong too, an honest operator's evidence has
// expectation at most 1 after a probe; with Ville's inequality that is the bound on false alarms.
func TestBetsAreFairUnderTheClaim(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := probe.Claim{Agreement: rapid.Float64Range(0.01, 0.99).Draw(rt, "p"), Suspects: []float64{
			rapid.Float64Range(0, 1).Draw(rt, "q1"), rapid.Float64Range(0, 1).Draw(rt, "q2")}}
		// Two values around the mean p with the weights that give it.
		low := rapid.Float64Range(0, c.Agreement).Draw(rt, "low")
		high := rapid.Float64Range(c.Agreement, 1).Draw(rt, "high")
		if high-low < 1e-6 {
			return
		}
		up := (c.Agreement - low) / (high - low)
		mean := 0.0
		for _, o := range []struct{ value, weight float64 }{{low, 1 - up}, {high, up}} {
			f, err := trial(t, 2).Observe(c, o.value)
			if err != nil {
				rt.Fatal(err)
			}
			if f.Evidence < 0 {
				rt.Fatalf("evidence %v", f.Evidence)
			}
			mean += o.weight * f.Evidence
		}
		if mean > 1+1e-9 {
			rt.Fatalf("expected evidence %v of an honest operator", mean)
		}
	})
}

// 2000 honest and 2000 dishonest operators with a fixed seed, 200 probes each.
func TestErrorRatesHold(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	run := func(served func(c probe.Claim) float64) (accused, cleared int, probes []int) {
		for range 2000 {
			x := trial(t, 1)
			var f probe.Finding
			for range 200 {
				c := probe.Claim{Agreement: 0.7 + 0.25*rng.Float64()}
				c.Suspects = []float64{c.Agreement - 0.3}
				a := 0.0
				if rng.Float64() < served(c) {
					a = 1
				}
				f, _ = x.Observe(c, a)
			}
			switch f.Verdict {
			case probe.Substituted:
				accused++
			case probe.Genuine:
				cleared++
			}
			probes = append(probes, f.Probes)
		}
		slices.Sort(probes)
		return accused, cleared, probes
	}
	if accused, _, _ := run(func(c probe.Claim) float64 { return c.Agreement }); accused > 20 {
		t.Errorf("%d of 2000 honest operators accused, want at most 1 %%", accused)
	}
	accused, cleared, probes := run(func(c probe.Claim) float64 { return c.Suspects[0] })
	if cleared > 100 || accused < 1900 || probes[1000] > 40 {
		t.Errorf("of 2000 that serve the suspect %d accused, %d cleared, median %d probes", accused, cleared, probes[1000])
	}
}

func TestDoubtMakesProbesTellingAndClaimsModest(t *testing.T) {
	c := probe.Doubt(0.4).Claim(1, []float64{1, 0})
	for i, want := range []float64{0.8, 0.2, 0.6} {
		if math.Abs(c.Suspects[i]-want) > 1e-12 {
			t.Errorf("suspect %d agrees with %v, want %v", i, c.Suspects[i], want)
		}
	}
	if math.Abs(c.Agreement-0.8) > 1e-12 {
		t.Errorf("honest agreement %v, want 0.8", c.Agreement)
	}
	if d := probe.NewDoubt(1, []float64{1, 0, 0.5}); math.Abs(float64(d)-0.5) > 1e-12 { // (0 + 1 + 0.5 + 1) / (3 + 2)
		t.Errorf("doubt %v, want 0.5", d)
	}
	if probe.Telling(0.5, 0.1) >= 0 || probe.Telling(0, 0.5) <= 0 {
		t.Error("a probe on which half of the models differ must come before one on which all agree")
	}
}

func TestTrialRefusesWhatCannotBeMeant(t *testing.T) {
	for _, bad := range [][3]float64{{0, 0.01, 0.05}, {1, 0, 0.05}, {1, 0.01, 1}, {1, math.NaN(), 0.05}} {
		if _, err := probe.NewTrial(int(bad[0]), bad[1], bad[2]); err == nil {
			t.Errorf("NewTrial(%v) was accepted", bad)
		}
	}
	x := trial(t, 1)
	for want, c := range map[string]struct {
		claim     probe.Claim
		agreement float64
	}{
		"expected agreement": {probe.Claim{Agreement: 1, Suspects: []float64{0}}, 1},
		"suspects":           {probe.Claim{Agreement: 0.9}, 1},
		"agreement":          {probe.Claim{Agreement: 0.9, Suspects: []float64{0}}, math.NaN()},
	} {
		if f, err := x.Observe(c.claim, c.agreement); err == nil || !strings.Contains(err.Error(), want) || f.Probes != 0 {
			t.Errorf("Observe(%+v) = %+v, %v", c, f, err)
		}
	}
}
