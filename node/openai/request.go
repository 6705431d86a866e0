package openai

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"flotilla/node/rawjson"
)

// DefaultDial is the position of the cost/quality dial when the request has none: 0 is quality only, 10 the cheapest.
const DefaultDial = 7

const (
	maxDial    = 10
	maxChoices = 128 // n, as at OpenAI
	maxGlobs   = 256 // entries of an allow or block list
	maxIDBytes = 256 // a model's name
	maxOnly    = 64  // entries of a list of operators in provider
	maxModels  = 8   // entries of models
	// maxCostUSD bounds the cost header; nobody pays more for an answer, and µUSD stay far from overflow.
	maxCostUSD = 1_000_000
)

// Request is a chat completion as the router and the operators need it.
type Request struct {
	// ID is the x-request-id of the answer.
	ID  string
	Key KeyInfo
	// Visit is what the gate made of the request; nil without a gate. DryRun: nothing is to be run.
	Visit  Visit
	DryRun bool
	// Embeds is how many tokens of text the gateway itself is to embed; no operator is asked.
	Embeds int
	// Inputs is how many texts an operator is to embed, LongestInput the bytes of the longest; 0 for a chat.
	Inputs, LongestInput int
	// Dimensions that each vector must have; 0: the model's own.
	Dimensions uint32
	// Body is the client's JSON, byte for byte but without the members that are only for a router (routerMembers): operators need
	// not know what else was acceptable.
	Body []byte
	// Model is as the client named it; Auto: the router chooses ("auto" or "flotilla/auto").
	Model string
	Auto  bool
	// Fallbacks are the models to ask after it, in this order, where it gives no answer; Passed those that gave none. See Turns.
	Fallbacks, Passed []string
	// Stream asks for server-sent events, IncludeUsage for usage at their end.
	Stream, IncludeUsage bool
	// Dial is 0 (quality only) to 10 (cheapest), in tenths; DialSet tells a client's 7 from the default.
	Dial    float64
	DialSet bool
	// Cache is what the request says of answers given before.
	Cache CacheControl
	// Upgrades is what the key may still spend on upgrades.
	Upgrades Upgrades
	// Allow and Block are globs on model ids.
	Allow, Block []string
	// Provider limits and orders the operators.
	Provider Provider
	// MaxCostMicroUSD is the most that the answer may cost in 1e-6 USD; 0 sets no limit.
	MaxCostMicroUSD uint64
	// DefaultModel is what the user wants for prompts that lie far from all the router knows; empty: its own judgement.
	DefaultModel string
	// PromptText is what the router embeds: the user's last words, and the beginnings of earlier ones where those are few.
	PromptText string
	// PromptBytes is the text of all messages and the tools' definitions, MessageCount the number of messages.
	PromptBytes, MessageCount int
	// MaxTokens is the client's limit on output tokens per choice, 0 if it set none; Choices is n, at least 1.
	MaxTokens, Choices uint32
	// Conversation is what came before.
	Conversation Conversation
	// Tools, JSONMode and Vision say what the model must be able to do.
	Tools, JSONMode, Vision bool
}

// Turns are the request for each model that it names, in order: what holds for a named model holds for each.
func (r Request) Turns() []Request {
	names := append([]string{r.Model}, r.Fallbacks...)
	turns := make([]Request, len(names))
	for i, name := range names {
		turns[i] = r
		turns[i].Model, turns[i].Auto, turns[i].Fallbacks, turns[i].Passed = name, IsAuto(name), nil, names[:i]
		turns[i].Provider = r.Provider.ofVariant(name)
	}
	return turns
}

// routerMembers are for a router and not sent on: behind an operator there may be one that would serve them, by a dearer model
// than was ordered. OpenRouter's route and transforms are not served here either.
var routerMembers = [...]string{
	"plugins", "provider", "cost_quality_tradeoff", "allowed_models", "blocked_models", "default_model", "usage", "models", "route", "transforms",
}

// readMembers are the others that the gateway reads. Of all these a second one, also in other case, is refused: Go's
// JSON readers (Ollama's, for one) fold case and take the last, others do not, so that gateway and operator could see
// two different requests.
var readMembers = [...]string{
	"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "tools", "functions", "response_format",
}

// parseRequest reads a chat completion. dryRun makes the model optional.
func parseRequest(body []byte, header http.Header, dryRun bool) (Request, *APIError) {
	obj, api := parseObject(body)
	if api != nil {
		return Request{}, api
	}
	req := Request{Body: withoutRouterMembers(obj, body), Dial: DefaultDial, Choices: 1}
	for _, read := range []func(rawjson.Object, *Request) *APIError{readModel, readStream, readLimits, readNeeds, readMessages, readPolicy, readProvider, refuseUnserved} {
		if api := read(obj, &req); api != nil {
			if dryRun && api.Code == codeNoModel {
				req.Model, req.Auto = "auto", true
				continue
			}
			return Request{}, api
		}
	}
	if api := readMaxCost(header, &req); api != nil {
		return Request{}, api
	}
	return req, nil
}

func parseObject(body []byte) (rawjson.Object, *APIError) {
	obj, err := rawjson.Parse(body)
	if err != nil {
		code, msg := "invalid_json", "the request body is not valid JSON"
		switch {
		case !utf8.Valid(body):
			code, msg = "invalid_utf8", "the request body is not valid UTF-8"
		case !errors.Is(err, rawjson.ErrSyntax):
			msg = "the request body must be one JSON object of reasonable size"
		}
		return rawjson.Object{}, &APIError{Status: http.StatusBadRequest, Code: code, Message: msg}
	}
	seen := make(map[string]bool, len(readMembers))
	for _, m := range obj.Members() {
		name, ok := knownMember(m.Key)
		if !ok {
			continue
		}
		if name != m.Key || seen[name] {
			return rawjson.Object{}, badRequest(name, "the request has %q more than once or in other case: which one counts would depend on the reader", name)
		}
		seen[name] = true
	}
	return obj, nil
}

func knownMember(key string) (string, bool) {
	for _, list := range [...][]string{readMembers[:], routerMembers[:]} {
		for _, name := range list {
			if strings.EqualFold(key, name) {
				return name, true
			}
		}
	}
	return "", false
}

func withoutRouterMembers(obj rawjson.Object, body []byte) []byte {
	var edits []rawjson.Edit
	for _, name := range routerMembers {
		if _, ok := obj.Get(name); ok {
			edits = append(edits, rawjson.Edit{Key: name})
		}
	}
	if edits == nil {
		return body
	}
	return obj.Apply(edits...)
}

const codeNoModel = "missing_model"

// readModel reads the model, and OpenRouter's models to ask where it gives no answer; or models alone, of which the first is it.
func readModel(obj rawjson.Object, req *Request) *APIError {
	var names []string
	if api := decode(obj, "models", &names, "a list of strings"); api != nil {
		return api
	}
	if len(names) > maxModels {
		return badRequest("models", "models may have at most %d entries", maxModels)
	}
	if obj.Has("model") {
		var model string
		if api := decode(obj, "model", &model, "a string"); api != nil {
			return api
		}
		names = append([]string{model}, names...)
	}
	if len(names) == 0 {
		return &APIError{Status: http.StatusBadRequest, Code: codeNoModel, Param: "model", Message: `you must name a model, or "auto" to let the router choose`}
	}
	for i, name := range names {
		if name == "" || len(name) > maxIDBytes {
			return badRequest("model", "the name of a model must have 1 to %d bytes", maxIDBytes)
		}
		named := func(other string) bool { return strings.EqualFold(other, name) || IsAuto(other) && IsAuto(name) }
		if !slices.ContainsFunc(names[:i], named) && i > 0 {
			req.Fallbacks = append(req.Fallbacks, name)
		}
	}
	req.Model, req.Auto = names[0], IsAuto(names[0])
	return nil
}

// IsAuto: the name lets the router choose.
func IsAuto(model string) bool {
	switch strings.ToLower(model) {
	case "auto", "flotilla/auto", "openrouter/auto":
		return true
	}
	return false
}

func readStream(obj rawjson.Object, req *Request) *APIError {
	var options struct {
		IncludeUsage bool `json:"include_usage"`
	}
	var usage struct {
		Include bool `json:"include"` // OpenRouter's way to ask
	}
	if api := decode(obj, "stream", &req.Stream, "a boolean"); api != nil {
		return api
	}
	if api := decode(obj, "stream_options", &options, "an object with include_usage"); api != nil {
		return api
	}
	if api := decode(obj, "usage", &usage, "an object with include"); api != nil {
		return api
	}
	req.IncludeUsage = options.IncludeUsage || usage.Include
	return nil
}

func readLimits(obj rawjson.Object, req *Request) *APIError {
	for _, key := range [...]string{"max_tokens", "max_completion_tokens"} {
		if !obj.Has(key) {
			continue
		}
		raw, _ := obj.Get(key)
		n, err := strconv.ParseUint(string(raw), 10, 32)
		if err != nil || n == 0 {
			return badRequest(key, "%s must be a whole number from 1 to %d", key, uint32(math.MaxUint32))
		}
		if req.MaxTokens == 0 || uint32(n) < req.MaxTokens {
			req.MaxTokens = uint32(n)
		}
	}
	if obj.Has("n") {
		raw, _ := obj.Get("n")
		n, err := strconv.ParseUint(string(raw), 10, 32)
		if err != nil || n == 0 || n > maxChoices {
			return badRequest("n", "n must be a whole number from 1 to %d", maxChoices)
		}
		req.Choices = uint32(n)
	}
	if total := uint64(req.Choices) * uint64(req.MaxTokens); total > math.MaxUint32 { // an order counts in 32 bits
		return badRequest("max_tokens", "n times max_tokens is %d, at most %d", total, uint32(math.MaxUint32))
	}
	return nil
}

// readNeeds finds out what the model must be able to do. Tools are not looked into: definitions without parameters and
// other oddities are the operator's server to judge.
func readNeeds(obj rawjson.Object, req *Request) *APIError {
	for _, key := range [...]string{"tools", "functions"} {
		var list []json.RawMessage
		if api := decode(obj, key, &list, "an array"); api != nil {
			return api
		}
		if len(list) > 0 {
			raw, _ := obj.Get(key)
			req.Tools = true
			req.PromptBytes += len(raw)
		}
	}
	var format struct {
		Type string `json:"type"`
	}
	if api := decode(obj, "response_format", &format, "an object with a type"); api != nil {
		return api
	}
	req.JSONMode = format.Type == "json_object" || format.Type == "json_schema"
	return nil
}

// decode reads a member into out; absent and null leave it alone.
func decode(obj rawjson.Object, key string, out any, want string) *APIError {
	raw, ok := obj.Get(key)
	if !ok || rawjson.IsNull(raw) {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return badRequest(key, "%s must be %s", key, want)
	}
	return nil
}
