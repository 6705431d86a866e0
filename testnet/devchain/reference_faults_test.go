package devchain

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
)

// ---- stake

func (a *actors) stake() action {
	from := a.operator()
	amount := a.amount(big.NewInt(1 << 20))
	return a.atStake("stake", from, nothing(func(m *reference) error { return m.stake(from, amount) }), amount)
}

// staker is mostly one whose stake thaws when thaws is set.
func (a *actors) staker(thaws bool) common.Address {
	who := a.operator()
	for range 10 {
		if (a.m.unstakes[who].end != 0) == thaws {
			break
		}
		who = a.operator()
	}
	return who
}

func (a *actors) thawStake() action {
	from := a.staker(false)
	amount := a.part(a.m.accountOf(from).bonded)
	return a.atStake("thawStake", from, nothing(func(m *reference) error { return m.thawStake(from, amount) }), amount)
}

func (a *actors) cancelThawStake() action {
	from := a.staker(true)
	return a.atStake("cancelThawStake", from, nothing(func(m *reference) error { return m.cancelThawStake(from) }))
}

func (a *actors) withdrawStake() action {
	from := a.staker(true)
	return a.atStake("withdrawStake", from, nothing(func(m *reference) error { return m.withdrawStake(from) }))
}

// refused is what everybody but the settlement contract meets.
func refused(*reference) ([]any, error) { return nil, revert("OnlySettlement") }

func (a *actors) credit() action {
	return a.atStake("credit", pick(a, a.everybody()), refused, a.operator(), a.amount(zero))
}

func (a *actors) takeClaimable() action {
	return a.atStake("takeClaimable", pick(a, a.everybody()), refused, a.operator())
}

// ---- faults

func (a *actors) anAdvert(operator common.Address) settlement.Advert {
	return settlement.Advert{
		Operator: operator, Node: a.hash(), Model: "m", Quantization: "q8", Runtime: "r", TokenCounting: "model",
		InputPerMTok: a.Uint64N(5_000_000), OutputPerMTok: a.Uint64N(5_000_000), PerRequest: a.Uint64N(3),
		MaxContext: 8192, Seq: a.Uint64N(3), ValidFrom: a.m.now - 300, ValidTo: a.m.now + 300,
	}
}

func (a *actors) aReceipt(payer, operator common.Address) settlement.Receipt {
	return settlement.Receipt{
		Request: a.hash(), Payer: payer, Payee: operator, Advert: a.hash(), LaneSeq: a.Uint64N(9),
		InputTokens: a.Uint32N(30), OutputTokens: a.Uint32N(30), Amount: settlement.Amount(a.Uint64N(1 << a.IntN(14))),
		ServedAt: a.around(), RequestHash: a.hash(), ResponseHash: a.hash(), Decision: a.hash(),
	}
}

// bountyTo is mostly who sends the proof.
func (a *actors) bountyTo(from common.Address) common.Address {
	if a.rarely(30) {
		return common.Address{}
	}
	return from
}

// proof keeps an action to bring its evidence again later.
func (a *actors) proof(p action) action {
	a.evidence = append(a.evidence[max(0, len(a.evidence)-20):], p)
	return p
}

// again brings evidence that may have been punished.
func (a *actors) again() action {
	if len(a.evidence) == 0 {
		return a.stake()
	}
	return pick(a, a.evidence)
}

func (a *actors) advertBreach() action {
	operator, from := a.operator(), pick(a, a.everybody())
	advert := a.anAdvert(operator)
	receipt := a.aReceipt(a.payer(), operator)
	receipt.Advert = advert.Digest(a.m.domain)
	switch a.IntN(20) {
	case 0:
		receipt.Advert = a.hash()
	case 1: // of somebody else, signed by the operator all the same
		advert.Operator = a.operator()
		receipt.Advert = advert.Digest(a.m.domain)
	case 2:
		receipt.Amount = 0
	case 3, 4, 5, 6, 7: // the edges of validity
		receipt.ServedAt = []uint64{advert.ValidFrom - 1, advert.ValidFrom, advert.ValidTo, advert.ValidTo + 1}[a.IntN(4)]
	}
	r := signed[settlement.Receipt]{receipt, a.sign(operator, receipt.Digest(a.m.domain))}
	ad := signed[settlement.Advert]{advert, a.sign(operator, advert.Digest(a.m.domain))}
	to := a.bountyTo(from)
	return a.proof(a.atStake("proveAdvertBreach", from, paid(func(m *reference) (*big.Int, error) {
		return m.proveAdvertBreach(r, ad, to)
	}), wide[bindings.Receipt](receipt), r.signature, wide[bindings.Advert](advert), ad.signature, to))
}

func (a *actors) orderBreach() action {
	operator, from, payer := a.operator(), pick(a, a.everybody()), a.payer()
	receipt := a.aReceipt(payer, operator)
	order := settlement.Order{
		Payer: payer, Payee: operator, Advert: receipt.Advert, MaxInputTokens: 5 + a.Uint32N(30), MaxOutputTokens: 5 + a.Uint32N(30),
		MaxAmount: settlement.Amount(a.Uint64N(1 << a.IntN(14))), RequestHash: receipt.RequestHash, Decision: receipt.Decision,
		Nonce: a.hash(), Deadline: a.around(),
	}
	switch a.IntN(10) {
	case 0:
		order.Deadline = receipt.ServedAt
	case 1:
		order.MaxInputTokens, order.MaxOutputTokens = receipt.InputTokens, receipt.OutputTokens
	case 2:
		order.MaxAmount = receipt.Amount
	}
	if !a.rarely(20) {
		receipt.Request = order.Digest(a.m.domain)
	}
	r := signed[settlement.Receipt]{receipt, a.sign(operator, receipt.Digest(a.m.domain))}
	to := a.bountyTo(from)
	return a.proof(a.atStake("proveOrderBreach", from, paid(func(m *reference) (*big.Int, error) {
		return m.proveOrderBreach(r, order, to)
	}), wide[bindings.Receipt](receipt), r.signature, wide[bindings.Order](order), to))
}

func (a *actors) doubleReceipt() action {
	operator, from := a.operator(), pick(a, a.everybody())
	first := a.aReceipt(a.payer(), operator)
	second := first
	second.Amount, second.Payer = settlement.Amount(a.Uint64N(1<<a.IntN(14))), a.payer()
	switch a.IntN(20) {
	case 0:
		second = first
	case 1:
		second.Request = a.hash()
	case 2:
		second.Payee = a.operator()
	case 3: // only hashes differ
		second = first
		second.ResponseHash = a.hash()
	}
	x := signed[settlement.Receipt]{first, a.sign(operator, first.Digest(a.m.domain))}
	y := signed[settlement.Receipt]{second, a.sign(operator, second.Digest(a.m.domain))}
	to := a.bountyTo(from)
	return a.proof(a.atStake("proveDoubleReceipt", from, paid(func(m *reference) (*big.Int, error) {
		return m.proveDoubleReceipt(x, y, to)
	}), wide[bindings.Receipt](first), x.signature, wide[bindings.Receipt](second), y.signature, to))
}

func (a *actors) equivocation() action {
	operator, from := a.operator(), pick(a, a.everybody())
	first := a.anAdvert(operator)
	second := first
	second.PerRequest++
	switch a.IntN(20) {
	case 0:
		second = first
	case 1:
		second.Seq++
	case 2:
		second.Model = "n"
	case 3:
		second.Node = a.hash()
	case 4:
		second.Operator = a.operator()
	case 5:
		second.Quantization = "q4"
	case 6:
		second.Runtime = "s"
	}
	x := signed[settlement.Advert]{first, a.sign(operator, first.Digest(a.m.domain))}
	y := signed[settlement.Advert]{second, a.sign(operator, second.Digest(a.m.domain))}
	to := a.bountyTo(from)
	return a.proof(a.atStake("proveAdvertEquivocation", from, paid(func(m *reference) (*big.Int, error) {
		return m.proveAdvertEquivocation(x, y, to)
	}), wide[bindings.Advert](first), x.signature, wide[bindings.Advert](second), y.signature, to))
}
