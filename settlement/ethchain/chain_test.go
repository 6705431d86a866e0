package ethchain_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
	"flotilla/settlement/ethchain"
	"flotilla/testnet/devchain"
)

const gap = 10 * time.Millisecond

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func checkClaimable(t *testing.T, c *ethchain.Chain, operator common.Address, want settlement.Amount) {
	t.Helper()
	got, err := c.Claimable(deadline(t), operator)
	must(t, err)
	if got != want {
		t.Fatalf("claimable of %s is %s, want %s", operator, got, want)
	}
}

func TestSettlesBatchesAndVouchersEndToEnd(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	gateway, op1, op2 := w.as(t, w.gateway), w.as(t, w.op1), w.as(t, w.op2)
	must(t, op1.AddStake(ctx, 100*usd))
	must(t, op2.AddStake(ctx, 100*usd))
	must(t, gateway.Deposit(ctx, op1.Account(), 60*usd))
	must(t, gateway.Deposit(ctx, op2.Account(), 40*usd))

	b, sig := w.batch(t, 1, 0xa1, lane(w.op1, 3*usd), lane(w.op2, 4*usd))
	mined(t, gateway)(gateway.SubmitBatch(ctx, b, sig))
	b, sig = w.batch(t, 2, 0xa2, lane(w.op1, 5*usd))
	mined(t, gateway)(w.as(t, w.nobody).SubmitBatch(ctx, b, sig)) // anyone may bring a signed batch

	at, err := gateway.BatchAnchor(ctx, gateway.Account(), 2)
	must(t, err)
	if at.Root != b.ReceiptsRoot || at.Count != b.ReceiptCount || at.Tx == (common.Hash{}) || at.Depth == 0 {
		t.Fatalf("batch 2 on chain is %+v", at)
	}
	v, sig := w.voucher(t, w.op2, 6*usd)
	mined(t, op2)(op2.SettleVoucher(ctx, v, sig))

	checkClaimable(t, op1, op1.Account(), 5*usd)
	checkClaimable(t, op2, op2.Account(), 6*usd)
	got, err := gateway.Lane(ctx, gateway.Account(), op1.Account())
	must(t, err)
	if diff := cmp.Diff(settlement.Lane{Balance: 55 * usd, Collected: 5 * usd}, got); diff != "" {
		t.Fatalf("lane (-want +got):\n%s", diff)
	}

	must(t, op1.Claim(ctx, op1.Account()))
	balance, err := op1.Balance(ctx, op1.Account())
	must(t, err)
	if want := 1000*usd - 100*usd + 5*usd; balance != want {
		t.Fatalf("operator has %s after its claim, want %s", balance, want)
	}
	wantErr(t, op1.Claim(ctx, op1.Account()), ethchain.ErrNothingToClaim)
}

func TestPayoutIsCappedByStakeAndTheRestIsPaidLater(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	gateway, op := w.as(t, w.gateway), w.as(t, w.op1)
	must(t, op.AddStake(ctx, 10*usd))
	must(t, gateway.Deposit(ctx, op.Account(), 50*usd))
	b, sig := w.batch(t, 1, 1, lane(w.op1, 25*usd))
	mined(t, gateway)(gateway.SubmitBatch(ctx, b, sig))
	checkClaimable(t, op, op.Account(), 10*usd)

	v, sig := w.voucher(t, w.op1, 25*usd)
	mined(t, op)(op.SettleVoucher(ctx, v, sig))
	checkClaimable(t, op, op.Account(), 10*usd) // the same epoch has no room left
	for _, want := range []settlement.Amount{20 * usd, 25 * usd, 25 * usd} {
		w.nextPayoutEpoch(t)
		mined(t, op)(op.SettleVoucher(ctx, v, sig))
		checkClaimable(t, op, op.Account(), want)
	}
}

func TestThawingStakeDoesNotBackPayouts(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	gateway, op := w.as(t, w.gateway), w.as(t, w.op1)
	must(t, op.AddStake(ctx, 10*usd))
	must(t, op.ThawStake(ctx, 4*usd))
	must(t, gateway.Deposit(ctx, op.Account(), 50*usd))
	v, sig := w.voucher(t, w.op1, 25*usd)
	mined(t, op)(op.SettleVoucher(ctx, v, sig))
	checkClaimable(t, op, op.Account(), 6*usd)
	must(t, op.CancelThawStake(ctx))
	room, err := op.EpochRoom(ctx, op.Account())
	must(t, err)
	if room != 4*usd {
		t.Fatalf("room is %s after the thaw was cancelled, want %s", room, 4*usd)
	}
}

func TestOperatorWithoutStakeIsPaidNothing(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	gateway, op := w.as(t, w.gateway), w.as(t, w.op1)
	must(t, gateway.Deposit(ctx, op.Account(), 50*usd))
	b, sig := w.batch(t, 1, 1, lane(w.op1, 25*usd))
	mined(t, gateway)(gateway.SubmitBatch(ctx, b, sig))
	checkClaimable(t, op, op.Account(), 0)
	must(t, op.AddStake(ctx, 100*usd)) // what is owed stays owed
	v, sig := w.voucher(t, w.op1, 25*usd)
	mined(t, op)(op.SettleVoucher(ctx, v, sig))
	checkClaimable(t, op, op.Account(), 25*usd)
}

func TestReplayedAndConflictingBatchesAreRefused(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	gateway, op := w.as(t, w.gateway), w.as(t, w.op1)
	must(t, op.AddStake(ctx, 100*usd))
	must(t, gateway.Deposit(ctx, op.Account(), 50*usd))
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	mined(t, gateway)(gateway.SubmitBatch(ctx, b, sig))

	_, err := gateway.SubmitBatch(ctx, b, sig)
	wantErr(t, err, settlement.ErrAlreadySettled)
	_, err = w.as(t, w.nobody).SubmitBatch(ctx, b, sig)
	wantErr(t, err, settlement.ErrAlreadySettled)
	other, otherSig := w.batch(t, 1, 2, lane(w.op1, 9*usd))
	_, err = gateway.SubmitBatch(ctx, other, otherSig)
	wantErr(t, err, settlement.ErrEpochConflict)
	gapped, gappedSig := w.batch(t, 3, 3, lane(w.op1, 9*usd))
	if _, err = gateway.SubmitBatch(ctx, gapped, gappedSig); err == nil {
		t.Fatal("a batch with a gap before its epoch was sent")
	}
	checkClaimable(t, op, op.Account(), 5*usd)
}

func TestWrongSignaturesAreRefused(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	op := w.as(t, w.op1)
	v, _ := w.voucher(t, w.op1, usd)
	_, err := op.SettleVoucher(ctx, v, sign(t, w.op1, v.Digest(w.domain())))
	wantErr(t, err, settlement.ErrBadSignature)
	wantErr(t, err, ethchain.ErrReverted)
	b, _ := w.batch(t, 1, 1, lane(w.op1, usd))
	_, err = op.SubmitBatch(ctx, b, sign(t, w.op1, b.Digest(w.domain())))
	wantErr(t, err, settlement.ErrBadSignature)
	otherDomain := w.domain()
	otherDomain.ChainID++
	_, err = op.SubmitBatch(ctx, b, sign(t, w.gateway, b.Digest(otherDomain)))
	wantErr(t, err, settlement.ErrBadSignature)
}

func TestThawsAndTheirErrors(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	gateway, op := w.as(t, w.gateway), w.as(t, w.op1)
	if got := op.LaneThaw(); got != laneThaw {
		t.Errorf("lane thaw %v, deployed with %v", got, laneThaw)
	}
	payee := op.Account()
	must(t, op.AddStake(ctx, 10*usd))
	must(t, gateway.Deposit(ctx, payee, 10*usd))

	wantErr(t, op.WithdrawStake(ctx), ethchain.ErrNothingThawing)
	wantErr(t, op.ThawStake(ctx, 11*usd), ethchain.ErrInsufficientStake)
	must(t, op.ThawStake(ctx, 10*usd))
	wantErr(t, op.ThawStake(ctx, usd), ethchain.ErrAlreadyThawing)
	wantErr(t, op.WithdrawStake(ctx), ethchain.ErrStillThawing)
	stake, err := op.Stake(ctx, payee)
	must(t, err)
	if stake.Amount != 10*usd || stake.Thawing != 10*usd || stake.ThawEnd == 0 {
		t.Fatalf("stake while thawing is %+v", stake)
	}

	wantErr(t, gateway.Thaw(ctx, payee, 11*usd), ethchain.ErrInsufficientBalance)
	must(t, gateway.Thaw(ctx, payee, usd))
	must(t, gateway.CancelThaw(ctx, payee))
	must(t, gateway.Thaw(ctx, payee, 10*usd))
	wantErr(t, gateway.Withdraw(ctx, payee), ethchain.ErrStillThawing)
	w.warp(t, stakeThaw)
	must(t, gateway.Withdraw(ctx, payee))
	must(t, op.WithdrawStake(ctx))
	for _, account := range []common.Address{gateway.Account(), payee} {
		if balance, err := op.Balance(ctx, account); err != nil || balance != 1000*usd {
			t.Fatalf("account %s has %s (%v) after taking all out, want %s", account, balance, err, 1000*usd)
		}
	}
	wantErr(t, op.AddStake(ctx, 1001*usd), ethchain.ErrInsufficientTokens)
}

// A deposit that never came after its approval leaves an allowance. Tokens such as USDT take no other one in its place
// until it is zero.
func TestLeftAllowanceIsTakenBackFirst(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	node, token := newFlakyNode(t, w.URL()), bindings.NewTestToken()
	node.approved = func(owner, spender common.Address) bool {
		out, err := w.Client().CallContract(ctx, ethereum.CallMsg{To: &w.Token, Data: token.PackAllowance(owner, spender)}, nil)
		return err != nil || new(big.Int).SetBytes(out).Sign() != 0
	}
	gateway, op := through(t, w, node), ethchain.AddressOf(w.op1)
	must(t, gateway.Approve(ctx, usd))
	must(t, gateway.Deposit(ctx, op, 5*usd))
	got, err := gateway.Lane(ctx, gateway.Account(), op)
	must(t, err)
	if got.Balance != 5*usd {
		t.Fatalf("lane holds %s, want %s", got.Balance, 5*usd)
	}
}

func TestStakedOperatorsFollowTheEvents(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	reader, op1, op2 := w.as(t, w.gateway), w.as(t, w.op1), w.as(t, w.op2)
	check := func(want ...common.Address) {
		t.Helper()
		got, err := reader.StakedOperators(ctx)
		must(t, err)
		set := map[common.Address]bool{}
		for _, a := range got {
			set[a] = true
		}
		wanted := map[common.Address]bool{}
		for _, a := range want {
			wanted[a] = true
		}
		if diff := cmp.Diff(wanted, set); diff != "" || len(got) != len(want) {
			t.Fatalf("operators (-want +got):\n%s", diff)
		}
	}
	check()
	must(t, op1.AddStake(ctx, usd))
	check(op1.Account())
	must(t, op2.AddStake(ctx, usd))
	check(op1.Account(), op2.Account())
	must(t, op1.ThawStake(ctx, usd))
	check(op2.Account())
	must(t, op1.CancelThawStake(ctx))
	check(op1.Account(), op2.Account())
}

// Who stakes dust from many accounts, which costs no more than their gas, pushes nobody out.
func TestTheLargestStakesComeFirst(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	reader, op1, op2 := w.as(t, w.gateway), w.as(t, w.op1), w.as(t, w.op2)
	must(t, op1.AddStake(ctx, 3*usd))
	must(t, op2.AddStake(ctx, usd))
	must(t, op2.AddStake(ctx, 4*usd))
	must(t, w.as(t, w.gateway).AddStake(ctx, 1))
	for most, want := range map[int][]common.Address{
		100: {op2.Account(), op1.Account(), reader.Account()},
		2:   {op2.Account()}, // the last of three left half of that
	} {
		scan := w.as(t, w.gateway)
		ethchain.SetMostOperators(scan, most)
		got, err := scan.StakedOperators(ctx)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("at most %d (-want +got):\n%s", most, diff)
		}
	}
}

// A long history takes longer to read than one call may take. The next call goes on where the last one was cut.
func TestScanForOperatorsGoesOnWhereItWasCut(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	must(t, w.as(t, w.op1).AddStake(ctx, usd))
	for range 100 {
		w.warp(t, time.Second)
	}
	must(t, w.as(t, w.op2).AddStake(ctx, usd))
	node := newFlakyNode(t, w.URL())
	reader := through(t, w, node)
	ethchain.SetScanBlocks(reader, 10)
	for range 3 {
		node.answers.Store(3)
		if got, err := reader.StakedOperators(ctx); err == nil {
			t.Fatalf("found %d operators in 30 blocks at a time", len(got))
		}
	}
	node.answers.Store(100)
	got, err := reader.StakedOperators(ctx)
	must(t, err)
	if len(got) != 2 {
		t.Fatalf("found %d operators, want 2", len(got))
	}
	if asked := 100 - node.answers.Load(); asked > 10 {
		t.Fatalf("the last call asked %d times for events: the scan began anew", asked)
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	good := ethchain.Config{RPC: w.URL(), Contract: w.Settlement, ChainID: devchain.ChainID}
	open := func(change func(*ethchain.Config)) error {
		cfg := good
		change(&cfg)
		c, err := ethchain.New(ctx, cfg)
		if err == nil {
			must(t, c.Close())
		}
		return err
	}
	must(t, open(func(*ethchain.Config) {}))
	wantErr(t, open(func(c *ethchain.Config) { c.ChainID = 1 }), ethchain.ErrWrongChain)
	wantErr(t, open(func(c *ethchain.Config) { c.Contract = common.Address{1} }), ethchain.ErrNoContract)
	wantErr(t, open(func(c *ethchain.Config) { c.Contract = w.Token }), ethchain.ErrNotSettlement)
	if err := open(func(c *ethchain.Config) { c.RPC = "http://127.0.0.1:1" }); err == nil {
		t.Error("no error for a node that is not there")
	}
	busy := newFlakyNode(t, w.URL())
	busy.busy.Store(true)
	if err := open(func(c *ethchain.Config) { c.RPC = busy.URL }); err == nil || errors.Is(err, ethchain.ErrNotSettlement) {
		t.Errorf("a node with a rate limit says of the contract: %v", err)
	}
	if err := open(func(c *ethchain.Config) { c.RPC = "" }); err == nil {
		t.Error("no error without a node")
	}
}

func TestReadOnlyChainAndFeeCeilingSendNothing(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	cfg := ethchain.Config{Client: w.Client(), Contract: w.Settlement, ChainID: devchain.ChainID}
	reader, err := ethchain.New(ctx, cfg)
	must(t, err)
	b, sig := w.batch(t, 1, 1, lane(w.op1, usd))
	_, err = reader.SubmitBatch(ctx, b, sig)
	wantErr(t, err, ethchain.ErrReadOnly)
	wantErr(t, reader.AddStake(ctx, usd), ethchain.ErrReadOnly)
	wantErr(t, reader.Claim(ctx, common.Address{1}), ethchain.ErrReadOnly)

	cfg.Key, cfg.MaxFeePerGas = w.gateway, big.NewInt(1)
	miser, err := ethchain.New(ctx, cfg)
	must(t, err)
	_, err = miser.SubmitBatch(ctx, b, sig)
	wantErr(t, err, ethchain.ErrFeeTooHigh)
}

// An account that cannot pay for gas is named: its owner sends it coins, and nothing else helps.
func TestAccountWithoutCoinsIsNamed(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	poor := newKey(t)
	c, err := ethchain.New(ctx, ethchain.Config{Client: w.Client(), Contract: w.Settlement, ChainID: devchain.ChainID, Key: poor})
	must(t, err)
	want := "account " + ethchain.AddressOf(poor).Hex() + " has too few of the chain's own coins"
	if err := c.AddStake(ctx, usd); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("said %v, want %q", err, want)
	}
}
