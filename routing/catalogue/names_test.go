package catalogue_test

import (
	"testing"

	"flotilla/routing/catalogue"
)

// Names as Ollama, Hugging Face and GGUF files have them, of the five families: one line a model, all names one id.
func TestRealNamesOfOneModelMeet(t *testing.T) {
	count := 0
	for id, names := range map[string][]string{
		"llama-2-13b-instruct":                {"llama2:13b", "llama2:13b-chat-q4_0", "meta-llama/Llama-2-13b-chat-hf", "TheBloke/Llama-2-13B-chat-GGUF", "llama-2-13b-chat.Q4_K_M.gguf"},
		"llama-3-70b-instruct":                {"llama3:70b-instruct-q4_0", "meta-llama/Meta-Llama-3-70B-Instruct"},
		"llama-3.1-8b-instruct":               {"llama3.1:8b-instruct-q4_K_M", "meta-llama/Llama-3.1-8B-Instruct", "library/llama3.1:8b", "llama-v3p1-8b-instruct", "hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4", "neuralmagic/Meta-Llama-3.1-8B-Instruct-FP8"},
		"llama-3.2-1b-instruct":               {"llama3.2:1b-instruct-fp16", "meta-llama/Llama-3.2-1B-Instruct", "Llama-3.2-1B-Instruct-Q8_0.gguf"},
		"llama-3.2-3b-instruct":               {"hf.co/bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M", "mlx-community/Llama-3.2-3B-Instruct-4bit"},
		"llama-3.2-11b-vision-instruct":       {"llama3.2-vision", "llama3.2-vision:11b", "meta-llama/Llama-3.2-11B-Vision-Instruct"},
		"llama-3.3-70b-instruct":              {"llama3.3", "llama3.3:70b-instruct-q8_0", "meta-llama/Llama-3.3-70B-Instruct", "Llama-3.3-70B-Instruct-Q6_K-00001-of-00002.gguf", "meta-llama/Llama-3.3-70B-Instruct-Turbo"},
		"llama-4-scout-17b-16e-instruct":      {"llama4:scout", "llama4:17b-scout-16e-instruct-q4_K_M", "meta-llama/Llama-4-Scout-17B-16E-Instruct"},
		"qwen2.5-0.5b-instruct":               {"qwen2.5:0.5b", "Qwen/Qwen2.5-0.5B-Instruct-GGUF"},
		"qwen2.5-7b-instruct":                 {"qwen2.5:7b-instruct-q5_K_M", "Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4", "Qwen2.5-7B-Instruct-Q4_K_M.gguf"},
		"qwen2.5-72b-instruct":                {"qwen2.5:72b", "Qwen/Qwen2.5-72B-Instruct-Turbo"},
		"qwen2.5-coder-32b-instruct":          {"qwen2.5-coder:32b-instruct-q4_K_M", "Qwen/Qwen2.5-Coder-32B-Instruct"},
		"qwen2.5-vl-7b-instruct":              {"qwen2.5vl:7b", "Qwen/Qwen2.5-VL-7B-Instruct"},
		"qwen3-8b":                            {"qwen3", "qwen3:8b", "qwen3:8b-q4_K_M", "Qwen/Qwen3-8B", "Qwen3-8B-Q4_K_M.gguf", "unsloth/Qwen3-8B-GGUF"},
		"qwen3-8b-base":                       {"Qwen/Qwen3-8B-Base", "qwen3-8b-base"},
		"qwen3-235b-a22b":                     {"qwen3:235b-a22b", "Qwen/Qwen3-235B-A22B"},
		"qwen3-30b-a3b-instruct-2507":         {"Qwen/Qwen3-30B-A3B-Instruct-2507", "qwen3:30b-a3b-instruct-2507-q4_K_M", "Qwen3-30B-A3B-Instruct-2507-UD-Q4_K_XL.gguf"},
		"qwen3-coder-30b-a3b-instruct":        {"qwen3-coder:30b", "Qwen/Qwen3-Coder-30B-A3B-Instruct"},
		"qwq-32b":                             {"qwq", "qwq:32b", "Qwen/QwQ-32B"},
		"gemma-2-9b-it":                       {"gemma2:9b-instruct-q4_K_M", "gemma-2-9b-it-Q4_K_M.gguf", "bartowski/gemma-2-9b-it-GGUF"},
		"gemma-2-27b-it":                      {"gemma2:27b", "google/gemma-2-27b-it"},
		"gemma-3-4b-it":                       {"gemma3", "gemma3:4b-it-qat", "google/gemma-3-4b-it-qat-q4_0-gguf", "google/gemma-3-4b-it"},
		"gemma-3-27b-it":                      {"gemma3:27b-it-q4_K_M", "google/gemma-3-27b-it"},
		"codegemma-7b-it":                     {"codegemma:7b-instruct", "google/codegemma-7b-it"},
		"mistral-7b-instruct-v0.2":            {"mistral:7b-instruct-v0.2-q4_0", "mistralai/Mistral-7B-Instruct-v0.2", "mistral-7b-instruct-v0.2.Q4_K_M.gguf"},
		"mistral-7b-instruct-v0.3":            {"mistral:7b", "mistral"},
		"mistral-nemo-instruct-2407":          {"mistral-nemo:12b-instruct-2407-q4_K_M", "mistralai/Mistral-Nemo-Instruct-2407", "mistral-nemo"},
		"mistral-small-24b-instruct-2501":     {"mistral-small:24b", "mistral-small:24b-instruct-2501-q4_K_M", "mistralai/Mistral-Small-24B-Instruct-2501"},
		"mistral-small-3.2-24b-instruct-2506": {"mistral-small3.2:24b", "mistralai/Mistral-Small-3.2-24B-Instruct-2506"},
		"mistral-large-instruct-2411":         {"mistral-large:123b-instruct-2411-q4_K_M", "mistralai/Mistral-Large-Instruct-2411"},
		"mixtral-8x22b-instruct-v0.1":         {"mixtral:8x22b", "mixtral:8x22b-instruct-v0.1-q4_K_M", "mistralai/Mixtral-8x22B-Instruct-v0.1"},
		"codestral-22b-v0.1":                  {"codestral", "codestral:22b-v0.1-q4_K_M", "mistralai/Codestral-22B-v0.1"},
		"devstral-small-2505":                 {"devstral:24b", "mistralai/Devstral-Small-2505"},
		"deepseek-r1":                         {"deepseek-r1:671b", "deepseek-ai/DeepSeek-R1"},
		"deepseek-r1-distill-qwen-7b":         {"deepseek-r1:7b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf"},
		"deepseek-r1-distill-llama-70b":       {"deepseek-r1:70b", "deepseek-ai/DeepSeek-R1-Distill-Llama-70B"},
		"deepseek-v3":                         {"deepseek-v3:671b", "deepseek-ai/DeepSeek-V3"},
		"deepseek-v3-0324":                    {"deepseek-ai/DeepSeek-V3-0324", "DeepSeek-V3-0324-UD-Q2_K_XL-00001-of-00006.gguf"},
		"deepseek-coder-v2-lite-chat":         {"deepseek-coder-v2:16b", "deepseek-coder-v2:16b-lite-instruct-q4_K_M", "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct"},
		"deepseek-llm-7b-chat":                {"deepseek-llm:7b", "deepseek-ai/deepseek-llm-7b-chat"},
	} {
		for _, name := range names {
			count++
			if m := catalogue.Parse(name); m.ID != id || m.Unknown {
				t.Errorf("Parse(%q) = %q (unknown %v), want %q", name, m.ID, m.Unknown, id)
			}
		}
	}
	if count < 60 {
		t.Errorf("%d names", count)
	}
}
