package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"flotilla/node/modelpattern"
	"flotilla/node/rawjson"
)

// headerMaxCost limits the cost of one answer, in USD.
const headerMaxCost = "X-Flotilla-Max-Cost"

// autoRouter is OpenRouter's form of the routing limits.
type autoRouter struct {
	ID      string          `json:"id"`
	Enabled *bool           `json:"enabled"`
	Dial    json.RawMessage `json:"cost_quality_tradeoff"`
	Allowed []string        `json:"allowed_models"`
	Blocked []string        `json:"blocked_models"`
}

// readPolicy reads the dial and the lists, from the body's own members or from plugins:[{"id":"auto-router",…}]. The
// body's own come last and win.
func readPolicy(obj rawjson.Object, req *Request) *APIError {
	var plugins []json.RawMessage
	if api := decode(obj, "plugins", &plugins, "an array"); api != nil {
		return api
	}
	for _, raw := range plugins {
		p := autoRouter{}
		if err := json.Unmarshal(raw, &p); err != nil {
			return badRequest("plugins", "each plugin must be an object with an id; cost_quality_tradeoff is a number, allowed_models a list of strings")
		}
		switch {
		case p.Enabled != nil && !*p.Enabled:
			continue
		case p.ID != "auto-router": // an answer without what it would have added would look like one with it
			return &APIError{Status: http.StatusBadRequest, Code: "unsupported_plugin", Param: "plugins", Message: fmt.Sprintf("the plugin %q is not here: there is auto-router alone", clip(p.ID, 40))}
		}
		strict := json.NewDecoder(bytes.NewReader(raw))
		strict.DisallowUnknownFields() // a limit that is misspelt and ignored costs money
		if strict.Decode(&p) != nil {
			return badRequest("plugins", "the plugin auto-router has id, enabled, cost_quality_tradeoff, allowed_models and blocked_models, and nothing else")
		}
		if api := readDial(p.Dial, req); api != nil {
			return api
		}
		req.Allow, req.Block = p.Allowed, p.Blocked
	}
	if dial, ok := obj.Get("cost_quality_tradeoff"); ok {
		if api := readDial(dial, req); api != nil {
			return api
		}
	}
	if api := decode(obj, "allowed_models", &req.Allow, "a list of strings"); api != nil {
		return api
	}
	if api := decode(obj, "blocked_models", &req.Block, "a list of strings"); api != nil {
		return api
	}
	if api := decode(obj, "default_model", &req.DefaultModel, "a string"); api != nil {
		return api
	}
	if len(req.DefaultModel) > maxIDBytes {
		return badRequest("default_model", "default_model may have at most %d bytes", maxIDBytes)
	}
	for _, p := range slices.Concat(req.Allow, req.Block) {
		if err := modelpattern.Check(p); err != nil {
			return badRequest("allowed_models", "%v", err)
		}
	}
	if len(req.Allow) > maxGlobs || len(req.Block) > maxGlobs {
		return badRequest("allowed_models", "allow and block lists may have at most %d entries", maxGlobs)
	}
	return nil
}

func readDial(raw json.RawMessage, req *Request) *APIError {
	if len(raw) == 0 || rawjson.IsNull(raw) {
		return nil
	}
	v, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(v >= 0 && v <= maxDial) || math.Abs(10*v-math.Round(10*v)) > 1e-9 {
		return badRequest("cost_quality_tradeoff", "cost_quality_tradeoff must be a number from 0 (quality only) to %d (cheapest) with one decimal at most", maxDial)
	}
	req.Dial, req.DialSet = v, true
	return nil
}

func readMaxCost(header http.Header, req *Request) *APIError {
	text := header.Get(headerMaxCost)
	if text == "" {
		return nil
	}
	micro, ok := parseUSD(text)
	if !ok || micro == 0 {
		return badRequest("x-flotilla-max-cost", "x-flotilla-max-cost must be an amount in USD such as 0.002, at least 0.000001 and at most %d", maxCostUSD)
	}
	req.MaxCostMicroUSD = micro
	return nil
}

// parseUSD reads a decimal amount into µUSD, rounding down: a limit must never be exceeded by rounding.
func parseUSD(text string) (micro uint64, ok bool) {
	whole, frac, _ := strings.Cut(strings.TrimSpace(text), ".")
	if whole == "" && frac == "" || len(frac) > 30 {
		return 0, false
	}
	for i := range len(frac) {
		if frac[i] < '0' || frac[i] > '9' {
			return 0, false
		}
	}
	if whole == "" {
		whole = "0"
	}
	dollars, err := strconv.ParseUint(whole, 10, 64)
	if err != nil || dollars > maxCostUSD {
		return 0, false
	}
	part, err := strconv.ParseUint((frac + "000000")[:6], 10, 64)
	return dollars*1_000_000 + part, err == nil
}

// formatUSD writes micro/scale USD as an exact decimal number, where scale is 10^digits of a USD.
func formatUSD(units uint64, digits int) string {
	s := strconv.FormatUint(units, 10)
	if len(s) <= digits {
		s = strings.Repeat("0", digits+1-len(s)) + s
	}
	whole, frac := s[:len(s)-digits], strings.TrimRight(s[len(s)-digits:], "0")
	if frac == "" {
		return whole
	}
	return whole + "." + frac
}
