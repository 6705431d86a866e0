package devchain

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/settlement"
)

// ---- stake

func (m *reference) stake(from common.Address, amount *big.Int) error {
	if amount.Sign() == 0 {
		return revert("ZeroAmount")
	}
	if less(maxHeld, amount) {
		return revert("SafeCastOverflowedUintDowncast", uint8(72), amount)
	}
	s := m.accountOf(from)
	s.bonded = add(s.bonded, amount)
	if less(maxHeld, s.bonded) {
		return overflow
	}
	m.accounts[from] = s
	m.emit("Staked", from, amount, s.bonded)
	return m.pull(from, m.params.Stake, amount)
}

func (m *reference) thawStake(from common.Address, amount *big.Int) error {
	s := m.accountOf(from)
	switch t := m.unstakes[from]; {
	case amount.Sign() == 0:
		return revert("ZeroAmount")
	case t.end != 0:
		return revert("AlreadyThawing", t.end)
	case less(s.bonded, amount):
		return revert("InsufficientStake", s.bonded, amount)
	}
	end := m.now + seconds(m.rules.StakeThaw)
	s.bonded = sub(s.bonded, amount)
	m.accounts[from], m.unstakes[from] = s, thawing{amount, end}
	m.emit("StakeThawStarted", from, amount, end)
	return nil
}

func (m *reference) cancelThawStake(from common.Address) error {
	t := m.unstakes[from]
	if t.end == 0 {
		return revert("NothingThawing")
	}
	s := m.accountOf(from)
	s.bonded = add(s.bonded, t.amount)
	m.accounts[from] = s
	delete(m.unstakes, from)
	m.emit("StakeThawCancelled", from, t.amount)
	return nil
}

func (m *reference) withdrawStake(from common.Address) error {
	t := m.unstakes[from]
	if t.end == 0 {
		return revert("NothingThawing")
	}
	if m.now < t.end {
		return revert("StillThawing", t.end)
	}
	delete(m.unstakes, from)
	m.emit("StakeWithdrawn", from, t.amount)
	return m.move(m.params.Stake, from, t.amount)
}

// ---- faults

// signed is a message with its signature, as evidence holds them.
type signed[M any] struct {
	message   M
	signature []byte
}

// signedBy checks that message index of a proof is the operator's.
func signedBy(index int64, digest common.Hash, signature []byte, operator common.Address) error {
	if by := recovered(digest, signature); by == (common.Address{}) || by != operator {
		return revert("NotSignedByOperator", big.NewInt(index), by)
	}
	return nil
}

func (m *reference) proveAdvertBreach(r signed[settlement.Receipt], a signed[settlement.Advert], bountyTo common.Address) (*big.Int, error) {
	receipt, advert := r.message, a.message
	digest, advertDigest := receipt.Digest(m.domain), advert.Digest(m.domain)
	if err := signedBy(0, digest, r.signature, receipt.Payee); err != nil {
		return nil, err
	}
	if err := signedBy(1, advertDigest, a.signature, receipt.Payee); err != nil {
		return nil, err
	}
	due := zero
	if receipt.ServedAt >= advert.ValidFrom && receipt.ServedAt <= advert.ValidTo {
		micro := add(mul(number(uint64(receipt.InputTokens)), number(advert.InputPerMTok)), mul(number(uint64(receipt.OutputTokens)), number(advert.OutputPerMTok)))
		rounded, rest := new(big.Int).DivMod(micro, big.NewInt(1_000_000), new(big.Int))
		if rest.Sign() > 0 {
			rounded = add(rounded, big.NewInt(1))
		}
		due = add(rounded, number(advert.PerRequest))
	}
	harm := sub(number(uint64(receipt.Amount)), due)
	if receipt.Advert != advertDigest || advert.Operator != receipt.Payee || harm.Sign() <= 0 {
		return nil, revert("NoFault")
	}
	return m.slash(settlement.AdvertBreach, digest, receipt.Payee, receipt.Payer, harm, bountyTo)
}

func (m *reference) proveOrderBreach(r signed[settlement.Receipt], order settlement.Order, bountyTo common.Address) (*big.Int, error) {
	receipt := r.message
	digest := receipt.Digest(m.domain)
	if err := signedBy(0, digest, r.signature, receipt.Payee); err != nil {
		return nil, err
	}
	due := zero
	if receipt.ServedAt <= order.Deadline && receipt.InputTokens <= order.MaxInputTokens && receipt.OutputTokens <= order.MaxOutputTokens {
		due = number(uint64(order.MaxAmount))
	}
	harm := sub(number(uint64(receipt.Amount)), due)
	if receipt.Request != order.Digest(m.domain) || harm.Sign() <= 0 {
		return nil, revert("NoFault")
	}
	return m.slash(settlement.OrderBreach, digest, receipt.Payee, receipt.Payer, harm, bountyTo)
}

func (m *reference) proveDoubleReceipt(a, b signed[settlement.Receipt], bountyTo common.Address) (*big.Int, error) {
	first, second := a.message, b.message
	if err := signedBy(0, first.Digest(m.domain), a.signature, first.Payee); err != nil {
		return nil, err
	}
	if err := signedBy(1, second.Digest(m.domain), b.signature, first.Payee); err != nil {
		return nil, err
	}
	if first.Request != second.Request || first.Payee != second.Payee || first == second {
		return nil, revert("NoFault")
	}
	larger := first
	if second.Amount > first.Amount {
		larger = second
	}
	key := crypto.Keccak256Hash(common.LeftPadBytes(first.Payee[:], 32), first.Request[:])
	return m.slash(settlement.DoubleReceipt, key, first.Payee, larger.Payer, number(uint64(larger.Amount)), bountyTo)
}

func (m *reference) proveAdvertEquivocation(a, b signed[settlement.Advert], bountyTo common.Address) (*big.Int, error) {
	first, second := a.message, b.message
	if err := signedBy(0, first.Digest(m.domain), a.signature, first.Operator); err != nil {
		return nil, err
	}
	if err := signedBy(1, second.Digest(m.domain), b.signature, first.Operator); err != nil {
		return nil, err
	}
	sameOffer := first.Operator == second.Operator && first.Node == second.Node && first.Model == second.Model &&
		first.Quantization == second.Quantization && first.Runtime == second.Runtime && first.Seq == second.Seq
	if !sameOffer || first == second {
		return nil, revert("NoFault")
	}
	return m.slash(settlement.AdvertEquivocation, first.OfferHash(), first.Operator, common.Address{}, zero, bountyTo)
}

// evidenceID is keccak256(abi.encode(fault, key)).
func evidenceID(fault settlement.Fault, key common.Hash) common.Hash {
	return crypto.Keccak256Hash(common.LeftPadBytes([]byte{byte(fault)}, 32), key[:])
}

func (m *reference) slash(fault settlement.Fault, key common.Hash, operator, payer common.Address, harm *big.Int, bountyTo common.Address) (*big.Int, error) {
	if bountyTo == (common.Address{}) {
		return nil, revert("InvalidRecipient", bountyTo)
	}
	id := evidenceID(fault, key)
	if m.punished[id] {
		return nil, revert("AlreadyPunished", id)
	}
	amount := least(most(mul(big.NewInt(10), harm), number(uint64(m.rules.MinPenalty))), m.slashable(operator))
	if amount.Sign() == 0 {
		return nil, revert("NothingToSlash")
	}
	m.punished[id] = true
	s := m.accountOf(operator)
	fromBonded := least(amount, s.bonded)
	s.bonded = sub(s.bonded, fromBonded)
	m.accounts[operator] = s
	if rest := sub(amount, fromBonded); rest.Sign() > 0 {
		t := m.unstakes[operator]
		m.unstakes[operator] = thawing{sub(t.amount, rest), t.end}
	}
	half, fifth := new(big.Int).Div(amount, big.NewInt(2)), new(big.Int).Div(amount, big.NewInt(5))
	toPayer := least(harm, half)
	bounty := least(fifth, sub(half, toPayer))
	m.owe(payer, toPayer)
	m.owe(bountyTo, bounty)
	m.emit("Slashed", operator, payer, id, uint8(fault), amount, toPayer, bountyTo, bounty)
	return amount, m.move(m.params.Stake, m.params.Settlement, add(toPayer, bounty))
}

func (m *reference) owe(account common.Address, amount *big.Int) {
	s := m.accountOf(account)
	s.claimable = add(s.claimable, amount)
	m.accounts[account] = s
}
