package routing

import (
	"cmp"
	"context"
	"fmt"
	"math"
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
	Views      []View       `json:"views,omitempty"`      // asked because the whole text, which comes first, wanted an upgrade
	Decided    int          `json:"decided,omitempty"`    // number of the view that the decision rests on

	needed []Choice // what agreed looked at: stays in the record
}

// View is what one version of the text would have been sent to.
type View struct {
	Name         string      `json:"name"`
	Query        index.Query `json:"query,omitempty"`
	Model        ModelID     `json:"model"`
	ExpectedCost float64     `json:"expected_cost"` // token base units (1e-6 USD)
	Fragment     bool        `json:"fragment,omitempty"`
}

// maxViews bounds the views of a record: the whole text and guard.Crops.
const maxViews = 8

const (
	// wholeText names the first view.
	wholeText = "the whole text"
	// GuardBenefit is the doubt's, in quality: a version of the text agrees with an upgrade unless it finds something cheaper
	// better by more. The least of several noisy votes is lower than the text's own, and this makes up for it; more lets
	// readable sentences beside a prompt through (docs/attacks.md).
	GuardBenefit = 0.025
	// FragmentBenefit is the same for a version that is no whole sentences, whose vote is noisier.
	FragmentBenefit = 0.04
)

// guarded decides on the text without the parts that the guard cuts. When that wants an upgrade, or nearly, shorter
// versions of the text are asked too, and the decision is that of the dearest view that all the others agree with.
func (r *Router) guarded(ctx context.Context, p Prompt, f feasibleSet, asked Decision) (Decision, error) {
	if r.guard == nil || asked.Pinned || strings.TrimSpace(p.Text) == "" {
		return r.view(ctx, p.Text, p.Text, p, f, asked)
	}
	found := r.guard.Inspect(p.Text)
	note := &GuardNote{ID: r.guard.ID(), Cut: found.Cut[:min(len(found.Cut), MaxRecorded)], Unfamiliar: found.Unfamiliar}
	d, err := r.view(ctx, found.Text, found.Text, p, f, asked)
	if err != nil {
		return Decision{}, err
	}
	if d.forced() || !d.wantsUpgrade() {
		d.Guard = note
		return d, nil
	}
	note.Views = []View{newView(wholeText, d, false)}
	views := []Decision{d}
	for _, crop := range guard.Crops(found.Text) {
		c, err := r.view(ctx, crop.Text, crop.Like, p, f, asked)
		if err != nil {
			return Decision{}, fmt.Errorf("text %s: %w", crop.Name, err)
		}
		views = append(views, c)
		note.Views = append(note.Views, newView(crop.Name, c, crop.Fragment))
	}
	return note.decide(views), nil
}

func newView(name string, d Decision, fragment bool) View {
	return View{Name: name, Query: d.Query, Model: d.Pick.Model, ExpectedCost: d.Pick.ExpectedCost, Fragment: fragment}
}

// benefit of the doubt that the view gives an upgrade.
func (v View) benefit() float64 {
	if v.Fragment {
		return FragmentBenefit
	}
	return GuardBenefit
}

// decide takes the view that all agree with.
func (n *GuardNote) decide(views []Decision) Decision {
	n.Decided, n.needed = n.agreed(views), n.compared(views)
	d := views[n.Decided]
	d.Guard = n
	return d
}

// compared are the choices that agreed and wantsUpgrade rest on: each view's landmarks, the strongest objection to its pick, and
// the best of those dearer than what the whole text wants.
func (n *GuardNote) compared(views []Decision) []Choice {
	var out []Choice
	for i := range views {
		v := &views[i]
		out = append(out, v.landmarks()...)
		if c, _ := n.objection(views, v.Pick); c != nil {
			out = append(out, *c)
		}
	}
	whole, best := &views[0], -1
	for i, c := range whole.Considered {
		if c.ExpectedCost > whole.Pick.ExpectedCost && whole.lowestOf(c) && (best < 0 || c.Utility > whole.Considered[best].Utility) {
			best = i
		}
	}
	if best >= 0 {
		out = append(out, whole.Considered[best])
	}
	return out
}

// reguarded makes again what the recorded views wanted, and whether they had to be asked.
func (r *Router) reguarded(ctx context.Context, p Prompt, f feasibleSet, asked Decision, record *Decision) (Decision, error) {
	asked.Query = record.Query
	if record.Guard == nil {
		return r.view(ctx, "", "", p, f, asked)
	}
	n := &GuardNote{ID: record.Guard.ID, Cut: record.Guard.Cut, Unfamiliar: record.Guard.Unfamiliar}
	recorded := record.Guard.Views
	if len(recorded) == 0 {
		recorded = []View{{Query: record.Query}}
	}
	var views []Decision
	for _, v := range recorded {
		asked.Query = v.Query
		d, err := r.view(ctx, "", "", p, f, asked)
		if err != nil {
			return Decision{}, err
		}
		views = append(views, d)
		n.Views = append(n.Views, newView(v.Name, d, v.Fragment))
	}
	first := &views[0]
	if ask := !first.forced() && first.wantsUpgrade(); ask != (len(record.Guard.Views) > 0) {
		return Decision{}, &DifferenceError{"guard.views", fmt.Sprintf("%d views", len(record.Guard.Views)), fmt.Sprintf("more asked: %v", ask)}
	}
	if len(record.Guard.Views) == 0 {
		n.Views, first.Guard = nil, n
		return *first, nil
	}
	return n.decide(views), nil
}

// view decides on one version of the text, which counts as beginning and ending like another.
func (r *Router) view(ctx context.Context, part, like string, p Prompt, f feasibleSet, d Decision) (Decision, error) {
	e, err := r.evidence(ctx, part, like, &d)
	if err != nil {
		return Decision{}, err
	}
	defer e.release()
	d.settle(e, f, p)
	return d, nil
}

// forced: the text has no say.
func (d *Decision) forced() bool { return d.Turn != nil && d.Turn.Verdict == VerdictToolLoop }

// wantsUpgrade says whether asking more views can change the pick: it costs more than the thrifty choice, or a dearer
// model is behind it by no more than the benefit. A model's dearer offers have no part in this: nobody would choose them.
func (d *Decision) wantsUpgrade() bool {
	if d.Dial == MaxDial {
		return false
	}
	return d.Pick.ExpectedCost > d.thrifty().ExpectedCost ||
		slices.ContainsFunc(d.Considered, func(c Choice) bool { return d.tempts(&c) && d.lowestOf(c) })
}

// tempts: a choice is dearer than the pick, and behind it by no more than the benefit.
func (d *Decision) tempts(c *Choice) bool {
	return c.ExpectedCost > d.Pick.ExpectedCost && c.Utility+GuardBenefit >= d.Pick.Utility
}

// undercut is the position of the cheapest offer of a choice's model, where that alone is why the guard asked nothing because of
// the choice. It may have less utility, for its doubt, and has to stay in the record where the choice does. Else it is the choice's own.
func (d *Decision) undercut(at int) int {
	c := &d.Considered[at]
	if d.Guard == nil || len(d.Guard.Views) > 0 || !d.tempts(c) {
		return at
	}
	for i := range d.Considered {
		if o := &d.Considered[i]; o.Model == c.Model && o.ExpectedCost < d.Considered[at].ExpectedCost {
			at = i
		}
	}
	return at
}

// lowestOf says whether no operator considered asks less for the choice's model.
func (d *Decision) lowestOf(c Choice) bool {
	return !slices.ContainsFunc(d.Considered, func(o Choice) bool { return o.Model == c.Model && o.ExpectedCost < c.ExpectedCost })
}

// agreed is the number of the view with the dearest pick that every view agrees with, the first of equals. A pick no
// dearer than the thrifty choice is no upgrade and needs nobody's consent. Where that is what the whole text picks too, the
// whole text decides. An operator that no view would pick has no
// part in this: it neither wants anything nor is the better alternative of any view.
func (n *GuardNote) agreed(views []Decision) int {
	thrifty := views[0].thrifty().ExpectedCost
	order := make([]int, len(views))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(views[b].Pick.ExpectedCost, views[a].Pick.ExpectedCost)
	})
	for _, i := range order {
		if pick := views[i].Pick; pick.ExpectedCost <= thrifty || n.consent(views, pick) {
			if pick.sameOffer(views[0].Pick) {
				return 0
			}
			return i
		}
	}
	return order[len(order)-1]
}

// consent: no view finds something cheaper than the pick better by more than its benefit of the doubt.
func (n *GuardNote) consent(views []Decision, pick Choice) bool {
	_, by := n.objection(views, pick)
	return by <= 0
}

// objection is what speaks most against a pick: of all that is cheaper in some view, what that view finds better by most,
// beyond its benefit of the doubt. Each view compares at its own expected costs. Nil and −∞ when the pick is the cheapest in all.
func (n *GuardNote) objection(views []Decision, pick Choice) (strongest *Choice, by float64) {
	by = math.Inf(-1)
	for i := range views {
		v := &views[i]
		here := &v.Considered[v.position(pick.Model, pick.Operator)] // every view considers the same offers
		for j := range v.Considered {
			c := &v.Considered[j]
			if c.ExpectedCost >= here.ExpectedCost {
				continue
			}
			if better := c.Utility - (here.Utility + n.Views[i].benefit()); better > by {
				strongest, by = c, better
			}
		}
	}
	return strongest, by
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
	if n.Decided > 0 {
		why += fmt.Sprintf("; the whole text asked for %s, but not all of its parts did: the decision rests on it %s",
			n.Views[0].Model, n.Views[n.Decided].Name)
	}
	return why
}
