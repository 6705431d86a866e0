package settlement

import (
	"context"
	"errors"
	"fmt"
)

// The names of the checks, in the order in which Verify makes them.
const (
	CheckOperatorSignature = "operator_signature"
	CheckGatewaySignature  = "gateway_signature"
	CheckOrderSignature    = "order_signature"
	CheckOrderMatch        = "order_match"
	CheckAdvertSignature   = "advert_signature"
	CheckAdvertMatch       = "advert_match"
	CheckAdvertValidity    = "advert_validity"
	CheckPrice             = "price"
	CheckOrderLimits       = "order_limits"
	CheckDecision          = "decision"
	CheckRequestHash       = "request_hash"
	CheckOperatorStaked    = "operator_staked"
	CheckBatchRoot         = "batch_root"
	CheckInclusion         = "merkle_inclusion"
	CheckLaneTotal         = "lane_total"
)

// The names of the checks that VerifyBatch makes besides CheckBatchRoot and CheckLaneTotal.
const (
	CheckBatchForm      = "batch_form"
	CheckBatchSignature = "batch_signature"
	CheckReceiptsRoot   = "receipts_root"
)

// VerifyOptions adds what the bundle does not hold.
type VerifyOptions struct {
	// Domain is the deployment that the verifier trusts. The bundle's own domain must equal it, else
	// anyone could vouch for themselves under a contract of their own. Required.
	Domain Domain
	// RequestBody is the request's body as it was sent to the operator. When nil, the check of the salted
	// hash against it is skipped and only its form is checked.
	RequestBody []byte
	// LaneSum is what the verifier knows to be owed on the bundle's lane altogether; VerifyAll fills it in.
	// The receipt's own amount when smaller.
	LaneSum Amount
}

// Verify checks one bundle from the chain and the bundle alone: that operator and gateway signed this
// receipt for this order at the advertised price, that the operator has stake, and that the chain holds
// the batch with this receipt in it and has paid its lane. All checks are made, whatever the earlier ones
// said. It fails closed: what can not be checked is reported (ErrCannotCheck), never passed over. chain
// may be nil for a check of the bundle alone.
func Verify(ctx context.Context, b Bundle, chain ChainReader, opts VerifyOptions) Report {
	v := &verification{bundle: b, chain: chain, opts: opts, checklist: checklist{Report{ID: b.ID()}}}
	v.checkReceipt(ctx)
	v.checkOrder(ctx)
	v.checkAdvert()
	v.checkHashes()
	v.checkChain(ctx)
	return v.report
}

// VerifyAll verifies the bundles together. Beyond Verify it checks that the receipts of each lane do not
// add up to more than the chain has paid, and that no receipt is given twice (ErrReceiptReplayed).
func VerifyAll(ctx context.Context, bundles []Bundle, chain ChainReader, opts VerifyOptions) []Report {
	sums := make(map[LaneKey]Amount)
	seen := make(map[ReceiptID]bool)
	reports := make([]Report, 0, len(bundles))
	for _, b := range bundles {
		key := LaneKey{b.Receipt.Payer, b.Receipt.Payee}
		sum, err := sums[key].Add(b.Receipt.Amount)
		if err != nil {
			sum = ^Amount(0) // no chain total can cover it
		}
		sums[key] = sum
	}
	if chain != nil {
		chain = newMemoReader(chain) // receipts of one batch and lane share most answers
	}
	for _, b := range bundles {
		opts.LaneSum = sums[LaneKey{b.Receipt.Payer, b.Receipt.Payee}]
		r := Verify(ctx, b, chain, opts)
		if seen[b.ID()] {
			r.Checks = append(r.Checks, failed("unique", "the same receipt was given before", ErrReceiptReplayed))
		}
		seen[b.ID()] = true
		reports = append(reports, r)
	}
	return reports
}

// verification is one run of Verify.
type verification struct {
	checklist
	bundle Bundle
	chain  ChainReader
	opts   VerifyOptions
}

func (v *verification) checkReceipt(ctx context.Context) {
	b := v.bundle
	v.checkDomain(b.Domain, v.opts.Domain)
	formErr := b.checkForm()
	switch {
	case formErr == nil && b.Partial && len(b.OperatorSig) == 0:
		v.add(Check{Name: CheckOperatorSignature, Skipped: true,
			Evidence: "issued by the payer for a broken stream; the operator has not signed it"})
	default:
		v.judge(CheckOperatorSignature, "by "+b.Receipt.Payee.Hex(), errors.Join(formErr, b.checkOperatorSignature()))
	}
	v.checkPayer(ctx, CheckGatewaySignature, receiptSigner, v.chain, b.Receipt.Payer, b.Receipt.Digest(b.Domain), b.GatewaySig, b.Receipt.ServedAt)
}

func (v *verification) checkOrder(ctx context.Context) {
	b := v.bundle
	v.checkPayer(ctx, CheckOrderSignature, orderSigner, v.chain, b.Order.Payer, b.Order.Digest(b.Domain), b.OrderSig, b.Receipt.ServedAt)
	v.judge(CheckOrderMatch, "order "+b.Order.ID(b.Domain).String(), b.checkOrderMatch())
}

func (v *verification) checkAdvert() {
	b := v.bundle
	a, r := b.Advert, b.Receipt
	v.judge(CheckAdvertSignature, "by "+a.Operator.Hex(), b.checkAdvertSignature())
	v.judge(CheckAdvertMatch, fmt.Sprintf("%s, advert number %d", a.Model, a.Seq), b.checkAdvertMatch())
	v.judge(CheckAdvertValidity, fmt.Sprintf("served at %d, valid %d to %d", r.ServedAt, a.ValidFrom, a.ValidTo), b.checkAdvertValidity())
	v.judge(CheckPrice, fmt.Sprintf("%d input tokens at %d + %d output tokens at %d per million + %d = %v",
		r.InputTokens, a.InputPerMTok, r.OutputTokens, a.OutputPerMTok, a.PerRequest, r.Amount), b.checkPrice())
	v.judge(CheckOrderLimits, fmt.Sprintf("%d of %d input, %d of %d output tokens, %v of %v",
		r.InputTokens, b.Order.MaxInputTokens, r.OutputTokens, b.Order.MaxOutputTokens, r.Amount, b.Order.MaxAmount), b.checkOrderLimits())
}

func (v *verification) checkHashes() {
	b := v.bundle
	v.judge(CheckDecision, "sha256 "+b.Order.Decision.Hex(), b.checkDecision())
	err := b.checkSalt()
	evidence := "salted hash " + b.Order.RequestHash.Hex() + "; the request itself was not given"
	if err == nil && v.opts.RequestBody != nil {
		evidence = "salted hash of the request is " + b.Order.RequestHash.Hex()
		if got := RequestHash(b.Salt, v.opts.RequestBody); got != b.Order.RequestHash {
			err = fmt.Errorf("%w: salted hash of the request is %s, the order says %s", ErrRequestMismatch, got, b.Order.RequestHash)
		}
	}
	v.judge(CheckRequestHash, evidence, err)
}

func (v *verification) checkChain(ctx context.Context) {
	if v.chain == nil {
		for _, name := range []string{CheckOperatorStaked, CheckBatchRoot, CheckInclusion, CheckLaneTotal} {
			v.cannot(name, "no chain was given", nil)
		}
		return
	}
	v.checkStake(ctx)
	if v.bundle.Inclusion == nil {
		v.cannot(CheckBatchRoot, "the receipt is not settled yet: the bundle names no batch", nil)
		v.cannot(CheckInclusion, "the receipt is not settled yet: the bundle has no proof", nil)
	} else {
		v.checkBatch(ctx, *v.bundle.Inclusion)
	}
	v.checkLane(ctx)
}

func (v *verification) checkStake(ctx context.Context) {
	operator := v.bundle.Receipt.Payee
	stake, err := v.chain.Stake(ctx, operator)
	if err != nil {
		v.cannot(CheckOperatorStaked, "ask the chain for the stake", err)
		return
	}
	if stake.Amount == 0 {
		err = fmt.Errorf("%w: %s", ErrNoStake, operator)
	}
	v.judge(CheckOperatorStaked, fmt.Sprintf("%v staked, %v of it thawing", stake.Amount, stake.Thawing), err)
}

// checkBatch compares the bundle's inclusion with the chain and proves the receipt under the root that
// the chain (not the bundle) holds.
func (v *verification) checkBatch(ctx context.Context, inc Inclusion) {
	b := v.bundle
	a, err := v.chain.BatchAnchor(ctx, b.Receipt.Payer, inc.Epoch)
	if err != nil {
		v.cannot(CheckBatchRoot, "ask the chain for the batch", err)
		v.cannot(CheckInclusion, "the batch's root is not known", err)
		return
	}
	v.judge(CheckBatchRoot, a.evidence(inc.Epoch), a.compare(b.Receipt.Payer, inc.Epoch, inc.Root, inc.Count))
	var unproved error
	if !VerifyProof(a.Root, inc.Index, a.Count, b.Receipt.Digest(b.Domain), inc.Proof) {
		unproved = fmt.Errorf("%w: the proof does not lead from receipt %d to root %s", ErrNotInBatch, inc.Index, a.Root)
	}
	v.judge(CheckInclusion, fmt.Sprintf("receipt %d of %d by %d hashes", inc.Index, a.Count, len(inc.Proof)), unproved)
}

// checkLane: the chain has paid at least what the known receipts of the lane add up to.
func (v *verification) checkLane(ctx context.Context) {
	r := v.bundle.Receipt
	if v.bundle.Inclusion == nil {
		v.cannot(CheckLaneTotal, "the receipt is not settled yet", nil)
		return
	}
	lane, err := v.chain.Lane(ctx, r.Payer, r.Payee)
	if err != nil {
		v.cannot(CheckLaneTotal, "ask the chain for the lane", err)
		return
	}
	owed := max(r.Amount, v.opts.LaneSum)
	if lane.Collected < owed {
		err = fmt.Errorf("%w: paid %v, the receipts add up to %v", ErrLaneUncovered, lane.Collected, owed)
	}
	v.judge(CheckLaneTotal, fmt.Sprintf("%v paid on the lane, receipts at hand add up to %v", lane.Collected, owed), err)
}
