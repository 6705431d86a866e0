package ethchain

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
)

// SubmitEvidence implements settlement.Chain. It returns when the node has the transaction. Evidence that the contract
// would refuse is not sent: ErrAlreadyPunished, ErrNothingToSlash, settlement.ErrNoFault, settlement.ErrBadSignature.
func (c *Chain) SubmitEvidence(ctx context.Context, e settlement.Evidence, bountyTo common.Address) (common.Hash, error) {
	if c.sender == nil {
		return common.Hash{}, fmt.Errorf("submit evidence: %w", ErrReadOnly)
	}
	if _, err := e.Check(c.domain); err != nil {
		return common.Hash{}, fmt.Errorf("submit evidence: %w", err)
	}
	tx, err := c.sender.sendOnce(ctx, &c.stakeAt, c.proof(e, bountyTo))
	if err != nil {
		return common.Hash{}, fmt.Errorf("submit %s against %s: %w", e.Fault, e.Operator(), err)
	}
	return tx.Hash(), nil
}

// proof packs the call that proves e, which was checked.
func (c *Chain) proof(e settlement.Evidence, bountyTo common.Address) []byte {
	switch e.Fault {
	case settlement.AdvertBreach:
		r, a := e.Receipts[0], e.Adverts[0]
		return c.stake.PackProveAdvertBreach(receiptToSolidity(r.Receipt), r.Sig, advertToSolidity(a.Advert), a.Sig, bountyTo)
	case settlement.OrderBreach:
		r := e.Receipts[0]
		return c.stake.PackProveOrderBreach(receiptToSolidity(r.Receipt), r.Sig, orderToSolidity(*e.Order), bountyTo)
	case settlement.DoubleReceipt:
		a, b := e.Receipts[0], e.Receipts[1]
		return c.stake.PackProveDoubleReceipt(receiptToSolidity(a.Receipt), a.Sig, receiptToSolidity(b.Receipt), b.Sig, bountyTo)
	default:
		a, b := e.Adverts[0], e.Adverts[1]
		return c.stake.PackProveAdvertEquivocation(advertToSolidity(a.Advert), a.Sig, advertToSolidity(b.Advert), b.Sig, bountyTo)
	}
}

func advertToSolidity(a settlement.Advert) bindings.Advert {
	return bindings.Advert{
		Operator: a.Operator, Node: a.Node, Model: a.Model, Quantization: a.Quantization, Runtime: a.Runtime, TokenCounting: a.TokenCounting,
		InputPerMTok: a.InputPerMTok, OutputPerMTok: a.OutputPerMTok, PerRequest: a.PerRequest, MaxContext: a.MaxContext,
		Seq: a.Seq, ValidFrom: a.ValidFrom, ValidTo: a.ValidTo,
	}
}

func orderToSolidity(o settlement.Order) bindings.Order {
	return bindings.Order{
		Payer: o.Payer, Payee: o.Payee, Advert: o.Advert, MaxInputTokens: o.MaxInputTokens, MaxOutputTokens: o.MaxOutputTokens,
		MaxAmount: wei(o.MaxAmount), RequestHash: o.RequestHash, Decision: o.Decision, Nonce: o.Nonce, Deadline: o.Deadline,
	}
}

func receiptToSolidity(r settlement.Receipt) bindings.Receipt {
	return bindings.Receipt{
		Request: r.Request, Payer: r.Payer, Payee: r.Payee, Advert: r.Advert, LaneSeq: r.LaneSeq, InputTokens: r.InputTokens,
		OutputTokens: r.OutputTokens, Amount: wei(r.Amount), ServedAt: r.ServedAt, RequestHash: r.RequestHash,
		ResponseHash: r.ResponseHash, Decision: r.Decision,
	}
}
