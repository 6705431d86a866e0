package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"flotilla/node/openai"
	"flotilla/settlement"
)

// maxReceiptsScanned bounds the newest receipts that are looked through for one key's.
const maxReceiptsScanned = 10_000

// Receipt returns everything needed to verify one of the key's receipts. Whose a receipt is, nobody else learns.
func (g *Gateway) Receipt(_ context.Context, key openai.KeyInfo, id string) (json.RawMessage, error) {
	rid, err := settlement.ParseReceiptID(id)
	if err != nil {
		return nil, &openai.APIError{Status: 400, Code: "invalid_receipt_id", Param: "id", Message: err.Error()}
	}
	b, err := g.ledger.Bundle(rid)
	switch {
	case errors.Is(err, settlement.ErrUnknownReceipt), err == nil && !g.owners.owns(key.ID, b.Order.Nonce):
		return nil, &openai.APIError{Status: 404, Code: "receipt_not_found", Param: "id", NoRetry: true, Message: "no receipt " + id + " of this API key on this gateway"}
	case err != nil:
		return nil, fmt.Errorf("read receipt: %w", err)
	}
	return json.Marshal(b)
}

// Receipts lists the ids of the key's newest receipts, newest first, as far as they are among the gateway's newest.
func (g *Gateway) Receipts(ctx context.Context, key openai.KeyInfo, limit int) ([]string, error) {
	ids, err := g.ledger.Newest(maxReceiptsScanned)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, id := range ids {
		if len(out) == limit || ctx.Err() != nil {
			break
		}
		b, err := g.ledger.Bundle(id)
		if err != nil {
			return nil, err
		}
		if g.owners.owns(key.ID, b.Order.Nonce) {
			out = append(out, id.String())
		}
	}
	return out, ctx.Err()
}
