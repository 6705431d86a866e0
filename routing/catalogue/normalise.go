package catalogue

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// normalised is a name cut into lower-case tokens, with what is not part of the model taken off.
type normalised struct {
	tokens       []string
	quantization string
	ollama       bool // "name:tag": no suffix then means the instruct tune
	hub          bool // "owner/name", no file: no suffix then means the base model
}

var (
	quantToken = regexp.MustCompile(`^(i?q[1-8](_[0-9a-z]+)*|tq[12]_0|f16|f32|fp16|fp32|bf16|fp8|fp4|nvfp4|mxfp4|int4|int8|w4a16|w8a8|awq|gptq|exl2|exl3|mlx|[2-8]bit|\d(\.\d{1,2})?bpw|q[34]f(16|32)_[01]|bnb|qat)$`)
	splitPart  = regexp.MustCompile(`-\d{5}-of-\d{5}$`)
	// Where no point is allowed: "llama-v3p1-8b", "Llama-3_3-Nemotron", "phi-1_5".
	pointAsP          = regexp.MustCompile(`(v?\d)p(\d)`)
	pointAsUnderscore = regexp.MustCompile(`([-_/]v?\d|internlm\d)_(\d)\b`)
	smallVersion      = regexp.MustCompile(`small(\d)`)                              // Ollama: "mistral-small3.2"
	sizeToken         = regexp.MustCompile(`^(e|\d{1,3}x)?\d{1,4}(\.\d{1,3})?[bm]$`) // "e4b": so many are at work at once
	// noise says how a file was made or served, never which model it is.
	noise = map[string]bool{"gguf": true, "safetensors": true, "latest": true, "hf": true, "meta": true, "imat": true,
		"turbo": true, "unsloth": true, "ud": true, "dynamic": true, "i1": true, "imatrix": true, "dwq": true, "mlc": true, "quantized": true,
		"unquantized": true, "qlora": true, "spinquant": true, "eo8": true, "cloud": true}
	// offers are OpenRouter's ways to serve one model: "meta-llama/llama-3.3-70b-instruct:free".
	offers = map[string]bool{"free": true, "nitro": true, "floor": true, "exacto": true}
	// fileOwner is who published the weights, as the files of some who quantize name it: "Qwen_Qwen3-8B-Q4_K_M.gguf". Qwen is a family
	// too, whose name may be all that "qwen_chat_7b" says of it.
	fileOwner = regexp.MustCompile(`^(?:qwen_(q.*\d)|(?:google|meta-llama|mistralai|deepseek-ai|microsoft|nvidia|openai|ibm-granite|zai-org|thudm|allenai|huggingfacetb|01-ai|cohereforai|coherelabs|tiiuae)_([a-z].*\d))`)
)

func normalise(name string) normalised {
	if len(name) > MaxName {
		name = name[:MaxName]
	}
	s := strings.ToLower(strings.TrimSpace(name))
	if i := strings.LastIndexByte(s, '@'); i > 0 { // provider, as in "…-Instruct@hyperbolic"
		s = s[:i]
	}
	if i := strings.LastIndex(s, "library/"); i >= 0 { // Ollama's own models with their full path
		s = s[i+len("library/"):]
	}
	s = pointAsUnderscore.ReplaceAllString(pointAsP.ReplaceAllString(s, "$1.$2"), "$1.$2")
	hub := strings.Contains(s, "/") && !strings.HasSuffix(s, ".gguf")
	if bare, tag, ok := strings.Cut(s, ":"); ok && offers[tag] {
		s = bare
	}
	s = fullName(s) // of those that mean another model under their owner's name
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	for _, ext := range []string{".gguf", ".safetensors", ".bin"} {
		s = strings.TrimSuffix(s, ext)
	}
	s = fileOwner.ReplaceAllString(splitPart.ReplaceAllString(s, ""), "$1$2")
	s = smallVersion.ReplaceAllString(s, "small-$1")
	base, tag, hasTag := strings.Cut(fullName(s), ":")
	n := normalised{ollama: hasTag && !hub, hub: hub}
	for _, t := range tokenise(base + "-" + tag) {
		switch {
		case quantToken.MatchString(t):
			if n.quantization == "" {
				n.quantization = t
			}
		case noise[t]:
		default:
			n.tokens = append(n.tokens, t)
		}
	}
	return n
}

// tokenise splits at '-', ' ' and ':'; '_' splits too unless it stands inside a quantization ("q4_k_m").
func tokenise(s string) []string {
	fields := strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == ':' || unicode.IsSpace(r) || r == '/' || r == '\\' })
	var out []string
	for _, f := range fields {
		f = strings.Map(keepIDRune, f)
		// GGUF names also write "model.Q4_K_M" and "model.i1-Q4_K_M": the dot there ends the name.
		if i := strings.LastIndexByte(f, '.'); i > 0 && !quantToken.MatchString(f) && (quantToken.MatchString(f[i+1:]) || noise[f[i+1:]]) {
			out = append(out, splitUnderscores(f[:i])...)
			f = f[i+1:]
		}
		out = append(out, splitUnderscores(f)...)
	}
	return out
}

func splitUnderscores(f string) []string {
	if quantToken.MatchString(f) {
		return []string{f}
	}
	return strings.FieldsFunc(f, func(r rune) bool { return r == '_' })
}

// keepIDRune drops what no canonical id holds, so that ids are safe in globs, headers and file names.
func keepIDRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '+' {
		return r
	}
	return -1
}

// findSize returns the first token that states a number of parameters, "" where none does.
func findSize(tokens []string) string {
	if at := slices.IndexFunc(tokens, sizeToken.MatchString); at >= 0 {
		return tokens[at]
	}
	return ""
}
