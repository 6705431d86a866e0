package openai

import (
	"net/http"
	"slices"
	"strings"
)

// Endpoint is one operator's offer of a model. Prices as in Info.
type Endpoint struct {
	Operator                                string
	ContextLength                           uint32 // tokens; 0 if unknown
	InputPerMTok, OutputPerMTok, PerRequest uint64
	Quantization                            string // OpenRouter's class; empty if unknown
	SupportedParameters                     []string
}

// MaxEndpoints is how many offers of a model are told, the cheapest.
const MaxEndpoints = 100

// endpointsSuffix ends the address of who serves a model.
const endpointsSuffix = "/endpoints"

// wireEndpoints is OpenRouter's object: a model, and who serves it.
type wireEndpoints struct {
	ID           string         `json:"id"`
	Name         string         `json:"name"`
	Created      int64          `json:"created"`
	Description  string         `json:"description"`
	Architecture architecture   `json:"architecture"`
	Endpoints    []wireEndpoint `json:"endpoints"`
}

// wireEndpoint is OpenRouter's object for one offer that can be asked now. What nobody has measured is null.
type wireEndpoint struct {
	Name                    string      `json:"name"`
	Tag                     string      `json:"tag"`
	ProviderName            string      `json:"provider_name"`
	ModelID                 string      `json:"model_id"`
	ModelName               string      `json:"model_name"`
	ContextLength           uint32      `json:"context_length"` // 0: the operator does not say
	MaxPromptTokens         unknown     `json:"max_prompt_tokens"`
	MaxCompletionTokens     unknown     `json:"max_completion_tokens"`
	Pricing                 wirePricing `json:"pricing"`
	Quantization            string      `json:"quantization"`
	SupportedParameters     []string    `json:"supported_parameters"`
	SupportsToolChoice      toolChoice  `json:"supports_tool_choice"`
	SupportsImplicitCaching bool        `json:"supports_implicit_caching"` // always false: signed prices have no discount
	SupportsVoiceCloning    bool        `json:"supports_voice_cloning"`    // always false
	Status                  int         `json:"status"`                    // always 0: it can be asked
	Latency                 unknown     `json:"latency_last_30m"`
	Throughput              unknown     `json:"throughput_last_30m"`
	UptimeMinutes           unknown     `json:"uptime_last_5m"`
	UptimeHalfHour          unknown     `json:"uptime_last_30m"`
	UptimeDay               unknown     `json:"uptime_last_1d"`
}

// toolChoice says which values of tool_choice passed tests: operators promise tools, of which auto is the plain use.
type toolChoice struct {
	Auto     bool `json:"auto"`
	None     bool `json:"none"`
	Required bool `json:"required"`
	Function bool `json:"function"`
}

// unknown is a member that OpenRouter's clients insist on and of which this gateway knows nothing: null.
type unknown *struct{}

func (e Endpoint) wire(m wireModel) wireEndpoint {
	w := wireEndpoint{
		Name: e.Operator + " | " + m.ID, Tag: e.Operator, ProviderName: e.Operator, ModelID: m.ID, ModelName: m.Name, ContextLength: e.ContextLength,
		Pricing: pricing(e.InputPerMTok, e.OutputPerMTok, e.PerRequest), Quantization: e.Quantization, SupportedParameters: e.SupportedParameters,
		SupportsToolChoice: toolChoice{Auto: slices.Contains(e.SupportedParameters, "tools")},
	}
	if w.Quantization == "" {
		w.Quantization = "unknown"
	}
	if slices.Contains(m.Architecture.OutputModalities, "text") {
		w.SupportedParameters = slices.Concat(alwaysSupported[:], e.SupportedParameters)
	} else {
		w.SupportedParameters = m.SupportedParameters
	}
	return w
}

// serveEndpoints tells who serves a model now, the cheapest first; of auto and of the gateway's own encoder nobody else does.
func (h *handler) serveEndpoints(x *exchange) {
	m, ok := h.findModel(x, strings.TrimSuffix(strings.TrimPrefix(x.r.URL.Path, modelsPrefix), endpointsSuffix))
	if !ok {
		return
	}
	offers, err := h.cfg.Completer.Endpoints(x.r.Context(), m.ID)
	if err != nil {
		x.failWith(err)
		return
	}
	out := wireEndpoints{ID: m.ID, Name: m.Name, Created: m.Created, Description: m.Description, Architecture: m.Architecture, Endpoints: []wireEndpoint{}}
	for _, e := range offers {
		out.Endpoints = append(out.Endpoints, e.wire(m))
	}
	x.sendData(out)
}

// sendData sends v as OpenRouter's answers about one thing have it.
func (x *exchange) sendData(v any) {
	x.sendJSON(http.StatusOK, struct {
		Data any `json:"data"`
	}{v})
}
