package devchain

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"
)

const (
	farFuture      = 4_000_000_000 // unix seconds: later than any wall clock, early enough for epochs of 32 bits
	maxBlock       = 8             // actions
	defaultActions = 10_000
)

// fromEnv reads a number that the environment may set.
func fromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// The contracts on the embedded chain do what a model in big integers does: after each of many random actions the
// result or the revert, the events and the views of all actors are the same.
//
//	FLOTILLA_DIFF_ACTIONS=100000 FLOTILLA_DIFF_SEED=7 go test -run Differential ./testnet/devchain
func TestDifferential(t *testing.T) {
	actions, seed := fromEnv(t, "FLOTILLA_DIFF_ACTIONS", defaultActions), fromEnv(t, "FLOTILLA_DIFF_SEED", 1)
	if testing.Short() {
		actions = min(actions, 1000)
	}
	t.Logf("seed %d, %d actions", seed, actions)
	d := newDifferential(t, seed)
	for d.done < int(actions) {
		d.block(min(1+d.a.IntN(maxBlock), int(actions)-d.done))
		if t.Failed() {
			return // later differences only follow from the first
		}
	}
	d.report()
}

// differential runs actions on the chain and on the reference side by side.
type differential struct {
	t     *testing.T
	chain *manualChain
	m     *reference
	a     *actors

	done     int
	calls    map[string]int
	ok       map[string]int
	reverted map[string]int // by name of the error
	views    int
}

func newDifferential(t *testing.T, seed uint64) *differential {
	t.Helper()
	a := newActors(rand.New(rand.NewPCG(seed, 0xd1ff)))
	deployer, err := crypto.ToECDSA(crypto.Keccak256([]byte("deployer")))
	if err != nil {
		t.Fatal(err)
	}
	rules := Params{LaneThaw: 300 * time.Second, Epoch: 600 * time.Second, Evidence: 900 * time.Second, StakeThaw: 2100 * time.Second, MinPenalty: 50}
	chain := startManual(t, append(a.everybody(), crypto.PubkeyToAddress(deployer.PublicKey)), farFuture)
	d := &differential{
		t: t, chain: chain, m: newReference(chain.deploy(deployer, rules), rules), a: a,
		calls: make(map[string]int), ok: make(map[string]int), reverted: make(map[string]int),
	}
	a.m = d.m
	d.fund()
	return d
}

// fund gives tokens to everybody, so many to the first two that they can fill the contracts, and lets both contracts take them.
func (d *differential) fund() {
	forever := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	for i, account := range d.a.everybody() {
		amount := big.NewInt(50_000_000)
		if i == 0 || i == payers {
			amount = max128
		}
		d.m.tokens[account] = amount
		d.setUp("mint", account, account, amount)
		d.setUp("approve", account, d.m.params.Stake, forever)
		d.setUp("approve", account, d.m.params.Settlement, forever)
	}
	for _, receipt := range d.chain.eth.BlockChain().GetReceiptsByHash(d.chain.seal().Hash()) {
		if receipt.Status == 0 {
			d.t.Fatal("no tokens for the test")
		}
	}
}

func (d *differential) setUp(method string, from common.Address, args ...any) {
	data, err := tokenABI.Pack(method, args...)
	if err != nil {
		d.t.Fatal(err)
	}
	d.chain.send(d.a.keys[from], &d.m.params.Token, data, 0)
}

// block runs n actions in one block, sometimes after a jump in time.
func (d *differential) block(n int) {
	d.t.Helper()
	switch d.a.IntN(12) {
	case 0:
		d.chain.warp(d.a.Uint64N(2500) + 1)
	case 1, 2, 3:
		d.chain.warp(d.a.Uint64N(120) + 1)
	case 4, 5, 6:
		d.warpToEdge()
	}
	d.m.now = d.chain.eth.BlockChain().CurrentBlock().Time + 1
	sent := make(map[common.Hash]action)
	for i := range n {
		act := d.a.next()
		data, err := act.abi.Pack(act.name, act.args...)
		if err != nil {
			d.t.Fatalf("encode %s: %v", act.name, err)
		}
		sent[d.chain.send(act.from, &act.to, data, i)] = act
	}
	block := d.chain.seal()
	if len(block.Transactions()) != n || block.Time() != d.m.now {
		d.t.Fatalf("a block of %d transactions at %d: want %d at %d", len(block.Transactions()), block.Time(), n, d.m.now)
	}
	d.chain.replay(block, func(s step) {
		if d.t.Failed() {
			return
		}
		d.done++
		act := sent[s.tx]
		if err := d.compare(act, s, s.tx == block.Transactions()[n-1].Hash()); err != nil {
			d.t.Errorf("action %d, %s%v by %s at %d: %v", d.done, act.name, act.args, crypto.PubkeyToAddress(act.from.PublicKey), d.m.now, err)
		}
	})
}

// warpToEdge moves the next block to the second in which some thaw ends, or to the one before.
func (d *differential) warpToEdge() {
	now := d.chain.eth.BlockChain().CurrentBlock().Time
	var ends []uint64
	for _, t := range d.m.thaws {
		ends = append(ends, t.end)
	}
	for _, t := range d.m.unstakes {
		ends = append(ends, t.end)
	}
	for _, s := range d.m.signers {
		ends = append(ends, s.thawEnd)
	}
	ends = slices.DeleteFunc(ends, func(end uint64) bool { return end < now+4 })
	if len(ends) == 0 {
		return
	}
	slices.Sort(ends) // maps have no order, the seed decides
	d.chain.warp(pick(d.a, ends[:min(3, len(ends))]) - now - 1 - d.a.Uint64N(2))
}

// compare runs an action on the reference and compares what can be seen: after the last one of a block all of it,
// after the others all but the lanes that hardly anybody uses.
func (d *differential) compare(act action, s step, last bool) error {
	results, err := d.m.do(act.do)
	var want []byte
	var revert *reverted
	d.calls[act.name]++
	switch {
	case errors.As(err, &revert):
		want = revert.data
		d.reverted[revert.name]++
	case err != nil:
		return err
	default:
		d.ok[act.name]++
		if want, err = act.abi.Methods[act.name].Outputs.Pack(results...); err != nil {
			return fmt.Errorf("encode results: %w", err)
		}
	}
	if s.failed != (revert != nil) || s.failed == (s.receipt.Status == 1) || !slices.Equal(s.returned, want) {
		return fmt.Errorf("failed %v with %x, the reference has %v (%x)", s.failed, s.returned, err, want)
	}
	var logs []event
	for _, log := range s.receipt.Logs {
		if log.Address == d.m.params.Token {
			continue // balances are compared instead
		}
		name := ""
		if def, err := act.abi.EventByID(log.Topics[0]); err == nil {
			name = def.Name
		}
		logs = append(logs, event{name, log.Address, log.Topics, log.Data})
	}
	if diff := cmp.Diff(d.m.events, logs); diff != "" {
		return fmt.Errorf("events (-reference +contract):\n%s", diff)
	}
	return errors.Join(d.accountViews(s), d.laneViews(s, last), d.otherViews(s))
}

// at compares one view of either contract.
func (d *differential) at(s step, name string, args []any, want ...any) error {
	d.views++
	if _, ok := settlementABI.Methods[name]; ok {
		return view(s, d.m.params.Settlement, settlementABI, name, args, want...)
	}
	return view(s, d.m.params.Stake, stakeABI, name, args, want...)
}

// accountViews compares what is kept for each payer and operator.
func (d *differential) accountViews(s step) error {
	m := d.m
	var errs []error
	for _, payer := range d.a.everybody() {
		acc, t := m.accountOf(payer), m.unstakes[payer]
		errs = append(errs,
			d.at(s, "nextEpoch", []any{payer}, m.epochs[payer]+1),
			d.at(s, "stakeOf", []any{payer}, m.slashable(payer), orZero(t.amount), t.end),
			d.at(s, "slashableStake", []any{payer}, m.slashable(payer)),
			d.at(s, "epochRoom", []any{payer}, m.room(payer)),
			d.at(s, "claimable", []any{payer}, acc.claimable),
			view(s, m.params.Token, tokenABI, "balanceOf", []any{payer}, m.tokensOf(payer)))
	}
	return errors.Join(errs...)
}

// laneViews compares the lanes from payers to operators, or those of everybody to everybody.
func (d *differential) laneViews(s step, all bool) error {
	from, to := d.a.payers, d.a.operators
	if all {
		from, to = d.a.everybody(), d.a.everybody()
	}
	var errs []error
	for _, payer := range from {
		for _, payee := range to {
			l := lane{payer, payee}
			e, t := d.m.laneOf(l), d.m.thaws[l]
			thaws := least(orZero(t.amount), e.balance)
			errs = append(errs,
				d.at(s, "laneOf", []any{payer, payee}, e.balance, e.collected, thaws, t.end),
				d.at(s, "cover", []any{payer, payee}, sub(e.balance, thaws), e.collected, t.end))
		}
	}
	return errors.Join(errs...)
}

// otherViews compares the contracts' tokens, the recent signers and some of the punished evidence.
func (d *differential) otherViews(s step) error {
	m := d.m
	var errs []error
	for _, contract := range []common.Address{m.params.Settlement, m.params.Stake, {}} {
		errs = append(errs, view(s, m.params.Token, tokenABI, "balanceOf", []any{contract}, m.tokensOf(contract)))
	}
	for _, signer := range d.a.signers[max(0, len(d.a.signers)-12):] {
		errs = append(errs, d.at(s, "signerOf", []any{signer}, m.signers[signer].payer, m.signers[signer].thawEnd))
	}
	ids := slices.Collect(maps.Keys(m.punished)) // in random order: each has its turn
	for _, id := range ids[:min(len(ids), 10)] {
		errs = append(errs, d.at(s, "punished", []any{id}, true))
	}
	return errors.Join(errs...)
}

// report prints what happened, and fails when a function hardly ever worked: such a test would say little.
func (d *differential) report() {
	for _, name := range slices.Sorted(maps.Keys(d.calls)) {
		calls, ok := d.calls[name], d.ok[name]
		d.t.Logf("%-24s %5d calls, %5d succeeded", name, calls, ok)
		guarded := name == "credit" || name == "takeClaimable" // for the settlement contract alone
		if guarded == (ok*100 >= calls) {
			d.t.Errorf("%s succeeded in %d of %d calls", name, ok, calls)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.reverted)) {
		d.t.Logf("reverted %5d times with %s", d.reverted[name], name)
	}
	d.t.Logf("%d views compared", d.views)
}
