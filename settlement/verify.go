package settlement

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
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

// Check is the outcome of one step of a verification.
type Check struct {
	Name     string `json:"name"`
	OK       bool   `json:"ok"`
	Skipped  bool   `json:"skipped"`         // not made; Evidence says why
	Evidence string `json:"evidence"`        // what was compared with what, for people
	Err      error  `json:"-"`               // nil, the sentinel of the failure, or ErrCannotCheck
	Error    string `json:"error,omitempty"` // Err in words
}

// Report is the outcome of verifying one bundle.
type Report struct {
	ID     ReceiptID `json:"receipt"`
	Checks []Check   `json:"checks"`
}

// Err returns nil when every check that could be made passed and none that is needed was missing;
// ErrVerifyFailed with the first failure's own sentinel when one failed; else ErrCannotCheck.
func (r Report) Err() error {
	var missing error
	for _, c := range r.Checks {
		switch {
		case c.OK || c.Err == nil:
		case errors.Is(c.Err, ErrCannotCheck):
			if missing == nil {
				missing = fmt.Errorf("receipt %s: %s: %w", r.ID, c.Name, c.Err)
			}
		default:
			return fmt.Errorf("receipt %s: %w: %s: %w", r.ID, ErrVerifyFailed, c.Name, c.Err)
		}
	}
	return missing
}

// Verify checks one bundle from the chain and the bundle alone: that operator and gateway signed this
// receipt for this order at the advertised price, that the operator has stake, and that the chain holds
// the batch with this receipt in it and has paid its lane. All checks are made, whatever the earlier ones
// said. It fails closed: what can not be checked is reported (ErrCannotCheck), never passed over. chain
// may be nil for a check of the bundle alone.
func Verify(ctx context.Context, b Bundle, chain ChainReader, opts VerifyOptions) Report {
	v := &verification{bundle: b, chain: chain, opts: opts, report: Report{ID: b.ID()}}
	v.checkReceipt()
	v.checkOrder()
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
	bundle Bundle
	chain  ChainReader
	opts   VerifyOptions
	report Report
}

func (v *verification) add(c Check) { v.report.Checks = append(v.report.Checks, c) }

// judge adds a check that passed with evidence when err is nil, and failed with err otherwise.
func (v *verification) judge(name, evidence string, err error) {
	if err != nil {
		v.add(failed(name, err.Error(), err))
		return
	}
	v.add(Check{Name: name, OK: true, Evidence: evidence})
}

func failed(name, evidence string, err error) Check {
	return Check{Name: name, Evidence: evidence, Err: err, Error: err.Error()}
}

// cannot adds a check that could not be made, which keeps the report from passing.
func (v *verification) cannot(name, why string, cause error) {
	err := fmt.Errorf("%w: %s", ErrCannotCheck, why)
	if cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	v.add(Check{Name: name, Skipped: true, Evidence: why, Err: err, Error: err.Error()})
}

func (v *verification) checkReceipt() {
	b := v.bundle
	if b.Domain != v.opts.Domain {
		v.add(failed("domain", fmt.Sprintf("bundle is for chain %d, contract %s; verifying against chain %d, contract %s",
			b.Domain.ChainID, b.Domain.Contract, v.opts.Domain.ChainID, v.opts.Domain.Contract), ErrWrongDomain))
	}
	formErr := b.checkForm()
	switch {
	case formErr == nil && b.Partial && len(b.OperatorSig) == 0:
		v.add(Check{Name: CheckOperatorSignature, Skipped: true,
			Evidence: "issued by the payer for a broken stream; the operator has not signed it"})
	default:
		v.judge(CheckOperatorSignature, "by "+b.Receipt.Payee.Hex(), errors.Join(formErr, b.checkOperatorSignature()))
	}
	v.judge(CheckGatewaySignature, "by "+b.Receipt.Payer.Hex(), b.checkGatewaySignature())
}

func (v *verification) checkOrder() {
	b := v.bundle
	v.judge(CheckOrderSignature, "by "+b.Order.Payer.Hex(), b.checkOrderSignature())
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
	switch {
	case a.Root == (common.Hash{}):
		err = fmt.Errorf("%w: the chain has no batch %d of %s", ErrNotInBatch, inc.Epoch, b.Receipt.Payer)
	case a.Root != inc.Root || a.Count != inc.Count:
		err = fmt.Errorf("%w: batch %d on chain has root %s over %d receipts, the bundle says %s over %d",
			ErrNotInBatch, inc.Epoch, a.Root, a.Count, inc.Root, inc.Count)
	}
	v.judge(CheckBatchRoot, fmt.Sprintf("batch %d of %d receipts, root %s, settled by transaction %s in block %d",
		inc.Epoch, a.Count, a.Root, a.Tx, a.Block), err)
	err = nil
	if !VerifyProof(a.Root, inc.Index, a.Count, b.Receipt.Digest(b.Domain), inc.Proof) {
		err = fmt.Errorf("%w: the proof does not lead from receipt %d to root %s", ErrNotInBatch, inc.Index, a.Root)
	}
	v.judge(CheckInclusion, fmt.Sprintf("receipt %d of %d by %d hashes", inc.Index, a.Count, len(inc.Proof)), err)
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

// Failed returns the names of the checks that failed, in order.
func (r Report) Failed() []string {
	var names []string
	for _, c := range r.Checks {
		if !c.OK && c.Err != nil && !errors.Is(c.Err, ErrCannotCheck) {
			names = append(names, c.Name)
		}
	}
	return slices.Clip(names)
}
