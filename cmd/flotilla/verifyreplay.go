package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"flotilla/node/openai"
	"flotilla/routing"
	"flotilla/routing/catalogue"
	"flotilla/routing/embed"
	"flotilla/routing/form"
	"flotilla/routing/guard"
	"flotilla/routing/index"
	"flotilla/routing/indexfile"
	"flotilla/settlement"
)

// The names of the checks of a routing decision, beside those of package settlement.
const (
	checkReplay = "decision_replay"
	checkServed = "decision_served"
	checkQuery  = "decision_query"
	checkAsked  = "decision_asked"
)

// replayer checks the routing decisions of receipts.
type replayer struct {
	indexes   map[string]*index.Index // by Index.ID
	fetch     indexFetcher
	prompt    string                      // what the request was routed by; only with embedder
	other     string                      // what else it may have been: see newReplayer; "" for nothing
	asked     *openai.Asked               // of the request as it was sent; nil where the prompt alone is at hand
	embedders map[string]routing.Embedder // by Embedder.ID; none where no prompt was given
}

// newReplayer opens the indexes at hand, and the prompt where one was given. It tells log what it waits for.
func (c *verifyCmd) newReplayer(receipts int, log io.Writer) (*replayer, error) {
	if c.Prompt != "" && receipts != 1 {
		return nil, fmt.Errorf("--prompt is of one receipt, %d are given", receipts)
	}
	r := &replayer{indexes: map[string]*index.Index{}, fetch: newIndexFetcher(c, log), embedders: map[string]routing.Embedder{}}
	for _, open := range []func() (*index.Index, error){index.Default, index.DefaultStatic} {
		builtIn, err := open()
		if err != nil {
			return nil, err
		}
		r.indexes[builtIn.ID()] = builtIn
	}
	for _, file := range c.Index {
		x, err := indexfile.Read(file)
		if err != nil {
			return nil, err
		}
		r.indexes[x.ID()] = x
	}
	if c.Prompt == "" {
		return r, nil
	}
	raw, err := readBounded(c.Prompt, maxPromptFile)
	if err != nil {
		return nil, fmt.Errorf("read prompt: %w", err)
	}
	r.prompt = string(raw)
	if c, ok := strings.CutSuffix(r.prompt, "\n"); ok { // which editors and echo end a file with
		r.other = strings.TrimSuffix(c, "\r")
	}
	if asked, err := openai.ReadAsked(raw); err == nil { // else it is the prompt itself
		r.prompt, r.other, r.asked = asked.Text, asked.Else, &asked
	}
	miniLM, err := embed.NewMiniLM()
	if err != nil {
		return nil, err
	}
	static, err := embed.NewStatic()
	if err != nil {
		return nil, err
	}
	for _, encoder := range []form.Encoder{miniLM, static} {
		e := form.Join(encoder)
		r.embedders[e.ID()] = e
	}
	return r, nil
}

// maxPromptFile bounds --prompt: what a gateway accepts as a request.
const maxPromptFile = 8 << 20

// checkAll adds to each receipt's report the checks of its decision. Those made with one index are checked together, so that none is
// fetched twice, or kept in memory.
func (r *replayer) checkAll(ctx context.Context, receipts []settlement.Bundle, reports []settlement.Report, bar *progressBar) {
	ids, order, absent := make([]string, len(receipts)), make([]int, len(receipts)), map[string]bool{}
	for i, b := range receipts {
		order[i], ids[i] = i, indexOf(b)
		if _, ok := r.indexes[ids[i]]; !ok && ids[i] != "" {
			absent[ids[i]] = true
		}
	}
	r.fetch.wanted = len(absent)
	slices.SortStableFunc(order, func(i, j int) int { return strings.Compare(ids[i], ids[j]) })
	for done, i := range order {
		bar.show("decisions", done, len(order))
		if absent[ids[i]] {
			r.fetch.begun++
			delete(absent, ids[i])
		}
		reports[i].Checks = append(reports[i].Checks, r.checks(ctx, receipts[i])...)
	}
	bar.clear()
}

// indexOf is the id of the index that a receipt's decision names; "" where it names none.
func indexOf(b settlement.Bundle) string {
	var d struct {
		IndexID string `json:"index_id"`
	}
	_ = json.Unmarshal(b.DecisionJSON, &d) // the checks say what is wrong with it
	return d.IndexID
}

// checks makes the checks of one receipt's decision.
func (r *replayer) checks(ctx context.Context, b settlement.Bundle) []settlement.Check {
	d, err := routing.ReadRecord(b.DecisionJSON)
	switch {
	case len(b.DecisionJSON) == 0:
		return []settlement.Check{cannotCheck(checkReplay, "the file holds no decision")}
	case errors.Is(err, routing.ErrOtherRules):
		return []settlement.Check{cannotCheck(checkReplay, err.Error()+": use the release that made it")}
	case err != nil:
		return []settlement.Check{judge(checkReplay, "", err)}
	}
	out := []settlement.Check{r.replay(ctx, b, d), judge(checkServed, fmt.Sprintf("%s at the advertised price was chosen, or next in line", b.Advert.Model), served(b, d))}
	if len(r.embedders) != 0 {
		out = append(out, r.anyQuery(ctx, d))
	}
	if r.asked != nil {
		out = append(out, judge(checkAsked, "model and dial are those of the request", asksFor(*r.asked, d)))
	}
	return out
}

// asksFor: the decision is of a request that named the models which this one names, or left the choice to the router, at the dial
// that it sets. So a gateway can claim neither that a model was named to it nor another dial.
func asksFor(a openai.Asked, d routing.Decision) error {
	saysModel := a.Auto || len(a.Named) > 0
	switch {
	case !saysModel && a.Dial == nil:
		return fmt.Errorf("%w: the request as it is given says neither model nor dial", settlement.ErrCannotCheck)
	case saysModel && d.Pinned && !slices.Contains(a.Named, d.Named):
		return fmt.Errorf("the decision says that the request names the model %q, and it does not", d.Named)
	case saysModel && !d.Pinned && !a.Auto:
		return fmt.Errorf("the request names %s, and the decision chose among all", strings.Join(a.Named, ", "))
	case a.Dial != nil && *a.Dial != d.Dial:
		return fmt.Errorf("the request sets the dial to %v, the decision was made at %v", *a.Dial, d.Dial)
	}
	return nil
}

func (r *replayer) replay(ctx context.Context, b settlement.Bundle, d routing.Decision) settlement.Check {
	x, err := r.atHand(d.IndexID), error(nil)
	if x == nil {
		x, err = r.fetch.index(ctx, b.ID(), d.IndexID)
	}
	if err != nil {
		return cannotCheck(checkReplay, fmt.Sprintf("the decision was made with index %s, which is neither built in nor given: %v", d.IndexID, err))
	}
	err = routing.Replay(ctx, b.DecisionJSON, x)
	return judge(checkReplay, fmt.Sprintf("%s on %s at dial %v, bit for bit from %d offers and index %.12s (generation %d)",
		d.Pick.Model, d.Pick.Operator, d.Dial, len(d.Considered), d.IndexID, x.Generation()), err)
}

// atHand is the index with this id; nil where it is not at hand, which the replay has said.
func (r *replayer) atHand(id string) *index.Index {
	if x := r.indexes[id]; x != nil {
		return x
	}
	if x := r.fetch.last; x != nil && x.ID() == id {
		return x
	}
	return nil
}

// served: the offer that the receipt bills is one that the decision chose, at the price it was chosen for.
func served(b settlement.Bundle, d routing.Decision) error {
	a := b.Advert
	operator := "0x" + hex.EncodeToString(a.Operator[:]) + "/"
	for _, c := range append([]routing.Choice{d.Pick}, d.Fallbacks...) {
		if strings.HasPrefix(c.Operator, operator) && c.Model == routing.ModelID(catalogue.ID(a.Model)) &&
			c.InputPerMTok == a.InputPerMTok && c.OutputPerMTok == a.OutputPerMTok && c.PerRequest == a.PerRequest {
			return nil
		}
	}
	return fmt.Errorf("%s of %s at the billed price is neither the decision's pick nor one of its %d fallbacks", a.Model, a.Operator, len(d.Fallbacks))
}

// anyQuery looks for the prompt as its file has it, and where that is not it for what else it may have been.
func (r *replayer) anyQuery(ctx context.Context, d routing.Decision) settlement.Check {
	if c := r.query(ctx, d); c.OK || c.Skipped || r.other == "" {
		return c
	}
	other := *r
	other.prompt = r.other
	return other.query(ctx, d)
}

// query embeds the prompt again. Embedders of two CPU families differ in the last bits of a vector, which is a step of
// rounding here and there; another prompt differs by much more.
func (r *replayer) query(ctx context.Context, d routing.Decision) settlement.Check {
	text, crops, err := r.text(d.Guard)
	if err != nil {
		return cannotCheck(checkQuery, err.Error())
	}
	x := r.atHand(d.IndexID)
	embedder, hasEmbedder := r.embedders[d.EmbedderID]
	switch {
	case d.NoText && strings.TrimSpace(text) != "":
		return judge(checkQuery, "", errors.New("the decision says that there was no text to compare, and the prompt has some"))
	case d.NoText:
		return judge(checkQuery, "the prompt has no text to compare", nil)
	case d.Query == nil:
		return cannotCheck(checkQuery, "the decision did not look at the prompt, since it is of a request that names its model")
	case x == nil:
		return cannotCheck(checkQuery, "the index that rounds the query is not at hand")
	case !hasEmbedder:
		return cannotCheck(checkQuery, fmt.Sprintf("the decision was made with embedder %s, which this program does not have", d.EmbedderID))
	}
	if d.Guard != nil && len(crops) != len(d.Guard.Views) {
		return judge(checkQuery, "", fmt.Errorf("%d shorter versions of the prompt had to be asked, recorded are %d", len(crops), len(d.Guard.Views)))
	}
	n, err := r.sameQuery(ctx, embedder, x, guard.Crop{Text: text, Like: text}, d.Query)
	if err != nil {
		return judge(checkQuery, "", err)
	}
	for i, crop := range crops {
		v := d.Guard.Views[i]
		if v.Name != crop.Name || v.Fragment != crop.Fragment {
			return judge(checkQuery, "", fmt.Errorf("view %d of the prompt is the text %s, recorded is %q", i+1, crop.Name, v.Name))
		}
		m, err := r.sameQuery(ctx, embedder, x, crop, v.Query)
		if err != nil {
			return judge(checkQuery, "", fmt.Errorf("the text %s: %w", crop.Name, err))
		}
		n += m
	}
	evidence := fmt.Sprintf("query differs from that of the prompt in %d of %d steps", n, (1+len(crops))*len(d.Query))
	if len(crops) > 0 {
		evidence += fmt.Sprintf(", %d shorter versions of it included", len(crops))
	}
	return judge(checkQuery, evidence, nil)
}

// sameQuery embeds a text and counts the values in which its query differs from the one recorded. A text that cannot be
// embedded is ErrCannotCheck, which says nothing of the record.
func (r *replayer) sameQuery(ctx context.Context, embedder routing.Embedder, x *index.Index, c guard.Crop, recorded index.Query) (int, error) {
	vector, err := routing.EmbedPart(ctx, embedder, c.Text, c.Like)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", settlement.ErrCannotCheck, err)
	}
	q, err := x.Quantize(vector)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", settlement.ErrCannotCheck, err)
	}
	if len(q) != len(recorded) {
		return 0, fmt.Errorf("query has %d values, that of the prompt %d", len(recorded), len(q))
	}
	n, most := querySteps(q, recorded)
	if most > 1 {
		return 0, fmt.Errorf("query differs from that of the prompt in %d of %d values, by up to %d steps: the decision was made for another text", n, len(q), most)
	}
	return n, nil
}

// text is what the guard leaves of the prompt to route by, and the versions of it that had to be asked: all, or none.
func (r *replayer) text(note *routing.GuardNote) (text string, crops []guard.Crop, err error) {
	if note == nil {
		return r.prompt, nil, nil
	}
	g, err := guard.New()
	if err != nil {
		return "", nil, err
	}
	if note.ID != g.ID() {
		return "", nil, fmt.Errorf("the text was looked at by guard %s, this is %s", note.ID, g.ID())
	}
	text = g.Inspect(r.prompt).Text
	if note.Wanted != "" {
		crops = guard.Crops(text)
	}
	return text, crops, nil
}

// querySteps counts the values in which two queries of one length differ, and the largest difference.
func querySteps(a, b index.Query) (n, most int) {
	for i := range a {
		if step := max(int(a[i])-int(b[i]), int(b[i])-int(a[i])); step != 0 {
			n, most = n+1, max(most, step)
		}
	}
	return n, most
}

func judge(name, evidence string, err error) settlement.Check {
	if err != nil {
		return settlement.Check{Name: name, Skipped: errors.Is(err, settlement.ErrCannotCheck), Evidence: err.Error(), Err: err, Error: err.Error()}
	}
	return settlement.Check{Name: name, OK: true, Evidence: evidence}
}

func cannotCheck(name, why string) settlement.Check {
	err := fmt.Errorf("%w: %s", settlement.ErrCannotCheck, why)
	return settlement.Check{Name: name, Skipped: true, Evidence: why, Err: err, Error: err.Error()}
}
