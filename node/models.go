package node

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"

	"flotilla/node/backend"
	"flotilla/node/openai"
	"flotilla/routing"
	"flotilla/routing/catalogue"
	"flotilla/settlement"
)

// modelList shows one entry a model, at the price of its cheapest operator that can be asked.
func modelList(cands []routing.Candidate) []openai.Model {
	best := make(map[routing.ModelID]routing.Candidate)
	offers := make(map[routing.ModelID][]routing.Candidate)
	for _, c := range cands {
		if c.Unavailable != "" {
			continue
		}
		offers[c.Model] = append(offers[c.Model], c)
		if b, ok := best[c.Model]; !ok || priceOf(c) < priceOf(b) {
			best[c.Model] = c
		}
	}
	var out []openai.Model
	for _, id := range slices.Sorted(maps.Keys(best)) {
		c := best[id]
		m := openai.Model{
			ID: string(id), ContextLength: c.MaxContext, InputPerMTok: c.InputPerMTok, OutputPerMTok: c.OutputPerMTok, PerRequest: c.PerRequest,
			Operators: len(offers[id]),
		}
		describe(&m, offers[id])
		out = append(out, m)
	}
	return out
}

// priceOf an offer, to compare: input and output together. Operators may sign any number, so the sum stays at the largest.
func priceOf(c routing.Candidate) uint64 {
	sum, carry := bits.Add64(c.InputPerMTok, c.OutputPerMTok, 0)
	if carry != 0 {
		return math.MaxUint64
	}
	return sum
}

// describe adds what any of a model's offers can do: a request that needs it is sent to such a one.
func describe(m *openai.Model, offers []routing.Candidate) {
	for _, c := range offers {
		m.Vision = m.Vision || c.Vision
		for _, p := range parameters(c) {
			if !slices.Contains(m.SupportedParameters, p) {
				m.SupportedParameters = append(m.SupportedParameters, p)
			}
		}
		m.ContextLength = max(m.ContextLength, c.MaxContext)
		if p, ok := c.Ref.(*priced); ok && p.advert.Quantization != "" && !slices.Contains(m.Quantizations, p.advert.Quantization) {
			m.Quantizations = append(m.Quantizations, p.advert.Quantization)
		}
	}
	slices.Sort(m.Quantizations)
}

// parameters that an operator promises beyond the usual ones.
func parameters(c routing.Candidate) []string {
	var out []string
	if c.Tools {
		out = append(out, "tools", "tool_choice")
	}
	if c.JSONMode {
		out = append(out, "response_format", "structured_outputs")
	}
	return out
}

// endpoints are the offers of a model that can be asked, the cheapest first and at most openai.MaxEndpoints.
func endpoints(cands []routing.Candidate, id routing.ModelID) []openai.Endpoint {
	cands = slices.DeleteFunc(cands, func(c routing.Candidate) bool { return c.Model != id || c.Unavailable != "" })
	slices.SortFunc(cands, func(a, b routing.Candidate) int {
		return cmp.Or(cmp.Compare(priceOf(a), priceOf(b)), strings.Compare(a.Operator, b.Operator))
	})
	var out []openai.Endpoint
	for _, c := range cands[:min(len(cands), openai.MaxEndpoints)] {
		e := openai.Endpoint{
			Operator: c.Operator, ContextLength: c.MaxContext, InputPerMTok: c.InputPerMTok, OutputPerMTok: c.OutputPerMTok, PerRequest: c.PerRequest,
			SupportedParameters: parameters(c),
		}
		if p, ok := c.Ref.(*priced); ok {
			e.Quantization = quantizationClass(p.advert.Quantization)
		}
		out = append(out, e)
	}
	return out
}

// baselineCost is what always asking the best single model would have cost for the same prompt, in base units: its
// price for this prompt's tokens and for an answer of the length that the index predicts of that model. When the
// baseline is the model that answered, the real length is used, so that no saving is claimed where none was made.
func baselineCost(b routing.Choice, answered routing.ModelID, in, out uint32) uint64 {
	p, ok := b.Ref.(*priced)
	if !ok {
		return uint64(math.Ceil(b.ExpectedCost))
	}
	if b.Model != answered && b.ExpectedOutputTokens > 0 {
		out = b.ExpectedOutputTokens
	}
	cost, err := settlement.Cost(p.advert.Price(), in, out)
	if err != nil {
		return uint64(math.Ceil(b.ExpectedCost))
	}
	return uint64(cost)
}

// Served describes one model of a local server for sale under its canonical id.
func Served(b *backend.Backend, m backend.Model, canonical string, price Price) ServedModel {
	if m.Embeds() {
		price.OutputPerMTok = 0 // there is no output; a price of it would only mislead who compares
	}
	return ServedModel{
		Model: canonical, BackendModel: m.ID, Backend: b, Price: price,
		Quantization: m.Quantization, Runtime: string(m.Runtime), TokenCounting: m.TokenCounting, MaxContext: m.ContextLength, Features: m.Features,
	}
}

// ServeURL offers every model of the server at url for one price.
func ServeURL(ctx context.Context, url string, price Price) ([]ServedModel, error) {
	b, err := backend.New(url, backend.Options{})
	if err != nil {
		return nil, fmt.Errorf("open model server: %w", err)
	}
	models, err := b.Models(ctx)
	if err != nil {
		return nil, fmt.Errorf("list models of %s: %w", url, err)
	}
	out := make([]ServedModel, len(models))
	for i, m := range models {
		out[i] = Served(b, m, catalogue.ID(m.ID), price)
	}
	return out, nil
}
