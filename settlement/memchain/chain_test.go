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
		if a, err := e.BatchAnchor(t.Context(), e.payer, 1); a.Root != (common.Hash{1}) || a.Depth != 1 || err != nil {
			t.Errorf("anchor %+v (%v) after mining", a, err)
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

// TestReorg: what is taken out of the chain has not happened, until it is mined again.
func TestReorg(t *testing.T) {
	for _, requeue := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e := newEnv(t, memchain.Config{})
			e.AddStake(e.operator, 100)
			e.Deposit(e.payer, e.operator, 100)
			b := e.batch(1, 10)
			tx, err := e.SubmitBatch(t.Context(), b, e.sign(t, b.Digest(domain)))
			if err != nil {
				t.Fatal(err)
			}
			e.MineBlocks(4)
			if a, err := e.BatchAnchor(t.Context(), e.payer, 1); a.Depth != 5 || a.Tx != tx || err != nil {
				t.Errorf("anchor %+v (%v), want depth 5 in %s", a, err, tx)
			}
			e.SlowMining(time.Second)
			e.Reorg(1, requeue)
			e.wantPaid(t, 0)
			time.Sleep(time.Second)
			if requeue {
				e.wantPaid(t, 10)
			} else if state, err := e.TxStatus(t.Context(), tx); state != settlement.TxUnknown || err != nil {
				t.Errorf("transaction that was taken out is %v (%v)", state, err)
			}
		})
	}
}

func TestReset(t *testing.T) {
	e := newEnv(t, memchain.Config{})
	e.AddStake(e.operator, 100)
	e.Deposit(e.payer, e.operator, 100)
	if _, err := e.submit(t, e.batch(1, 10)); err != nil {
		t.Fatal(err)
	}
	restore := e.Reset()
	e.wantPaid(t, 0)
	if next, err := e.NextEpoch(t.Context(), e.payer); next != 1 || err != nil {
		t.Errorf("next epoch %d (%v) on a fresh chain", next, err)
	}
	restore()
	e.wantPaid(t, 10)
}

// TestSlash: ten times the harm, the payer first, a fifth for the reporter, never more than is staked, once.
func TestSlash(t *testing.T) {
	reporter := common.HexToAddress("0x77")
	for _, tc := range []struct {
		name                           string
		staked, charged                settlement.Amount
		slashed, restitution, reporter settlement.Amount
	}{
		{"ten times", 100_000_000, 1_000_003, 10_000_000, 1_000_000, 2_000_000},
		{"at least the minimum", 100_000_000, 13, 1_000_000, 10, 200_000},
		{"all that is staked", 1_000_000, 1_000_003, 1_000_000, 500_000, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := newEnv(t, memchain.Config{})
			op := e.payer // whoever has the key
			a := settlement.Advert{Operator: op, PerRequest: 3, ValidFrom: 1, ValidTo: 100}
			r := settlement.Receipt{Payee: op, Payer: common.HexToAddress("0x66"), Advert: a.Digest(domain), Amount: tc.charged, ServedAt: 50}
			proof := settlement.Evidence{
				Fault:    settlement.AdvertBreach,
				Receipts: []settlement.SignedReceipt{{Receipt: r, Sig: e.sign(t, r.Digest(domain))}},
				Adverts:  []settlement.SignedAdvert{{Advert: a, Sig: e.sign(t, a.Digest(domain))}},
			}
			if _, err := e.SubmitEvidence(t.Context(), proof, reporter); !errors.Is(err, memchain.ErrNothingToSlash) {
				t.Errorf("operator without stake: %v", err)
			}
			e.AddStake(op, tc.staked)
			if _, err := e.SubmitEvidence(t.Context(), proof, reporter); err != nil {
				t.Fatal(err)
			}
			if _, err := e.SubmitEvidence(t.Context(), proof, reporter); !errors.Is(err, memchain.ErrAlreadyPunished) {
				t.Errorf("punished twice: %v", err)
			}
			charge, err := proof.Check(domain)
			if err != nil {
				t.Fatal(err)
			}
			if done, err := e.Punished(t.Context(), charge.ID); !done || err != nil {
				t.Errorf("punished: %t (%v)", done, err)
			}
			left, err := e.Stake(t.Context(), op)
			if err != nil || left.Amount != tc.staked-tc.slashed {
				t.Errorf("%v staked (%v), want %v less than %v", left.Amount, err, tc.slashed, tc.staked)
			}
			if got := e.Claim(r.Payer); got != tc.restitution {
				t.Errorf("payer was credited %v, want %v", got, tc.restitution)
			}
			if got := e.Claim(reporter); got != tc.reporter {
				t.Errorf("reporter was credited %v, want %v", got, tc.reporter)
			}
		})
	}
}
