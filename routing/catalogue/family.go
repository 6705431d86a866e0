package catalogue

import (
	"regexp"
	"slices"
	"strings"
)

// family is how one line of models is named. Everything that cannot be read off a name by rule is a field here.
type family struct {
	name           string
	attach         bool    // version is written against the name: "qwen2.5", not "qwen-2.5"
	instruct       string  // the family's word for an instruction tune in canonical ids
	alwaysInstruct bool    // ships instruction-tuned only, whatever the name says
	prior          float64 // quality offset against the size curve, from the outcomes in the default index
	namesBase      bool    // a bare local name means the instruct tune; base models are written "-base"
	// implied gives billions of parameters for names that use words for sizes: "mini", "large", version-only names.
	implied map[string]float64
}

// families in order of matching: a longer name stands before its prefix.
var families = []family{
	{name: "codellama", instruct: "instruct"},
	{name: "tinyllama", instruct: "instruct"},
	{name: "llama", instruct: "instruct"},
	{name: "codegemma", instruct: "it", prior: -0.15},
	{name: "gemma", instruct: "it"},
	{name: "qwen", attach: true, instruct: "instruct"},
	{name: "qwq", instruct: "instruct", alwaysInstruct: true},
	{name: "codestral", instruct: "instruct", alwaysInstruct: true, implied: map[string]float64{"": 22}},
	{name: "ministral", instruct: "instruct"},
	{name: "mixtral", instruct: "instruct"},
	{name: "magistral", instruct: "instruct", alwaysInstruct: true, implied: map[string]float64{"small": 24}},
	{name: "devstral", instruct: "instruct", alwaysInstruct: true, implied: map[string]float64{"small": 24}},
	{name: "mathstral", instruct: "instruct", alwaysInstruct: true},
	{name: "mistral", instruct: "instruct", implied: map[string]float64{"large": 123, "nemo": 12, "small": 24}},
	{name: "deepseek", instruct: "chat", implied: map[string]float64{"v2": 236, "v2.5": 236, "v3": 671, "v3.1": 671, "r1": 671, "lite": 16}},
	{name: "phi", instruct: "instruct", alwaysInstruct: true, implied: map[string]float64{"mini": 3.8, "small": 7, "medium": 14, "": 14}},
	{name: "yi", instruct: "chat"},
	{name: "smollm", attach: true, instruct: "instruct", namesBase: true},
	{name: "command", instruct: "chat", alwaysInstruct: true, implied: map[string]float64{"plus": 104, "r": 35, "a": 111, "r7b": 7}},
	{name: "granite", instruct: "instruct"},
	{name: "olmo", instruct: "instruct"},
	{name: "falcon", instruct: "instruct"},
	{name: "athene", instruct: "chat", alwaysInstruct: true},
	{name: "nemotron", instruct: "instruct"},
	{name: "glm", instruct: "chat"},
	{name: "gpt-oss", instruct: "instruct", alwaysInstruct: true},
	{name: "vicuna", instruct: "instruct", alwaysInstruct: true},
	{name: "hermes", instruct: "instruct", alwaysInstruct: true},
	{name: "stablelm", instruct: "instruct"},
	{name: "starcoder", attach: true, instruct: "instruct"},
}

var (
	versionToken   = regexp.MustCompile(`^v?\d{1,2}(\.\d{1,2})?n?$`)
	attachedNumber = regexp.MustCompile(`^v?\d{1,2}(\.\d{1,2})?n?`)
	releaseToken   = regexp.MustCompile(`^(v\d(\.\d{1,2})?|\d{4}|\d{6})$`)
	instructWords  = map[string]bool{"instruct": true, "inst": true, "it": true, "chat": true}
	baseWords      = map[string]bool{"base": true, "pt": true, "text": true}
	authors        = map[string]bool{"mistralai": true, "google": true, "microsoft": true, "nvidia": true, "ibm": true, "c4ai": true, "open": true}
)

// splitFamily finds the family at the start of the name ("llama3" and "meta-llama-3" alike) and returns the rest.
func splitFamily(tokens []string) (*family, []string) {
	for len(tokens) > 1 && authors[tokens[0]] {
		tokens = tokens[1:]
	}
	if len(tokens) == 0 {
		return nil, tokens
	}
	for i := range families {
		f := &families[i]
		head, rest := tokens[0], tokens[1:]
		if f.name == "gpt-oss" {
			if head == "gpt" && len(rest) > 0 && rest[0] == "oss" {
				return f, rest[1:]
			}
			continue
		}
		if !strings.HasPrefix(head, f.name) {
			continue
		}
		tail := head[len(f.name):]
		if tail == "" {
			return f, rest
		}
		// "llama3.1", "qwen2.5", "phi3.5"; but not "llamaguard" or "yield".
		tail, vision := strings.CutSuffix(tail, "vl") // "qwen2.5vl"
		if v := attachedNumber.FindString(tail); v == tail && v != "" {
			if vision {
				return f, append([]string{tail, "vl"}, rest...)
			}
			return f, append([]string{tail}, rest...)
		}
	}
	return nil, tokens
}

// splitVersion takes the version if it is the first token. Families whose version comes last ("mistral-7b-v0.3")
// keep it as a token.
func splitVersion(f *family, tokens []string) (string, []string) {
	if len(tokens) == 0 {
		return "", tokens
	}
	t := tokens[0]
	switch {
	case f.name == "deepseek" || f.name == "mistral": // "deepseek-coder-v2", "deepseek-v2-coder", "mistral-large-2"
		return "", tokens
	case versionToken.MatchString(t):
		return strings.TrimPrefix(t, "v"), tokens[1:]
	}
	return "", tokens
}

// canonicalTokens rewrites the words after family and version: one word for an instruction tune, none for a base
// model, release marks last. An Ollama tag without such a word means the instruct tune.
func (f *family) canonicalTokens(tokens []string, n normalised, bareIsTuned bool) []string {
	var words, releases []string
	instruct, base := false, false
	seen := map[string]bool{}
	for _, t := range tokens {
		if baseWords[t] {
			base = true
			continue
		}
		if instructWords[t] {
			instruct = true
			continue
		}
		if seen[t] {
			continue
		}
		seen[t] = true
		if releaseToken.MatchString(t) && !(f.name == "deepseek" && t[0] == 'v') { // there the "v2" is the version
			releases = append(releases, t)
			continue
		}
		words = append(words, t)
	}
	words = f.reorder(words)
	implied := n.ollama || (f.namesBase && !n.hub)
	if !instruct && (f.namesBase && (base || !implied) || bareIsTuned && base) {
		words = append(words, "base")
	}
	if instruct || (implied && !base && !f.alwaysInstruct && !bareIsTuned) {
		if !(f.alwaysInstruct && f.instruct == "chat") {
			words = append(words, f.instruct)
		}
	}
	return append(words, releases...)
}

// bareIsTuned: from Qwen 3 on a name without any such word is the chat model everywhere, and the base model says "base".
func (f *family) bareIsTuned(version string, tokens []string) bool {
	return f.name == "qwen" && strings.HasPrefix(version, "3") && !slices.Contains(tokens, "coder")
}

// reorder settles the few families that name the same weights in two orders or with a redundant word.
func (f *family) reorder(words []string) []string {
	has := func(w string) bool {
		for _, x := range words {
			if x == w {
				return true
			}
		}
		return false
	}
	switch f.name {
	case "phi": // Ollama writes "phi3:3.8b-mini-4k": the word names the size already
		if has("mini") || has("medium") || has("small") {
			size := findSize(words)
			words = remove(words, size)
		}
	case "llama": // "llama3.2-vision:11b", "llama4:17b-scout-16e"
		words = lift(words, "vision", false)
		words = lift(lift(words, "scout", true), "maverick", true)
	case "mistral": // these words name the size already
		if has("nemo") {
			words = remove(words, "12b")
		}
		if has("large") {
			words = remove(words, "123b")
		}
		if has("small") {
			words = remove(words, "22b")
		}
	case "deepseek": // "deepseek-v2-coder-0724" is "deepseek-coder-v2-0724"
		if has("lite") {
			words = remove(words, "16b")
		}
		if has("v2") || has("v2.5") {
			words = remove(words, "236b")
		}
		if has("v3") || has("v3.1") || has("r1") {
			words = remove(words, "671b")
		}
		if has("r1") && has("distill") { // Ollama: "deepseek-r1:7b-qwen-distill"
			words = lift(words, "distill", true)
			words = lift(words, "r1", true)
			size := findSize(words)
			words = lift(words, size, false)
		}
		if len(words) > 1 && words[0] != "coder" && words[1] == "coder" {
			words[0], words[1] = words[1], words[0]
		}
	}
	return words
}

// lift moves a word to the front or to the end.
func lift(words []string, word string, front bool) []string {
	rest := remove(words, word)
	switch {
	case len(rest) == len(words):
		return words
	case front:
		return append([]string{word}, rest...)
	}
	return append(rest, word)
}

func hasInstruct(tokens []string) bool {
	for _, t := range tokens {
		if instructWords[t] {
			return true
		}
	}
	return false
}

// impliedBillions reads sizes that are said in words; 0 when none is.
func (f *family) impliedBillions(tokens []string) float64 {
	for i := len(tokens) - 1; i >= 0; i-- { // the later word is the narrower one: "command-r-plus"
		if b, ok := f.implied[tokens[i]]; ok {
			return b
		}
	}
	return f.implied[""]
}

// exactAliases are names that no rule can read, because the same name means other weights elsewhere.
var exactAliases = map[string]string{
	"mistral-large-2":  "mistral-large-instruct-2407",
	"mistral-large":    "mistral-large-instruct-2407",
	"mistral-nemo":     "mistral-nemo-instruct-2407",
	"mistral-nemo-12b": "mistral-nemo-instruct-2407",
	// Ollama tags that say less than the name of the weights behind them, as of late 2026.
	"mistral:7b": "mistral-7b-instruct-v0.3", "mixtral:8x7b": "mixtral-8x7b-instruct-v0.1", "mixtral:8x22b": "mixtral-8x22b-instruct-v0.1",
	"mistral-small:22b": "mistral-small-instruct-2409", "mistral-small:24b": "mistral-small-24b-instruct-2501",
	"mistral-small3.1": "mistral-small-3.1-24b-instruct-2503", "mistral-small3.1:24b": "mistral-small-3.1-24b-instruct-2503",
	"mistral-small3.2": "mistral-small-3.2-24b-instruct-2506", "mistral-small3.2:24b": "mistral-small-3.2-24b-instruct-2506",
	"codestral": "codestral-22b-v0.1", "codestral:22b": "codestral-22b-v0.1", "mathstral:7b": "mathstral-7b-v0.1",
	"magistral": "magistral-small-2506", "magistral:24b": "magistral-small-2506",
	"devstral": "devstral-small-2505", "devstral:24b": "devstral-small-2505",
	"llama3.2-vision": "llama-3.2-11b-vision-instruct", "qwq": "qwq-32b",
	"llama4:scout": "llama-4-scout-17b-16e-instruct", "llama4:maverick": "llama-4-maverick-17b-128e-instruct",
	"qwen3-coder:30b":  "qwen3-coder-30b-a3b-instruct",
	"deepseek-r1:1.5b": "deepseek-r1-distill-qwen-1.5b", "deepseek-r1:7b": "deepseek-r1-distill-qwen-7b", "deepseek-r1:14b": "deepseek-r1-distill-qwen-14b",
	"deepseek-r1:32b": "deepseek-r1-distill-qwen-32b", "deepseek-r1:70b": "deepseek-r1-distill-llama-70b",
	"deepseek-r1:671b": "deepseek-r1", "deepseek-v3:671b": "deepseek-v3",
	"deepseek-coder-v2:16b": "deepseek-coder-v2-lite-instruct", "deepseek-coder-v2:236b": "deepseek-coder-v2-instruct", "deepseek-v2:16b": "deepseek-v2-lite-chat",
}

// ollamaDefaults is what Ollama serves for a name without a tag (or with ":latest"), as of late 2026.
var ollamaDefaults = map[string]string{
	"llama3": "llama-3-8b-instruct", "llama3.1": "llama-3.1-8b-instruct", "llama3.2": "llama-3.2-3b-instruct",
	"llama3.3": "llama-3.3-70b-instruct", "llama2": "llama-2-7b-instruct",
	"qwen2": "qwen2-7b-instruct", "qwen2.5": "qwen2.5-7b-instruct", "qwen2.5-coder": "qwen2.5-coder-7b-instruct", "qwen3": "qwen3-8b",
	"gemma": "gemma-7b-it", "gemma2": "gemma-2-9b-it", "gemma3": "gemma-3-4b-it", "codegemma": "codegemma-7b-it",
	"mistral": "mistral-7b-instruct-v0.3", "mixtral": "mixtral-8x7b-instruct-v0.1",
	"mistral-nemo": "mistral-nemo-instruct-2407", "mistral-large": "mistral-large-instruct-2407",
	"phi3": "phi-3-mini-4k-instruct", "phi3.5": "phi-3.5-mini-instruct", "smollm2": "smollm2-1.7b-instruct",
	"yi": "yi-6b-chat", "command-r": "command-r", "deepseek-v2.5": "deepseek-v2.5",
}
