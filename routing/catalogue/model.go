// Package catalogue gives every open-weight model one name. Ollama tags, Hugging Face ids and GGUF file names of the
// same weights parse to the same canonical id ("llama-3.1-8b-instruct"), so that an advert, an index row and a
// request can meet. Quantization is kept apart: it changes how weights are stored, not which model they are.
//
// Names are understood by rules plus a short table of families. A name the rules do not cover still gets an id and a
// prior from whatever size it states, and says so (Model.Unknown).
package catalogue

import (
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
)

// MaxName bounds the names Parse reads; longer ones are cut. The longest published GGUF names are near 120 bytes.
const MaxName = 256

// Model is what a name says about a model.
type Model struct {
	ID            string  // canonical, lower case, without quantization; never empty
	Family        string  // "llama", "qwen", …; "" when no rule knows it
	Version       string  // "3.1"; "" when the family has none or the name does not say
	Size          string  // "8b", "8x7b", "270m"; "" when not stated and not implied
	Variant       string  // what is left of the name: "instruct", "coder-instruct", "mini-4k-instruct"
	Quantization  string  // "q4_k_m", "fp8"; "" when not stated
	Billions      float64 // parameters in billions, all experts of a mixture counted; 0 when unknown
	Instruct      bool    // tuned to follow instructions; false for base models
	Unknown       bool    // family or size not recognised: PriorQuality is then a guess from what is left
	NoChat        bool    // it judges, ranks or makes vectors of texts (a guard, a reranker, an embedder) and does not answer them
	priorModifier float64
}

// Parse reads any of: a canonical id, an Ollama tag ("llama3.1:8b-instruct-q4_K_M"), a Hugging Face id
// ("meta-llama/Llama-3.1-8B-Instruct"), a GGUF file name or path, or a provider's column ("…@hyperbolic").
// Parse(Parse(x).ID).ID == Parse(x).ID for every x. It never fails: see Model.Unknown.
func Parse(name string) Model {
	if m, ok := parsed.Get(name); ok {
		return m
	}
	m := parse(name)
	if len(name) <= MaxName {
		parsed.Add(name, m)
	}
	return m
}

// parsed remembers names, which recur with every request: understanding one takes 25 µs. Strangers invent names, so the
// oldest are forgotten.
var parsed, _ = lru.New[string, Model](maxParsed) // fails for a size below one only

const maxParsed = 1024

func parse(name string) Model {
	m := parseOnce(name)
	quantization := m.Quantization
	// A name may reduce to another spelling that a table row completes ("qwen2.5-base" to "qwen2.5"): go on until the
	// id names itself, so that ids are stable wherever they are parsed again.
	for range maxRewrites {
		again := parseOnce(m.ID)
		if again.ID == m.ID {
			break
		}
		m = again
	}
	m.Quantization = quantization
	return m
}

// maxRewrites bounds Parse's rewriting; names seen in practice need one, fuzzed ones two.
const maxRewrites = 8

func parseOnce(name string) Model {
	n := normalise(name)
	m := Model{Quantization: n.quantization, NoChat: slices.ContainsFunc(n.tokens, noChatToken.MatchString)}
	tokens := n.tokens
	fam, tokens := splitFamily(tokens)
	if fam == nil {
		m.ID = strings.Join(tokens, "-")
		if m.ID == "" {
			m.ID = "unnamed"
		}
		m.Size = findSize(tokens)
		m.Billions = billions(m.Size)
		m.Instruct = slices.ContainsFunc(tokens, func(t string) bool { return instructWords[t] })
		m.Variant = strings.Join(remove(tokens, m.Size), "-")
		m.Unknown = true
		return m
	}
	m.Family = fam.name
	m.Version, tokens = splitVersion(fam, tokens, n)
	m.priorModifier = fam.prior
	tokens, m.Instruct = fam.canonicalTokens(m.Version, tokens, n)
	m.Size = findSize(tokens)
	m.Variant = strings.Join(remove(tokens, m.Size), "-")
	m.Billions = fam.billionsOf(m.Version, m.Size, tokens)
	m.Unknown = m.Billions == 0
	m.ID = joinID(fam, m.Version, tokens)
	return m
}

// ID is Parse(name).ID.
func ID(name string) string { return Parse(name).ID }

// joinID writes family, version and the remaining tokens the way the family's authors do: "qwen2.5-7b", "llama-3.1-8b".
func joinID(f *family, version string, tokens []string) string {
	id := f.name
	if version != "" && !f.attach {
		id += "-"
	}
	id += version
	if len(tokens) > 0 {
		id += "-" + strings.Join(tokens, "-")
	}
	return id
}

func remove(tokens []string, drop string) []string {
	out := make([]string, 0, len(tokens))
	for _, t := range tokens {
		if t != drop || drop == "" {
			out = append(out, t)
		}
	}
	return out
}
