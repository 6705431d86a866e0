package openai

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// wireModel is OpenAI's model object with OpenRouter's additions.
type wireModel struct {
	ID                  string       `json:"id"`
	Object              string       `json:"object"`
	Created             int64        `json:"created"`
	OwnedBy             string       `json:"owned_by"`
	CanonicalSlug       string       `json:"canonical_slug"`
	Name                string       `json:"name"`
	Description         string       `json:"description"`
	ContextLength       *uint32      `json:"context_length"` // null if unknown
	Architecture        architecture `json:"architecture"`
	Pricing             *wirePricing `json:"pricing,omitempty"`
	TopProvider         topProvider  `json:"top_provider"`
	SupportedParameters []string     `json:"supported_parameters"`
	Quantizations       []string     `json:"quantizations,omitempty"`
	Operators           int          `json:"operators,omitempty"`
	Links               modelLinks   `json:"links"`

	DefaultParameters unknown `json:"default_parameters"` // the model server has its own
	PerRequestLimits  unknown `json:"per_request_limits"`
	SupportedVoices   unknown `json:"supported_voices"`

	*anthropicModel // for its clients; else nil
}

// modelLinks is where more is said of a model.
type modelLinks struct {
	Details string `json:"details"`
}

// architecture is what goes in and comes out.
type architecture struct {
	Modality         string   `json:"modality"`
	InputModalities  []string `json:"input_modalities"`
	OutputModalities []string `json:"output_modalities"`
	Tokenizer        string   `json:"tokenizer"`
	InstructType     unknown  `json:"instruct_type"` // always null: operators' servers have the template
}

func textArchitecture(output string, vision bool) architecture {
	a := architecture{Modality: "text->" + output, InputModalities: []string{"text"}, OutputModalities: []string{output}, Tokenizer: "Other"}
	if vision {
		a.Modality, a.InputModalities = "text+image->"+output, append(a.InputModalities, "image")
	}
	return a
}

// topProvider is OpenRouter's: what the best offer of the model can do.
type topProvider struct {
	ContextLength       *uint32 `json:"context_length"`
	MaxCompletionTokens unknown `json:"max_completion_tokens"` // always null: bounded by the context alone
	IsModerated         bool    `json:"is_moderated"`
}

// wirePricing is in USD, as strings of exact decimals: per token, and per request.
type wirePricing struct {
	Prompt     string `json:"prompt"`
	Completion string `json:"completion"`
	Request    string `json:"request"`
}

// pricing of µUSD per million tokens, which are 1e-12 USD per token, and of µUSD per request.
func pricing(input, output, request uint64) wirePricing {
	return wirePricing{Prompt: formatUSD(input, 12), Completion: formatUSD(output, 12), Request: formatUSD(request, 6)}
}

// alwaysSupported are parameters that the gateway itself handles, and the usual ones of sampling: see plainParameters.
var alwaysSupported = [...]string{
	"max_tokens", "max_completion_tokens", "stream", "stream_options",
	"temperature", "top_p", "stop", "seed", "presence_penalty", "frequency_penalty",
}

func (m Model) wire() wireModel {
	prices := pricing(m.InputPerMTok, m.OutputPerMTok, m.PerRequest)
	w := wireModel{
		ID: m.ID, Object: "model", Created: m.Created, OwnedBy: "flotilla", Name: m.ID,
		Quantizations: m.Quantizations, Operators: m.Operators,
		SupportedParameters: append(alwaysSupported[:len(alwaysSupported):len(alwaysSupported)], m.SupportedParameters...),
		CanonicalSlug:       m.ID, Architecture: textArchitecture("text", m.Vision),
		Pricing: &prices,
	}
	if m.Embeds {
		w.Architecture, w.SupportedParameters = textArchitecture("embeddings", false), []string{"encoding_format", "dimensions"}
	}
	w.setContext(m.ContextLength)
	return w
}

// setContext: tokens of prompt and answer together; 0 is unknown.
func (w *wireModel) setContext(tokens uint32) {
	if tokens > 0 {
		w.ContextLength, w.TopProvider.ContextLength = &tokens, &tokens
	}
}

// autoModel is the router's own entry, there as soon as it has something to choose from.
func autoModel(models []Model) wireModel {
	w := wireModel{
		ID: "auto", Object: "model", OwnedBy: "flotilla", CanonicalSlug: "flotilla/auto", Name: "Automatic choice",
		Description:         "The cheapest capable model of the fleet, chosen for each prompt.",
		Pricing:             &wirePricing{Prompt: "-1", Completion: "-1", Request: "-1"}, // as OpenRouter says that it depends
		SupportedParameters: append(alwaysSupported[:len(alwaysSupported):len(alwaysSupported)], "cost_quality_tradeoff", "allowed_models", "blocked_models"),
	}
	vision, longest := false, uint32(0)
	for _, m := range models {
		longest = max(longest, m.ContextLength)
		vision = vision || m.Vision
		for _, p := range m.SupportedParameters {
			if !slices.Contains(w.SupportedParameters, p) {
				w.SupportedParameters = append(w.SupportedParameters, p)
			}
		}
	}
	w.setContext(longest)
	w.Architecture = textArchitecture("text", vision)
	return w
}

type modelList struct {
	Object string      `json:"object"`
	Data   []wireModel `json:"data"`
	// As OpenRouter pages: all of it is one page.
	TotalCount int       `json:"total_count"`
	Links      pageLinks `json:"links"`

	*anthropicPage // for its clients; else nil
}

type pageLinks struct {
	Next *string `json:"next"`
}

// listModels is what the key may ask for, and never null: desktop clients take an error or a missing list for a broken connection.
func (h *handler) listModels(x *exchange) (modelList, bool) {
	models, err := h.cfg.Completer.Models(x.r.Context())
	if err != nil {
		x.failWith(err)
		return modelList{}, false
	}
	models = slices.DeleteFunc(slices.Clone(models), func(m Model) bool { return !x.key.Rules.Permits(m.ID) })
	list := modelList{Object: "list", Data: []wireModel{}}
	if chat := slices.DeleteFunc(slices.Clone(models), func(m Model) bool { return m.Embeds }); len(chat) > 0 {
		list.Data = append(list.Data, autoModel(chat))
	}
	for _, m := range models {
		list.Data = append(list.Data, m.wire())
	}
	if e := h.cfg.Embeddings; e != nil && x.key.Rules.Permits(e.ID) {
		list.Data = append(list.Data, e.wire())
	}
	for i := range list.Data { // clients show the date, and one in 1970 is none
		m := &list.Data[i]
		m.Created = cmp.Or(m.Created, h.opened.Unix())
		m.Links.Details = openRouterRoot + modelsPrefix + m.ID + endpointsSuffix
	}
	list.TotalCount = len(list.Data)
	if x.anthropic {
		list.forAnthropic()
	}
	return list, true
}

func (h *handler) serveModels(x *exchange) {
	if list, ok := h.listModels(x); ok {
		x.sendJSON(http.StatusOK, list)
	}
}

// serveEmbeddingModels is the list of those that make vectors.
func (h *handler) serveEmbeddingModels(x *exchange) {
	list, ok := h.listModels(x)
	if !ok {
		return
	}
	list.Data = slices.DeleteFunc(list.Data, func(m wireModel) bool { return !slices.Contains(m.Architecture.OutputModalities, "embeddings") })
	list.TotalCount = len(list.Data)
	x.sendJSON(http.StatusOK, list)
}

func (h *handler) serveModelCount(x *exchange) {
	if list, ok := h.listModels(x); ok {
		x.sendData(struct {
			Count int `json:"count"`
		}{list.TotalCount})
	}
}

// modelsPrefix begins OpenAI's address of one model, oneModelPrefix OpenRouter's.
const (
	modelsPrefix   = "/v1/models/"
	oneModelPrefix = "/v1/model/"
)

// findModel is the entry that a client names in whatever spelling; if there is none, it has answered.
func (h *handler) findModel(x *exchange, id string) (wireModel, bool) {
	list, ok := h.listModels(x)
	if !ok {
		return wireModel{}, false
	}
	if IsAuto(id) {
		id = "auto"
	}
	named := func(id string) int {
		return slices.IndexFunc(list.Data, func(m wireModel) bool { return strings.EqualFold(m.ID, id) })
	}
	i := named(id)
	if i < 0 {
		i = named(h.cfg.ModelID(id))
	}
	if i < 0 {
		x.fail(&APIError{Status: http.StatusNotFound, Code: "model_not_found", Param: "model", NoRetry: true, Message: "no operator offers this model now, or the API key may not use it; GET /v1/models lists what there is"})
		return wireModel{}, false
	}
	return list.Data[i], true
}

// serveModel is OpenAI's.
func (h *handler) serveModel(x *exchange) {
	if m, ok := h.findModel(x, strings.TrimPrefix(x.r.URL.Path, modelsPrefix)); ok {
		x.sendJSON(http.StatusOK, m)
	}
}

// serveOneModel is OpenRouter's.
func (h *handler) serveOneModel(x *exchange) {
	if m, ok := h.findModel(x, strings.TrimPrefix(x.r.URL.Path, oneModelPrefix)); ok {
		x.sendData(m)
	}
}
