package routing

import (
	"fmt"
	"slices"
)

// Session is what is remembered of a conversation when its next turn comes. The zero Session is none.
type Session struct {
	Model        ModelID `json:"model"`               // canonical id of the model that answered last
	Operator     string  `json:"operator"`            // who ran it, as in Candidate.Operator
	CachedTokens uint32  `json:"cached_tokens"`       // of the conversation, that the operator has read or written
	ToolLoop     bool    `json:"tool_loop,omitempty"` // the request answers tool calls of that model
}

// Verdict says what became of a conversation's model.
type Verdict string

// The verdicts.
const (
	VerdictBest     Verdict = "best"      // it would have been chosen anyway
	VerdictStayed   Verdict = "stayed"    // another is better, but not by what the prefix cache is worth
	VerdictSwitched Verdict = "switched"  // another is better by more than that
	VerdictToolLoop Verdict = "tool_loop" // it is waiting for its tools: nobody else can go on
	VerdictGone     Verdict = "gone"      // it cannot be chosen any more, or the operator with the cache cannot
	VerdictPassed   Verdict = "passed"    // it is there, and the guard holds it back or the allowance does not cover it
)

// Turn is how a conversation bore on a decision.
type Turn struct {
	Session
	Verdict    Verdict `json:"verdict"`
	Gain       float64 `json:"gain"`        // the best choice's utility over that of staying, without the cache
	CacheWorth float64 `json:"cache_worth"` // of the prefix cache, token base units (1e-6 USD)
}

// cachedShare is what a cached input token costs, of the full price. Hosts that state a price for cached input ask a
// tenth to a half; signed prices of the fleet have none yet, so this is what the operator's work is worth, not the bill.
const cachedShare = 0.25

// cacheWorth is what reading the conversation anew costs more than finding it cached, base units. A client that has
// shortened its history has no more in the cache than it sends now.
func (s Session) cacheWorth(c Choice, inputTokens uint32) float64 {
	tokens := float64(min(s.CachedTokens, inputTokens))
	return float64(float64(tokens*(1-cachedShare))*float64(c.InputPerMTok)) / 1e6
}

// choose returns the position in Considered of the pick: the best; far from everything labelled the user's own default;
// and in a conversation whoever has it, unless leaving gains more than it costs.
func (d *Decision) choose(s Session) int {
	want := 0
	if d.OutOfDistribution && d.Default != "" {
		if at := d.position(pinnedID(d.Default), ""); at >= 0 && !d.Considered[at].HeldBack {
			want = at
		}
		d.UsedDefault = d.Considered[want].Model == pinnedID(d.Default)
	}
	if s.Model == "" || d.Pinned {
		return want
	}
	d.Turn = &Turn{Session: s, Verdict: VerdictGone}
	at := want
	ofModel, same := d.position(s.Model, ""), d.position(s.Model, s.Operator)
	switch {
	case s.ToolLoop && ofModel >= 0:
		d.Turn.Verdict, at = VerdictToolLoop, max(ofModel, same) // same, if there is one: it never precedes the first of its model
	case same >= 0 && !d.Considered[same].HeldBack && d.Allowance.permits(d.Considered[same], d.thrifty()):
		at = d.stayOr(want, same)
	case same >= 0:
		d.Turn.Verdict = VerdictPassed
	}
	d.UsedDefault = d.UsedDefault && at == want
	return at
}

// position finds the best choice of a model, of one operator unless that is "" (-1: none).
func (d *Decision) position(m ModelID, operator string) int {
	return slices.IndexFunc(d.Considered, func(c Choice) bool {
		return c.Model == m && (operator == "" || c.Operator == operator)
	})
}

// ofTurn are the positions that choose looks at besides the first.
func (d *Decision) ofTurn() []int {
	var out []int
	if d.Default != "" {
		out = append(out, d.position(pinnedID(d.Default), ""))
	}
	if d.Turn != nil {
		out = append(out, d.position(d.Turn.Model, d.Turn.Operator))
		if d.Turn.ToolLoop { // never where views were asked
			out = append(out, d.position(d.Turn.Model, ""))
		}
	}
	return slices.DeleteFunc(out, func(i int) bool { return i < 0 })
}

// stayOr sets the verdict between going to want and staying with same, and returns the one that wins. The prefix cache
// is at one operator, so another of the same model is a switch too.
func (d *Decision) stayOr(want, same int) int {
	if same == want {
		d.Turn.Verdict = VerdictBest
		return want
	}
	stay, other := d.Considered[same], d.Considered[want]
	d.Turn.CacheWorth = d.Turn.cacheWorth(stay, d.InputTokens)
	d.Turn.Gain = other.Utility - stay.Utility
	if other.Utility > utility(stay.Quality, stay.ExpectedCost-d.Turn.CacheWorth, Worth(d.Dial))-stay.Doubt {
		d.Turn.Verdict = VerdictSwitched
		return want
	}
	d.Turn.Verdict = VerdictStayed
	return same
}

// goesOn gives reason and sentence for a pick that the conversation or the user's own default made; empty where it was
// chosen on its merits.
func (d *Decision) goesOn() (Reason, string) {
	switch {
	case d.Turn != nil && d.Turn.Verdict == VerdictToolLoop:
		return ReasonToolLoop, fmt.Sprintf("%s is waiting for the results of its tool calls and goes on with them", d.Pick.Model)
	case d.Turn != nil && d.Turn.Verdict == VerdictStayed:
		return ReasonSession, fmt.Sprintf("the conversation stays with %s on %s: the best other choice gains %.3f, and the cached prefix is worth %.0f µUSD",
			d.Pick.Model, d.Pick.Operator, d.Turn.Gain, d.Turn.CacheWorth)
	case d.UsedDefault:
		return ReasonDefault, fmt.Sprintf("%s is the default for such prompts; %s offers it at the lowest price", d.Pick.Model, d.Pick.Operator)
	}
	return "", ""
}
