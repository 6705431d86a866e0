package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"flotilla/node/access"
	"flotilla/node/cache"
	"flotilla/node/openai"
)

// reasonCached is the reason of an answer that is given again.
const reasonCached = "cached"

// lookup is what the cache has to do with one request. The nil lookup is that of a key without a cache.
type lookup struct {
	g        *Gateway
	req      openai.Request
	caching  access.Caching
	question cache.Question
	vector   []float32 // of the question's text; nil where it is not compared by meaning
	look     bool      // an old answer will do
	store    bool      // the new one may be kept
}

// given looks for the request in its key's cache. It returns the look-up, nil where no such answers are kept, and the
// answer that was given before, nil where there is none.
func (g *Gateway) given(ctx context.Context, req openai.Request) (*lookup, *replay, error) {
	v, ok := req.Visit.(*visit)
	if !ok {
		return nil, nil, errors.New("the request did not pass the gate: nobody would be charged for it")
	}
	l := g.lookUp(ctx, req, v)
	hit, ok := l.find()
	if !ok && req.Cache.OnlyIfCached {
		return l, nil, l.errNotCached()
	}
	return l, hit, nil
}

// lookUp reads the request as the cache does, where its key has one.
func (g *Gateway) lookUp(ctx context.Context, req openai.Request, v *visit) *lookup {
	caching := v.in.Caching().Or(g.cfg.Load().Cache)
	if caching.Mode == access.CacheOff || req.Inputs > 0 {
		return nil
	}
	l := &lookup{g: g, req: req, caching: caching}
	question, ok := cache.Read(req.Body, scopeOf(req))
	if !ok || req.Cache.NoStore {
		return l
	}
	l.question, l.store, l.look = question, true, !req.Cache.NoCache
	if caching.Mode == access.CacheSemantic {
		l.vector = g.meaning(ctx, question.Text)
	}
	return l
}

// scopeOf is all but the body that decides about an answer: who may give it, and how it is chosen.
func scopeOf(req openai.Request) []byte {
	scope := struct {
		Model        string
		Auto         bool
		Fallbacks    []string
		Dial         float64
		Allow, Block []string
		Provider     openai.Provider
		MaxCost      uint64
		Default      string
	}{req.Model, req.Auto, req.Fallbacks, 0, req.Allow, req.Block, req.Provider, req.MaxCostMicroUSD, req.DefaultModel}
	if slices.ContainsFunc(req.Turns(), func(turn openai.Request) bool { return turn.Auto }) {
		scope.Dial = req.Dial
	}
	raw, _ := json.Marshal(scope) // strings and finite numbers always encode
	return raw
}

// meaning is the vector of a text that the encoder reads to its end; of a longer one it would not see what differs.
func (g *Gateway) meaning(ctx context.Context, text string) []float32 {
	e := g.encoder()
	if text == "" {
		return nil
	}
	if counter, ok := e.(interface{ Encode(text string) []int32 }); ok && len(counter.Encode(text)) >= encoderTokens {
		return nil
	}
	vector, err := e.Embed(ctx, text)
	if err != nil {
		g.log.Debug("embed for the cache", "err", err)
		return nil
	}
	return vector
}

// encoderTokens is where the sentence encoder stops to read.
const encoderTokens = 256

// find is the answer that was given before, if it still may be.
func (l *lookup) find() (*replay, bool) {
	if l == nil || !l.look {
		return nil, false
	}
	maxAge := l.life() // which may have become shorter since an answer was kept
	if l.req.Cache.MaxAge > 0 {
		maxAge = min(maxAge, l.req.Cache.MaxAge)
	}
	c, key, stream := l.g.cache, l.req.Key.ID, l.req.Stream
	if hit, ok := c.Find(key, l.question, stream, maxAge, l.permits); ok {
		return &replay{hit: hit}, true
	}
	if l.vector != nil {
		if hit, ok := c.FindSimilar(key, l.question, l.vector, l.caching.Similarity, stream, maxAge, l.permits); ok {
			return &replay{hit: hit}, true
		}
	}
	return nil, false
}

// status of the cache for an answer that is not given again.
func (l *lookup) status() openai.CacheStatus {
	switch {
	case l == nil:
		return ""
	case !l.look:
		return openai.CacheBypass
	}
	return openai.CacheMiss
}

// errNotCached: the request wanted an answer that was given before, and none else (RFC 9111, 5.2.1.7).
func (l *lookup) errNotCached() error {
	why := "the cache has no answer to this request"
	switch l.status() {
	case "":
		why = "this is a request of which no answers are kept: caching is off for the API key, or there is none of such requests"
	case openai.CacheBypass:
		why = "the request takes no answer that was given before, or cannot have one"
	}
	return &openai.APIError{Status: http.StatusGatewayTimeout, Code: "not_cached", NoRetry: true,
		Message: "only-if-cached: " + why + "; nothing was run or charged. Leave Cache-Control: only-if-cached out to have it answered anew"}
}

// permits: the key may still use the model that gave the answer.
func (l *lookup) permits(o cache.Origin) bool {
	return l.req.Key.Rules.Permits(o.Model)
}

// keep is reply, of which a copy is kept if it comes to a good end.
func (l *lookup) keep(reply openai.Reply) openai.Reply {
	if l == nil {
		return reply
	}
	return &recorder{Reply: reply, lookup: l}
}

// recorder keeps a copy of an answer for the cache. One goroutine at a time uses it, as any Reply.
type recorder struct {
	openai.Reply
	lookup *lookup
	pieces []json.RawMessage
	bytes  int
}

// Info implements openai.Reply.
func (r *recorder) Info() openai.Info {
	info := r.Reply.Info()
	info.Cache.Status = r.lookup.status()
	return info
}

// Next implements openai.Reply.
func (r *recorder) Next(ctx context.Context) (json.RawMessage, error) {
	raw, err := r.Reply.Next(ctx)
	switch {
	case !r.lookup.store:
	case err == nil:
		if r.bytes += len(raw); r.bytes <= cache.MaxAnswer {
			r.pieces = append(r.pieces, bytes.Clone(raw))
			break
		}
		r.lookup.store, r.pieces = false, nil
	case errors.Is(err, io.EOF):
		r.lookup.store = false // once
		r.record()
	}
	return raw, err
}

// record keeps a whole answer that was paid for: what was cut, refused or not billed is not given again.
func (r *recorder) record() {
	final, l := r.Reply.Final(), r.lookup
	if final.ReceiptID == "" || final.Partial {
		return
	}
	info := r.Reply.Info()
	l.g.cache.Keep(l.req.Key.ID, l.question, l.vector, cache.Answer{Stream: l.req.Stream, Pieces: r.pieces, Origin: cache.Origin{
		At: l.g.now(), Model: info.Model, Operator: info.Operator, ReceiptID: final.ReceiptID, PredictedQuality: info.PredictedQuality,
		PromptTokens: final.PromptTokens, CompletionTokens: final.CompletionTokens, CostMicroUSD: final.CostMicroUSD,
	}}, l.life())
}

// life is how long an answer may be given again.
func (l *lookup) life() time.Duration { return time.Duration(l.caching.Seconds) * time.Second }

// replay gives an old answer again: for nothing, without a receipt.
type replay struct {
	hit  cache.Hit
	next int
}

// Info implements openai.Reply.
func (r *replay) Info() openai.Info {
	o, kind := r.hit.Origin, access.CacheExact
	why := fmt.Sprintf("the same request was answered %s ago; nothing was run", r.hit.Age.Round(time.Second))
	if r.hit.Similar {
		kind = access.CacheSemantic
		why = fmt.Sprintf("a request with a text of similarity %.3f was answered %s ago; nothing was run", r.hit.Similarity, r.hit.Age.Round(time.Second))
	}
	return openai.Info{
		Model: o.Model, Operator: o.Operator, Reason: reasonCached, Why: why, PredictedQuality: o.PredictedQuality,
		Cache: openai.CacheUse{
			Status: openai.CacheHit, Kind: string(kind), Age: r.hit.Age, Similarity: r.hit.Similarity, ReceiptID: o.ReceiptID, SavedMicroUSD: o.CostMicroUSD,
		},
	}
}

// Next implements openai.Reply.
func (r *replay) Next(ctx context.Context) (json.RawMessage, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if r.next == len(r.hit.Pieces) {
		return nil, io.EOF
	}
	r.next++
	return r.hit.Pieces[r.next-1], nil
}

// Final implements openai.Reply: the tokens of the answer, and no cost.
func (r *replay) Final() openai.Final {
	return openai.Final{PromptTokens: r.hit.Origin.PromptTokens, CompletionTokens: r.hit.Origin.CompletionTokens}
}

// Stop implements openai.Reply.
func (r *replay) Stop() {}

// Close implements openai.Reply.
func (r *replay) Close() error { return nil }
