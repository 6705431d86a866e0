package ethchain_test

import (
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// contradiction is an operator with 100 USD of stake and the messages that it may contradict itself with. Its honest
// charge for 300 + 120 tokens is 42 base units.
type contradiction struct {
	*world
	advert  settlement.Advert
	order   settlement.Order
	receipt settlement.Receipt
}

func newContradiction(t *testing.T) *contradiction {
	t.Helper()
	w := newWorld(t, gap)
	must(t, w.as(t, w.op1).AddStake(deadline(t), 100*usd))
	now := uint64(time.Now().Unix())
	payer, payee := ethchain.AddressOf(w.gateway), ethchain.AddressOf(w.op1)
	c := &contradiction{world: w}
	c.advert = settlement.Advert{
		Operator: payee, Node: common.Hash{1}, Model: "llama-3.1-8b-instruct", Quantization: "q4_k_m", Runtime: "llama.cpp",
		TokenCounting: "runtime", InputPerMTok: 100_000, OutputPerMTok: 100_000, MaxContext: 8192, Seq: 7, ValidFrom: now, ValidTo: now + 600,
	}
	c.order = settlement.Order{
		Payer: payer, Payee: payee, Advert: c.advert.Digest(w.domain()), MaxInputTokens: 500, MaxOutputTokens: 500, MaxAmount: 100,
		RequestHash: common.Hash{2}, Decision: common.Hash{3}, Nonce: common.Hash{4}, Deadline: now + 300,
	}
	c.receipt = settlement.Receipt{
		Request: c.order.Digest(w.domain()), Payer: payer, Payee: payee, Advert: c.order.Advert, LaneSeq: 1, InputTokens: 300, OutputTokens: 120,
		Amount: 42, ServedAt: now + 60, RequestHash: common.Hash{2}, ResponseHash: common.Hash{5}, Decision: common.Hash{3},
	}
	return c
}

func (c *contradiction) signed(t *testing.T, change func(*settlement.Receipt)) settlement.SignedReceipt {
	t.Helper()
	r := c.receipt
	change(&r)
	return settlement.SignedReceipt{Receipt: r, Sig: sign(t, c.op1, r.Digest(c.domain()))}
}

func (c *contradiction) signedAdvert(t *testing.T, change func(*settlement.Advert)) settlement.SignedAdvert {
	t.Helper()
	a := c.advert
	change(&a)
	return settlement.SignedAdvert{Advert: a, Sig: sign(t, c.op1, a.Digest(c.domain()))}
}

func same[T any](*T) {}

// faults are one of each kind that the contract punishes, and what the payer is repaid.
func (c *contradiction) faults(t *testing.T) map[string]struct {
	evidence settlement.Evidence
	harm     settlement.Amount
} {
	receipts := func(rs ...settlement.SignedReceipt) []settlement.SignedReceipt { return rs }
	adverts := func(as ...settlement.SignedAdvert) []settlement.SignedAdvert { return as }
	early := uint64(c.advert.ValidFrom - 1)
	type fault = struct {
		evidence settlement.Evidence
		harm     settlement.Amount
	}
	breach := func(change func(*settlement.Receipt)) settlement.Evidence {
		return settlement.Evidence{Fault: settlement.AdvertBreach, Receipts: receipts(c.signed(t, change)), Adverts: adverts(c.signedAdvert(t, same))}
	}
	order := func(change func(*settlement.Receipt)) settlement.Evidence {
		return settlement.Evidence{Fault: settlement.OrderBreach, Receipts: receipts(c.signed(t, change)), Order: &c.order}
	}
	return map[string]fault{
		"above the price":          {breach(func(r *settlement.Receipt) { r.Amount += 1000 }), 1000},
		"before the price":         {breach(func(r *settlement.Receipt) { r.ServedAt = early }), 42},
		"above the order's amount": {order(func(r *settlement.Receipt) { r.Amount = 130 }), 30},
		"above the order's tokens": {order(func(r *settlement.Receipt) { r.OutputTokens = 501 }), 42},
		"after the order":          {order(func(r *settlement.Receipt) { r.ServedAt = c.order.Deadline + 1 }), 42},
		"two receipts": {settlement.Evidence{Fault: settlement.DoubleReceipt,
			Receipts: receipts(c.signed(t, same), c.signed(t, func(r *settlement.Receipt) { r.Amount = 99 }))}, 99},
		"two prices": {settlement.Evidence{Fault: settlement.AdvertEquivocation,
			Adverts: adverts(c.signedAdvert(t, same), c.signedAdvert(t, func(a *settlement.Advert) { a.InputPerMTok++ }))}, 0},
	}
}

// Each kind of fault costs the operator the least penalty here, repays the payer first, pays the reporter a fifth, and is
// punished once. Go's ids are the contract's.
func TestFaultsArePunished(t *testing.T) {
	c, ctx := newContradiction(t), deadline(t)
	reporter, payer := c.as(t, c.nobody), ethchain.AddressOf(c.gateway)
	bountyTo := crypto.CreateAddress(payer, 99)
	left := 100 * usd
	var repaid, bounties settlement.Amount
	for name, fault := range c.faults(t) {
		t.Run(name, func(t *testing.T) {
			d, err := settlement.BringEvidence(ctx, reporter, c.domain(), fault.evidence, bountyTo)
			must(t, err)
			left, repaid, bounties = left-usd, repaid+fault.harm, bounties+usd/5
			if d.Harm != fault.harm || d.Slashed != usd {
				t.Errorf("dispute %+v, want harm %v and a penalty of %v", d, fault.harm, usd)
			}
			stake, err := reporter.Stake(ctx, c.advert.Operator)
			must(t, err)
			if stake.Amount != left {
				t.Errorf("stake is %v, want %v", stake.Amount, left)
			}
			checkClaimable(t, reporter, payer, repaid)
			checkClaimable(t, reporter, bountyTo, bounties)
			_, err = reporter.SubmitEvidence(ctx, fault.evidence, bountyTo)
			wantErr(t, err, ethchain.ErrAlreadyPunished)
		})
	}
	gateway := c.as(t, c.gateway)
	must(t, gateway.Claim(ctx, payer)) // the tokens are there
}

// What proves nothing is not sent, and an operator that has nothing cannot lose it.
func TestEvidenceThatIsRefused(t *testing.T) {
	c, ctx := newContradiction(t), deadline(t)
	reporter := c.as(t, c.nobody)
	honest := settlement.Evidence{Fault: settlement.AdvertBreach,
		Receipts: []settlement.SignedReceipt{c.signed(t, same)}, Adverts: []settlement.SignedAdvert{c.signedAdvert(t, same)}}
	_, err := reporter.SubmitEvidence(ctx, honest, reporter.Account())
	wantErr(t, err, settlement.ErrNoFault)

	forged := c.faults(t)["above the price"].evidence
	forged.Receipts[0].Sig = sign(t, c.gateway, forged.Receipts[0].Receipt.Digest(c.domain()))
	_, err = reporter.SubmitEvidence(ctx, forged, reporter.Account())
	wantErr(t, err, settlement.ErrBadSignature)

	r := c.receipt
	r.Payee, r.Amount = ethchain.AddressOf(c.op2), 1_000_000
	o := c.order
	o.Payee = r.Payee
	r.Request = o.Digest(c.domain())
	unstaked := settlement.Evidence{Fault: settlement.OrderBreach, Order: &o,
		Receipts: []settlement.SignedReceipt{{Receipt: r, Sig: sign(t, c.op2, r.Digest(c.domain()))}}}
	_, err = reporter.SubmitEvidence(ctx, unstaked, reporter.Account())
	wantErr(t, err, ethchain.ErrNothingToSlash)
}

// A penalty is ten times the harm, and at most all stake, thawing stake included.
func TestPenaltyGrowsWithTheHarm(t *testing.T) {
	c, ctx := newContradiction(t), deadline(t)
	op, reporter := c.as(t, c.op1), c.as(t, c.nobody)
	must(t, op.ThawStake(ctx, 60*usd))
	over := func(by settlement.Amount) settlement.Evidence {
		return settlement.Evidence{Fault: settlement.AdvertBreach, Adverts: []settlement.SignedAdvert{c.signedAdvert(t, same)},
			Receipts: []settlement.SignedReceipt{c.signed(t, func(r *settlement.Receipt) { r.Amount += by })}}
	}
	d, err := settlement.BringEvidence(ctx, reporter, c.domain(), over(5*usd), reporter.Account())
	must(t, err)
	if d.Slashed != 50*usd {
		t.Fatalf("slashed %v for a harm of %v", d.Slashed, d.Harm)
	}
	d, err = settlement.BringEvidence(ctx, reporter, c.domain(), over(30*usd), reporter.Account())
	must(t, err)
	if d.Slashed != 50*usd { // all that was left; half of it is less than the harm
		t.Fatalf("slashed %v for a harm of %v", d.Slashed, d.Harm)
	}
	checkClaimable(t, reporter, ethchain.AddressOf(c.gateway), 5*usd+25*usd)
	checkClaimable(t, reporter, reporter.Account(), 10*usd) // a fifth of the first; nothing was left of half the second
	stake, err := op.Stake(ctx, op.Account())
	must(t, err)
	if stake.Amount != 0 {
		t.Fatalf("stake is %v, want none", stake.Amount)
	}
}
