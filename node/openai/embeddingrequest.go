package openai

import (
	"encoding/json"

	"flotilla/node/rawjson"
)

// maxFleetInputs bounds the texts of one request that an operator is asked for, as at OpenAI.
const maxFleetInputs = 2048

// embeddingRequest is what is read of a request for embeddings.
type embeddingRequest struct {
	model      string
	packed     bool     // base64 of little-endian float32
	dimensions uint32   // 0: the model's own
	texts      []string // nil where input is token ids
	inputs     int
	longest    int // bytes of the longest input
	bytes      int // of all
}

func readEmbedding(body []byte) (req embeddingRequest, api *APIError) {
	obj, api := parseObject(body)
	if api != nil {
		return req, api
	}
	var format string
	if api := decode(obj, "model", &req.model, "a string"); api != nil {
		return req, api
	}
	if obj.Has("models") {
		return req, badRequest("models", "vectors of different models cannot be compared: name one in model")
	}
	if len(req.model) > maxIDBytes {
		return req, badRequest("model", "model must have 1 to %d bytes", maxIDBytes)
	}
	if api := decode(obj, "encoding_format", &format, `"float" or "base64"`); api != nil {
		return req, api
	}
	if format != "" && format != "float" && format != "base64" {
		return req, badRequest("encoding_format", `encoding_format must be "float" or "base64"`)
	}
	req.packed = format == "base64"
	if api := decode(obj, "dimensions", &req.dimensions, "a whole number"); api != nil {
		return req, api
	}
	return req, req.readInput(obj)
}

// readInput takes a text, an array of texts, token ids, or an array of arrays of those.
func (r *embeddingRequest) readInput(obj rawjson.Object) *APIError {
	raw, ok := obj.Get("input")
	if !ok || rawjson.IsNull(raw) {
		return badRequest("input", "input is missing: a string, or an array of strings")
	}
	var one string
	var many []string
	var ids []uint32
	var lists [][]uint32
	switch {
	case json.Unmarshal(raw, &one) == nil:
		r.texts = []string{one}
	case json.Unmarshal(raw, &many) == nil:
		r.texts = many
	case json.Unmarshal(raw, &ids) == nil:
		r.count(len(raw))
	case json.Unmarshal(raw, &lists) == nil:
		for _, list := range lists {
			if len(list) == 0 {
				return badRequest("input", "input has an empty array of token ids")
			}
			r.count(len(list) * bytesPerID)
		}
	default:
		return badRequest("input", "input must be a string, an array of strings, or token ids of the named model")
	}
	for _, text := range r.texts {
		r.count(len(text))
	}
	if r.inputs == 0 || r.inputs > maxFleetInputs {
		return badRequest("input", "input has %d texts; 1 to %d can be embedded at once", r.inputs, maxFleetInputs)
	}
	return nil
}

// bytesPerID makes an id of a token as long as a token's text usually is.
const bytesPerID = 4

func (r *embeddingRequest) count(bytes int) {
	r.inputs++
	r.bytes += bytes
	r.longest = max(r.longest, bytes)
}
