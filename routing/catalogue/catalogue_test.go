package catalogue_test

import (
	"testing"

	"flotilla/routing/catalogue"

	"pgregory.net/rapid"
)

func TestOneIDForEveryNameOfTheSameWeights(t *testing.T) {
	for id, names := range map[string][]string{
		"llama-3.1-8b-instruct": {"llama3.1:8b-instruct-q4_K_M", "llama3.1:8b", "llama3.1", "llama3.1:latest", "meta-llama/Llama-3.1-8B-Instruct",
			"Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", "Meta-Llama-3.1-8B-Instruct.Q5_K_S.gguf", "/models/Meta-Llama-3.1-8B-Instruct-IQ2_XS.gguf",
			"bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", "Meta-Llama-3.1-8B-Instruct"},
		"llama-3.1-8b":                    {"llama3.1:8b-text-q4_0", "meta-llama/Llama-3.1-8B", "Llama-3.1-8B-Base"},
		"llama-3.1-70b-instruct":          {"llama3.1:70b", "Meta-Llama-3.1-70B-Instruct@hyperbolic"},
		"llama-3.1-405b-instruct":         {"Llama-3.1-405B-Inst@sambanova", "Llama-3.1-405B-Inst-fp8", "Llama-3.1-405B-Instruct-Turbo", "Meta-Llama-3.1-405B-Instruct@hyperbolic"},
		"llama-3.2-3b-instruct":           {"llama3.2", "llama3.2:3b", "meta-llama/Llama-3.2-3B-Instruct"},
		"smollm2-135m-instruct":           {"smollm2-135m.gguf", "smollm2-135m", "smollm2:135m", "SmolLM2-135M-Instruct", "HuggingFaceTB/SmolLM2-135M-Instruct", "SmolLM2-135M-Instruct-Q4_1.gguf"},
		"smollm2-135m-base":               {"HuggingFaceTB/SmolLM2-135M"},
		"gemma-3-270m":                    {"gemma3-270m.gguf", "gemma3-270m", "google/gemma-3-270m", "gemma-3-270m-Q4_K_M.gguf", "gemma-3-270m-pt"},
		"gemma-3-270m-it":                 {"gemma3:270m", "google/gemma-3-270m-it", "gemma-3-270m-it-Q8_0.gguf"},
		"gemma-2-9b-it":                   {"gemma2:9b", "gemma2", "google/gemma-2-9b-it", "gemma-2-9b-it"},
		"qwen2.5-7b-instruct":             {"qwen2.5:7b", "Qwen/Qwen2.5-7B-Instruct", "qwen2.5-7b-instruct-q4_k_m.gguf", "qwen2.5:7b-instruct-fp16", "Qwen/Qwen2.5-7B-Instruct-AWQ"},
		"qwen2.5-coder-7b-instruct":       {"qwen2.5-coder:7b", "Qwen/Qwen2.5-Coder-7B-Instruct", "qwen2.5-coder"},
		"qwen3-30b-a3b":                   {"Qwen/Qwen3-30B-A3B"},
		"mistral-7b-instruct-v0.3":        {"mistral:7b-instruct-v0.3-q4_K_M", "mistralai/Mistral-7B-Instruct-v0.3", "mistral", "mistral-7b-instruct-v0.3"},
		"mistral-large-instruct-2407":     {"Mistral-Large-2", "mistralai/Mistral-Large-Instruct-2407"},
		"mixtral-8x7b-instruct-v0.1":      {"mixtral:8x7b-instruct-v0.1-q4_0", "mistralai/Mixtral-8x7B-Instruct-v0.1", "open-mixtral-8x7b-instruct-v0.1"},
		"phi-3-mini-4k-instruct":          {"phi3:3.8b-mini-4k-instruct-q4_K_M", "microsoft/Phi-3-mini-4k-instruct", "phi3"},
		"yi-1.5-9b-chat":                  {"01-ai/Yi-1.5-9B-Chat", "Yi-1.5-9B-Chat"},
		"deepseek-coder-v2-0724":          {"DeepSeek-Coder-V2-0724", "deepseek-v2-coder-0724"},
		"llama-3.1-nemotron-51b-instruct": {"llama-3.1-nemotron-51b-instruct"},
		"command-r-plus":                  {"command-r-plus"},
	} {
		for _, name := range names {
			if got := catalogue.Parse(name); got.ID != id || got.Unknown {
				t.Errorf("Parse(%q) = %q (unknown %v), want %q", name, got.ID, got.Unknown, id)
			}
		}
	}
}

func TestFieldsOfAName(t *testing.T) {
	m := catalogue.Parse("Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf")
	if m.Family != "llama" || m.Version != "3.1" || m.Size != "8b" || m.Variant != "instruct" || m.Quantization != "q4_k_m" || m.Billions != 8 || !m.Instruct {
		t.Errorf("got %+v", m)
	}
	if m := catalogue.Parse("gemma3-270m.gguf"); m.Instruct || m.Billions != 0.27 {
		t.Errorf("the demo's gemma is a 0.27 B base model, got %+v", m)
	}
}

func TestUnknownNamesSayThatTheyAre(t *testing.T) {
	for _, name := range []string{"", "zephyrus-9000", "Frobnicator-13B-Chat", "gpt-4o-mini", "claude-3-opus", "llamaguard", "::::", "\xff\x00"} {
		m := catalogue.Parse(name)
		if !m.Unknown || m.ID == "" {
			t.Errorf("Parse(%q) = %+v, want Unknown and an id", name, m)
		}
	}
	if small, large := catalogue.Parse("frob-1b-chat"), catalogue.Parse("frob-70b-chat"); small.PriorQuality() >= large.PriorQuality() {
		t.Errorf("a stated size must count even for an unknown family: %v >= %v", small.PriorQuality(), large.PriorQuality())
	}
	if got := catalogue.Parse("mystery").PriorQuality(); got > 0.35 {
		t.Errorf("a model without family and size must not be trusted: prior %v", got)
	}
}

func TestPriorGrowsWithSizeAndTuning(t *testing.T) {
	prev := 0.0
	for _, n := range []string{"qwen2.5-0.5b-instruct", "qwen2.5-1.5b-instruct", "qwen2.5-7b-instruct", "qwen2.5-32b-instruct", "qwen2.5-72b-instruct", "llama-3.1-405b-instruct"} {
		q := catalogue.Parse(n).PriorQuality()
		if q <= prev || q > 1 {
			t.Errorf("%s: prior %v after %v", n, q, prev)
		}
		prev = q
	}
	if chat, base := catalogue.Parse("Qwen/Qwen3-8B"), catalogue.Parse("Qwen/Qwen3-8B-Base"); !chat.Instruct || base.Instruct {
		t.Errorf("Qwen3-8B is the chat model: %v, its base says so: %v", chat.Instruct, base.Instruct)
	}
	if base, tuned := catalogue.Parse("meta-llama/Llama-3.1-8B"), catalogue.Parse("llama-3.1-8b-instruct"); base.PriorQuality() >= tuned.PriorQuality() {
		t.Error("a base model must not be assumed as good as its instruct tune")
	}
}

func TestParseIsIdempotentAndTotal(t *testing.T) {
	words := rapid.SampledFrom([]string{"llama", "llama3", "qwen2.5", "gemma", "3", "3.1", "8b", "8x7b", "270m", "instruct", "it", "chat", "base", "q4_k_m",
		"gguf", "v0.3", "2407", "mini", "coder", "phi", "deepseek", "v2", "mistral", "large", "latest", "meta", "open", "foo", "text", "smollm2", "135m", "nemo", "2"})
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.Custom(func(t *rapid.T) string {
			s := ""
			for i := range rapid.IntRange(1, 6).Draw(t, "n") {
				if i > 0 {
					s += rapid.SampledFrom([]string{"-", ":", "/", "_", ".", " "}).Draw(t, "sep")
				}
				s += words.Draw(t, "word")
			}
			return s
		})).Draw(t, "name")
		checkStable(t, name)
	})
}

type fataler interface{ Fatalf(string, ...any) }

func checkStable(t fataler, name string) {
	m := catalogue.Parse(name)
	if m.ID == "" {
		t.Fatalf("Parse(%q) has no id", name)
	}
	if again := catalogue.Parse(m.ID); again.ID != m.ID {
		t.Fatalf("Parse(%q) = %q, parsed again %q", name, m.ID, again.ID)
	}
	if q := m.PriorQuality(); !(q > 0 && q < 1) {
		t.Fatalf("Parse(%q): prior %v", name, q)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"llama3.1:8b-instruct-q4_K_M", "a/b:c", "phi-3", "mistral-large-2", "smollm2", "x_y.q4_0.gguf"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) { checkStable(t, name) })
}
