package table

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestColumnsOfTheSourcesMapToOpenModelsOnly(t *testing.T) {
	want := map[string]string{
		"Llama-3.1-405B-Inst-fp8": "llama-3.1-405b-instruct", "Llama-3.1-405B-Inst@sambanova": "llama-3.1-405b-instruct",
		"Meta-Llama-3.1-405B-Instruct@hyperbolic": "llama-3.1-405b-instruct", "Llama-3.1-405B-Instruct-Turbo": "llama-3.1-405b-instruct",
		"Meta-Llama-3-70B-Instruct": "llama-3-70b-instruct", "Meta-Llama-3.1-70B-Instruct@hyperbolic": "",
		"Mistral-Large-2": "mistral-large-instruct-2407", "Mistral-Nemo-Instruct-2407": "mistral-nemo-instruct-2407",
		"Phi-3-mini-4k-instruct": "phi-3-mini-4k-instruct", "Phi-3.5-mini-instruct": "phi-3.5-mini-instruct",
		"Qwen2.5-32B-Instruct": "qwen2.5-32b-instruct", "Yi-1.5-34B-Chat": "yi-1.5-34b-chat", "Athene-70B": "athene-70b",
		"deepseek-v2-coder-0724": "deepseek-coder-v2-0724", "DeepSeek-Coder-V2-0724": "deepseek-coder-v2-0724",
		"deepseek-v2.5-0908": "deepseek-v2.5-0908", "deepseek-v2-chat-0628": "deepseek-v2-chat-0628", "deepseek-chat": "", "deepseek-coder": "",
		"gemma-2-2b-it": "gemma-2-2b-it", "command-r": "command-r", "command-r-plus": "command-r-plus",
		"Mixtral-8x7B-Instruct-v0.1":  "mixtral-8x7b-instruct-v0.1",
		"meta-llama/Llama-Guard-3-8B": "", "qwen3-embedding:8b": "", "nvidia/Llama-3.1-Nemotron-70B-Reward": "", // they answer no chats
		"gpt-4o-2024-08-06": "", "claude-3-haiku-20240307": "", "gemini-1.5-pro": "", "o1-mini-2024-09-12": "", "grok-2-1212": "",
		"chatgpt-4o-latest-24-09-07": "", "reka-core-20240501": "", "yi-large": "", "yi-large-preview": "",
		"codegemma-7b": "codegemma-7b", "llama3-chatqa-1.5-8b": "llama-3-chatqa-1.5-8b", "mistral-7b-instruct-v0.3": "mistral-7b-instruct-v0.3",
		"llama-3.3-nemotron-super-49b-v1": "llama-3.3-nemotron-super-49b-v1", "smollm2-135m-instruct": "smollm2-135m-instruct", "gemma-3-270m": "gemma-3-270m",
	}
	got := map[string]string{}
	for column := range want {
		id, ok := canonical(column)
		if !ok {
			id = ""
		}
		got[column] = id
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("canonical (-want +got):\n%s", diff)
	}
}
