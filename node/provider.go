package node

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"flotilla/node/openai"
	"flotilla/routing"
	"flotilla/routing/catalogue"
)

// tiers are the offers that a request may be served by, in the groups that are tried one after the other: the router
// chooses within a group. Most requests have one group. In a tool loop those come first in which its model can be asked.
func (g *Gateway) tiers(req openai.Request) ([][]routing.Candidate, error) {
	p := req.Provider
	all := g.offers(req)
	switch {
	case len(all) > 0:
	case req.Inputs > 0:
		return nil, noEmbeddingOperator(req.Model)
	default:
		return [][]routing.Candidate{nil}, nil // the router says it
	}
	all = slices.DeleteFunc(all, func(c routing.Candidate) bool { return !acceptable(c, p) })
	tiers := [][]routing.Candidate{all}
	if len(p.Order) > 0 {
		tiers = inOrder(all, p)
	}
	if p.Sort != "" {
		var sorted [][]routing.Candidate
		for _, t := range tiers {
			sorted = append(sorted, g.bySort(t, p.Sort)...)
		}
		tiers = sorted
	}
	if len(tiers) == 0 || len(tiers[0]) == 0 {
		return nil, noOperatorFits(p)
	}
	if p.NoFallbacks && len(p.Order) == 0 {
		tiers = tiers[:1]
	}
	if last := req.Conversation.Last.Model; req.Conversation.ToolLoop && req.Auto {
		waiting := slices.IndexFunc(tiers, func(tier []routing.Candidate) bool {
			return slices.ContainsFunc(tier, func(c routing.Candidate) bool { return c.Unavailable == "" && string(c.Model) == last })
		})
		if waiting > 0 {
			first := tiers[waiting]
			tiers = slices.Insert(slices.Delete(tiers, waiting, waiting+1), 0, first)
		}
	}
	return tiers, nil
}

func noOperatorFits(p openai.Provider) error {
	return &openai.APIError{Status: 404, Type: "invalid_request_error", Code: "operator_not_found", Param: "provider", NoRetry: true,
		Message: fmt.Sprintf("no operator that is advertising now fits provider (%s); operators are named as X-Flotilla-Operator does, or by their address", p)}
}

// refusedBy is the router's refusal in the gateway's words, where it says that nobody serves the model: it knew only the operators
// that the request's provider lets through, and no models that make vectors.
func (g *Gateway) refusedBy(req openai.Request, err error) error {
	if !errors.Is(err, routing.ErrUnknownModel) {
		return err
	}
	id := routing.ModelID(catalogue.ID(req.Model))
	named := func(c routing.Candidate) bool { return c.Model == id }
	switch {
	case slices.ContainsFunc(g.offers(req), named):
		return noOperatorFits(req.Provider)
	case slices.ContainsFunc(g.embedders(g.now()), named):
		return onlyEmbeds(req.Model)
	}
	return err
}

// offers that can serve the request at all: for vectors, those of the named model.
func (g *Gateway) offers(req openai.Request) []routing.Candidate {
	if req.Inputs == 0 {
		return g.candidates(g.now())
	}
	id := routing.ModelID(catalogue.ID(req.Model))
	return slices.DeleteFunc(g.embedders(g.now()), func(c routing.Candidate) bool { return c.Model != id })
}

// acceptable: nothing in the request's provider object speaks against the offer.
func acceptable(c routing.Candidate, p openai.Provider) bool {
	within := func(price uint64, most *uint64) bool { return most == nil || price <= *most }
	switch {
	case len(p.Only) > 0 && !isNamed(c, p.Only), isNamed(c, p.Ignore):
		return false
	case !within(c.InputPerMTok, p.MaxPrice.Prompt), !within(c.OutputPerMTok, p.MaxPrice.Completion), !within(c.PerRequest, p.MaxPrice.Request):
		return false
	case p.RequireParameters && len(p.Parameters) > 0: // no operator says of any such parameter that it supports it
		return false
	case len(p.Quantizations) == 0:
		return true
	}
	own := c.Ref.(*priced).advert.Quantization
	return slices.ContainsFunc(p.Quantizations, func(q string) bool {
		return strings.EqualFold(q, own) || strings.EqualFold(q, quantizationClass(own))
	})
}

// isNamed: the list names the offer's operator, by its name or by its address alone.
func isNamed(c routing.Candidate, operators []string) bool {
	address, _, _ := strings.Cut(c.Operator, "/")
	return slices.ContainsFunc(operators, func(o string) bool {
		return strings.EqualFold(o, c.Operator) || strings.EqualFold(o, address)
	})
}

// quantizationClass is OpenRouter's name for a runtime's own. What has none, such as 5 bits, is "unknown".
func quantizationClass(name string) string {
	name = strings.ToUpper(name)
	for _, class := range [...]struct{ prefix, name string }{
		{"Q4", "int4"}, {"IQ4", "int4"}, {"AWQ", "int4"}, {"GPTQ", "int4"}, {"INT4", "int4"}, {"4BIT", "int4"},
		{"Q8", "int8"}, {"INT8", "int8"}, {"8BIT", "int8"}, {"NVFP4", "fp4"}, {"MXFP4", "fp4"}, {"FP4", "fp4"}, {"FP6", "fp6"}, {"FP8", "fp8"},
		{"BF16", "bf16"}, {"FP16", "fp16"}, {"F16", "fp16"}, {"FP32", "fp32"}, {"F32", "fp32"},
	} {
		if strings.HasPrefix(name, class.prefix) {
			return class.name
		}
	}
	return "unknown"
}

// inOrder makes a group of each operator that provider.order names, and one of all others.
func inOrder(all []routing.Candidate, p openai.Provider) [][]routing.Candidate {
	var tiers [][]routing.Candidate
	for _, name := range p.Order {
		var tier []routing.Candidate
		all = slices.DeleteFunc(all, func(c routing.Candidate) bool {
			first := isNamed(c, []string{name})
			if first {
				tier = append(tier, c)
			}
			return first
		})
		if len(tier) > 0 {
			tiers = append(tiers, tier)
		}
	}
	if len(all) > 0 && !p.NoFallbacks {
		tiers = append(tiers, all)
	}
	return tiers
}

// bySort makes groups of the best offer of each model, the second best, and so on: so the order is among operators of one
// model, and the model is still the router's choice.
func (g *Gateway) bySort(all []routing.Candidate, by openai.Sort) [][]routing.Candidate {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b routing.Candidate) int {
		pace := 0
		if by != openai.SortPrice {
			pace = cmp.Compare(g.slowness(a, by), g.slowness(b, by))
		}
		// What cannot be asked now goes last: it would be a group of its own in which nothing can be chosen.
		return cmp.Or(cmp.Compare(min(len(a.Unavailable), 1), min(len(b.Unavailable), 1)), pace, cmp.Compare(priceOf(a), priceOf(b)))
	})
	var tiers [][]routing.Candidate
	rank := map[routing.ModelID]int{}
	for _, c := range all {
		r := rank[c.Model]
		if rank[c.Model]++; r == len(tiers) {
			tiers = append(tiers, nil)
		}
		tiers[r] = append(tiers[r], c)
	}
	return tiers
}

// slowness of an operator with this model as the gateway has seen it; one that was never asked comes last.
func (g *Gateway) slowness(c routing.Candidate, by openai.Sort) float64 {
	return g.health.pace(c.Ref.(*priced).endpoint()).slowness(by)
}

// drawn puts first, of those that are as good as the pick and cost the same, whoever has answered the conversation before, since its
// model server may still know the text; else the idler of two drawn at random.
// Sending all requests to the one that looks idlest would send those of every gateway to the same one. All of them are in
// the decision's record, as pick and fallbacks.
func (g *Gateway) drawn(d routing.Decision, tries []routing.Choice, last openai.Session) []routing.Choice {
	equal := 1
	for equal < len(tries) && sameValue(tries[equal], d.Pick) {
		equal++
	}
	if equal == 1 || d.Turn != nil { // a conversation may have its reasons to stay
		return tries
	}
	i := slices.IndexFunc(tries[:equal], func(c routing.Choice) bool { return goesOnWith(c, last) })
	if i < 0 {
		i = g.idler(tries[:equal])
	}
	first := tries[i]
	return append([]routing.Choice{first}, slices.Delete(tries, i, i+1)...)
}

// goesOnWith says whether the choice is whoever has answered a conversation before.
func goesOnWith(c routing.Choice, last openai.Session) bool {
	return c.Operator == last.Operator && string(c.Model) == last.Model
}

// idler is the position of the one with less of our requests under way, of two that are drawn.
func (g *Gateway) idler(equal []routing.Choice) int {
	load := func(i int) int { return g.health.inFlight(equal[i].Ref.(*priced).peer) }
	i, j := rand.IntN(len(equal)), rand.IntN(len(equal)-1)
	if j >= i {
		j++
	}
	if load(j) < load(i) {
		return j
	}
	return i
}

// sameValue: two offers of one model between which only the operator differs.
func sameValue(a, b routing.Choice) bool {
	return a.Model == b.Model && a.InputPerMTok == b.InputPerMTok && a.OutputPerMTok == b.OutputPerMTok && a.PerRequest == b.PerRequest &&
		a.Utility == b.Utility
}
