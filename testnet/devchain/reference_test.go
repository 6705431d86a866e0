package devchain

import (
	"maps"
	"math/big"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// lane is the escrow of one payer towards one payee.
type lane struct{ payer, payee common.Address }

type escrow struct{ balance, collected *big.Int }

type thawing struct {
	amount *big.Int
	end    uint64 // 0: nothing thaws
}

type signerBinding struct {
	payer   common.Address
	thawEnd uint64
}

type stakeAccount struct {
	bonded, claimable, paid *big.Int
	epoch                   uint64 // in which paid was paid
}

// reference is the two contracts as their interfaces describe them, in big integers without any packing.
// Numbers are never changed in place, so that a copy of the maps is a copy of the state.
type reference struct {
	params Deployment
	rules  Params
	domain settlement.Domain
	now    uint64

	tokens   map[common.Address]*big.Int
	lanes    map[lane]escrow
	thaws    map[lane]thawing
	signers  map[common.Address]signerBinding
	epochs   map[common.Address]uint64 // batches settled
	accounts map[common.Address]stakeAccount
	unstakes map[common.Address]thawing
	punished map[common.Hash]bool

	events []event // of the running action
}

func newReference(d Deployment, p Params) *reference {
	return &reference{
		params: d, rules: p, domain: settlement.Domain{ChainID: ChainID, Contract: d.Settlement},
		tokens: make(map[common.Address]*big.Int), lanes: make(map[lane]escrow), thaws: make(map[lane]thawing),
		signers: make(map[common.Address]signerBinding), epochs: make(map[common.Address]uint64),
		accounts: make(map[common.Address]stakeAccount), unstakes: make(map[common.Address]thawing),
		punished: make(map[common.Hash]bool),
	}
}

// do runs an action and undoes it when it reverts.
func (m *reference) do(action func(*reference) ([]any, error)) ([]any, error) {
	before := *m
	before.tokens, before.lanes, before.thaws = maps.Clone(m.tokens), maps.Clone(m.lanes), maps.Clone(m.thaws)
	before.signers, before.epochs = maps.Clone(m.signers), maps.Clone(m.epochs)
	before.accounts, before.unstakes = maps.Clone(m.accounts), maps.Clone(m.unstakes)
	before.punished = maps.Clone(m.punished)
	m.events = nil
	returned, err := action(m)
	if err != nil {
		*m = before
		m.events = nil
	}
	return returned, err
}

var (
	zero     = new(big.Int)
	maxHeld  = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 72), big.NewInt(1))
	max128   = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1))
	overflow = revert("Panic", big.NewInt(0x11))
)

func add(a, b *big.Int) *big.Int   { return new(big.Int).Add(a, b) }
func sub(a, b *big.Int) *big.Int   { return new(big.Int).Sub(a, b) }
func mul(a, b *big.Int) *big.Int   { return new(big.Int).Mul(a, b) }
func less(a, b *big.Int) bool      { return a.Cmp(b) < 0 }
func number(n uint64) *big.Int     { return new(big.Int).SetUint64(n) }
func atLeast0(n *big.Int) *big.Int { return most(n, zero) }

// orZero reads a field that may never have been set.
func orZero(n *big.Int) *big.Int {
	if n == nil {
		return zero
	}
	return n
}

func least(a, b *big.Int) *big.Int {
	if less(b, a) {
		return b
	}
	return a
}

func most(a, b *big.Int) *big.Int {
	if less(a, b) {
		return b
	}
	return a
}

func (m *reference) tokensOf(a common.Address) *big.Int { return orZero(m.tokens[a]) }

func (m *reference) laneOf(l lane) escrow {
	e := m.lanes[l]
	return escrow{orZero(e.balance), orZero(e.collected)}
}

func (m *reference) accountOf(a common.Address) stakeAccount {
	s := m.accounts[a]
	return stakeAccount{orZero(s.bonded), orZero(s.claimable), orZero(s.paid), s.epoch}
}

func (m *reference) slashable(operator common.Address) *big.Int {
	return add(m.accountOf(operator).bonded, orZero(m.unstakes[operator].amount))
}

func (m *reference) epoch() uint64 { return m.now / seconds(m.rules.Epoch) }

func (m *reference) room(operator common.Address) *big.Int {
	s := m.accountOf(operator)
	if s.epoch != m.epoch() {
		return s.bonded
	}
	return atLeast0(sub(s.bonded, s.paid))
}

func (m *reference) move(from, to common.Address, amount *big.Int) error {
	if have := m.tokensOf(from); less(have, amount) {
		return revert("ERC20InsufficientBalance", from, have, amount)
	}
	m.tokens[from] = sub(m.tokensOf(from), amount)
	m.tokens[to] = add(m.tokensOf(to), amount)
	return nil
}

func (m *reference) pull(from, contract common.Address, amount *big.Int) error {
	if err := m.move(from, contract, amount); err != nil {
		return err
	}
	if held := m.tokensOf(contract); less(maxHeld, held) {
		return revert("TooManyTokensHeld", held)
	}
	return nil
}

// ---- escrow

func (m *reference) addEscrow(from, payee common.Address, amount *big.Int) error {
	if amount.Sign() == 0 {
		return revert("ZeroAmount")
	}
	if payee == (common.Address{}) || payee == m.params.Settlement {
		return revert("InvalidRecipient", payee)
	}
	l := lane{from, payee}
	e := m.laneOf(l)
	if t := m.thaws[l]; t.end != 0 {
		m.thaws[l] = thawing{least(t.amount, e.balance), t.end}
	}
	e.balance = add(e.balance, amount)
	if less(max128, e.balance) {
		return overflow
	}
	m.lanes[l] = e
	m.emit("Deposited", from, payee, amount)
	return nil
}

func (m *reference) deposit(from, payee common.Address, amount *big.Int) error {
	if err := m.addEscrow(from, payee, amount); err != nil {
		return err
	}
	return m.pull(from, m.params.Settlement, amount)
}

func (m *reference) depositMany(from common.Address, payees []common.Address, amounts []*big.Int) error {
	if len(payees) != len(amounts) {
		return revert("LengthMismatch", big.NewInt(int64(len(payees))), big.NewInt(int64(len(amounts))))
	}
	total := zero
	for i := range payees {
		if err := m.addEscrow(from, payees[i], amounts[i]); err != nil {
			return err
		}
		total = add(total, amounts[i])
	}
	if total.Sign() == 0 {
		return revert("ZeroAmount")
	}
	return m.pull(from, m.params.Settlement, total)
}

func (m *reference) thaw(from, payee common.Address, amount *big.Int) error {
	l := lane{from, payee}
	switch t, balance := m.thaws[l], m.laneOf(l).balance; {
	case amount.Sign() == 0:
		return revert("ZeroAmount")
	case t.end != 0:
		return revert("AlreadyThawing", t.end)
	case less(balance, amount):
		return revert("InsufficientBalance", balance, amount)
	}
	end := m.now + seconds(m.rules.LaneThaw)
	m.thaws[l] = thawing{amount, end}
	m.emit("ThawStarted", from, payee, amount, end)
	return nil
}

func (m *reference) cancelThaw(from, payee common.Address) error {
	if m.thaws[lane{from, payee}].end == 0 {
		return revert("NothingThawing")
	}
	delete(m.thaws, lane{from, payee})
	m.emit("ThawCancelled", from, payee)
	return nil
}

func (m *reference) withdraw(from, payee common.Address) error {
	l := lane{from, payee}
	t := m.thaws[l]
	if t.end == 0 {
		return revert("NothingThawing")
	}
	if m.now < t.end {
		return revert("StillThawing", t.end)
	}
	delete(m.thaws, l)
	e := m.laneOf(l)
	amount := least(t.amount, e.balance)
	m.lanes[l] = escrow{sub(e.balance, amount), e.collected}
	m.emit("Withdrawn", from, payee, amount)
	return m.move(m.params.Settlement, from, amount)
}

// ---- signers

func (m *reference) revoked(s signerBinding) bool { return s.thawEnd != 0 && m.now >= s.thawEnd }

func (m *reference) authorizeSigner(from, signer common.Address, deadline uint64, proof []byte) error {
	if m.now > deadline {
		return revert("AuthorizationExpired", deadline)
	}
	if bound := m.signers[signer].payer; bound != (common.Address{}) {
		return revert("SignerAlreadyBound", signer, bound)
	}
	message := settlement.SignerAuthorization{Payer: from, Signer: signer, Deadline: deadline}
	if by := recovered(message.Digest(m.domain), proof); by != signer || by == (common.Address{}) {
		return revert("InvalidSigner", by, signer)
	}
	m.signers[signer] = signerBinding{payer: from}
	m.emit("SignerAuthorized", from, signer)
	return nil
}

func (m *reference) thawSigner(from, signer common.Address) error {
	s := m.signers[signer]
	if s.payer != from || m.revoked(s) {
		return revert("NotYourSigner", signer)
	}
	if s.thawEnd != 0 {
		return revert("AlreadyThawing", s.thawEnd)
	}
	s.thawEnd = m.now + seconds(m.rules.LaneThaw)
	m.signers[signer] = s
	m.emit("SignerThawStarted", from, signer, s.thawEnd)
	return nil
}

func (m *reference) cancelThawSigner(from, signer common.Address) error {
	s := m.signers[signer]
	if s.payer != from || m.revoked(s) {
		return revert("NotYourSigner", signer)
	}
	if s.thawEnd == 0 {
		return revert("NothingThawing")
	}
	m.signers[signer] = signerBinding{payer: from}
	m.emit("SignerThawCancelled", from, signer)
	return nil
}

func (m *reference) checkSigner(digest common.Hash, signature []byte, payer common.Address) error {
	by := recovered(digest, signature)
	s := m.signers[by]
	if by == (common.Address{}) || by != payer && (s.payer != payer || m.revoked(s)) {
		return revert("InvalidSigner", by, payer)
	}
	return nil
}

// ---- settlement

func (m *reference) settle(l lane, total *big.Int) *big.Int {
	e := m.laneOf(l)
	owed := sub(total, e.collected)
	if owed.Sign() <= 0 {
		return zero
	}
	paid := least(least(owed, e.balance), m.room(l.payee))
	if paid.Sign() > 0 {
		m.lanes[l] = escrow{sub(e.balance, paid), add(e.collected, paid)}
		s := m.accountOf(l.payee)
		if s.epoch != m.epoch() {
			s.paid, s.epoch = zero, m.epoch()
		}
		s.paid, s.claimable = add(s.paid, paid), add(s.claimable, paid)
		m.accounts[l.payee] = s
	}
	m.emit("Settled", l.payer, l.payee, paid, sub(owed, paid), total)
	return paid
}

func (m *reference) settleVoucher(v settlement.Voucher, signature []byte) (*big.Int, error) {
	if err := m.checkSigner(v.Digest(m.domain), signature, v.Payer); err != nil {
		return nil, err
	}
	return m.settle(lane{v.Payer, v.Payee}, number(uint64(v.ValueAggregate))), nil
}

func (m *reference) settleBatch(from common.Address, b settlement.Batch, signature []byte) (*big.Int, error) {
	if from != b.Payer {
		if err := m.checkSigner(b.Digest(m.domain), signature, b.Payer); err != nil {
			return nil, err
		}
	}
	next := m.epochs[b.Payer] + 1
	if b.Epoch != next {
		return nil, revert("EpochMismatch", next, b.Epoch)
	}
	if b.ReceiptCount == 0 || b.ReceiptsRoot == (common.Hash{}) || len(b.Lanes) == 0 {
		return nil, revert("EmptyBatch")
	}
	m.epochs[b.Payer] = next
	paid, last := zero, common.Address{}
	for i, l := range b.Lanes {
		if l.Payee.Cmp(last) <= 0 {
			return nil, revert("LanesNotSorted", big.NewInt(int64(i)))
		}
		last = l.Payee
		paid = add(paid, m.settle(lane{b.Payer, l.Payee}, number(uint64(l.ValueAggregate))))
	}
	m.emit("BatchSettled", b.Payer, next, b.ReceiptsRoot, b.ReceiptCount, paid)
	return paid, nil
}

func (m *reference) claim(from, to common.Address) error {
	if to == (common.Address{}) || to == m.params.Settlement {
		return revert("InvalidRecipient", to)
	}
	s := m.accountOf(from)
	if s.claimable.Sign() == 0 {
		return revert("NothingToClaim")
	}
	amount := s.claimable
	s.claimable = zero
	m.accounts[from] = s
	m.emit("Claimed", from, to, amount)
	return m.move(m.params.Settlement, to, amount)
}
