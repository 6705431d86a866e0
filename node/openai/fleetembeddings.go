package openai

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"flotilla/node/rawjson"
)

// embedThere asks the fleet, by the same way as a chat: keys, budgets, orders and receipts are the same. The operator is the
// cheapest that offers the model.
func (h *handler) embedThere(x *exchange, body []byte, e embeddingRequest) {
	obj, api := parseObject(body)
	if api != nil {
		x.fail(api)
		return
	}
	req := Request{
		ID: x.id, Key: x.key, Body: withoutRouterMembers(obj, body), Model: e.model, Dial: DefaultDial, Choices: 1, Cache: readCacheControl(x.r.Header),
		Inputs: e.inputs, LongestInput: e.longest, Dimensions: e.dimensions, PromptBytes: e.bytes, MessageCount: e.inputs,
	}
	if api = readProvider(obj, &req); api == nil {
		api = readMaxCost(x.r.Header, &req)
	}
	if api == nil {
		api = x.ask(&req)
	}
	if api != nil {
		x.fail(api)
		return
	}
	reply, err := h.cfg.Completer.Complete(x.r.Context(), req)
	if err != nil {
		x.failWith(err)
		return
	}
	defer func() {
		if err := reply.Close(); err != nil {
			h.cfg.Logger.Warn("close reply", "request_id", x.id, "err", err)
		}
	}()
	x.info, x.first = reply.Info(), time.Now()
	setDecision(x.w.Header(), x.info, req, x.r.Header.Get("X-Flotilla-Debug") == "1")
	a := &answer{x: x, req: req, reply: reply}
	list, err := a.vectors(e)
	if err != nil {
		a.fail(err)
		return
	}
	x.w.Header().Set("X-Flotilla-Cost", formatUSD(x.final.CostMicroUSD, 6))
	x.send(http.StatusOK, list)
}

// vectors is the operator's list as the client wants it, with the bill.
func (a *answer) vectors(e embeddingRequest) ([]byte, error) {
	raw, err := a.only()
	if err != nil {
		return nil, err
	}
	obj, err := rawjson.Parse(raw)
	if err != nil {
		return nil, errBadVectors()
	}
	data, _ := obj.Get("data")
	if data, err = reencode(data, e); err != nil {
		return nil, err
	}
	usage, _ := obj.Get("usage")
	return obj.Apply(
		rawjson.Edit{Key: "object", Value: rawjson.Quote("list")},
		rawjson.Edit{Key: "data", Value: data},
		rawjson.Edit{Key: "model", Value: rawjson.Quote(a.x.info.Model)},
		rawjson.Edit{Key: "usage", Value: usageObject(usage, a.x.info, a.x.final)}), nil
}

// errBadVectors is what becomes of an operator's data that is no list of vectors, one for each input.
func errBadVectors() *APIError {
	return &APIError{Status: http.StatusBadGateway, Code: "bad_answer", NoRetry: true, Message: "the operator's answer is not a list of one vector for each input, as long as was asked for"}
}

// reencode puts the vectors into the encoding that was asked for, whichever they came in: OpenAI's library for Node unpacks
// base64 without looking, and takes numbers for a quarter as many.
func reencode(data json.RawMessage, e embeddingRequest) (json.RawMessage, error) {
	vectors, err := readVectors(data, e.inputs)
	if err != nil {
		return nil, err
	}
	out := make([]embedding, len(vectors))
	for i, vector := range vectors {
		out[i] = embedding{Object: "embedding", Index: i, Embedding: vector}
		if e.packed {
			out[i].Embedding = packFloats(vector)
		}
	}
	raw, err := json.Marshal(out)
	if err != nil { // finite numbers always encode
		return nil, errBadVectors()
	}
	return raw, nil
}

// readVectors reads a list of one vector for each input, in order and all of one length.
func readVectors(data json.RawMessage, inputs int) ([][]float32, error) {
	var list []struct {
		Index     *int            `json:"index"`
		Embedding json.RawMessage `json:"embedding"`
	}
	if json.Unmarshal(data, &list) != nil || len(list) != inputs {
		return nil, errBadVectors()
	}
	out := make([][]float32, len(list))
	for i, v := range list {
		var err error
		out[i], err = readVector(v.Embedding)
		if err != nil || len(out[i]) == 0 || len(out[i]) != len(out[0]) || v.Index != nil && *v.Index != i {
			return nil, errBadVectors()
		}
	}
	return out, nil
}

// readVector reads numbers, or what packFloats writes.
func readVector(raw json.RawMessage) ([]float32, error) {
	var v []float32
	if len(raw) == 0 || raw[0] != '"' {
		return v, json.Unmarshal(raw, &v)
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(packed)%floatBytes != 0 {
		return nil, errors.New("no packed vector of " + strconv.Itoa(len(packed)) + " bytes")
	}
	for i := 0; i < len(packed); i += floatBytes {
		f := math.Float32frombits(binary.LittleEndian.Uint32(packed[i:]))
		if f-f != 0 { // infinite or NaN, which JSON cannot write
			return nil, errors.New("a packed vector has what is no number")
		}
		v = append(v, f)
	}
	return v, nil
}
