package routing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"flotilla/routing/index"
)

// Errors of Replay that leave open whether the record is true.
var (
	// ErrOtherRules: the record was made by other arithmetic. A program of the version that made it can replay it.
	ErrOtherRules = errors.New("decision was made by other rules")
	// ErrOtherIndex: the record names another generation of the index than the one given.
	ErrOtherIndex = errors.New("decision was made with another index")
)

// DifferenceError says where a record is not what its own inputs and the index give.
type DifferenceError struct {
	Field                string // as in the record: "considered[2].quality"
	Recorded, Recomputed string
}

func (e *DifferenceError) Error() string {
	return fmt.Sprintf("decision replay: %s is recorded as %s, but comes out as %s", e.Field, e.Recorded, e.Recomputed)
}

// Replay makes a decision again from its record (Decision.JSON) and the index that it names, and compares every bit:
// neighbours, estimates, costs, order, pick, reasons. It returns nil when all agree, a *DifferenceError when the record
// is false, ErrOtherRules or ErrOtherIndex when it cannot tell, and another error for what is no record. It takes from
// the record what only the gateway saw: the query, the offers' prices and loads, who was unavailable or incapable.
func Replay(ctx context.Context, record []byte, x *index.Index) error {
	d, err := ReadRecord(record)
	if err != nil {
		return err
	}
	if d.IndexID != x.ID() {
		return fmt.Errorf("replay decision: %w: the record names %s, this is %s", ErrOtherIndex, d.IndexID, x.ID())
	}
	r := &Router{index: x, kernel: newKernel()}
	if err := r.checkFeasible(&d); err != nil {
		return err
	}
	again, err := r.replay(ctx, &d)
	if err != nil {
		return fmt.Errorf("replay decision: %w", err)
	}
	if bytes.Equal(record, again.JSON()) {
		return nil
	}
	if diff := firstDifference("", reflect.ValueOf(d), reflect.ValueOf(again)); diff != nil {
		return diff
	}
	return errors.New("replay decision: the record is not in canonical form")
}

// ReadRecord reads a record; one made by other rules is refused with ErrOtherRules.
func ReadRecord(record []byte) (Decision, error) {
	var version struct {
		Rules int `json:"rules"`
	}
	if err := json.Unmarshal(record, &version); err != nil {
		return Decision{}, fmt.Errorf("read decision record: %w", err)
	}
	if version.Rules != Rules {
		return Decision{}, fmt.Errorf("read decision record: %w: number %d, this program has %d", ErrOtherRules, version.Rules, Rules)
	}
	var d Decision
	if err := json.Unmarshal(record, &d); err != nil {
		return Decision{}, fmt.Errorf("read decision record: %w", err)
	}
	switch {
	case len(d.Considered) == 0:
		return Decision{}, errors.New("read decision record: no choice was considered")
	case d.Guard != nil && len(d.Guard.Views) > maxViews:
		return Decision{}, fmt.Errorf("read decision record: %d views of the text, at most %d", len(d.Guard.Views), maxViews)
	case !trimmed(d.ConsideredTotal, len(d.Considered)) || !trimmed(d.RejectedTotal, len(d.Rejected)):
		return Decision{}, fmt.Errorf("read decision record: no list of %d choices and %d rejections is cut to %d and %d", d.ConsideredTotal, d.RejectedTotal, len(d.Considered), len(d.Rejected))
	}
	return d, d.policy().check()
}

// trimmed says whether a list of all can have become one of n, which is MaxRecorded at most.
func trimmed(all, n int) bool { return n == min(all, MaxRecorded) }

// policy, prompt and the offers are what the record says was asked.
func (d *Decision) policy() Policy {
	return Policy{Dial: d.Dial, Model: d.Named, Default: d.Default, Allow: d.Allow, Block: d.Block, MaxCost: d.MaxCost, Allowance: d.Allowance}
}

func (d *Decision) prompt() Prompt {
	p := Prompt{InputTokens: d.InputTokens, MaxOutputTokens: d.MaxOutputTokens, Tools: d.Tools, JSONMode: d.JSONMode, Vision: d.Vision}
	if d.Turn != nil {
		p.Session = d.Turn.Session
	}
	return p
}

// candidate is the offer behind a choice. That it had the context and features asked for is taken from the record.
func (c Choice) candidate() Candidate {
	return Candidate{
		Operator: c.Operator, Model: c.Model, InputPerMTok: c.InputPerMTok, OutputPerMTok: c.OutputPerMTok, PerRequest: c.PerRequest,
		Load: c.Load, Tools: true, JSONMode: true, Vision: true,
	}
}

func (d *Decision) candidates() []Candidate {
	out := make([]Candidate, len(d.Considered))
	for i, c := range d.Considered {
		out[i] = c.candidate()
	}
	return out
}

// checkFeasible: what was considered keeps to the policy, and what is said to be blocked is.
func (r *Router) checkFeasible(d *Decision) error {
	policy := d.policy()
	f, err := r.feasible(d.prompt(), d.candidates(), policy)
	if err == nil && len(f.rejected) > 0 {
		err = &InfeasibleError{Rejected: f.rejected}
	}
	if err != nil {
		return &DifferenceError{"considered", "feasible", err.Error()}
	}
	for i, x := range d.Rejected {
		if (x.Reason == RejectBlocked) == policy.permits(x.Model) {
			return &DifferenceError{fmt.Sprintf("rejected[%d].reason", i), string(x.Reason), fmt.Sprintf("permitted by policy: %v", policy.permits(x.Model))}
		}
	}
	return nil
}

// replay decides once more, among the recorded offers.
func (r *Router) replay(ctx context.Context, d *Decision) (Decision, error) {
	p := d.prompt()
	again := newDecision(p, d.policy(), r.index)
	again.Rejected = d.Rejected
	f := feasibleSet{}
	if d.Pinned || d.ConsideredTotal > len(d.Considered) { // else the baseline is one of those considered
		baseline := d.Baseline.candidate()
		f.others = []*Candidate{&baseline}
	}
	offers := d.candidates()
	for i := range offers {
		f.chosen = append(f.chosen, &offers[i])
	}
	again, err := r.reguarded(ctx, p, f, again, d)
	if err != nil {
		return Decision{}, err
	}
	again.explain()
	again.ConsideredTotal, again.RejectedTotal = d.ConsideredTotal, d.RejectedTotal
	return again, nil
}

// firstDifference walks two values of one type in the order of the record.
func firstDifference(path string, a, b reflect.Value) *DifferenceError {
	differ := func() *DifferenceError {
		return &DifferenceError{strings.TrimPrefix(path, "."), fmt.Sprint(a), fmt.Sprint(b)}
	}
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
			if name == "-" || !a.Type().Field(i).IsExported() {
				continue
			}
			field := path // an embedded struct's fields stand beside its neighbours
			if name != "" {
				field += "." + name
			}
			if diff := firstDifference(field, a.Field(i), b.Field(i)); diff != nil {
				return diff
			}
		}
	case reflect.Slice:
		if a.Len() != b.Len() {
			return &DifferenceError{"length of " + strings.TrimPrefix(path, "."), fmt.Sprint(a.Len()), fmt.Sprint(b.Len())}
		}
		for i := range a.Len() {
			if diff := firstDifference(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i)); diff != nil {
				return diff
			}
		}
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				return differ()
			}
			return nil
		}
		return firstDifference(path, a.Elem(), b.Elem())
	default:
		if a.Interface() != b.Interface() {
			return differ()
		}
	}
	return nil
}
