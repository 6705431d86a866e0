package probe

import (
	"fmt"
	"math"
)

// Claim is what one probe is expected to show of an operator that serves the model it claims, in terms of agreement: 1
// where an answer scores as the claimed model's own answer to that probe did, less where it does not (see [Agreement]).
type Claim struct {
	Agreement float64   // least expected agreement under the claim, above 0 and below 1
	Suspects  []float64 // expected agreement of each model that may stand behind the name instead, 0..1; same order on every probe
}

// Agreement is 1 − |reference − score|: how much an answer's score is that of the claimed model's own answer.
func Agreement(reference, score float64) float64 { return 1 - math.Abs(reference-score) }

// Verdict is what the evidence says so far.
type Verdict string

// The verdicts.
const (
	Undecided   Verdict = "undecided"
	Genuine     Verdict = "genuine"     // every suspect is refuted; says nothing about models that were not suspected
	Substituted Verdict = "substituted" // the claim is refuted
)

// Finding is the state of a [Trial].
type Finding struct {
	Verdict  Verdict `json:"verdict"`
	Probes   int     `json:"probes"`   // observed up to the verdict
	Evidence float64 `json:"evidence"` // against the claim: a bet's wealth, 1 at the start
	Suspect  int     `json:"suspect"`  // the suspect that explains the outcomes best
}

// Trial is a sequential test of one claim: after every probe it may be asked for its verdict, and may be stopped or go
// on at will. One goroutine uses it.
//
// It is a bet against the claim, one purse per suspect. With outcome a of a probe whose claim says E[a] ≥ p, and a
// suspect that would agree with probability q < p, a purse is multiplied by
//
//	1 + λ·(p − a),  λ = (p − q) / (p·(1 − p))
//
// which for right-or-wrong outcomes is the likelihood ratio of suspect to claim (Wald), and for any outcomes in 0..1
// has expectation ≤ 1 under the claim. So the mean of the purses is a supermartingale that starts at 1, and by Ville's
// inequality it ever reaches 1/α with probability ≤ α: an honest operator is accused with probability ≤ α, however long
// it is tested. For right-or-wrong outcomes the inverse of one purse is the same bet against its suspect: a served
// suspect is cleared with probability ≤ β. Both hold as far as the expectations do.
//
// Sources: A. Wald, Sequential Tests of Statistical Hypotheses (1945); I. Waudby-Smith and A. Ramdas, Estimating means
// of bounded random variables by betting (2024).
type Trial struct {
	alpha, beta float64
	purses      []float64 // logarithms
	finding     Finding
}

// NewTrial starts a test with this many suspects. falseAlarm and missed are the probabilities, above 0 and below 1, of
// accusing an honest operator and of clearing one that serves a suspect.
func NewTrial(suspects int, falseAlarm, missed float64) (*Trial, error) {
	if suspects < 1 {
		return nil, fmt.Errorf("new trial: no suspect: name at least one model that may stand behind the claimed one")
	}
	for _, rate := range []float64{falseAlarm, missed} {
		if !(rate > 0 && rate < 1) {
			return nil, fmt.Errorf("new trial: error rate %v: want above 0 and below 1", rate)
		}
	}
	return &Trial{alpha: falseAlarm, beta: missed, purses: make([]float64, suspects), finding: Finding{Verdict: Undecided, Evidence: 1}}, nil
}

// Observe takes one probe's agreement, 0..1, and returns the finding after it. A verdict is final: later probes change
// nothing.
func (t *Trial) Observe(c Claim, agreement float64) (Finding, error) {
	if !(c.Agreement > 0 && c.Agreement < 1) {
		return t.finding, fmt.Errorf("observe probe: expected agreement %v: want above 0 and below 1", c.Agreement)
	}
	if len(c.Suspects) != len(t.purses) {
		return t.finding, fmt.Errorf("observe probe: %d suspects, the trial has %d", len(c.Suspects), len(t.purses))
	}
	if !(agreement >= 0 && agreement <= 1) {
		return t.finding, fmt.Errorf("observe probe: agreement %v: want 0 to 1", agreement)
	}
	if t.finding.Verdict != Undecided {
		return t.finding, nil
	}
	for i, q := range c.Suspects {
		t.purses[i] += math.Log(stake(c.Agreement, q, agreement))
	}
	t.finding.Probes++
	t.judge()
	return t.finding, nil
}

// surest bounds what a suspect is believed to do: no purse is ever emptied by one outcome.
const surest = 0.99

// stake is the factor of one purse. A suspect that agrees as much as the claim says or more tells nothing.
func stake(p, q, a float64) float64 {
	q = min(max(q, 1-surest), surest)
	if q >= p {
		return 1
	}
	return 1 + (p-q)/(p*(1-p))*(p-a)
}

// judge updates evidence and verdict from the purses.
func (t *Trial) judge() {
	sum, richest := 0.0, math.Inf(-1)
	for i, p := range t.purses {
		sum += math.Exp(p)
		if p > richest {
			t.finding.Suspect, richest = i, p
		}
	}
	t.finding.Evidence = sum / float64(len(t.purses))
	switch {
	case t.finding.Evidence >= 1/t.alpha:
		t.finding.Verdict = Substituted
	case richest <= math.Log(t.beta):
		t.finding.Verdict = Genuine
	}
}

// relativeEntropy of a coin with probability q to one with p, in nats; 0 where q is not below p, as such a suspect
// tells nothing.
func relativeEntropy(q, p float64) float64 {
	q = min(max(q, 1-surest), surest)
	if q >= p {
		return 0
	}
	return q*math.Log(q/p) + (1-q)*math.Log((1-q)/(1-p))
}
