package memchain_test

import (
	"crypto/ecdsa"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

var domain = settlement.Domain{ChainID: 1, Contract: common.HexToAddress("0xc0ffee")}

type env struct {
	*memchain.Chain
	key      *ecdsa.PrivateKey
	payer    common.Address
	operator common.Address
}

func newEnv(t *testing.T, cfg memchain.Config) *env {
	t.Helper()
	key, err := crypto.ToECDSA(common.LeftPadBytes([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Domain = domain
	return &env{memchain.New(cfg), key, crypto.PubkeyToAddress(key.PublicKey), common.HexToAddress("0x01")}
}

func (e *env) sign(t *testing.T, digest common.Hash) settlement.Signature {
	t.Helper()
	sig, err := settlement.Sign(e.key, digest)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func (e *env) batch(epoch uint64, total settlement.Amount) settlement.Batch {
	return settlement.Batch{Payer: e.payer, Epoch: epoch, ReceiptCount: 1, ReceiptsRoot: common.Hash{byte(epoch)},
		Lanes: []settlement.LaneTotal{{Payee: e.operator, ValueAggregate: total}}}
}

func (e *env) submit(t *testing.T, b settlement.Batch) (settlement.TxState, error) {
	t.Helper()
	tx, err := e.SubmitBatch(t.Context(), b, e.sign(t, b.Digest(domain)))
	if err != nil {
		return settlement.TxUnknown, err
	}
	state, err := e.TxStatus(t.Context(), tx)
	return state, err
}

func (e *env) wantPaid(t *testing.T, want settlement.Amount) {
	t.Helper()
	lane, err := e.Lane(t.Context(), e.payer, e.operator)
	if err != nil || lane.Collected != want {
		t.Errorf("collected %v (%v), want %v", lane.Collected, err, want)
	}
	if got, err := e.Claimable(t.Context(), e.operator); got != want || err != nil {
		t.Errorf("claimable %v (%v), want %v", got, err, want)
	}
}

func TestEpochsAreInOrder(t *testing.T) {
	e := newEnv(t, memchain.Config{})
	e.AddStake(e.operator, 100)
	e.Deposit(e.payer, e.operator, 100)
	for _, step := range []struct {
		epoch uint64
		want  settlement.TxState
		err   error
	}{
		{2, settlement.TxReverted, nil}, {1, settlement.TxMined, nil}, {1, settlement.TxUnknown, settlement.ErrAlreadySettled},
		{2, settlement.TxMined, nil},
	} {
		state, err := e.submit(t, e.batch(step.epoch, settlement.Amount(10*step.epoch)))
		if state != step.want || !errors.Is(err, step.err) {
			t.Errorf("epoch %d: %v, %v; want %v, %v", step.epoch, state, err, step.want, step.err)
		}
	}
	other := e.batch(2, 99)
	other.ReceiptsRoot[5] = 1
	if state, err := e.submit(t, other); state != settlement.TxReverted || err != nil {
		t.Errorf("another batch for epoch 2: %v, %v; want reverted", state, err)
	}
	if next, err := e.NextEpoch(t.Context(), e.payer); next != 3 || err != nil {
		t.Errorf("next epoch %d (%v), want 3", next, err)
	}
	e.wantPaid(t, 20)
}

func TestOnlyThePayersSignatureCounts(t *testing.T) {
	e := newEnv(t, memchain.Config{})
	b := e.batch(1, 10)
	b.Payer = e.operator
	if _, err := e.submit(t, b); !errors.Is(err, memchain.ErrInvalidSigner) {
		t.Errorf("batch in another's name: %v", err)
	}
	v := settlement.Voucher{Payer: e.operator, Payee: e.payer, ValueAggregate: 1}
	if _, err := e.SettleVoucher(t.Context(), v, e.sign(t, v.Digest(domain))); !errors.Is(err, memchain.ErrInvalidSigner) {
		t.Errorf("voucher in another's name: %v", err)
	}
}

// TestClipping: payouts stop at escrow and at the stake's cap, and the rest is paid later.
func TestClipping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t, memchain.Config{EpochLength: time.Hour})
		pay := func(total settlement.Amount) {
			t.Helper()
			v := settlement.Voucher{Payer: e.payer, Payee: e.operator, ValueAggregate: total}
			if _, err := e.SettleVoucher(t.Context(), v, e.sign(t, v.Digest(domain))); err != nil {
				t.Fatal(err)
			}
		}
		e.Deposit(e.payer, e.operator, 30)
		pay(50)
		e.wantPaid(t, 0) // no stake, no payout
		e.AddStake(e.operator, 20)
		pay(50)
		e.wantPaid(t, 20) // capped by stake in this epoch
		pay(50)
		e.wantPaid(t, 20)
		time.Sleep(time.Hour)
		pay(50)
		e.wantPaid(t, 30) // the next epoch pays on, until the escrow is empty
		pay(40)
		e.wantPaid(t, 30) // an older voucher takes nothing back
		e.Deposit(e.payer, e.operator, 1000)
		pay(50)
		e.wantPaid(t, 40) // 10 of 20 in this epoch were paid before
		if err := e.ThawStake(e.operator, 15, 99); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		pay(50)
		e.wantPaid(t, 45) // what thaws backs nothing
		stake, err := e.Stake(t.Context(), e.operator)
		want := settlement.Stake{Amount: 20, Thawing: 15, ThawEnd: 99}
		if diff := cmp.Diff(want, stake); diff != "" || err != nil {
			t.Errorf("stake (-want +got, %v):\n%s", err, diff)
		}
		if got := e.Claim(e.operator); got != 45 {
			t.Errorf("claimed %v", got)
		}
		if again := e.Claim(e.operator); again != 0 {
			t.Errorf("claimed %v twice", again)
		}
	})
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t, memchain.Config{MineDelay: time.Second})
		e.FailCall(memchain.SubmitBatch, 1)
		if _, err := e.submit(t, e.batch(1, 1)); !errors.Is(err, memchain.ErrInjected) {
			t.Errorf("call that should fail: %v", err)
		}
		e.DropTx(memchain.SubmitBatch, 1)
		if state, err := e.submit(t, e.batch(1, 1)); state != settlement.TxUnknown || err != nil {
			t.Errorf("dropped: %v, %v", state, err)
		}
		if state, err := e.submit(t, e.batch(1, 1)); state != settlement.TxPending || err != nil {
			t.Errorf("before it is mined: %v, %v", state, err)
		}
		time.Sleep(time.Second)
		if root, _, err := e.BatchRoot(t.Context(), e.payer, 1); root != (common.Hash{1}) || err != nil {
			t.Errorf("root %s (%v) after mining", root, err)
		}
		e.SlowMining(0)
		e.LoseAnswer(memchain.SubmitBatch, 1)
		if _, err := e.submit(t, e.batch(2, 2)); !errors.Is(err, memchain.ErrInjected) {
			t.Errorf("lost answer: %v", err)
		}
		if next, err := e.NextEpoch(t.Context(), e.payer); next != 3 || err != nil {
			t.Errorf("next epoch %d (%v): the lost answer's batch did not take effect", next, err)
		}
		e.SetDown(true)
		if _, err := e.Lane(t.Context(), e.payer, e.operator); !errors.Is(err, memchain.ErrInjected) {
			t.Errorf("chain that is down: %v", err)
		}
	})
}
