package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"flotilla/node/openai"
	"flotilla/settlement"
)

// maxReceiptsScanned bounds the receipts that are looked through for one page of one key's.
const maxReceiptsScanned = 10_000

// Receipt returns everything needed to verify one of the key's receipts. Whose a receipt is, nobody else learns.
func (g *Gateway) Receipt(ctx context.Context, key openai.KeyInfo, id string) (json.RawMessage, error) {
	b, err := g.keysBundle(ctx, key, id, "id")
	if err != nil {
		return nil, err
	}
	return json.Marshal(b)
}

// keysBundle is all that is known of one of the key's receipts, which the request names in param.
func (g *Gateway) keysBundle(ctx context.Context, key openai.KeyInfo, id, param string) (settlement.Bundle, error) {
	rid, err := settlement.ParseReceiptID(id)
	if err != nil {
		return settlement.Bundle{}, &openai.APIError{Status: 400, Code: "invalid_receipt_id", Param: param, Message: err.Error()}
	}
	b, err := g.ledger.Bundle(rid)
	switch {
	case errors.Is(err, settlement.ErrUnknownReceipt):
		return settlement.Bundle{}, g.unknownReceipt(ctx, key, id, param)
	case err != nil:
		return settlement.Bundle{}, fmt.Errorf("read receipt: %w", err)
	case !g.owners.owns(key.ID, b.Order.Nonce): // the key's own too, where the gateway signed with another key then
		return settlement.Bundle{}, receiptNotFound(id, param)
	}
	return b, nil
}

// unknownReceipt refuses what needs a receipt that this gateway does not have. Where gateways share a request log, that tells a key
// whether one of the others has it.
func (g *Gateway) unknownReceipt(ctx context.Context, key openai.KeyInfo, id, param string) error {
	if r, err := g.gate.requests.Find(ctx, id); err == nil && r.Key == key.ID {
		return &openai.APIError{Status: 404, Code: "receipt_elsewhere", Param: param, NoRetry: true,
			Message: "receipt " + id + " is of another gateway of this deployment, which alone has it and the index of its decision and takes feedback on it: ask at that gateway's own address"}
	}
	return receiptNotFound(id, param)
}

func receiptNotFound(id, param string) error {
	return &openai.APIError{Status: 404, Code: "receipt_not_found", Param: param, NoRetry: true, Message: "no receipt " + id + " of this API key on this gateway"}
}

// Receipts lists the ids of the key's receipts, newest first, after the place that a page before ended at. A page ends, and
// says where, when it is full or has looked through maxReceiptsScanned of all keys.
func (g *Gateway) Receipts(ctx context.Context, key openai.KeyInfo, after string, limit int) (openai.ReceiptPage, error) {
	var from settlement.Place
	if after != "" {
		var err error
		if from, err = settlement.ParsePlace(after); err != nil {
			return openai.ReceiptPage{}, &openai.APIError{Status: http.StatusBadRequest, Code: "invalid_after", Param: "after", Message: "after must be the next of a page before: " + err.Error()}
		}
	}
	places, err := g.ledger.Newest(from, maxReceiptsScanned)
	if err != nil {
		return openai.ReceiptPage{}, err
	}
	var page openai.ReceiptPage
	for i, at := range places {
		if len(page.IDs) == limit {
			page.Next = places[i-1].String()
			return page, nil
		}
		if ctx.Err() != nil {
			return openai.ReceiptPage{}, context.Cause(ctx)
		}
		b, err := g.ledger.Bundle(at.ID())
		if err != nil {
			return openai.ReceiptPage{}, err
		}
		if g.owners.owns(key.ID, b.Order.Nonce) {
			page.IDs = append(page.IDs, at.ID().String())
		}
	}
	if len(places) == maxReceiptsScanned {
		page.Next = places[len(places)-1].String()
	}
	return page, nil
}
