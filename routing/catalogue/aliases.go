package catalogue

import "strings"

// fullName is what a short name stands for; a name that the table does not have is left as it is. The table's names are
// all of tuned models, so ":instruct" and ":chat" say no more than ":latest".
func fullName(s string) string {
	if full, ok := aliases[s]; ok {
		return full
	}
	for _, tag := range [...]string{":latest", ":instruct", ":chat"} {
		if bare, ok := strings.CutSuffix(s, tag); ok {
			if full, ok := aliases[bare]; ok {
				return full
			}
		}
	}
	return s
}

// aliases are names that no rule can read: Ollama's that say less than the name of the weights behind them, as of late
// 2026, and those of hosts, with the owner where another's bare name is another model. Where Ollama's default is not what the bare
// name means elsewhere, the key has its ":latest". Ollama moves its short tags (qwen3:30b was the first Qwen3 before its 2507): what was
// pulled earlier may be other weights, so an operator is shown what each of its names is taken for.
var aliases = map[string]string{
	"llama2": "llama-2-7b-instruct", "llama3": "llama-3-8b-instruct", "llama3.1": "llama-3.1-8b-instruct", "llama3.2": "llama-3.2-3b-instruct",
	"llama3.3": "llama-3.3-70b-instruct", "llama3.2-vision": "llama-3.2-11b-vision-instruct",
	"llama4": "llama-4-scout-17b-16e-instruct", "llama4:scout": "llama-4-scout-17b-16e-instruct", "llama4:16x17b": "llama-4-scout-17b-16e-instruct",
	"llama4:maverick": "llama-4-maverick-17b-128e-instruct", "llama4:128x17b": "llama-4-maverick-17b-128e-instruct",
	"llama-4-scout": "llama-4-scout-17b-16e-instruct", "llama-4-maverick": "llama-4-maverick-17b-128e-instruct",
	"llama-3.3-70b-versatile": "llama-3.3-70b-instruct", "llama-3.1-8b-instant": "llama-3.1-8b-instruct",
	"codellama": "codellama-7b-instruct", "nemotron": "llama-3.1-nemotron-70b-instruct", "nemotron:70b": "llama-3.1-nemotron-70b-instruct",
	"nemotron-3-nano": "nemotron-3-nano-30b-a3b", "nemotron-3-nano:30b": "nemotron-3-nano-30b-a3b",
	"tinyllama": "tinyllama-1.1b-chat-v1.0", "tinyllama:1.1b": "tinyllama-1.1b-chat-v1.0", "tinyllama:1.1b-chat": "tinyllama-1.1b-chat-v1.0",

	"qwen": "qwen1.5-4b-chat", "qwen2": "qwen2-7b-instruct", "qwen2-math": "qwen2-math-7b-instruct", "qwen2.5": "qwen2.5-7b-instruct",
	"qwen2.5-coder": "qwen2.5-coder-7b-instruct", "qwen2.5vl": "qwen2.5-vl-7b-instruct", "qwen3": "qwen3-8b", "qwq": "qwq-32b",
	"qwen3-coder": "qwen3-coder-30b-a3b-instruct", "qwen3-coder:30b": "qwen3-coder-30b-a3b-instruct",
	"qwen3-coder:480b": "qwen3-coder-480b-a35b-instruct", "qwen3-coder:480b-cloud": "qwen3-coder-480b-a35b-instruct",
	"qwen/qwen3-coder": "qwen3-coder-480b-a35b-instruct", "qwen3-235b-a22b-2507": "qwen3-235b-a22b-instruct-2507",
	"qwen3:4b": "qwen3-4b-thinking-2507", "qwen3:4b-thinking": "qwen3-4b-thinking-2507", "qwen3:4b-instruct": "qwen3-4b-instruct-2507",
	"qwen3:30b": "qwen3-30b-a3b-thinking-2507", "qwen3:30b-thinking": "qwen3-30b-a3b-thinking-2507", "qwen3:30b-instruct": "qwen3-30b-a3b-instruct-2507",
	"qwen3:235b": "qwen3-235b-a22b-thinking-2507", "qwen3:235b-thinking": "qwen3-235b-a22b-thinking-2507", "qwen3:235b-instruct": "qwen3-235b-a22b-instruct-2507",
	"qwen3-next": "qwen3-next-80b-a3b-instruct", "qwen3-next:80b": "qwen3-next-80b-a3b-instruct", "qwen3-vl": "qwen3-vl-8b", "qwen2:57b": "qwen2-57b-a14b-instruct",

	"gemma": "gemma-7b-it", "gemma2": "gemma-2-9b-it", "gemma3": "gemma-3-4b-it", "gemma3n": "gemma-3n-e4b-it", "gemma4": "gemma-4-e4b-it", "gemma4:26b": "gemma-4-26b-a4b-it",
	"codegemma": "codegemma-7b-it", "codegemma:2b": "codegemma-2b",

	"mistral": "mistral-7b-instruct-v0.3", "mistral:7b": "mistral-7b-instruct-v0.3", "mistral:7b-instruct": "mistral-7b-instruct-v0.3",
	"mixtral": "mixtral-8x7b-instruct-v0.1", "mixtral:8x7b": "mixtral-8x7b-instruct-v0.1", "open-mixtral-8x7b": "mixtral-8x7b-instruct-v0.1",
	"mixtral:8x22b": "mixtral-8x22b-instruct-v0.1", "open-mixtral-8x22b": "mixtral-8x22b-instruct-v0.1", "mixtral:8x7b-text": "mixtral-8x7b-v0.1",
	"mistral-nemo": "mistral-nemo-instruct-2407", "mistral-nemo:12b": "mistral-nemo-instruct-2407", "mistral-nemo-12b": "mistral-nemo-instruct-2407",
	"mistral-small": "mistral-small-24b-instruct-2501", "mistral-small:24b": "mistral-small-24b-instruct-2501", "mistral-small:22b": "mistral-small-instruct-2409",
	"mistral-small-3.1": "mistral-small-3.1-24b-instruct-2503", "mistral-small-3.1:24b": "mistral-small-3.1-24b-instruct-2503",
	"mistral-small-3.2": "mistral-small-3.2-24b-instruct-2506", "mistral-small-3.2:24b": "mistral-small-3.2-24b-instruct-2506",
	"mistral-small-3.1-24b-instruct": "mistral-small-3.1-24b-instruct-2503", "mistral-small-3.2-24b-instruct": "mistral-small-3.2-24b-instruct-2506",
	"mistral-large": "mistral-large-instruct-2407", "mistral-large-2": "mistral-large-instruct-2407", "mistral-large-2512": "mistral-large-3-675b-instruct-2512",
	"codestral": "codestral-22b-v0.1", "codestral:22b": "codestral-22b-v0.1", "mathstral": "mathstral-7b-v0.1", "mathstral:7b": "mathstral-7b-v0.1",
	"magistral": "magistral-small-2506", "magistral:24b": "magistral-small-2506", "devstral": "devstral-small-2505", "devstral:24b": "devstral-small-2505",
	"devstral-small-2": "devstral-small-2-24b-instruct-2512", "devstral-small-2:24b": "devstral-small-2-24b-instruct-2512",
	"devstral-2": "devstral-2-123b-instruct-2512", "devstral-2:123b": "devstral-2-123b-instruct-2512",
	"ministral-3": "ministral-3-8b-instruct-2512", "ministral-3:3b": "ministral-3-3b-instruct-2512", "ministral-3:8b": "ministral-3-8b-instruct-2512",
	"ministral-3:14b": "ministral-3-14b-instruct-2512",

	"deepseek-r1:latest": "deepseek-r1-0528-qwen3-8b", "deepseek-r1:8b": "deepseek-r1-0528-qwen3-8b", "deepseek-r1:671b": "deepseek-r1",
	"deepseek-r1:1.5b": "deepseek-r1-distill-qwen-1.5b", "deepseek-r1:7b": "deepseek-r1-distill-qwen-7b", "deepseek-r1:14b": "deepseek-r1-distill-qwen-14b",
	"deepseek-r1:32b": "deepseek-r1-distill-qwen-32b", "deepseek-r1:70b": "deepseek-r1-distill-llama-70b",
	"deepseek-coder-v2:latest": "deepseek-coder-v2-lite-instruct", "deepseek-coder-v2:16b": "deepseek-coder-v2-lite-instruct",
	"deepseek-v2:latest": "deepseek-v2-lite-chat", "deepseek-v2:16b": "deepseek-v2-lite-chat",
	"deepseek/deepseek-chat": "deepseek-v3", "deepseek-coder:latest": "deepseek-coder-1.3b-instruct", "deepseek-llm:latest": "deepseek-llm-7b-chat",

	"phi": "phi-2", "phi:2.7b": "phi-2", "phi3": "phi-3-mini-4k-instruct", "phi3:3.8b": "phi-3-mini-4k-instruct", "phi3:mini": "phi-3-mini-4k-instruct",
	"phi3:mini-4k": "phi-3-mini-4k-instruct", "phi3:mini-128k": "phi-3-mini-128k-instruct", "phi3:14b": "phi-3-medium-4k-instruct",
	"phi3:medium": "phi-3-medium-4k-instruct", "phi3:medium-4k": "phi-3-medium-4k-instruct", "phi3:medium-128k": "phi-3-medium-128k-instruct",
	"phi3.5": "phi-3.5-mini-instruct", "phi3.5:3.8b": "phi-3.5-mini-instruct",

	"granite4": "granite-4.0-micro", "granite4:micro": "granite-4.0-micro", "granite4:micro-h": "granite-4.0-h-micro", "granite4:tiny-h": "granite-4.0-h-tiny",
	"granite4:small-h": "granite-4.0-h-small", "kimi-k2": "kimi-k2-instruct", "kimi-k2:1t": "kimi-k2-instruct", "kimi-k2:1t-cloud": "kimi-k2-instruct",
	"hermes3": "hermes-3-llama-3.1-8b", "hermes3:8b": "hermes-3-llama-3.1-8b", "hermes3:70b": "hermes-3-llama-3.1-70b", "hermes3:405b": "hermes-3-llama-3.1-405b",
	"hermes3:3b": "hermes-3-llama-3.2-3b", "tulu3": "llama-3.1-tulu-3-8b", "tulu3:8b": "llama-3.1-tulu-3-8b", "tulu3:70b": "llama-3.1-tulu-3-70b",
	"zephyr": "zephyr-7b-beta", "zephyr:7b": "zephyr-7b-beta", "openchat": "openchat-3.5-0106", "openchat:7b": "openchat-3.5-0106", "vicuna": "vicuna-7b-v1.5",
	"wizardlm2": "wizardlm-2-7b", "wizardlm2:7b": "wizardlm-2-7b", "wizardlm2:8x22b": "wizardlm-2-8x22b", "exaone3.5": "exaone-3.5-7.8b-instruct",
	"dolphin3": "dolphin-3.0-llama3.1-8b", "dolphin3:8b": "dolphin-3.0-llama3.1-8b", "dolphin-mixtral": "dolphin-mixtral-8x7b",

	"smollm": "smollm-1.7b-instruct", "smollm2": "smollm2-1.7b-instruct", "yi": "yi-6b-chat", "gpt-oss": "gpt-oss-20b",
}
