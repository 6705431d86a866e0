package catalogue

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// family is how one line of models is named. Everything that cannot be read off a name by rule is a field here.
type family struct {
	name           string
	attach         bool    // version is written against the name: "qwen2.5", not "qwen-2.5"
	instruct       string  // the family's word for an instruction tune in canonical ids; "" where none is needed
	alwaysInstruct bool    // ships instruction-tuned only, whatever the name says
	prior          float64 // quality offset against the size curve, from the outcomes in the default index
	// implied gives billions of parameters for words and versions that name a size; "" is for all other names.
	implied map[string]float64
	// total is that for a version's words of mixtures whose names state what is at work at once ("Llama-4-Scout-17B-16E"), or nothing.
	total map[string]float64
}

// families in order of matching: a longer name stands before its prefix.
var families = []family{
	{name: "codellama", instruct: "instruct"},
	{name: "tinyllama", instruct: "instruct"},
	{name: "llama", instruct: "instruct", total: map[string]float64{"4 scout": 109, "4 maverick": 400}},
	{name: "codegemma", instruct: "it", prior: -0.15},
	{name: "gemma", instruct: "it"},
	{name: "qwen", attach: true, instruct: "instruct", total: map[string]float64{"3 next": 80, "1.5 moe": 14.3}},
	{name: "qwq", instruct: "instruct", alwaysInstruct: true},
	{name: "qvq", instruct: "instruct", alwaysInstruct: true},
	{name: "codestral", instruct: "instruct", alwaysInstruct: true, implied: map[string]float64{"": 22}},
	{name: "ministral", instruct: "instruct"},
	{name: "mixtral", instruct: "instruct"},
	{name: "magistral", instruct: "instruct", alwaysInstruct: true, implied: map[string]float64{"small": 24}},
	{name: "devstral", instruct: "instruct", alwaysInstruct: true, implied: map[string]float64{"small": 24}},
	{name: "mathstral", instruct: "instruct", alwaysInstruct: true},
	{name: "mistral", instruct: "instruct", implied: map[string]float64{"large": 123, "nemo": 12, "small": 22}},
	{name: "deepseek", instruct: "chat", implied: map[string]float64{"v2": 236, "v2.5": 236, "v3": 671, "v3.1": 671, "v3.2": 671, "r1": 671, "lite": 16, "flash": 284, "pro": 1600}},
	{name: "phi", instruct: "instruct", alwaysInstruct: true, implied: map[string]float64{
		"mini": 3.8, "small": 7, "medium": 14, "moe": 42, "vision": 4.2, "multimodal": 5.6, "1": 1.3, "1.5": 1.3, "2": 2.7, "4": 14}},
	{name: "yi", instruct: "chat"},
	{name: "smollm", attach: true, instruct: "instruct"},
	{name: "command", alwaysInstruct: true, implied: map[string]float64{"plus": 104, "r": 35, "a": 111, "r7b": 7}},
	{name: "granite", instruct: "instruct", implied: map[string]float64{"small": 32, "tiny": 7, "micro": 3}},
	{name: "olmo", instruct: "instruct"},
	{name: "falcon", instruct: "instruct"},
	{name: "athene", alwaysInstruct: true},
	{name: "nemotron", instruct: "instruct"},
	{name: "glm", instruct: "chat", implied: map[string]float64{"4.5": 355, "4.6": 355, "4.7": 355, "5": 744, "air": 106, "flash": 30, "4.5v": 106, "4.6v": 106}},
	{name: "kimi", instruct: "instruct", alwaysInstruct: true, implied: map[string]float64{"k2": 1000, "k2.5": 1000, "vl": 16}},
	{name: "minimax", instruct: "instruct", alwaysInstruct: true, implied: map[string]float64{"01": 456, "m1": 456, "m2": 230, "m2.1": 230, "m2.5": 230}},
	{name: "exaone", instruct: "instruct"},
	{name: "internlm", attach: true, instruct: "chat"},
	{name: "pixtral", instruct: "instruct", alwaysInstruct: true, implied: map[string]float64{"large": 124}},
	{name: "voxtral", instruct: "instruct", alwaysInstruct: true},
	{name: "zephyr", alwaysInstruct: true},
	{name: "openchat", alwaysInstruct: true, implied: map[string]float64{"3.5": 7, "3.6": 8}},
	{name: "wizardlm", alwaysInstruct: true},
	{name: "openhermes", alwaysInstruct: true},
	{name: "dolphin", alwaysInstruct: true},
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
	firstVersion   = regexp.MustCompile(`^v1\.\d$`)
	oneDigit       = regexp.MustCompile(`^\d$`)
	monthToken     = regexp.MustCompile(`^2[3-9](0[1-9]|1[0-2])$`)
	tunedDeepSeek  = regexp.MustCompile(`^(v2\.5|v[3-9](\.\d)?|r\d)$`) // from V2.5 on; of V2 the bare name is the base model
	instructWords  = map[string]bool{"instruct": true, "inst": true, "it": true, "chat": true}
	baseWords      = map[string]bool{"base": true, "pt": true, "text": true}
	// tunedToken is of derivatives that answer without saying "instruct": what they were made with, or what they are called.
	tunedToken = regexp.MustCompile(`^(omni|\d\.\dv|z1|sft|dpo|rlhf|thinking|thinker|reasoning|distill|abliterated|uncensored|(tulu|(open|nous)?hermes|dolphin|zephyr|openchat|wizardlm|starling|solar|openthinker|pixtral|voxtral)\d?)$`)
	// noChatToken is of models that do not answer what they are asked: they judge, rank, transcribe, draw or make vectors.
	noChatToken = regexp.MustCompile(`^((llama|qwen\d(\.\d)?|nemo|safe|wild)?guard(ian)?\d?|(shield|pali)gemma\d?|(nv)?embed.*|(nv)?rerank.*|reward|p?rm|moderation|safety|ocr\d?|docling|asr|tts|image|scope|whisper|colbert|bge|gte|e5|minilm|minicheck)$`)
	authors     = map[string]bool{"mistralai": true, "google": true, "microsoft": true, "nvidia": true, "ibm": true, "c4ai": true}
)

// splitFamily finds the family at the start of the name ("llama3" and "meta-llama-3" alike) and returns the rest.
func splitFamily(tokens []string) (*family, []string) {
	for len(tokens) > 1 && (authors[tokens[0]] || tokens[0] == "open" && strings.HasPrefix(tokens[1], "mi")) { // "open-mixtral", not "open-llama"
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
func splitVersion(f *family, tokens []string, n normalised) (string, []string) {
	switch {
	case len(tokens) == 0 || f.name == "deepseek" || f.name == "mistral": // "deepseek-coder-v2", "deepseek-v2-coder", "mistral-large-2"
		return "", tokens
	case (f.name == "llama" || f.name == "phi") && len(tokens) > 1 && oneDigit.MatchString(tokens[0]) && oneDigit.MatchString(tokens[1]): // "llama-3-1-8b"
		return tokens[0] + "." + tokens[1], tokens[2:]
	case versionToken.MatchString(tokens[0]):
		return strings.TrimPrefix(tokens[0], "v"), tokens[1:]
	case f.name == "qwen" || strings.HasSuffix(f.name, "gemma"): // Ollama has Qwen 1.5 and Gemma 1.1 beside the first: "gemma:7b-instruct-v1.1-q4_0"
		if at := slices.IndexFunc(tokens, firstVersion.MatchString); at >= 0 {
			return tokens[at][1:], remove(tokens, tokens[at])
		}
		if f.name == "qwen" && n.ollama && n.quantization == "" { // its short tags are all of 1.5
			return "1.5", tokens
		}
	}
	return "", tokens
}

// wording is how a family's names say whether a model is tuned.
type wording struct {
	bareTuned bool   // without any word it is the tuned model; an Ollama tag always means that
	saysBase  bool   // a base model is written "-base"
	word      string // of the tuned model, "" for none
	asSaid    bool   // the word stands only where a name has it: with and without it are two models, or it says nothing
}

func (f *family) wording(version string, tokens []string, hub bool) wording {
	has := func(some ...string) bool {
		return slices.ContainsFunc(some, func(w string) bool { return slices.Contains(tokens, w) })
	}
	switch {
	case f.name == "smollm" && version != "3": // local files of the tuned models leave the word out
		return wording{bareTuned: !hub, saysBase: true, word: f.instruct}
	case f.name == "granite" && version >= "4", f.name == "exaone" && (version >= "4" || has("deep")):
		return wording{bareTuned: true, saysBase: true, word: f.instruct, asSaid: true}
	case f.name == "smollm", f.name == "glm" && version > "4", f.name == "nemotron" && has("nano", "super", "ultra"),
		f.name == "deepseek" && slices.ContainsFunc(tokens, tunedDeepSeek.MatchString):
		return wording{bareTuned: true, saysBase: true}
	case f.name == "qwen" && strings.HasPrefix(version, "3") && (!has("coder") || has("next")): // "qwen3-4b" thinks or does not, "qwen3-4b-instruct-2507" does not
		return wording{bareTuned: true, saysBase: true, word: f.instruct, asSaid: true}
	case strings.HasSuffix(f.name, "istral") && !f.alwaysInstruct && slices.ContainsFunc(tokens, monthToken.MatchString): // "mistral-large-2411", "Mistral-Nemo-Base-2407"
		return wording{bareTuned: true, saysBase: true, word: f.instruct, asSaid: has("reasoning")}
	case f.name == "phi" && (has("reasoning") || !has("mini", "small", "medium", "moe", "vision", "multimodal")): // "phi-4", "phi-4-mini-reasoning"
		return wording{bareTuned: true}
	case f.name == "phi":
		return wording{bareTuned: true, word: f.instruct}
	}
	return wording{bareTuned: f.alwaysInstruct, word: f.instruct, asSaid: f.alwaysInstruct}
}

// canonicalTokens rewrites the words after family and version: at most one word for the tuned or the base model, release
// marks last, no size that the words or the version say already.
func (f *family) canonicalTokens(version string, tokens []string, n normalised) (words []string, tuned bool) {
	var releases []string
	said, base := false, false
	for _, t := range tokens {
		switch {
		case baseWords[t], t == "code" && strings.HasPrefix(f.name, "code"): // "codellama:7b-code"
			base = true
		case instructWords[t]:
			said = true
		case slices.Contains(words, t) || slices.Contains(releases, t):
		case releaseToken.MatchString(t) && !(f.name == "deepseek" && t[0] == 'v'): // there the "v2" is the version
			releases = append(releases, t)
		default:
			words = append(words, t)
			base = base || t == "python" && f.name == "codellama"
		}
	}
	if size := findSize(words); size != "" && billions(size) == f.impliedBillions(version, words) {
		words = remove(words, size)
	}
	words = f.reorder(words)
	w := f.wording(version, tokens, n.hub)
	tuned = said || f.alwaysInstruct || !base && (w.bareTuned || n.ollama)
	switch {
	case tuned && w.word != "" && (said || !w.asSaid):
		words = append(words, w.word)
	case !tuned && (w.saysBase || base && len(words) == 0): // "mistral:text" is not what "mistral" stands for
		words = append(words, "base")
	}
	return append(words, releases...), tuned || !base && slices.ContainsFunc(words, tunedToken.MatchString)
}

// reorder settles the few families that name the same weights in two orders.
func (f *family) reorder(words []string) []string {
	switch f.name {
	case "llama": // "llama3.2-vision:11b", "llama4:17b-scout-16e"
		words = lift(words, "vision", false)
		words = lift(lift(words, "scout", true), "maverick", true)
	case "deepseek": // "deepseek-v2-coder-0724" is "deepseek-coder-v2-0724"
		if slices.Contains(words, "r1") { // Ollama: "deepseek-r1:7b-qwen-distill", "deepseek-r1:8b-0528-qwen3"
			words = lift(lift(words, "distill", true), "r1", true)
			words = lift(words, findSize(words), false)
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

// billionsOf is how many parameters, in billions, all experts counted; 0 when the name does not say. What is at work at once is
// the lesser measure of a mixture's ability: Scout (17 of 109), Qwen3-30B-A3B, gpt-oss-120b (5 of 117) and DeepSeek-V3 (37 of
// 671) do about as well as dense models of their whole size.
func (f *family) billionsOf(version, size string, words []string) float64 {
	b := billions(size)
	for _, w := range words {
		b = max(b, f.total[version+" "+w])
	}
	return cmp.Or(b, f.impliedBillions(version, words), f.implied[""])
}

// impliedBillions reads sizes that are said in words or by the version; 0 when none is.
func (f *family) impliedBillions(version string, words []string) float64 {
	for _, w := range slices.Backward(words) { // the later word is the narrower one: "command-r-plus"
		if b, ok := f.implied[w]; ok {
			return b
		}
	}
	if version == "" {
		return 0
	}
	return f.implied[version]
}
