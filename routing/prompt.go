package routing

import (
	"fmt"
	"path"
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
}

// bytesPerToken is the usual English average; only used where the caller did not count.
const bytesPerToken = 4

func (p Prompt) withInputTokens() Prompt {
	if p.InputTokens == 0 {
		p.InputTokens = uint32(min((len(p.Text)+bytesPerToken-1)/bytesPerToken, 1<<31))
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
	Dial    int      // 0 most capable … 10 cheapest capable; DefaultDial unless the user says otherwise
	Model   string   // a named model in any spelling the catalogue knows: only that one, without looking at the prompt
	Allow   []string // path.Match globs on model ids; empty allows all. Binds fallbacks too
	Block   []string // globs; stronger than Allow
	MaxCost uint64   // base units: no operator whose price could exceed it for this request; 0: no ceiling
}

// PolicyError is a policy that cannot be meant.
type PolicyError struct{ Problem string }

func (e *PolicyError) Error() string { return "routing policy: " + e.Problem }

func (p Policy) check() error {
	if p.Dial < MinDial || p.Dial > MaxDial {
		return &PolicyError{fmt.Sprintf("dial %d: want %d (most capable) to %d (cheapest capable)", p.Dial, MinDial, MaxDial)}
	}
	for _, list := range [][]string{p.Allow, p.Block} {
		for _, glob := range list {
			if _, err := path.Match(glob, ""); err != nil {
				return &PolicyError{fmt.Sprintf("pattern %q: use * ? and [a-z] only, as in \"llama-*\"", glob)}
			}
		}
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
