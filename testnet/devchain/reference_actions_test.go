package devchain

import (
	"crypto/ecdsa"
	"encoding/binary"
	"math/big"
	"math/rand/v2"
	"slices"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
)

const (
	payers    = 5
	operators = 5
)

// action is one call of a contract by somebody, and what the reference does for it.
type action struct {
	name string
	from *ecdsa.PrivateKey
	to   common.Address
	abi  abi.ABI
	args []any
	do   func(*reference) ([]any, error)
}

// actors draws random actions. Most of them make sense where the reference stands; the rest are wrong in one way.
type actors struct {
	*rand.Rand
	m    *reference
	keys map[common.Address]*ecdsa.PrivateKey

	payers, operators []common.Address
	signers           []common.Address // every signer that was ever proposed, the newest last
	evidence          []action         // the last proofs, to be brought again
	serial            uint64           // makes messages differ
}

func newActors(r *rand.Rand) *actors {
	a := &actors{Rand: r, keys: make(map[common.Address]*ecdsa.PrivateKey)}
	for range payers {
		a.payers = append(a.payers, a.newKey())
	}
	for range operators {
		a.operators = append(a.operators, a.newKey())
	}
	return a
}

// newKey makes the next key; which one follows from how many there were.
func (a *actors) newKey() common.Address {
	key, err := crypto.ToECDSA(crypto.Keccak256(binary.BigEndian.AppendUint64([]byte("reference"), uint64(len(a.keys)))))
	if err != nil {
		panic(err)
	}
	account := crypto.PubkeyToAddress(key.PublicKey)
	a.keys[account] = key
	return account
}

func (a *actors) everybody() []common.Address { return slices.Concat(a.payers, a.operators) }

func pick[T any](a *actors, list []T) T { return list[a.IntN(len(list))] }

// rarely is true once in n.
func (a *actors) rarely(n int) bool { return a.IntN(n) == 0 }

func (a *actors) payer() common.Address {
	if a.rarely(20) {
		return pick(a, a.operators)
	}
	return pick(a, a.payers)
}

func (a *actors) operator() common.Address {
	if a.rarely(20) {
		return pick(a, a.payers)
	}
	return pick(a, a.operators)
}

// amount is mostly small, sometimes zero, sometimes beyond what the contracts hold, sometimes all of it.
func (a *actors) amount(all *big.Int) *big.Int {
	switch a.IntN(40) {
	case 0:
		return zero
	case 1:
		return new(big.Int).Lsh(big.NewInt(1), uint(71+a.IntN(57)))
	case 2:
		return max128
	case 3, 4, 5:
		return least(all, max128) // who has been paid by others may have more, which no call can name
	default:
		return number(1 + a.Uint64N(1<<(4+a.IntN(14))))
	}
}

// part is mostly at most all.
func (a *actors) part(all *big.Int) *big.Int {
	if all.Sign() == 0 || a.rarely(8) {
		return a.amount(all)
	}
	return add(big.NewInt(1), number(a.Uint64N(least(all, number(1<<62)).Uint64())))
}

// recipient is mostly who, sometimes nobody or a contract.
func (a *actors) recipient(who common.Address) common.Address {
	switch a.IntN(40) {
	case 0:
		return common.Address{}
	case 1:
		return a.m.params.Settlement
	default:
		return who
	}
}

// sign signs for who, or makes a signature that counts for nothing.
func (a *actors) sign(who common.Address, digest common.Hash) []byte {
	if a.rarely(25) {
		who = pick(a, a.everybody())
	}
	sig, err := crypto.Sign(digest[:], a.keys[who])
	if err != nil {
		panic(err)
	}
	sig[64] += 27
	switch a.IntN(60) {
	case 0:
		return sig[:64]
	case 1:
		sig[64] += 2
	case 2: // the other s that elliptic curves allow
		s := new(big.Int).Sub(crypto.S256().Params().N, new(big.Int).SetBytes(sig[32:64]))
		s.FillBytes(sig[32:64])
		sig[64] = 27 + 28 - sig[64]
	case 3:
		sig[a.IntN(64)] ^= 1
	}
	return sig
}

// hash draws a digest that no other message has.
func (a *actors) hash() common.Hash {
	a.serial++
	return crypto.Keccak256Hash(binary.BigEndian.AppendUint64(nil, a.serial))
}

// around is a second near the chain's time.
func (a *actors) around() uint64 { return a.m.now - 600 + a.Uint64N(1200) }

func (a *actors) settle(name string, from common.Address, do func(*reference) ([]any, error), args ...any) action {
	return action{name: name, from: a.keys[from], to: a.m.params.Settlement, abi: settlementABI, args: args, do: do}
}

func (a *actors) atStake(name string, from common.Address, do func(*reference) ([]any, error), args ...any) action {
	return action{name: name, from: a.keys[from], to: a.m.params.Stake, abi: stakeABI, args: args, do: do}
}

// nothing adapts an action without a result.
func nothing(do func(m *reference) error) func(*reference) ([]any, error) {
	return func(m *reference) ([]any, error) { return nil, do(m) }
}

// paid adapts an action with a sum as its result.
func paid(do func(m *reference) (*big.Int, error)) func(*reference) ([]any, error) {
	return func(m *reference) ([]any, error) {
		sum, err := do(m)
		return []any{sum}, err
	}
}

// next draws one action.
func (a *actors) next() action {
	choices := []struct {
		weight int
		draw   func() action
	}{
		{10, a.deposit}, {4, a.depositMany}, {5, a.thaw}, {2, a.cancelThaw}, {5, a.withdraw},
		{5, a.authorizeSigner}, {4, a.thawSigner}, {3, a.cancelThawSigner},
		{20, a.settleVoucher}, {14, a.settleBatch}, {6, a.claim},
		{12, a.stake}, {4, a.thawStake}, {2, a.cancelThawStake}, {4, a.withdrawStake}, {1, a.credit}, {1, a.takeClaimable},
		{4, a.advertBreach}, {4, a.orderBreach}, {4, a.doubleReceipt}, {4, a.equivocation}, {2, a.again},
	}
	total := 0
	for _, c := range choices {
		total += c.weight
	}
	n := a.IntN(total)
	for _, c := range choices {
		if n -= c.weight; n < 0 {
			return c.draw()
		}
	}
	panic("weights do not add up")
}

// ---- escrow

func (a *actors) deposit() action {
	from, payee := a.payer(), a.recipient(a.operator())
	amount := a.amount(a.m.tokensOf(from))
	return a.settle("deposit", from, nothing(func(m *reference) error { return m.deposit(from, payee, amount) }), payee, amount)
}

func (a *actors) depositMany() action {
	from := a.payer()
	payees, amounts := make([]common.Address, a.IntN(4)), make([]*big.Int, 0)
	for i := range payees {
		payees[i] = a.recipient(a.operator())
		amounts = append(amounts, a.amount(big.NewInt(1000)))
	}
	if a.rarely(20) {
		amounts = append(amounts, big.NewInt(1))
	}
	return a.settle("depositMany", from, nothing(func(m *reference) error { return m.depositMany(from, payees, amounts) }), payees, amounts)
}

// someLane is mostly one that thaws when thaws is set.
func (a *actors) someLane(thaws bool) lane {
	l := lane{a.payer(), a.operator()}
	for range 20 {
		if (a.m.thaws[l].end != 0) == thaws && a.m.laneOf(l).balance.Sign() > 0 || a.rarely(30) {
			break
		}
		l = lane{a.payer(), a.operator()}
	}
	return l
}

func (a *actors) thaw() action {
	l := a.someLane(false)
	amount := a.part(a.m.laneOf(l).balance)
	return a.settle("thaw", l.payer, nothing(func(m *reference) error { return m.thaw(l.payer, l.payee, amount) }), l.payee, amount)
}

func (a *actors) cancelThaw() action {
	l := a.someLane(true)
	return a.settle("cancelThaw", l.payer, nothing(func(m *reference) error { return m.cancelThaw(l.payer, l.payee) }), l.payee)
}

func (a *actors) withdraw() action {
	l := a.someLane(true)
	return a.settle("withdraw", l.payer, nothing(func(m *reference) error { return m.withdraw(l.payer, l.payee) }), l.payee)
}

// ---- signers

func (a *actors) authorizeSigner() action {
	from := a.payer()
	var signer common.Address
	if len(a.signers) > 0 && a.rarely(4) {
		signer = pick(a, a.signers)
	} else {
		signer = a.newKey()
		a.signers = append(a.signers, signer)
	}
	deadline := a.m.now + a.Uint64N(600)
	if a.rarely(12) {
		deadline = a.m.now - a.Uint64N(3)
	}
	message := settlement.SignerAuthorization{Payer: from, Signer: signer, Deadline: deadline}
	proof := a.sign(signer, message.Digest(a.m.domain))
	return a.settle("authorizeSigner", from, nothing(func(m *reference) error {
		return m.authorizeSigner(from, signer, deadline, proof)
	}), signer, deadline, proof)
}

// someSigner is a recent one with its payer, who mostly calls; thaws says which kind to prefer.
func (a *actors) someSigner(thaws bool) (from, signer common.Address) {
	from, signer = a.payer(), pick(a, a.payers)
	for range 20 {
		if len(a.signers) == 0 || a.rarely(30) {
			return from, signer
		}
		signer = pick(a, a.signers[max(0, len(a.signers)-12):])
		if s := a.m.signers[signer]; s.payer != (common.Address{}) && (s.thawEnd != 0) == thaws && (!a.m.revoked(s) || a.rarely(10)) {
			return s.payer, signer
		}
	}
	return from, signer
}

func (a *actors) thawSigner() action {
	from, signer := a.someSigner(false)
	return a.settle("thawSigner", from, nothing(func(m *reference) error { return m.thawSigner(from, signer) }), signer)
}

func (a *actors) cancelThawSigner() action {
	from, signer := a.someSigner(true)
	return a.settle("cancelThawSigner", from, nothing(func(m *reference) error { return m.cancelThawSigner(from, signer) }), signer)
}

// ---- settlement

// signFor signs a payer's message with its key or with one of its signers, revoked ones too.
func (a *actors) signFor(payer common.Address, digest common.Hash) []byte {
	for _, signer := range a.signers[max(0, len(a.signers)-12):] {
		if s := a.m.signers[signer]; s.payer == payer && a.rarely(2) && (!a.m.revoked(s) || a.rarely(10)) {
			return a.sign(signer, digest)
		}
	}
	return a.sign(payer, digest)
}

// total is a running total near what the lane has paid, mostly more.
func (a *actors) total(l lane) settlement.Amount {
	collected := least(a.m.laneOf(l).collected, number(1<<63)).Uint64()
	if a.rarely(10) {
		return settlement.Amount(a.Uint64N(collected + 1))
	}
	return settlement.Amount(collected + a.Uint64N(1<<(4+a.IntN(14))))
}

func (a *actors) settleVoucher() action {
	l := lane{a.payer(), a.operator()}
	v := settlement.Voucher{Payer: l.payer, Payee: l.payee, ValueAggregate: a.total(l), ReceiptCount: a.Uint64N(100)}
	signature := a.signFor(l.payer, v.Digest(a.m.domain))
	return a.settle("settleVoucher", pick(a, a.everybody()), paid(func(m *reference) (*big.Int, error) {
		return m.settleVoucher(v, signature)
	}), wide[bindings.Voucher](v), signature)
}

func (a *actors) settleBatch() action {
	payer := a.payer()
	b := settlement.Batch{Payer: payer, Epoch: a.m.epochs[payer] + 1, ReceiptCount: 1 + a.Uint32N(1000), ReceiptsRoot: a.hash()}
	for _, payee := range a.operators {
		if a.rarely(2) {
			b.Lanes = append(b.Lanes, settlement.LaneTotal{Payee: payee, ValueAggregate: a.total(lane{payer, payee})})
		}
	}
	slices.SortFunc(b.Lanes, func(x, y settlement.LaneTotal) int { return x.Payee.Cmp(y.Payee) })
	switch n := len(b.Lanes); a.IntN(40) {
	case 0:
		b.Epoch += 1 + a.Uint64N(3)
	case 1:
		b.Epoch--
	case 2:
		b.ReceiptCount = 0
	case 3:
		b.ReceiptsRoot = common.Hash{}
	case 4:
		slices.Reverse(b.Lanes)
	case 5:
		if n > 0 {
			b.Lanes = append(b.Lanes, b.Lanes[n-1])
		}
	}
	signature, from := a.signFor(payer, b.Digest(a.m.domain)), pick(a, a.everybody())
	if a.rarely(3) {
		signature, from = nil, payer
	}
	return a.settle("settleBatch", from, paid(func(m *reference) (*big.Int, error) {
		return m.settleBatch(from, b, signature)
	}), wide[bindings.SettlementBatch](b), signature)
}

func (a *actors) claim() action {
	from := pick(a, a.everybody())
	to := a.recipient(pick(a, a.everybody()))
	return a.settle("claim", from, nothing(func(m *reference) error { return m.claim(from, to) }), to)
}
