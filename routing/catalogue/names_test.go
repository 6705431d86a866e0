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

// Short tags, base models, reasoning and vision models, hosts' and quantizers' spellings: one line a model, all names one id.
func TestWhatNamesLeaveOut(t *testing.T) {
	for id, names := range map[string][]string{
		"llama-2-7b":                         {"llama2:7b-text", "meta-llama/Llama-2-7b-hf", "TheBloke/Llama-2-7B-GGUF", "llama-2-7b.Q4_K_M.gguf"},
		"llama-7b":                           {"huggyllama/llama-7b"},
		"open-llama-7b":                      {"openlm-research/open_llama_7b", "open_llama_7b.Q4_0.gguf"},
		"llama-3-8b-instruct":                {"llama3", "llama3:instruct", "llama3:latest", "llama3:8b", "meta-llama/Meta-Llama-3-8B-Instruct"},
		"llama-3-8b":                         {"llama3:8b-text", "meta-llama/Meta-Llama-3-8B"},
		"llama-3-base":                       {"llama3:text"},
		"llama-3.1-8b-instruct":              {"llama-3-1-8b-instruct", "mradermacher/Llama-3.1-8B-Instruct-i1-GGUF", "Llama-3.1-8B-Instruct.i1-Q4_K_M.gguf", "mlx-community/Meta-Llama-3.1-8B-Instruct-6bit", "neuralmagic/Meta-Llama-3.1-8B-Instruct-quantized.w4a16", "Llama-3.1-8B-Instruct-exl2-6.0bpw", "mlc-ai/Llama-3.1-8B-Instruct-q4f16_1-MLC"},
		"llama-3.1-8b-abliterated-instruct":  {"Meta-Llama-3.1-8B-Instruct-abliterated-Q4_K_M.gguf"},
		"llama-3.2-1b-instruct":              {"meta-llama/Llama-3.2-1B-Instruct-SpinQuant_INT4_EO8", "meta-llama/Llama-3.2-1B-Instruct-QLORA_INT4_EO8"},
		"llama-3.2-11b-vision-instruct":      {"llama3.2-vision:latest", "llama3.2-vision:11b-instruct-q4_K_M"},
		"llama-3.2-11b-vision":               {"meta-llama/Llama-3.2-11B-Vision"},
		"llama-3.1-nemotron-70b-instruct":    {"nemotron", "nemotron:70b", "nvidia/Llama-3.1-Nemotron-70B-Instruct-HF"},
		"llama-3.1-nemotron-51b-instruct":    {"nvidia/Llama-3_1-Nemotron-51B-Instruct"},
		"llama-3.3-nemotron-super-49b-v1.5":  {"nvidia/Llama-3_3-Nemotron-Super-49B-v1_5"},
		"llama-3.3-nemotron-super-49b-v1":    {"nvidia/Llama-3_3-Nemotron-Super-49B-v1"},
		"llama-4-scout-17b-16e-instruct":     {"llama4", "llama4:latest", "llama4:16x17b"},
		"llama-4-scout-17b-16e":              {"meta-llama/Llama-4-Scout-17B-16E"},
		"llama-4-maverick-17b-128e-instruct": {"llama4:maverick", "llama4:128x17b", "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8"},
		"codellama-7b-instruct":              {"codellama", "codellama:7b", "codellama/CodeLlama-7b-Instruct-hf"},
		"codellama-7b":                       {"codellama:7b-code", "codellama/CodeLlama-7b-hf"},
		"codellama-7b-python":                {"codellama:7b-python", "codellama/CodeLlama-7b-Python-hf"},

		"qwen-7b-instruct":               {"qwen:7b-chat-q4_0", "Qwen/Qwen-7B-Chat"},
		"qwen1.5-7b-instruct":            {"qwen:7b", "qwen:7b-chat", "qwen:7b-chat-v1.5-q4_0", "Qwen/Qwen1.5-7B-Chat"},
		"qwen1.5-7b":                     {"qwen:7b-text", "Qwen/Qwen1.5-7B"},
		"qwen2.5-7b":                     {"qwen2.5:7b-base-q4_K_M", "Qwen/Qwen2.5-7B"},
		"qwen2.5-7b-1m-instruct":         {"Qwen/Qwen2.5-7B-Instruct-1M"},
		"qwen2.5-vl-7b-instruct":         {"qwen2.5vl", "qwen2.5vl:latest"},
		"qwen2.5-72b-instruct":           {"accounts/fireworks/models/qwen2p5-72b-instruct"},
		"qwen3-8b":                       {"mlx-community/Qwen3-8B-4bit-DWQ", "Qwen3-8B.i1-Q4_K_M.gguf"},
		"qwen3-30b-a3b-thinking-2507":    {"qwen3:30b-a3b-thinking-2507-q4_K_M", "Qwen/Qwen3-30B-A3B-Thinking-2507-FP8"},
		"qwen3-vl-8b-thinking":           {"qwen3-vl:8b-thinking", "Qwen/Qwen3-VL-8B-Thinking"},
		"qwen3-vl-8b-instruct":           {"qwen3-vl:8b-instruct", "Qwen/Qwen3-VL-8B-Instruct"},
		"qwen3-coder-30b-a3b-instruct":   {"qwen3-coder", "qwen3-coder:latest", "qwen3-coder:30b-a3b-q4_K_M"},
		"qwen3-coder-480b-a35b-instruct": {"qwen3-coder:480b", "qwen3-coder:480b-cloud", "Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8"},
		"qwq-32b":                        {"qwq:32b-q4_K_M", "QwQ-32B-Q4_K_M.gguf"},
		"qwq-32b-preview":                {"qwq:32b-preview-q4_K_M", "Qwen/QwQ-32B-Preview"},

		"gemma-7b-it":     {"gemma", "gemma:instruct", "gemma:7b", "google/gemma-7b-it"},
		"gemma-base":      {"gemma:text"},
		"gemma-1.1-7b-it": {"gemma:7b-instruct-v1.1-q4_0", "google/gemma-1.1-7b-it"},
		"gemma-3-12b-it":  {"google/gemma-3-12b-it-qat-q4_0-unquantized", "gemma3:12b"},
		"gemma-3-12b":     {"google/gemma-3-12b-pt"},
		"gemma-3n-e4b-it": {"gemma3n", "gemma3n:e4b", "google/gemma-3n-E4B-it", "gemma-3n-E4B-it-Q4_K_M.gguf"},
		"gemma-3n-e2b-it": {"gemma3n:e2b", "google/gemma-3n-E2B-it"},
		"codegemma-7b":    {"codegemma:7b-code-fp16", "google/codegemma-7b"},
		"codegemma-2b":    {"codegemma:2b", "google/codegemma-2b"},

		"mistral-7b-instruct-v0.3":            {"mistral:instruct", "mistral:7b-instruct", "accounts/fireworks/models/mistral-7b-instruct-v0p3"},
		"mistral-base":                        {"mistral:text"},
		"mistral-7b-v0.3":                     {"mistralai/Mistral-7B-v0.3"},
		"mistral-nemo-instruct-2407":          {"mistral-nemo:latest", "mistral-nemo:12b", "open-mistral-nemo-2407", "Mistral-Nemo-12B-Instruct-2407"},
		"mistral-nemo-base-2407":              {"mistralai/Mistral-Nemo-Base-2407"},
		"mistral-small-instruct-2409":         {"mistral-small:22b", "mistral-small:22b-instruct-2409-q4_K_M", "mistralai/Mistral-Small-Instruct-2409"},
		"mistral-small-24b-instruct-2501":     {"mistral-small", "mistral-small:latest"},
		"mistral-small-24b-base-2501":         {"mistralai/Mistral-Small-24B-Base-2501"},
		"mistral-small-3.1-24b-instruct-2503": {"mistral-small3.1", "mistral-small3.1:latest", "mistral-small3.1:24b-instruct-2503-q4_K_M", "mistralai/Mistral-Small-3.1-24B-Instruct-2503"},
		"mistral-small-3.2-24b-instruct-2506": {"mistral-small3.2:latest", "mistral-small3.2:24b-instruct-2506-q8_0", "mistralai/mistral-small-3.2"},
		"mistral-large-instruct-2407":         {"mistral-large-2407", "mistral-large:123b-instruct-2407-q4_K_M"},
		"mistral-large-instruct-2411":         {"mistral-large-2411"},
		"mixtral-8x7b-instruct-v0.1":          {"mixtral:instruct", "open-mixtral-8x7b"},
		"mixtral-8x7b-v0.1":                   {"mixtral:8x7b-text", "mixtral:8x7b-text-v0.1-q4_0", "mistralai/Mixtral-8x7B-v0.1"},
		"mathstral-7b-v0.1":                   {"mathstral", "mathstral:latest", "mistralai/Mathstral-7B-v0.1"},
		"magistral-small-2506":                {"magistral:24b-small-2506-q4_K_M", "mistralai/Magistral-Small-2506"},
		"ministral-3-8b-instruct-2512":        {"ministral-3", "ministral-3:8b", "ministral-3:8b-instruct-2512-q4_K_M", "mistralai/Ministral-3-8B-Instruct-2512"},
		"ministral-3-8b-reasoning-2512":       {"mistralai/Ministral-3-8B-Reasoning-2512"},
		"ministral-3-8b-base-2512":            {"mistralai/Ministral-3-8B-Base-2512"},
		"devstral-small-2-instruct-2512":      {"devstral-small-2", "devstral-small-2:24b", "mistralai/Devstral-Small-2-24B-Instruct-2512"},
		"devstral-small-2505":                 {"devstral:24b-small-2505-q4_K_M"},

		"deepseek-v2":                   {"deepseek-ai/DeepSeek-V2"},
		"deepseek-v2-chat":              {"deepseek-v2:236b", "deepseek-ai/DeepSeek-V2-Chat"},
		"deepseek-v2-lite-chat":         {"deepseek-v2:latest", "deepseek-v2:lite", "deepseek-v2:16b-lite-chat-q4_K_M", "deepseek-ai/DeepSeek-V2-Lite-Chat"},
		"deepseek-coder-v2-lite-chat":   {"deepseek-coder-v2:latest", "deepseek-coder-v2:lite"},
		"deepseek-v2.5":                 {"deepseek-v2.5:236b", "deepseek-ai/DeepSeek-V2.5"},
		"deepseek-v3":                   {"deepseek-v3", "deepseek-v3:latest", "deepseek-v3:671b-q4_K_M", "deepseek-ai/DeepSeek-V3", "unsloth/DeepSeek-V3-GGUF"},
		"deepseek-v3-base":              {"deepseek-ai/DeepSeek-V3-Base"},
		"deepseek-v3.1":                 {"deepseek-v3.1:671b", "deepseek-v3.1:671b-cloud", "deepseek-ai/DeepSeek-V3.1", "accounts/fireworks/models/deepseek-v3p1"},
		"deepseek-v3.1-base":            {"deepseek-ai/DeepSeek-V3.1-Base"},
		"deepseek-v3.1-terminus":        {"deepseek-v3.1:671b-terminus-q4_K_M", "deepseek-ai/DeepSeek-V3.1-Terminus"},
		"deepseek-v3.2":                 {"deepseek-v3.2:cloud", "deepseek-ai/DeepSeek-V3.2"},
		"deepseek-r1":                   {"deepseek-r1", "deepseek-r1:671b-q4_K_M", "deepseek-ai/DeepSeek-R1"},
		"deepseek-r1-0528":              {"deepseek-r1:671b-0528-q4_K_M", "deepseek-ai/DeepSeek-R1-0528"},
		"deepseek-r1-qwen3-8b-0528":     {"deepseek-r1:latest", "deepseek-r1:8b", "deepseek-r1:8b-0528-qwen3-q4_K_M", "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"},
		"deepseek-r1-distill-llama-8b":  {"deepseek-r1:8b-llama-distill-q4_K_M", "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"},
		"deepseek-r1-distill-qwen-7b":   {"deepseek-r1:7b-qwen-distill-q4_K_M"},
		"deepseek-r1-distill-llama-70b": {"deepseek-r1:70b-llama-distill-q4_K_M"},

		"phi-1.5":                    {"microsoft/phi-1_5"},
		"phi-2":                      {"phi", "phi:latest", "phi:2.7b", "microsoft/phi-2", "phi-2.Q4_K_M.gguf"},
		"phi-3-mini-4k-instruct":     {"phi3:mini", "phi3:3.8b", "Phi-3-mini-4k-instruct-q4.gguf"},
		"phi-3-mini-128k-instruct":   {"phi3:mini-128k", "phi3:3.8b-mini-128k-instruct-q4_K_M", "microsoft/Phi-3-mini-128k-instruct"},
		"phi-3-medium-4k-instruct":   {"phi3:14b", "phi3:medium", "phi3:14b-medium-4k-instruct-q4_K_M", "microsoft/Phi-3-medium-4k-instruct"},
		"phi-3-medium-128k-instruct": {"phi3:medium-128k", "microsoft/Phi-3-medium-128k-instruct"},
		"phi-3.5-mini-instruct":      {"phi3.5:3.8b", "phi-3-5-mini-instruct", "microsoft/Phi-3.5-mini-instruct"},
		"phi-3.5-vision-instruct":    {"microsoft/Phi-3.5-vision-instruct"},
		"phi-3.5-moe-instruct":       {"microsoft/Phi-3.5-MoE-instruct"},
		"phi-4":                      {"phi4", "phi4:latest", "phi4:14b", "phi4:14b-q4_K_M", "microsoft/phi-4", "phi-4-Q4_K_M.gguf"},
		"phi-4-mini-instruct":        {"phi4-mini", "phi4-mini:latest", "phi4-mini:3.8b-q4_K_M", "microsoft/Phi-4-mini-instruct"},
		"phi-4-mini-reasoning":       {"phi4-mini-reasoning", "phi4-mini-reasoning:3.8b", "microsoft/Phi-4-mini-reasoning"},
		"phi-4-reasoning":            {"phi4-reasoning", "phi4-reasoning:14b", "microsoft/Phi-4-reasoning"},
		"phi-4-reasoning-plus":       {"phi4-reasoning:plus", "phi4-reasoning:14b-plus-q4_K_M", "microsoft/Phi-4-reasoning-plus"},

		"smollm3-3b":      {"HuggingFaceTB/SmolLM3-3B", "SmolLM3-3B-Q4_K_M.gguf"},
		"smollm3-3b-base": {"HuggingFaceTB/SmolLM3-3B-Base"},

		"qwen3-coder-next":             {"Qwen/Qwen3-Coder-Next", "Qwen/Qwen3-Coder-Next-FP8", "qwen3-coder-next:latest"},
		"qwen3-coder-next-base":        {"Qwen/Qwen3-Coder-Next-Base"},
		"nemotron-3-nano-30b-a3b":      {"nemotron-3-nano", "nemotron-3-nano:30b", "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16"},
		"nemotron-3-nano-30b-a3b-base": {"nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-Base-BF16"},
		"nemotron-nano-12b-v2":         {"nvidia/NVIDIA-Nemotron-Nano-12B-v2"},
		"nemotron-nano-12b-base-v2":    {"nvidia/NVIDIA-Nemotron-Nano-12B-v2-Base"},
		"glm-4.5-air":                  {"zai-org/GLM-4.5-Air", "zai-org/GLM-4.5-Air-FP8"},
		"glm-4.5-air-base":             {"zai-org/GLM-4.5-Air-Base"},
	} {
		for _, name := range names {
			if m := catalogue.Parse(name); m.ID != id {
				t.Errorf("Parse(%q) = %q, want %q", name, m.ID, id)
			}
		}
	}
}

// Files of those who quantize bear the owner's name too, hosts have ways to serve one model, and some give one name to another
// model than the rest do.
func TestNamesOfHostsAndFilesMeet(t *testing.T) {
	for id, names := range map[string][]string{
		"qwen3-8b":                            {"Qwen_Qwen3-8B-Q4_K_M.gguf", "qwen/qwen3-8b:free"},
		"qwen3-30b-a3b-instruct-2507":         {"Qwen_Qwen3-30B-A3B-Instruct-2507-Q4_K_M.gguf", "qwen3:30b-instruct"},
		"qwen3-30b-a3b-thinking-2507":         {"qwen3:30b", "Qwen/Qwen3-30B-A3B-Thinking-2507"},
		"qwen3-4b-instruct-2507":              {"qwen3:4b-instruct", "Qwen/Qwen3-4B-Instruct-2507"},
		"qwen3-235b-a22b-instruct-2507":       {"qwen/qwen3-235b-a22b-2507", "qwen3:235b-instruct"},
		"qwen3-235b-a22b":                     {"qwen/qwen3-235b-a22b:free"},
		"qwen3-next-80b-a3b-instruct":         {"qwen3-next", "qwen3-next:80b", "Qwen/Qwen3-Next-80B-A3B-Instruct"},
		"qwen3-coder-480b-a35b-instruct":      {"qwen/qwen3-coder", "qwen/qwen3-coder:free", "Qwen/Qwen3-Coder-480B-A35B-Instruct"},
		"qwen3-coder-30b-a3b-instruct":        {"qwen3-coder", "qwen3-coder:latest", "library/qwen3-coder"},
		"llama-3-70b-instruct":                {"meta-llama_Meta-Llama-3-70B-Instruct"},
		"llama-3.3-70b-instruct":              {"meta-llama/llama-3.3-70b-instruct:free", "llama-3.3-70b-versatile"},
		"llama-4-scout-17b-16e-instruct":      {"meta-llama/llama-4-scout", "meta-llama_Llama-4-Scout-17B-16E-Instruct-Q4_K_M-00001-of-00002.gguf"},
		"llama-4-maverick-17b-128e-instruct":  {"meta-llama/llama-4-maverick:free", "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8"},
		"granite-3.3-8b-instruct":             {"ibm-granite_granite-3.3-8b-instruct-Q4_K_M.gguf", "granite3.3:8b"},
		"deepseek-r1-qwen3-8b-0528":           {"deepseek-ai_DeepSeek-R1-0528-Qwen3-8B-Q4_K_M.gguf"},
		"deepseek-v3":                         {"deepseek/deepseek-chat"},
		"gpt-oss-20b":                         {"openai_gpt-oss-20b-MXFP4.gguf", "openai/gpt-oss-20b:free"},
		"gemma-4-e4b-it":                      {"gemma4", "google/gemma-4-E4B-it"},
		"mistral-small-3.2-24b-instruct-2506": {"mistralai/mistral-small-3.2-24b-instruct:free"},
		"mistral-large-3-675b-instruct-2512":  {"mistralai/mistral-large-2512", "mistralai/Mistral-Large-3-675B-Instruct-2512"},
		"qwen2.5-7b-instruct":                 {"qwen_2.5_7b_instruct"},
		"qwen-7b-instruct":                    {"Qwen-7B-Chat", "qwen_chat_7b"},
	} {
		for _, name := range names {
			if m := catalogue.Parse(name); m.ID != id || m.Unknown {
				t.Errorf("Parse(%q) = %q (unknown %v), want %q", name, m.ID, m.Unknown, id)
			}
		}
	}
}

// A mixture is expected to do what its whole size does, whatever part of it its name states.
func TestMixturesCountAllExperts(t *testing.T) {
	for name, want := range map[string]float64{
		"meta-llama/Llama-4-Scout-17B-16E-Instruct": 109, "meta-llama/llama-4-maverick": 400, "Qwen/Qwen3-30B-A3B": 30, "Qwen/Qwen3-Next-80B-A3B-Thinking": 80,
		"Qwen/Qwen3-Coder-Next": 80, "Qwen/Qwen1.5-MoE-A2.7B-Chat": 14.3, "openai/gpt-oss-120b": 120, "deepseek-ai/DeepSeek-R1": 671, "deepseek-ai/DeepSeek-V4-Flash": 284,
		"zai-org/GLM-4.5-Air": 106, "zai-org/GLM-4.6": 355, "zai-org/GLM-4.7-Flash": 30, "THUDM/glm-4-9b-chat": 9, "ibm-granite/granite-4.0-h-small": 32,
		"someone/Llama-3.2-3B-Maverick": 3,
		"mixtral:8x7b":                  46.7, "mistralai/Mixtral-8x22B-Instruct-v0.1": 141, "WizardLM-2-8x22B": 141, "dolphin-mixtral:8x7b": 46.7,
		"moonshotai/Kimi-K2-Instruct-0905": 1000, "moonshotai/Kimi-VL-A3B-Instruct": 16, "MiniMaxAI/MiniMax-M2": 230, "MiniMaxAI/MiniMax-Text-01": 456,
		"zai-org/GLM-4.5V": 106,
	} {
		if m := catalogue.Parse(name); m.Billions != want || m.Unknown {
			t.Errorf("Parse(%q): %v billions, unknown %v, want %v", name, m.Billions, m.Unknown, want)
		}
	}
}

// What a model that nobody has measured is taken for rests on its size and on whether it is tuned.
func TestSizesAndTuningThatNamesDoNotSpellOut(t *testing.T) {
	for name, want := range map[string]struct {
		billions float64
		tuned    bool
	}{
		"deepseek-r1:latest": {8, true}, "deepseek-ai/DeepSeek-R1": {671, true}, "deepseek-ai/DeepSeek-V3-Base": {671, false}, "deepseek-ai/DeepSeek-V3.2": {671, true},
		"deepseek-v2:latest": {16, true}, "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B": {1.5, true}, "mistralai/Mistral-Small-Instruct-2409": {22, true},
		"mistral-large-2411": {123, true}, "mistralai/Mistral-Nemo-Base-2407": {12, false}, "codellama:7b-code": {7, false}, "google/gemma-3n-E4B": {4, false},
		"microsoft/phi-2": {2.7, true}, "microsoft/Phi-3.5-MoE-instruct": {42, true}, "microsoft/Phi-4-multimodal-instruct": {5.6, true}, "phi4": {14, true},
	} {
		if m := catalogue.Parse(name); m.Billions != want.billions || m.Instruct != want.tuned || m.Unknown {
			t.Errorf("Parse(%q): %v billions, tuned %v, unknown %v; want %v", name, m.Billions, m.Instruct, m.Unknown, want)
		}
	}
}

// A derivative is no base model, and it is not the model that it was made of.
func TestDerivativesAreTunedModelsOfTheirOwn(t *testing.T) {
	for name, of := range map[string]string{
		"allenai/Llama-3.1-Tulu-3-8B": "llama-3.1-8b-instruct", "allenai/Llama-3.1-Tulu-3-8B-SFT": "llama-3.1-8b-instruct",
		"NousResearch/Hermes-3-Llama-3.1-8B": "llama-3.1-8b-instruct", "cognitivecomputations/dolphin-2.9-llama3-8b": "llama-3-8b-instruct",
		"teknium/OpenHermes-2.5-Mistral-7B": "mistral-7b-instruct-v0.1", "WizardLMTeam/WizardLM-13B-V1.2": "llama-2-13b-instruct",
		"openchat/openchat-3.5-0106": "mistral-7b-instruct-v0.1", "HuggingFaceH4/zephyr-7b-beta": "mistral-7b-instruct-v0.1", "lmsys/vicuna-13b-v1.5": "llama-2-13b-instruct",
		"deepseek-ai/DeepSeek-R1-Distill-Llama-8B": "llama-3.1-8b-instruct", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B": "qwen2.5-7b-instruct",
		"Qwen/QwQ-32B": "qwen2.5-32b-instruct", "Qwen/Qwen2.5-Coder-7B-Instruct": "qwen2.5-7b-instruct", "Qwen/Qwen2.5-Math-7B-Instruct": "qwen2.5-7b-instruct",
		"Qwen/Qwen2.5-VL-7B-Instruct": "qwen2.5-7b-instruct", "Qwen/Qwen2.5-Omni-7B": "qwen2.5-7b-instruct", "google/codegemma-7b-it": "gemma-7b-it",
		"mistralai/Pixtral-12B-2409": "mistral-nemo-instruct-2407", "mistralai/Voxtral-Small-24B-2507": "mistral-small-24b-instruct-2501",
		"Orenguteng/Llama-3-8B-Lexi-Uncensored": "llama-3-8b-instruct", "Meta-Llama-3-8B-Instruct-abliterated": "llama-3-8b-instruct",
		"zai-org/GLM-4.1V-9B-Thinking": "glm-4-9b-chat", "LGAI-EXAONE/EXAONE-Deep-7.8B": "exaone-3.5-7.8b-instruct", "ibm-granite/granite-4.0-h-tiny": "granite-3.3-8b-instruct",
	} {
		m, base := catalogue.Parse(name), catalogue.Parse(of)
		if !m.Instruct || m.Unknown || m.NoChat || m.ID == base.ID || base.Unknown {
			t.Errorf("Parse(%q) = %+v, want a tuned model that is not %s", name, m, base.ID)
		}
	}
	for _, base := range []string{"Nemotron-H-8B-Base-8K", "Qwen/Qwen3-8B-Base", "LGAI-EXAONE/EXAONE-4.0-1.2B-Base", "ibm-granite/granite-4.0-h-tiny-base"} {
		if m := catalogue.Parse(base); m.Instruct {
			t.Errorf("Parse(%q) is tuned", base)
		}
	}
}

// What judges, ranks or makes vectors of texts bears the names of models that answer them.
func TestWhatAnswersNoChats(t *testing.T) {
	for _, name := range []string{
		"meta-llama/Llama-Guard-3-8B", "llama-guard3:8b", "meta-llama/LlamaGuard-7b", "meta-llama/Llama-Prompt-Guard-2-86M", "Qwen/Qwen3Guard-Gen-8B",
		"google/shieldgemma-9b", "openai/gpt-oss-safeguard-20b", "granite3-guardian:8b", "nvidia/llama-3.1-nemoguard-8b-content-safety",
		"Qwen/Qwen3-Embedding-8B", "qwen3-embedding:8b", "google/embeddinggemma-300m", "intfloat/e5-mistral-7b-instruct", "codestral-embed", "nomic-embed-text",
		"Alibaba-NLP/gte-Qwen2-7B-instruct", "granite-embedding:278m", "nvidia/llama-3.2-nv-embedqa-1b-v2", "all-minilm", "bge-m3",
		"Qwen/Qwen3-Reranker-8B", "nvidia/llama-3.2-nv-rerankqa-1b-v2", "BAAI/bge-reranker-v2-gemma",
		"nvidia/Llama-3.1-Nemotron-70B-Reward", "allenai/Llama-3.1-Tulu-3-8B-RM", "Qwen/Qwen2.5-Math-PRM-7B", "deepseek-ai/DeepSeek-OCR", "google/paligemma2-3b-pt-224",
	} {
		m := catalogue.Parse(name)
		if again := catalogue.Parse(m.ID); !m.NoChat || !again.NoChat || m.PriorQuality() > 0.02 {
			t.Errorf("Parse(%q) = %+v (of its id %v), prior %v: want a model that answers no chats", name, m, again.NoChat, m.PriorQuality())
		}
	}
	for _, name := range []string{"google/medgemma-4b-it", "google/gemma-3-4b-it", "Qwen/Qwen2.5-VL-7B-Instruct", "Qwen/Qwen2.5-Math-7B-Instruct", "google/functiongemma-270m-it",
		"llama3.2-vision", "mistralai/Codestral-22B-v0.1", "deepseek-ai/DeepSeek-Prover-V2-7B", "vanguard-8b-instruct"} {
		if catalogue.Parse(name).NoChat {
			t.Errorf("Parse(%q): it answers chats", name)
		}
	}
}

// Names of families that the index in the binary has no rows of: known, so that their priors are no guesses.
func TestFamiliesWithoutRowsAreKnown(t *testing.T) {
	for id, names := range map[string][]string{
		"kimi-k2-instruct":         {"moonshotai/Kimi-K2-Instruct", "kimi-k2", "kimi-k2:1t-cloud"},
		"kimi-k2-thinking":         {"moonshotai/Kimi-K2-Thinking", "kimi-k2-thinking:cloud"},
		"minimax-m2":               {"MiniMaxAI/MiniMax-M2", "minimax-m2:cloud"},
		"exaone-3.5-7.8b-instruct": {"LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct", "exaone3.5", "exaone3.5:7.8b"},
		"exaone-deep-7.8b":         {"LGAI-EXAONE/EXAONE-Deep-7.8B", "exaone-deep:7.8b"},
		"internlm2.5-7b-chat":      {"internlm/internlm2_5-7b-chat", "internlm2.5-7b-chat-Q4_K_M.gguf"},
		"internlm2-7b-chat":        {"internlm2:7b", "internlm/internlm2-chat-7b"},
		"granite-4.0-h-tiny":       {"ibm-granite/granite-4.0-h-tiny", "granite4:tiny-h"},
		"hermes-3-llama-3.1-8b":    {"NousResearch/Hermes-3-Llama-3.1-8B", "hermes3", "hermes3:8b"},
		"llama-3.1-tulu-3-8b":      {"allenai/Llama-3.1-Tulu-3-8B", "tulu3", "tulu3:8b"},
		"zephyr-7b-beta":           {"HuggingFaceH4/zephyr-7b-beta", "zephyr", "zephyr:7b"},
		"openchat-3.5-0106":        {"openchat/openchat-3.5-0106", "openchat", "openchat:7b"},
		"dolphin-3.0-llama3.1-8b":  {"Dolphin3.0-Llama3.1-8B-GGUF", "dolphin3", "dolphin3:8b"},
		"wizardlm-2-8x22b":         {"WizardLM-2-8x22B", "wizardlm2:8x22b"},
	} {
		for _, name := range names {
			if m := catalogue.Parse(name); m.ID != id || m.Unknown || !m.Instruct {
				t.Errorf("Parse(%q) = %q (unknown %v, tuned %v), want %q", name, m.ID, m.Unknown, m.Instruct, id)
			}
		}
	}
}
