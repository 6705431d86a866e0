package routing

import (
	"fmt"
	"math"
	"path"
	"unicode/utf8"
)

// ModelID is a canonical model id (package catalogue), lower case: "llama-3.1-8b-instruct".
type ModelID string

// Prompt is what is known of a request before it runs.
type Prompt struct {
	Text            string // what the decision rests on; the user's own words only
	InputTokens     uint32 // 0: estimated as bytes / 4
	MaxOutputTokens uint32 // the request's own limit; 0: none stated
	Tools           bool   // the request needs tool calls
	JSONMode        bool   // the request needs JSON output
	Vision          bool   // the request holds images
	Session         Session
}

// bytesPerToken is the usual English average; only used where the caller did not count.
const bytesPerToken = 4

func (p Prompt) withInputTokens() Prompt {
	if p.InputTokens == 0 {
		p.InputTokens = uint32(min((len(p.Text)+bytesPerToken-1)/bytesPerToken, math.MaxInt32))
	}
	return p
}

// Candidate is one operator's live, signed offer of one model. Prices are token base units (1e-6 USD) per 1,000,000
// tokens, PerRequest is base units flat.
type Candidate struct {
	Operator      string
	Model         ModelID
	InputPerMTok  uint64
	OutputPerMTok uint64
	PerRequest    uint64
	MaxContext    uint32 // tokens of prompt and answer together; 0: not stated
	Tools         bool
	JSONMode      bool
	Vision        bool
	Load          float64 // 0 idle … 1 full
	Unavailable   string  // non-empty: never chosen, and why
	Ref           any     // the caller's handle; handed back in Choice.Ref
}

// Policy is what the user or the gateway's owner wants.
type Policy struct {
	Dial      float64   // 0 most capable … 10 cheapest capable, in tenths; DefaultDial unless the user says otherwise
	Model     string    // a named model in any spelling the catalogue knows: only that one, without looking at the prompt
	Allow     []string  // path.Match globs on model ids; empty allows all. Binds fallbacks too
	Block     []string  // globs; stronger than Allow
	MaxCost   uint64    // base units: no operator whose price could exceed it for this request; 0: no ceiling
	Allowance Allowance // what the caller's key may still spend on upgrades
	Default   string    // the model, in any spelling, for prompts that lie far from everything labelled; "": the most able for its price
}

// maxPolicyText bounds a policy's names and patterns together, in bytes: they are kept with every decision.
const maxPolicyText = 16 << 10

// PolicyError is a policy that cannot be meant.
type PolicyError struct{ Problem string }

func (e *PolicyError) Error() string { return "routing policy: " + e.Problem }

func (p Policy) check() error {
	if !onScale(p.Dial) {
		return &PolicyError{fmt.Sprintf("dial %v: want %d (most capable) to %d (cheapest capable), with one decimal at most", p.Dial, MinDial, MaxDial)}
	}
	text := len(p.Model) + len(p.Default)
	for _, list := range [][]string{p.Allow, p.Block} {
		for _, glob := range list {
			text += len(glob)
			if !utf8.ValidString(glob) {
				return &PolicyError{fmt.Sprintf("pattern %q is not UTF-8", glob)}
			}
			if _, err := path.Match(glob, ""); err != nil {
				return &PolicyError{fmt.Sprintf("pattern %q: use * ? and [a-z] only, as in \"llama-*\"", glob)}
			}
		}
	}
	if !utf8.ValidString(p.Model) || !utf8.ValidString(p.Default) {
		return &PolicyError{fmt.Sprintf("model name %q is not UTF-8", p.Model+p.Default)}
	}
	if text > maxPolicyText {
		return &PolicyError{fmt.Sprintf("%d bytes of model names and patterns, at most %d: use patterns such as \"llama-*\"", text, maxPolicyText)}
	}
	return nil
}

// permits says whether the lists let a model through.
func (p Policy) permits(m ModelID) bool {
	return !matchAny(p.Block, m) && (len(p.Allow) == 0 || matchAny(p.Allow, m))
}

func matchAny(globs []string, m ModelID) bool {
	for _, g := range globs {
		if ok, _ := path.Match(g, string(m)); ok {
			return true
		}
	}
	return false
}
