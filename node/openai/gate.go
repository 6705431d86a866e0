package openai

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// KeyRules are what the owner of a key has laid down for its requests. They are not changed once handed out.
type KeyRules struct {
	// Allow and Block are globs on model ids, beside those of the request; they bind fallbacks too.
	Allow, Block []string
	// Dial stands for requests that set none; nil: DefaultDial.
	Dial *float64
	// Upgrades replace those of the configuration, unless they are zero.
	Upgrades UpgradeLimits
}

// Permits says whether the lists let a model through; a key without rules may use all.
func (r *KeyRules) Permits(model string) bool {
	return r == nil || !matchAny(r.Block, model) && (len(r.Allow) == 0 || matchAny(r.Allow, model))
}

func matchAny(patterns []string, model string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := path.Match(p, model) // patterns were checked
		return ok
	})
}

// Gate holds callers to the limits of their keys, the same for every route that needs a key, and hears what became of
// each request. Errors as those of a Completer.
type Gate interface {
	// Enter admits a request of the key or refuses it.
	Enter(ctx context.Context, key KeyInfo, requestID string) (Visit, error)
}

// Visit is one admitted request.
type Visit interface {
	// Ask admits what the request asks the fleet for, once it is read.
	Ask(ctx context.Context, req Request) error
	// Rates are the limits that the key has.
	Rates() Rates
	// End is called exactly once, last, in whatever way the request ends.
	End(o Outcome)
}

// Rates are a key's limits of requests and tokens a minute; nil where it has none.
type Rates struct{ Requests, Tokens *Rate }

// Rate is one limit: what is left of it, and in what time all of it will be there again.
type Rate struct {
	Limit, Remaining uint64
	Reset            time.Duration
}

// Outcome is what became of a request.
type Outcome struct {
	Method string
	Path   string
	Status int    // HTTP status; 499: the client left
	Code   string // the error's code; empty: all went well
	Asked  string // the model that was asked for
	Stream bool
	Start  time.Time
	// FirstByte is when the fleet began to answer, Total when all was over, both from Start. FirstByte is 0 if it never did.
	FirstByte, Total time.Duration
	Info             Info  // zero where no operator was chosen
	Final            Final // the bill as far as it was known; of an answer whose client left it comes later
}

// enter asks the gate; on a refusal it has answered.
func (x *exchange) enter() bool {
	if x.h.cfg.Gate == nil {
		return true
	}
	visit, err := x.h.cfg.Gate.Enter(x.r.Context(), x.key, x.id)
	if err != nil {
		x.failWith(err)
		return false
	}
	x.visit = visit
	x.showRates()
	return true
}

// maxAsked bounds what a record says of the models that were asked for.
const maxAsked = 2 * maxIDBytes

// ask puts the parsed request to the gate. Every route that has operators or the gateway's models work comes by here.
func (x *exchange) ask(req *Request) *APIError {
	x.asked, x.stream = clip(strings.Join(append([]string{req.Model}, req.Fallbacks...), ", "), maxAsked), req.Stream
	if rules := x.key.Rules; rules != nil && rules.Dial != nil && !req.DialSet {
		req.Dial = *rules.Dial
	}
	if x.visit == nil {
		return nil
	}
	req.Visit = x.visit
	err := x.visit.Ask(x.r.Context(), *req)
	x.showRates()
	if err != nil {
		x.logInternal(err)
		return asAPIError(err)
	}
	return nil
}

// showRates tells the key's limits in OpenAI's six headers.
func (x *exchange) showRates() { x.visit.Rates().show(x.w.Header()) }

func (r Rates) show(h http.Header) {
	showRate(h, "Requests", r.Requests)
	showRate(h, "Tokens", r.Tokens)
}

func showRate(h http.Header, what string, r *Rate) {
	if r == nil {
		return
	}
	h.Set("X-Ratelimit-Limit-"+what, strconv.FormatUint(r.Limit, 10))
	h.Set("X-Ratelimit-Remaining-"+what, strconv.FormatUint(r.Remaining, 10))
	h.Set("X-Ratelimit-Reset-"+what, r.Reset.Round(time.Millisecond).String())
}

// leave tells the gate what became of the request.
func (x *exchange) leave() {
	if x.visit == nil {
		if x.h.cfg.Refused != nil && x.outcome != "" && !x.isProbe() {
			x.h.cfg.Refused(x.outcome)
		}
		return
	}
	o := Outcome{
		Method: x.r.Method, Path: x.r.URL.Path, Status: x.status, Code: x.outcome, Asked: x.asked, Stream: x.stream,
		Start: x.start, Total: time.Since(x.start), Info: x.info, Final: x.final,
	}
	if !x.first.IsZero() {
		o.FirstByte = x.first.Sub(x.start)
	}
	if x.outcome == "client_gone" {
		o.Status = statusClientGone
	}
	x.visit.End(o)
}
