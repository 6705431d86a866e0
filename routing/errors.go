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

// InfeasibleError says that every candidate was ruled out, and why.
type InfeasibleError struct{ Rejected []Rejection }

func (e *InfeasibleError) Error() string {
	counts := map[RejectReason]int{}
	var order []RejectReason
	for _, r := range e.Rejected {
		if counts[r.Reason] == 0 {
			order = append(order, r.Reason)
		}
		counts[r.Reason]++
	}
	parts := make([]string, 0, len(order))
	for _, r := range order {
		parts = append(parts, fmt.Sprintf("%d × %s", counts[r], r))
	}
	return "no operator fits this request: " + strings.Join(parts, ", ")
}
