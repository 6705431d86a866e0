package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"flotilla/node/access"
	"flotilla/node/admin"
	"flotilla/node/openai"
	"flotilla/node/requestlog"
	"flotilla/routing/catalogue"
	"flotilla/settlement"
)

// generation is what is known of one answer to the key: its record, with its receipt. A receipt outlives the log.
func (g *Gateway) generation(ctx context.Context, key openai.KeyInfo, id string) (openai.Generation, error) {
	unknown := &openai.APIError{Status: http.StatusNotFound, Code: "generation_not_found", Param: "id", NoRetry: true, Message: "no request or receipt " + id + " of this API key on this gateway"}
	r, err := g.gate.requests.Find(ctx, id)
	var out openai.Generation
	switch {
	case err == nil && r.Key == key.ID:
		if out = generationOf(r); r.Receipt == "" {
			return out, nil
		}
		id = r.Receipt
	case err == nil:
		return out, unknown
	case !errors.Is(err, requestlog.ErrNotFound):
		g.log.Warn("look for an answer", "err", err)
		return out, &openai.APIError{Status: http.StatusServiceUnavailable, Code: "request_log_unavailable", RetryAfter: access.UnavailableRetry, Message: "the gateway's request log cannot be read now, try again"}
	}
	rid, err := settlement.ParseReceiptID(id)
	if err != nil {
		return out, unknown
	}
	b, err := g.ledger.Bundle(rid)
	switch {
	case errors.Is(err, settlement.ErrUnknownReceipt) && out.RequestID != "":
		return out, nil // of another gateway, which has the receipt; the log is shared
	case errors.Is(err, settlement.ErrUnknownReceipt), err == nil && !g.owners.owns(key.ID, b.Order.Nonce):
		return out, unknown
	case err != nil:
		return out, fmt.Errorf("read receipt: %w", err)
	}
	if out.RequestID == "" {
		out = generationFrom(b)
	}
	if out.ReceiptContent, err = json.Marshal(b); err != nil {
		return out, fmt.Errorf("write receipt: %w", err)
	}
	return out, nil
}

func generationOf(r requestlog.Record) openai.Generation {
	g := openai.Generation{
		RequestID: r.ID, Route: r.Route, At: r.At, Status: r.Status, Code: r.Code, Stream: r.Stream, Asked: r.Asked, Attempts: r.Attempts,
		FirstByte: time.Duration(r.FirstByteMillis * float64(time.Millisecond)), Total: time.Duration(r.TotalMillis * float64(time.Millisecond)),
		Info: openai.Info{Model: r.Model, Operator: r.Operator, Reason: r.Reason, Why: r.Why, BaselineModel: r.BaselineModel},
		Final: openai.Final{
			PromptTokens: r.PromptTokens, CompletionTokens: r.CompletionTokens, CostMicroUSD: r.CostMicroUSD, BaselineMicroUSD: r.BaselineMicroUSD,
			ReceiptID: r.Receipt, Partial: r.Partial, FinishReason: r.FinishReason,
		},
	}
	if r.Cache != "" {
		g.Info.Cache = openai.CacheUse{Status: openai.CacheHit, Kind: r.Cache, ReceiptID: r.CacheReceipt, SavedMicroUSD: r.CacheSavedMicroUSD}
	}
	if r.PredictedQuality != nil {
		g.Info.PredictedQuality = *r.PredictedQuality
	}
	return g
}

// generationFrom is what a receipt alone tells.
func generationFrom(b settlement.Bundle) openai.Generation {
	return openai.Generation{
		At: time.Unix(int64(b.Receipt.ServedAt), 0).UTC(), Status: http.StatusOK,
		Info: openai.Info{Model: catalogue.ID(b.Advert.Model), Operator: b.Receipt.Payee.Hex()},
		Final: openai.Final{
			PromptTokens: b.Receipt.InputTokens, CompletionTokens: b.Receipt.OutputTokens, CostMicroUSD: uint64(b.Receipt.Amount),
			ReceiptID: b.ID().String(), Partial: b.Partial,
		},
	}
}

// Requests is a requestlog.Page.
func (o owner) Requests(ctx context.Context, query url.Values) (any, error) {
	if o.n.requests == nil {
		return nil, fmt.Errorf("request log: %w: only a gateway has one", admin.ErrNotHere)
	}
	f, err := requestFilter(query)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", admin.ErrBadRequest, err)
	}
	page, err := o.n.requests.List(ctx, f)
	switch {
	case errors.Is(err, requestlog.ErrBadFilter):
		err = fmt.Errorf("%w: %w", admin.ErrBadRequest, err)
	case errors.Is(err, requestlog.ErrUnavailable):
		err = fmt.Errorf("%w: %w", admin.ErrAway, err)
	}
	return page, err
}

func requestFilter(q url.Values) (f requestlog.Filter, err error) {
	for name, values := range q {
		value := values[0]
		switch name {
		case "key":
			f.Key = value
		case "model":
			f.Model = value
		case "operator":
			f.Operator = value
		case "status":
			f.Status = requestlog.Status(value)
		case "cursor":
			f.Cursor = value
		case "since":
			f.Since, err = time.Parse(time.RFC3339Nano, value)
		case "until":
			f.Until, err = time.Parse(time.RFC3339Nano, value)
		case "limit":
			f.Limit, err = strconv.Atoi(value)
		default:
			return f, fmt.Errorf("unknown parameter %q: want key, model, operator, status, since, until, limit or cursor", name)
		}
		if err != nil {
			return f, fmt.Errorf("%s: %w", name, err)
		}
	}
	return f, nil
}
