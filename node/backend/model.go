package backend

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Runtime names a kind of model server.
type Runtime string

// The runtimes that are told apart. OpenAICompatible is any other server with OpenAI's API.
const (
	Ollama           Runtime = "ollama"
	LlamaCpp         Runtime = "llama.cpp"
	VLLM             Runtime = "vllm"
	LMStudio         Runtime = "lmstudio"
	OpenAICompatible Runtime = "openai-compatible"
)

// tokenCounting names who counts tokens and by which template. The same chat to the same weights was 37 prompt tokens
// on llama.cpp and 16 on Ollama, so a token count means nothing without it.
func (r Runtime) tokenCounting() string {
	switch r {
	case Ollama:
		return "ollama/template"
	case LlamaCpp:
		return "llama.cpp/gguf-chat-template"
	case VLLM:
		return "vllm/hf-chat-template"
	case LMStudio:
		return "lmstudio/model-template"
	}
	return "openai-compatible/reported"
}

// What a model can do, in Model.Features.
const (
	FeatureTools  = "tools"
	FeatureJSON   = "json"
	FeatureVision = "vision"
	// FeatureEmbeddings: the model makes vectors of texts, and is not for chats.
	FeatureEmbeddings = "embeddings"
)

// Model is one model as its server describes it.
type Model struct {
	// ID is the server's own name for it.
	ID string
	// ContextLength in tokens that one request may use for prompt and answer; 0 if the server does not tell.
	ContextLength uint32
	// Quantization such as "Q4_K_M" or "fp8"; empty if unknown.
	Quantization  string
	Runtime       Runtime
	TokenCounting string
	// Features is what the server says the model can do, or what its runtime can make any model do.
	Features []string
}

// Embeds: the model makes vectors of texts, and is not for chats.
func (m Model) Embeds() bool { return slices.Contains(m.Features, FeatureEmbeddings) }

// maxModels bounds the models of one server that are looked at: a curious person's Ollama holds dozens.
const maxModels = 256

// listedModel is an entry of GET /v1/models with the extras that llama.cpp and vLLM put there.
type listedModel struct {
	ID          string  `json:"id"`
	OwnedBy     string  `json:"owned_by"`
	MaxModelLen float64 `json:"max_model_len"` // vLLM
	Meta        *struct {
		NCtx  float64 `json:"n_ctx"`
		Ftype string  `json:"ftype"`
	} `json:"meta"` // llama.cpp
}

// modelIDs lists the models by OpenAI's route, which all runtimes have.
func (b *Backend) modelIDs(ctx context.Context) ([]listedModel, error) {
	var list struct {
		Data *[]listedModel `json:"data"`
	}
	if err := b.query(ctx, http.MethodGet, "/v1/models", nil, &list); err != nil {
		return nil, err
	}
	if list.Data == nil {
		return nil, fmt.Errorf("%w: /v1/models has no list", ErrBadAnswer)
	}
	return *list.Data, nil
}

// Models lists the chat and embedding models of the server with what can be learned about them. ErrNotReady while it loads.
func (b *Backend) Models(ctx context.Context) ([]Model, error) {
	listed, err := b.modelIDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	listed = listed[:min(len(listed), maxModels)]
	models := make([]Model, 0, len(listed))
	runtime := b.runtime(ctx, listed)
	for _, l := range listed {
		m := Model{
			ID: l.ID, Runtime: runtime, TokenCounting: runtime.tokenCounting(), ContextLength: tokenCount(l.MaxModelLen),
			Quantization: quantizationIn(l.ID),
		}
		if l.Meta != nil {
			m.ContextLength = tokenCount(l.Meta.NCtx)
			m.Quantization = firstOf(l.Meta.Ftype, m.Quantization)
		}
		models = append(models, m)
	}
	// The runtime's own routes know more. What they fail to tell stays unknown: a server without them still serves.
	if err := b.describe(ctx, runtime, models); err != nil {
		b.opts.Logger.Debug("describe models", "runtime", string(runtime), "url", b.URL(), "err", err)
	}
	return usable(models), nil
}

func (b *Backend) describe(ctx context.Context, runtime Runtime, models []Model) error {
	switch runtime {
	case Ollama:
		return b.describeOllama(ctx, models)
	case LlamaCpp:
		return b.describeLlamaCpp(ctx, models)
	case LMStudio:
		return b.describeLMStudio(ctx, models)
	case VLLM: // guided decoding works with every model; tools depend on a start flag that the server does not show
		for i := range models {
			models[i].Features = []string{FeatureJSON}
		}
	}
	return nil
}

// runtime tells the kind of server by the owner it gives its models, else by routes that only one kind has.
func (b *Backend) runtime(ctx context.Context, listed []listedModel) Runtime {
	for _, l := range listed {
		switch l.OwnedBy {
		case "llamacpp":
			return LlamaCpp
		case "vllm":
			return VLLM
		}
	}
	for _, probe := range []struct {
		path, key string
		runtime   Runtime
	}{{"/api/version", "version", Ollama}, {"/api/v0/models", "data", LMStudio}, {"/props", "default_generation_settings", LlamaCpp}} {
		var answer map[string]any
		if b.query(ctx, http.MethodGet, probe.path, nil, &answer) == nil && answer[probe.key] != nil {
			return probe.runtime
		}
	}
	return OpenAICompatible
}

// useless marks, in Model.Features, what can neither chat nor embed (a reranker, say).
const useless = "-"

func usable(models []Model) []Model {
	out := models[:0]
	for _, m := range models {
		if len(m.Features) == 0 || m.Features[0] != useless {
			out = append(out, m)
		}
	}
	return out
}

// quantPattern finds the usual names of quantizations in a file or model name.
var quantPattern = regexp.MustCompile(`(?i)(?:^|[-_.:/])((?:I?Q[1-8]_(?:K_(?:XS|XXS|XL|S|M|L)|K|[01S]|XXS|XS|NL|M))|(?:BF16|F16|FP16|F32|FP32|FP8|NVFP4|MXFP4|INT8|INT4|AWQ|GPTQ))(?:$|[-_.:/])`)

func quantizationIn(name string) string {
	m := quantPattern.FindStringSubmatch(path.Base(strings.ReplaceAll(name, `\`, "/")))
	if m == nil {
		return ""
	}
	return m[1]
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
