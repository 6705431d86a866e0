package routing

import (
	"crypto/sha256"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"flotilla/routing/index"
)

// Choice is one operator's offer with what is expected of it for this prompt.
type Choice struct {
	Operator             string  `json:"operator"`
	Model                ModelID `json:"model"`
	Quality              float64 `json:"quality"`                // predicted, 0..1
	QualitySE            float64 `json:"quality_se"`             // its standard error
	Ability              float64 `json:"ability"`                // quality on an average prompt, 0..1
	Evidence             float64 `json:"evidence"`               // effective number of labelled neighbours behind it
	Unknown              bool    `json:"unknown,omitempty"`      // neither rows nor a known name: Quality is a guess
	ExpectedOutputTokens uint32  `json:"expected_output_tokens"` // capped by the request's limit
	ExpectedCost         float64 `json:"expected_cost"`          // token base units (1e-6 USD)
	Doubt                float64 `json:"doubt"`                  // what Quality is lowered by for being uncertain, see weigh
	Utility              float64 `json:"utility"`                // quality − cost/W(dial) − doubt
	InputPerMTok         uint64  `json:"input_per_mtok"`
	OutputPerMTok        uint64  `json:"output_per_mtok"`
	PerRequest           uint64  `json:"per_request"`
	Load                 float64 `json:"load"`
	HeldBack             bool    `json:"held_back,omitempty"` // by the guard, see GuardNote.hold: a last resort
	Ref                  any     `json:"-"`                   // Candidate.Ref
}

// Neighbor is a labelled prompt the decision rests on. Rows are numbered within the index generation IndexID names.
type Neighbor struct {
	Row        int     `json:"row"`
	Similarity float64 `json:"similarity"` // cosine
	Source     string  `json:"source"`
}

// Rules numbers the arithmetic of decisions. Raise it whenever the same record and index would give other bits, and make
// the golden records anew (see replay_test.go): a replay by other rules cannot tell a changed program from a false record.
const Rules = 10

// Decision is the outcome of Route with everything needed to explain it, and to make it again (Replay). Query is the
// prompt's vector: whoever has the record can tell roughly what the prompt was about.
type Decision struct {
	Rules             int         `json:"rules"`
	Pick              Choice      `json:"pick"`
	Fallbacks         []Choice    `json:"fallbacks"`        // try in order when the pick fails: same model first
	Considered        []Choice    `json:"considered"`       // the feasible by falling utility, those within the allowance first, at most MaxRecorded
	ConsideredTotal   int         `json:"considered_total"` // how many were feasible
	Rejected          []Rejection `json:"rejected"`         // at most MaxRecorded
	RejectedTotal     int         `json:"rejected_total"`   // how many were ruled out
	Neighbors         []Neighbor  `json:"neighbors"`        // nearest first
	Reason            Reason      `json:"reason"`
	Why               string      `json:"why"` // one sentence for people
	Dial              float64     `json:"dial"`
	Leader            ModelID     `json:"leader"`                  // the best single model, see weigh
	Named             string      `json:"named,omitempty"`         // the model that the request names
	Default           string      `json:"default_model,omitempty"` // Policy.Default
	UsedDefault       bool        `json:"used_default,omitempty"`  // the pick is of that model because of it
	Allow             []string    `json:"allow,omitempty"`
	Block             []string    `json:"block,omitempty"`
	MaxCost           uint64      `json:"max_cost,omitempty"`
	Allowance         Allowance   `json:"allowance,omitzero"`    // what the key may still spend on upgrades
	OverBudget        bool        `json:"over_budget,omitempty"` // without the allowance something dearer would have been the pick
	InputTokens       uint32      `json:"input_tokens"`
	MaxOutputTokens   uint32      `json:"max_output_tokens"`
	OutOfDistribution bool        `json:"out_of_distribution"` // no labelled prompt is near: qualities are priors
	NoText            bool        `json:"no_text,omitempty"`   // nothing to embed, hence OutOfDistribution
	Tools             bool        `json:"tools,omitempty"`     // Prompt.Tools, JSONMode and Vision
	JSONMode          bool        `json:"json_mode,omitempty"`
	Vision            bool        `json:"vision,omitempty"`
	Pinned            bool        `json:"pinned"`
	Turn              *Turn       `json:"turn,omitempty"` // nil where the request continues no conversation
	Baseline          Choice      `json:"baseline"`       // what always using the best single model would have run
	Query             index.Query `json:"query,omitempty"`
	IndexID           string      `json:"index_id"`
	EmbedderID        string      `json:"embedder_id"`
	Guard             *GuardNote  `json:"guard,omitempty"` // what the guard did; nil without one
}

// newDecision records what is asked; nothing is decided yet.
func newDecision(p Prompt, policy Policy, x *index.Index) Decision {
	return Decision{
		Rules: Rules, Dial: policy.Dial, Named: policy.Model, Pinned: policy.Model != "", Default: policy.Default,
		Allow: policy.Allow, Block: policy.Block, MaxCost: policy.MaxCost, Allowance: policy.Allowance,
		InputTokens: p.InputTokens, MaxOutputTokens: p.MaxOutputTokens, Tools: p.Tools, JSONMode: p.JSONMode, Vision: p.Vision,
		IndexID: x.ID(), EmbedderID: x.EmbedderID(),
	}
}

// MaxFallbacks bounds retries: a request that failed this often will not be saved by another operator.
const MaxFallbacks = 8

// MaxRecorded bounds the lists of a decision's record: it is kept with every receipt, and a fleet may have thousands of
// offers.
const MaxRecorded = 64

// trim cuts the lists to what is recorded. The choices that the pick, its reason, the fallbacks and the views' objections rest on
// stay in: so a decision among the recorded alone comes out the same. These are 58 at most: 20 that d itself rests on, six of each
// of six views, what the whole text wants, and what was not worth holding that back for.
func (d *Decision) trim() {
	d.ConsideredTotal, d.RejectedTotal = len(d.Considered), len(d.Rejected)
	d.Rejected = slices.Clip(d.Rejected[:min(len(d.Rejected), MaxRecorded)])
	if len(d.Considered) <= MaxRecorded {
		return
	}
	needed, room := make([]bool, len(d.Considered)), MaxRecorded // by position, and for how many others
	need := func(at int) {
		if !needed[at] {
			needed[at], room = true, room-1
		}
	}
	tries := append([]Choice{d.Pick}, d.Fallbacks...)
	for i, c := range d.Considered { // one operator's offers of one model at one price may be several, and each of them a fallback
		if at := slices.IndexFunc(tries, c.sameOffer); at >= 0 {
			tries = slices.Delete(tries, at, at+1)
			need(i)
		}
	}
	for _, c := range d.weighed() {
		need(slices.IndexFunc(d.Considered, c.sameOffer))
	}
	kept := make([]Choice, 0, MaxRecorded)
	for i, c := range d.Considered {
		switch {
		case needed[i]:
		case room > 0:
			room--
		default:
			continue
		}
		kept = append(kept, c)
	}
	d.Considered = kept
}

// weighed are the choices that the pick was compared with by name, by the guard too, besides the best by utility.
func (d *Decision) weighed() []Choice {
	out := d.landmarks()
	if at := d.uncovered(); at >= 0 {
		out = append(out, d.Considered[at])
	}
	best, cheapest, second := d.rivals()
	for _, c := range []*Choice{best, cheapest, second, d.doubted()} {
		if c != nil {
			out = append(out, *c)
		}
	}
	if d.Guard != nil {
		out = append(out, d.Guard.needed...)
	}
	return out
}

// landmarks are the choices by which the decision on one version of the text is known among all: its pick, its thrifty choice,
// its leader and the most able, and those that choose looks at besides the first.
func (d *Decision) landmarks() []Choice {
	out := []Choice{d.Pick, d.thrifty(), d.Considered[leader(d.Considered)], d.Considered[mostAble(d.Considered)]}
	for _, at := range d.ofTurn() {
		out = append(out, d.Considered[at])
	}
	return out
}

// sameOffer: one operator's offer of one model at one price, whatever is expected of it.
func (c Choice) sameOffer(o Choice) bool {
	return c.Operator == o.Operator && c.Model == o.Model &&
		c.InputPerMTok == o.InputPerMTok && c.OutputPerMTok == o.OutputPerMTok && c.PerRequest == o.PerRequest
}

// JSON is the canonical form: fixed field order, shortest floats, no blanks. Equal decisions give equal bytes.
func (d Decision) JSON() []byte {
	b, err := json.Marshal(d)
	if err != nil {
		panic("routing: decision holds a value JSON cannot express: " + err.Error()) // no field can be NaN or a cycle
	}
	return b
}

// Digest is the sha256 of JSON(); it goes into orders and receipts.
func (d Decision) Digest() [32]byte { return sha256.Sum256(d.JSON()) }

// settle fills in choices, order, fallbacks and baseline. It returns the choices in the order of the candidates, the estimator's.
func (d *Decision) settle(e *estimator, f feasibleSet, p Prompt) []Choice {
	for _, offers := range [][]*Candidate{f.chosen, f.others} {
		for _, c := range offers {
			e.choices = append(e.choices, newChoice(e.of(c.Model), c, p, d.Dial))
		}
	}
	d.Baseline = baseline(e.choices)
	choices := e.choices[:len(f.chosen)]
	d.Leader = choices[leader(choices)].Model
	weigh(choices, Worth(d.Dial))
	d.arrange(choices, p.Session)
	if d.Rejected == nil {
		d.Rejected = []Rejection{}
	}
	if d.Neighbors == nil {
		d.Neighbors = []Neighbor{}
	}
	return choices
}

// arrange considers weighed choices in order, picks, and sets the fallbacks.
func (d *Decision) arrange(choices []Choice, s Session) {
	d.rank(choices)
	pick := d.choose(s)
	d.Pick = d.Considered[pick]
	d.Fallbacks = make([]Choice, 0, min(MaxFallbacks, len(d.Considered)-1))
	for _, same := range []bool{true, false} {
		for i, c := range d.Considered {
			if i != pick && (c.Model == d.Pick.Model) == same && len(d.Fallbacks) < MaxFallbacks {
				d.Fallbacks = append(d.Fallbacks, c)
			}
		}
	}
}

// baseline is the most able model in general, at its cheapest operator; choices are not weighed yet.
func baseline(choices []Choice) Choice {
	best := &choices[0]
	for i := range choices {
		c := &choices[i]
		if c.Ability > best.Ability || c.Ability == best.Ability && (c.Model < best.Model || c.Model == best.Model && better(c, best) < 0) {
			best = c
		}
	}
	return *best
}

func newChoice(est *estimate, c *Candidate, p Prompt, dial float64) Choice {
	tokens := max(math.Round(est.tokens), 1)
	if p.MaxOutputTokens != 0 {
		tokens = min(tokens, float64(p.MaxOutputTokens))
	}
	expected := expectedCost(c, p.InputTokens, tokens)
	load := c.Load
	if math.IsNaN(load) || math.IsInf(load, 0) {
		load = 1
	}
	return Choice{
		Operator: c.Operator, Model: c.Model, Quality: est.quality, QualitySE: est.se, Ability: est.ability, Evidence: est.evidence, Unknown: est.unknown,
		ExpectedOutputTokens: uint32(min(tokens, math.MaxUint32)), ExpectedCost: expected, Utility: utility(est.quality, expected, Worth(dial)),
		InputPerMTok: c.InputPerMTok, OutputPerMTok: c.OutputPerMTok, PerRequest: c.PerRequest, Load: load, Ref: c.Ref,
	}
}

// ordered copies choices, the best first; equals keep their order. A choice is large, so places are sorted, and each
// choice is moved once.
func ordered(choices []Choice) []Choice {
	places := make([]*Choice, len(choices))
	for i := range choices {
		places[i] = &choices[i]
	}
	slices.SortStableFunc(places, better)
	out := make([]Choice, len(choices))
	for i, c := range places {
		out[i] = *c
	}
	return out
}

// better orders choices: higher utility, then cheaper, then idler, then by name so that the order is total.
func better(a, b *Choice) int {
	switch {
	case a.Utility != b.Utility:
		return sign(b.Utility - a.Utility)
	case a.ExpectedCost != b.ExpectedCost:
		return sign(a.ExpectedCost - b.ExpectedCost)
	case a.Load != b.Load:
		return sign(a.Load - b.Load)
	case a.Operator != b.Operator:
		return strings.Compare(a.Operator, b.Operator)
	}
	return strings.Compare(string(a.Model), string(b.Model))
}

func sign(x float64) int {
	if x < 0 {
		return -1
	}
	return 1
}
