package openai

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"flotilla/node/rawjson"
)

// Provider says which operators may answer and in which order they are tried, as OpenRouter's provider object does. It binds
// fallbacks too. Operators are named as X-Flotilla-Operator names them, or by their address alone.
type Provider struct {
	// Order is tried first, one after the other; then the rest, unless NoFallbacks.
	Order []string
	// Only and Ignore limit who may answer at all.
	Only, Ignore []string
	// Quantizations that are acceptable: OpenRouter's classes (int4, fp8, …) or a runtime's own names (Q4_K_M); empty: any.
	Quantizations []string
	// Sort puts the operators of each model in order; empty leaves it to the router.
	Sort Sort
	// MaxPrice is the most that an operator may ask; nil members set no limit.
	MaxPrice MaxPrice
	// NoFallbacks: who is first is the only one to be tried; with Order, all that it names are.
	NoFallbacks bool
	// RequireParameters leaves out operators that do not say that they support Parameters.
	RequireParameters bool
	// Parameters of the request that not every model server has.
	Parameters []string
	// Variant is OpenRouter's ending of the model's name, "nitro" in name:nitro, that has set Sort or MaxPrice; empty: none.
	Variant string
}

// ofVariant is p with what the ending of the model's name says: name:nitro sorts by throughput, name:floor by price, unless the request
// sorts itself, and name:free is for nothing. Any other ending is part of the name. Spaces around it and an @provider are not, as in the
// catalogue: what is read as the model there must not be billed for the want of its ending here.
func (p Provider) ofVariant(name string) Provider {
	name, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), "@")
	_, variant, _ := strings.Cut(name, ":")
	switch variant {
	case "nitro":
		p.Sort = cmp.Or(p.Sort, SortThroughput)
	case "floor":
		p.Sort = cmp.Or(p.Sort, SortPrice)
	case "free":
		p.MaxPrice = MaxPrice{new(uint64), new(uint64), new(uint64)}
	default:
		return p
	}
	p.Variant = variant
	return p
}

// MaxPrice is in µUSD: per million tokens of prompt and of completion, and per request.
type MaxPrice struct{ Prompt, Completion, Request *uint64 }

// Sort is what operators of one model are ordered by.
type Sort string

// The orders that can be asked for.
const (
	SortPrice      Sort = "price"
	SortLatency    Sort = "latency"    // time to the first byte, as this gateway has seen it
	SortThroughput Sort = "throughput" // tokens a second
)

// quantizationClasses are OpenRouter's names.
var quantizationClasses = []string{"int4", "int8", "fp4", "fp6", "fp8", "fp16", "bf16", "fp32", "unknown"}

// plainParameters are those that every model server of the fleet has, or that mean nothing to one. Of others, operators do
// not say whether they are honoured.
var plainParameters = []string{
	"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "seed",
	"presence_penalty", "frequency_penalty", "user", "metadata", "store", "safety_identifier", "prompt_cache_key", "service_tier",
	"tools", "tool_choice", "functions", "function_call", "response_format", // operators advertise these, and the router asks for them
	"input", "encoding_format", // of embeddings; the encoding is the gateway's work
}

// providerMembers are all that a provider object may have: a limit that is misspelt and ignored costs money.
var providerMembers = []string{
	"order", "only", "ignore", "quantizations", "sort", "max_price", "allow_fallbacks", "require_parameters",
	"data_collection", "zdr", "enforce_distillable_text",
}

// readProvider reads OpenRouter's provider object.
func readProvider(obj rawjson.Object, req *Request) *APIError {
	raw, ok := obj.Get("provider")
	if !ok || rawjson.IsNull(raw) {
		return nil
	}
	p, err := rawjson.Parse(raw)
	if err != nil {
		return badRequest("provider", "provider must be an object with members such as only, order, sort, max_price")
	}
	for _, m := range p.Members() {
		if !slices.Contains(providerMembers, m.Key) {
			return badRequest("provider", "provider.%s is not known here; there are %s", clip(m.Key, 40), strings.Join(providerMembers, ", "))
		}
	}
	out := &req.Provider
	for key, list := range map[string]*[]string{"order": &out.Order, "only": &out.Only, "ignore": &out.Ignore, "quantizations": &out.Quantizations} {
		if api := readProviderList(p, key, list); api != nil {
			return api
		}
	}
	for _, q := range out.Quantizations {
		if !slices.Contains(quantizationClasses, strings.ToLower(q)) && !isQuantizationName(q) {
			return badRequest("provider", "provider.quantizations: %q is none of %s, nor a runtime's name such as Q4_K_M", clip(q, 40), strings.Join(quantizationClasses, ", "))
		}
	}
	if api := readProviderFlags(p, out); api != nil {
		return api
	}
	if out.RequireParameters {
		for _, m := range obj.Members() {
			if _, routers := knownMember(m.Key); !routers && !slices.Contains(plainParameters, m.Key) && !rawjson.IsNull(m.Value) {
				out.Parameters = append(out.Parameters, clip(m.Key, 40))
			}
		}
	}
	return readMaxPrice(p, &out.MaxPrice)
}

// isQuantizationName: Q4_K_M, IQ2_XS, AWQ and the like.
func isQuantizationName(q string) bool {
	q = strings.TrimPrefix(strings.ToUpper(q), "I")
	return len(q) >= 2 && q[0] == 'Q' && q[1] >= '1' && q[1] <= '9' || slices.Contains([]string{"AWQ", "GPTQ", "NVFP4", "MXFP4", "F16", "F32"}, q)
}

func readProviderList(p rawjson.Object, key string, list *[]string) *APIError {
	if api := decode(p, key, list, "a list of strings"); api != nil {
		return badRequest("provider", "provider.%s must be a list of strings", key)
	}
	if len(*list) > maxOnly {
		return badRequest("provider", "provider.%s may have at most %d entries", key, maxOnly)
	}
	return nil
}

// readProviderFlags reads the members with one value. What nobody here can promise is refused.
func readProviderFlags(p rawjson.Object, out *Provider) *APIError {
	fallbacks := true
	var zdr, distillable bool
	for key, flag := range map[string]*bool{
		"allow_fallbacks": &fallbacks, "require_parameters": &out.RequireParameters, "zdr": &zdr, "enforce_distillable_text": &distillable,
	} {
		if api := decode(p, key, flag, "a boolean"); api != nil {
			return badRequest("provider", "provider.%s must be true or false", key)
		}
	}
	out.NoFallbacks = !fallbacks
	var sort, collection string
	if api := decode(p, "sort", &sort, "a string"); api != nil || !slices.Contains([]Sort{"", SortPrice, SortLatency, SortThroughput}, Sort(sort)) {
		return badRequest("provider", "provider.sort must be %q, %q or %q", SortPrice, SortLatency, SortThroughput)
	}
	out.Sort = Sort(sort)
	if api := decode(p, "data_collection", &collection, "a string"); api != nil || collection != "" && collection != "allow" {
		return badRequest("provider", `provider.data_collection can only be "allow": operators are strangers, and nobody can promise what they keep; name those you trust in provider.only`)
	}
	if zdr || distillable {
		return badRequest("provider", "provider.zdr and enforce_distillable_text cannot be promised: operators are strangers; name those you trust in provider.only")
	}
	return nil
}

// readMaxPrice reads USD per million tokens, as numbers or strings, and USD per request.
func readMaxPrice(p rawjson.Object, out *MaxPrice) *APIError {
	var limits map[string]json.RawMessage
	if api := decode(p, "max_price", &limits, "an object"); api != nil {
		return badRequest("provider", "provider.max_price must be an object with prompt, completion (USD per million tokens) and request (USD)")
	}
	for key, raw := range limits {
		var target **uint64
		switch key {
		case "prompt":
			target = &out.Prompt
		case "completion":
			target = &out.Completion
		case "request":
			target = &out.Request
		default:
			return badRequest("provider", "provider.max_price.%s is not known here; there are prompt, completion and request", clip(key, 40))
		}
		text := strings.Trim(string(raw), `"`)
		if strings.ContainsAny(text, "eE") { // as Python writes the number 0.00005
			v, err := strconv.ParseFloat(text, 64)
			if err == nil {
				text = strconv.FormatFloat(v, 'f', -1, 64)
			}
		}
		micro, ok := parseUSD(text)
		if !ok {
			return badRequest("provider", "provider.max_price.%s must be an amount in USD such as 0.5, at most %d", key, maxCostUSD)
		}
		*target = &micro
	}
	return nil
}

// Narrows: not all operators could be chosen, or not all at once.
func (p Provider) Narrows() bool {
	return len(p.Order)+len(p.Only)+len(p.Ignore)+len(p.Quantizations) > 0 || p.Sort != "" || p.MaxPrice != MaxPrice{}
}

// String is the object in a few words, for messages.
func (p Provider) String() string {
	var parts []string
	add := func(what string, list []string) {
		if len(list) > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", what, clip(strings.Join(list, ", "), 200)))
		}
	}
	add("only", p.Only)
	add("ignore", p.Ignore)
	add("quantizations", p.Quantizations)
	if p.NoFallbacks {
		add("order", p.Order)
	}
	if p.MaxPrice != (MaxPrice{}) {
		parts = append(parts, "max_price")
	}
	add("require_parameters with", p.Parameters)
	if p.Variant != "" {
		parts = append(parts, fmt.Sprintf(":%s after the model's name", p.Variant))
	}
	return strings.Join(parts, "; ")
}
