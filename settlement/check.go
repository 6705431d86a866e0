package settlement

import (
	"bytes"
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

// The functions below are the rules that need no chain. The ledger applies them before it signs, Verify
// applies the same ones to a stranger's bundle, so the two can never disagree. Each returns its own
// sentinel.

func (b Bundle) checkOperatorSignature() error {
	return checkSigner(operatorSigner, b.Receipt.Payee, b.Receipt.Digest(b.Domain), b.OperatorSig)
}

// checkGatewaySignature: the payer has signed, or signer, which may sign for it.
func (b Bundle) checkGatewaySignature(signer common.Address) error {
	digest := b.Receipt.Digest(b.Domain)
	err := checkSigner(receiptSigner, signer, digest, b.GatewaySig)
	if err != nil && signer != b.Receipt.Payer {
		err = checkSigner(receiptSigner, b.Receipt.Payer, digest, b.GatewaySig)
	}
	return err
}

// Whose signature it is, in errors.
const (
	orderSigner    = "gateway signature of order"
	receiptSigner  = "gateway signature of receipt"
	operatorSigner = "operator signature of receipt"
	advertSigner   = "operator signature of advert"
)

func (b Bundle) checkAdvertSignature() error {
	return checkSigner(advertSigner, b.Advert.Operator, b.Advert.Digest(b.Domain), b.AdvertSig)
}

// checkForm: an ordinary receipt has a lane number from 1, a payer-issued one has none.
func (b Bundle) checkForm() error {
	if b.Partial != (b.Receipt.LaneSeq == 0) {
		return fmt.Errorf("%w: partial is %t but the lane number is %d", ErrPartialForm, b.Partial, b.Receipt.LaneSeq)
	}
	return nil
}

// checkOrderMatch: the receipt is for this order, field by field.
func (b Bundle) checkOrderMatch() error {
	r, o := b.Receipt, b.Order
	if id := o.ID(b.Domain); r.ID() != id {
		return fmt.Errorf("%w: receipt is for order %s, the order given is %s", ErrOrderMismatch, r.ID(), id)
	}
	if r.Payer != o.Payer || r.Payee != o.Payee {
		return fmt.Errorf("%w: receipt between %s and %s, order between %s and %s", ErrWrongParty, r.Payer, r.Payee, o.Payer, o.Payee)
	}
	for _, f := range []struct {
		name          string
		receipt, with common.Hash
	}{
		{"advert", r.Advert, o.Advert}, {"request hash", r.RequestHash, o.RequestHash}, {"decision", r.Decision, o.Decision},
	} {
		if f.receipt != f.with {
			return fmt.Errorf("%w: %s is %s in the receipt, %s in the order", ErrOrderMismatch, f.name, f.receipt, f.with)
		}
	}
	return nil
}

// checkAdvertMatch: the order is at the price of this advert, and its operator is the payee.
func (b Bundle) checkAdvertMatch() error {
	if digest := b.Advert.Digest(b.Domain); b.Order.Advert != digest {
		return fmt.Errorf("%w: order names advert %s, the advert given is %s", ErrAdvertMismatch, b.Order.Advert, digest)
	}
	if b.Advert.Operator != b.Order.Payee {
		return fmt.Errorf("%w: advert of %s, payee is %s", ErrWrongParty, b.Advert.Operator, b.Order.Payee)
	}
	return nil
}

func (b Bundle) checkAdvertValidity() error {
	if !b.Advert.ValidAt(b.Receipt.ServedAt) {
		return fmt.Errorf("%w: served at %d, valid from %d to %d", ErrAdvertExpired, b.Receipt.ServedAt, b.Advert.ValidFrom, b.Advert.ValidTo)
	}
	return nil
}

// checkPrice: the amount is exactly what the advert's prices make of the tokens.
func (b Bundle) checkPrice() error {
	want, err := Cost(b.Advert.Price(), b.Receipt.InputTokens, b.Receipt.OutputTokens)
	if err != nil {
		return err
	}
	switch got := b.Receipt.Amount; {
	case got > want:
		return fmt.Errorf("%w: charged %v, the advert makes it %v", ErrPriceAboveAdvert, got, want)
	case got < want:
		return fmt.Errorf("%w: charged %v, the advert makes it %v", ErrPriceBelowAdvert, got, want)
	}
	return nil
}

// checkOrderLimits: tokens, amount and time stay within what the payer allowed.
func (b Bundle) checkOrderLimits() error {
	r, o := b.Receipt, b.Order
	switch {
	case r.InputTokens > o.MaxInputTokens:
		return fmt.Errorf("%w: %d input tokens, at most %d", ErrTokensAboveOrder, r.InputTokens, o.MaxInputTokens)
	case r.OutputTokens > o.MaxOutputTokens:
		return fmt.Errorf("%w: %d output tokens, at most %d", ErrTokensAboveOrder, r.OutputTokens, o.MaxOutputTokens)
	case r.Amount > o.MaxAmount:
		return fmt.Errorf("%w: %v, at most %v", ErrAmountAboveOrder, r.Amount, o.MaxAmount)
	case r.ServedAt > o.Deadline:
		return fmt.Errorf("%w: served at %d, deadline %d", ErrOrderExpired, r.ServedAt, o.Deadline)
	}
	return nil
}

func (b Bundle) checkDecision() error {
	if digest := DecisionDigest(b.DecisionJSON); digest != b.Order.Decision {
		return fmt.Errorf("%w: sha256 of the decision is %s, the order says %s", ErrDecisionMismatch, digest, b.Order.Decision)
	}
	return nil
}

func (b Bundle) checkSalt() error {
	if len(b.Salt) != SaltLen || bytes.Equal(b.Salt, make([]byte, SaltLen)) {
		return fmt.Errorf("%w: the salt must be %d bytes and not all zero", ErrRequestMismatch, SaltLen)
	}
	return nil
}

// checkTerms applies every rule that payer and payee can both check before either signs the receipt.
func (l *Ledger) checkTerms(ctx context.Context, b Bundle) error {
	for _, check := range []func() error{
		b.checkForm, b.checkAdvertMatch, b.checkOrderMatch, b.checkAdvertValidity, b.checkPrice, b.checkOrderLimits,
		func() error { return l.checkOrder(ctx, b) }, func() error { return l.checkAdvert(b) }, // the dear ones last
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}
