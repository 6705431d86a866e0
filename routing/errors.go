package routing

import (
	"errors"
	"fmt"
	"strings"
)

// Errors callers branch on; see also PolicyError and InfeasibleError.
var (
	// ErrNoCandidate: nobody advertises anything.
	ErrNoCandidate = errors.New("no operator is advertising a model")
	// ErrUnknownModel: the named model is served by nobody.
	ErrUnknownModel = errors.New("no operator serves the named model")
)

// maxReasons bounds an InfeasibleError's text.
const maxReasons = 8

// InfeasibleError says that every candidate was ruled out, and why.
type InfeasibleError struct {
	Rejected []Rejection
	// LongestContext is the longest context of those for which the request is too long, in tokens; InputTokens and OutputTokens
	// are what was asked for.
	LongestContext, InputTokens, OutputTokens uint32
}

// OnlyTooLong: every candidate that the policy admits would do, were the prompt or the answer that it asks for shorter.
func (e *InfeasibleError) OnlyTooLong() bool {
	tooLong := false
	for _, r := range e.Rejected {
		switch r.Reason {
		case RejectContext:
			tooLong = true
		case RejectNotNamed, RejectBlocked:
		default:
			return false
		}
	}
	return tooLong
}

func (e *InfeasibleError) Error() string {
	counts := map[string]int{}
	var order []string
	for _, r := range e.Rejected {
		why := string(r.Reason)
		if r.Reason == RejectUnavailable { // the detail says what an operator or a gateway's owner can do about it
			why += " (" + r.Detail + ")"
		}
		if counts[why] == 0 {
			order = append(order, why)
		}
		counts[why]++
	}
	parts := make([]string, 0, min(len(order), maxReasons+1))
	for i, why := range order {
		if i == maxReasons {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, fmt.Sprintf("%d × %s", counts[why], why))
	}
	return "no operator fits this request: " + strings.Join(parts, ", ")
}
