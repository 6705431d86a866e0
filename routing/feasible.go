package routing

import (
	"fmt"
	"math"
	"math/bits"

	"flotilla/routing/catalogue"
)

// RejectReason says why a candidate was ruled out before quality was looked at.
type RejectReason string

// The reasons, in the order they are tested; the first that applies is reported.
const (
	RejectBlocked     RejectReason = "blocked by policy"
	RejectNotNamed    RejectReason = "not the named model"
	RejectNoChat      RejectReason = "answers no chats" // by its name; naming it asks it all the same
	RejectUnavailable RejectReason = "unavailable"
	RejectContext     RejectReason = "context too short"
	RejectTools       RejectReason = "no tool calls"
	RejectJSONMode    RejectReason = "no JSON mode"
	RejectVision      RejectReason = "no images"
	RejectTooDear     RejectReason = "above the price ceiling"
	RejectFull        RejectReason = "full"
)

// Rejection is one candidate that could not be chosen.
type Rejection struct {
	Operator string       `json:"operator"`
	Model    ModelID      `json:"model"`
	Reason   RejectReason `json:"reason"`
	Detail   string       `json:"detail,omitempty"`
}

// feasibleSet is what may be chosen. For a pinned request others are those of the other models that the policy permits:
// the baseline may be one of them.
type feasibleSet struct {
	chosen   []*Candidate
	others   []*Candidate
	rejected []Rejection
}

func (r *Router) feasible(p Prompt, candidates []Candidate, policy Policy) (feasibleSet, error) {
	f := feasibleSet{chosen: make([]*Candidate, 0, len(candidates))}
	var full []*Candidate
	var pin ModelID
	if policy.Model != "" {
		pin = pinnedID(policy.Model)
	}
	served := policy.Model == ""
	var longest uint32 // context of those that are too short
	for i := range candidates {
		c := &candidates[i]
		named := policy.Model == "" || c.Model == pin || string(c.Model) == policy.Model
		served = served || named
		reason, detail := r.reject(p, c, policy)
		if reason == "" && (policy.Model == "" || !named) && r.noChat(c.Model) {
			reason = RejectNoChat
		}
		switch {
		case !named && reason != RejectBlocked:
			if reason == "" {
				f.others = append(f.others, c)
			}
			f.rejected = append(f.rejected, Rejection{c.Operator, c.Model, RejectNotNamed, ""})
		case reason != "":
			if reason == RejectContext {
				longest = max(longest, c.MaxContext)
			}
			f.rejected = append(f.rejected, Rejection{c.Operator, c.Model, reason, detail})
		case !(c.Load < 1): // NaN is full too
			full = append(full, c)
		default:
			f.chosen = append(f.chosen, c)
		}
	}
	if !served {
		return f, fmt.Errorf("%w: %q", ErrUnknownModel, policy.Model)
	}
	if len(f.chosen) == 0 {
		// Only full operators are left: a queue is better than a refusal.
		f.chosen, full = full, nil
	}
	for _, c := range full {
		f.rejected = append(f.rejected, Rejection{c.Operator, c.Model, RejectFull, ""})
	}
	if len(f.chosen) == 0 {
		return f, &InfeasibleError{f.rejected, longest, p.InputTokens, max(p.MaxOutputTokens, 1)}
	}
	return f, nil
}

// noChat: the model's name says that it judges, ranks or makes vectors of texts. One that was measured is taken for what it did.
func (r *Router) noChat(m ModelID) bool {
	_, measured := r.index.Model(string(m))
	return !measured && catalogue.Parse(string(m)).NoChat
}

// reject returns "" for a candidate that could serve the request.
func (r *Router) reject(p Prompt, c *Candidate, policy Policy) (RejectReason, string) {
	switch {
	case !policy.permits(c.Model):
		return RejectBlocked, ""
	case c.Unavailable != "":
		return RejectUnavailable, c.Unavailable
	case c.MaxContext != 0 && uint64(p.InputTokens)+uint64(max(p.MaxOutputTokens, 1)) > uint64(c.MaxContext):
		return RejectContext, fmt.Sprintf("%d tokens offered", c.MaxContext)
	case p.Tools && !c.Tools:
		return RejectTools, ""
	case p.JSONMode && !c.JSONMode:
		return RejectJSONMode, ""
	case p.Vision && !c.Vision:
		return RejectVision, ""
	case policy.MaxCost != 0:
		if worst := r.worstCost(p, c); worst > policy.MaxCost {
			return RejectTooDear, fmt.Sprintf("could cost %d base units", worst)
		}
	}
	return "", ""
}

// longAnswer is the length assumed for a price ceiling when neither the request nor the index bounds it.
const longAnswer = 1000

// worstCost is what the request could cost: at its own output limit, or at the 90th percentile of the model's answers
// where it states none. Base units, rounded up, saturating.
func (r *Router) worstCost(p Prompt, c *Candidate) uint64 {
	out := uint64(p.MaxOutputTokens)
	if out == 0 {
		out = longAnswer
		if m, ok := r.index.Model(string(c.Model)); ok {
			if mean, dev, ok := r.index.Length(m); ok {
				const z90 = 1.2816 // standard normal quantile
				out = uint64(math.Ceil(r.kernel.tokens(mean + float64(z90*dev))))
			}
		}
	}
	return cost(c, uint64(p.InputTokens), out)
}

// cost is ceil((in·InputPerMTok + out·OutputPerMTok) / 1e6) + PerRequest in 128-bit arithmetic, saturating at the
// largest uint64.
func cost(c *Candidate, in, out uint64) uint64 {
	const perMTok = 1_000_000
	hi1, lo1 := bits.Mul64(in, c.InputPerMTok)
	hi2, lo2 := bits.Mul64(out, c.OutputPerMTok)
	lo, carry := bits.Add64(lo1, lo2, 0)
	hi, over := bits.Add64(hi1, hi2, carry)
	if over != 0 || hi >= perMTok {
		return math.MaxUint64
	}
	quotient, rest := bits.Div64(hi, lo, perMTok)
	if rest != 0 {
		if quotient == math.MaxUint64 {
			return math.MaxUint64
		}
		quotient++
	}
	total, over := bits.Add64(quotient, c.PerRequest, 0)
	if over != 0 {
		return math.MaxUint64
	}
	return total
}

// expectedCost is the same in floating point for fractional expected tokens, base units.
func expectedCost(c *Candidate, in uint32, out float64) float64 {
	tokens := float64(float64(in)*float64(c.InputPerMTok)) + float64(out*float64(c.OutputPerMTok))
	return float64(tokens/1e6) + float64(c.PerRequest)
}
