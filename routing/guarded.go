package routing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"flotilla/routing/guard"
	"flotilla/routing/index"
)

// GuardNote says what the guard did with the prompt's text. Nothing is refused for it. What it cut cannot be found again
// from the record, which holds no text: whoever has the prompt can run the guard again. The views replay.
type GuardNote struct {
	ID         string       `json:"id"`                   // the guard's rules and table
	Cut        []guard.Span `json:"cut,omitempty"`        // bytes of the text that were not routed by, at most MaxRecorded spans
	Unfamiliar bool         `json:"unfamiliar,omitempty"` // the text is unusual all over, so nothing was cut
	Wanted     ModelID      `json:"wanted,omitempty"`     // the upgrade that the whole text wants, and that its views were asked about
	Released   bool         `json:"released,omitempty"`   // a view objects, but what nobody objects to costs about as much
	Views      []View       `json:"views,omitempty"`      // none where the text has too few words to be shortened

	needed []Choice // what the views and their objections rest on: stays in the record
}

// View is what a shorter version of the text would have been sent to.
type View struct {
	Name         string      `json:"name"`
	Query        index.Query `json:"query,omitempty"`
	Model        ModelID     `json:"model"`
	ExpectedCost float64     `json:"expected_cost"` // token base units (1e-6 USD)
	Fragment     bool        `json:"fragment,omitempty"`
	Objects      bool        `json:"objects,omitempty"` // to what the whole text wants
}

// maxViews bounds the views of a record; guard.Crops makes at most six.
const maxViews = 8

const (
	// GuardBenefit is the doubt's, in quality: a view agrees with an upgrade unless it finds the cheaper choice that it would
	// make itself better by more. The least of several noisy votes is lower than the text's own, and this makes up for it; more
	// lets readable sentences beside a prompt through (docs/attacks.md).
	GuardBenefit = 0.04
	// FragmentBenefit is the same for a view that is no whole sentences, whose vote is noisier.
	FragmentBenefit = 0.05
)

// opinion is what one version of the text would be answered by.
type opinion struct {
	Decision
	offers []Choice // weighed, in the order of the candidates
}

// version is a shorter text that is asked: part, which counts as beginning and ending like another, or the query that is
// recorded of it.
type version struct {
	View
	part, like string
}

// guarded decides on the text without the parts that the guard cuts. When that wants an upgrade, shorter versions of the text
// are asked too, and what one of them objects to is held back.
func (r *Router) guarded(ctx context.Context, p Prompt, f feasibleSet, asked Decision) (Decision, error) {
	if r.guard == nil || asked.Pinned || strings.TrimSpace(p.Text) == "" {
		whole, err := r.view(ctx, p.Text, p.Text, p, f, asked)
		return whole.Decision, err
	}
	found := r.guard.Inspect(p.Text)
	note := &GuardNote{ID: r.guard.ID(), Cut: found.Cut[:min(len(found.Cut), MaxRecorded)], Unfamiliar: found.Unfamiliar}
	whole, err := r.view(ctx, found.Text, found.Text, p, f, asked)
	if err != nil {
		return Decision{}, err
	}
	whole.Guard = note
	if !whole.wantsUpgrade() {
		return whole.Decision, nil
	}
	var versions []version
	for _, crop := range guard.Crops(found.Text) {
		versions = append(versions, version{View{Name: crop.Name, Fragment: crop.Fragment}, crop.Text, crop.Like})
	}
	return r.consult(ctx, p, f, asked, whole, versions)
}

// reguarded decides again by the recorded queries of the text and its views.
func (r *Router) reguarded(ctx context.Context, p Prompt, f feasibleSet, asked Decision, record *Decision) (Decision, error) {
	asked.Query = record.Query
	whole, err := r.view(ctx, "", "", p, f, asked)
	if err != nil || record.Guard == nil {
		return whole.Decision, err
	}
	whole.Guard = &GuardNote{ID: record.Guard.ID, Cut: record.Guard.Cut, Unfamiliar: record.Guard.Unfamiliar}
	if !whole.wantsUpgrade() {
		return whole.Decision, nil
	}
	var versions []version
	for _, v := range record.Guard.Views {
		versions = append(versions, version{View: View{Name: v.Name, Query: v.Query, Fragment: v.Fragment}})
	}
	return r.consult(ctx, p, f, asked, whole, versions)
}

// consult asks the versions about what the whole text wants, and picks again where one objects.
func (r *Router) consult(ctx context.Context, p Prompt, f feasibleSet, asked Decision, whole opinion, versions []version) (Decision, error) {
	note := whole.Guard
	note.Wanted = whole.Pick.Model
	views := make([]opinion, len(versions))
	for i, v := range versions {
		asked.Query = v.Query
		var err error
		if views[i], err = r.view(ctx, v.part, v.like, p, f, asked); err != nil {
			return Decision{}, fmt.Errorf("text %s: %w", v.Name, err)
		}
		v.Query, v.Model, v.ExpectedCost = views[i].Query, views[i].Pick.Model, views[i].Pick.ExpectedCost
		note.Views = append(note.Views, v.View)
	}
	note.needed = append(note.needed, whole.Pick)
	for i := range views {
		note.needed = append(note.needed, views[i].landmarks()...)
	}
	wanted := slices.IndexFunc(whole.offers, whole.Pick.sameOffer)
	for i := range views {
		note.Views[i].Objects = note.Views[i].objects(&views[i], wanted)
	}
	if note.objection() >= 0 {
		note.hold(&whole, views)
		full := whole.Pick
		whole.arrange(whole.offers, p.Session)
		if thrifty := whole.thrifty(); !worthHolding(full.ExpectedCost, whole.Pick.ExpectedCost, thrifty.ExpectedCost) {
			note.needed = append(note.needed, whole.Pick) // a replay must see what was not worth it
			note.release(&whole)
			whole.arrange(whole.offers, p.Session)
		}
	}
	return whole.Decision, nil
}

// leastHeld is the part of an upgrade's price, above the thrifty choice, that holding it back must save.
const leastHeld = 0.1

// worthHolding: a view holds an upgrade back to save money. Where the best that nobody objects to costs nearly as much, the
// whole text's own choice is made: to change between equally dear models a part of a text knows too little.
func worthHolding(wanted, instead, thrifty float64) bool {
	return wanted-instead >= float64(leastHeld*(wanted-thrifty))
}

// objects says whether the view, whose opinion is given, is against the offer of that number: it would itself make a cheaper
// choice, and finds that better by more than the benefit of the doubt. What it would not choose itself it does not hold against
// an offer, so an operator that no version of the text would go to has no part in this.
func (v *View) objects(own *opinion, offer int) bool {
	benefit := GuardBenefit
	if v.Fragment {
		benefit = FragmentBenefit
	}
	there := &own.offers[offer]
	return own.Pick.ExpectedCost < there.ExpectedCost && own.Pick.Utility > there.Utility+benefit
}

// hold holds back the offers that a view objects to, and those dearer than what the whole text wants, which is held back
// itself: a view never buys more than the text does. The thrifty choice, and what is no dearer, needs nobody's consent.
func (n *GuardNote) hold(whole *opinion, views []opinion) {
	thrifty, wanted := whole.thrifty().ExpectedCost, whole.Pick.ExpectedCost
	for i := range whole.offers {
		c := &whole.offers[i]
		against := c.ExpectedCost > wanted
		for k := 0; k < len(views) && !against; k++ {
			against = n.Views[k].objects(&views[k], i)
		}
		c.HeldBack = against && c.ExpectedCost > thrifty
	}
}

// release holds nothing back after all.
func (n *GuardNote) release(whole *opinion) {
	n.Released = true
	for i := range whole.offers {
		whole.offers[i].HeldBack = false
	}
}

// objection is the number of the first view that objects to what the whole text wants; -1: none does.
func (n *GuardNote) objection() int {
	return slices.IndexFunc(n.Views, func(v View) bool { return v.Objects })
}

// view decides on one version of the text, which counts as beginning and ending like another.
func (r *Router) view(ctx context.Context, part, like string, p Prompt, f feasibleSet, d Decision) (opinion, error) {
	e, err := r.evidence(ctx, part, like, &d)
	if err != nil {
		return opinion{}, err
	}
	defer e.release()
	offers := d.settle(e, f, p)
	return opinion{d, slices.Clone(offers)}, nil
}

// wantsUpgrade says whether the text makes the pick cost more than the thrifty choice.
func (d *Decision) wantsUpgrade() bool {
	toolLoop := d.Turn != nil && d.Turn.Verdict == VerdictToolLoop // then the text has no say
	return d.Dial != MaxDial && !toolLoop && d.Pick.ExpectedCost > d.thrifty().ExpectedCost
}

// explain is the guard's part of a decision's sentence.
func (n *GuardNote) explain() string {
	if n == nil {
		return ""
	}
	why := ""
	switch {
	case n.Unfamiliar:
		why += "; the text is unlike any that the guard knows, and was routed by whole"
	case len(n.Cut) > 0:
		why += fmt.Sprintf("; %d parts of the text make no sense together and were not routed by", len(n.Cut))
	}
	switch i := n.objection(); {
	case i < 0:
	case n.Released:
		why += fmt.Sprintf("; %s it asks for %s, but nothing would be saved by what all parts of the text agree on", n.Views[i].Name, n.Views[i].Model)
	default:
		why += fmt.Sprintf("; the whole text asked for %s, but %s it asks for %s", n.Wanted, n.Views[i].Name, n.Views[i].Model)
	}
	return why
}
