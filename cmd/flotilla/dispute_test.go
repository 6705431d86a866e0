package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/fxamacker/cbor/v2"

	"flotilla/p2p"
	"flotilla/settlement"
	"flotilla/settlement/ethchain"
	"flotilla/testnet"
)

// overcharge runs an operator in this process that speaks the protocol, has stake, signs its price, and charges more
// than it: what a changed copy of this program would do.
func (f *fleet) overcharge(role string, by settlement.Amount) {
	f.t.Helper()
	key := testnet.DevKey(role)
	self := crypto.PubkeyToAddress(key.PublicKey)
	chain, err := ethchain.New(f.t.Context(), ethchain.Config{RPC: f.chain.URL(), Contract: f.domain.Contract, ChainID: f.domain.ChainID, Key: key})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = chain.Close() })
	if err := chain.AddStake(f.t.Context(), 50_000_000); err != nil {
		f.t.Fatal(err)
	}
	id, err := p2p.LoadIdentity(filepath.Join(f.t.TempDir(), "peer.key"))
	if err != nil {
		f.t.Fatal(err)
	}
	h, err := p2p.New(p2p.Config{
		Identity: id, Role: p2p.RoleOperator, Bootstrap: []string{f.boot}, Logger: slog.New(slog.DiscardHandler),
		Network: strconv.FormatUint(f.domain.ChainID, 10) + "/" + f.domain.Contract.Hex(),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	now := time.Now()
	offer := p2p.Offer{Model: testModel, InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000, MaxContext: 2048}
	said := p2p.Advert{Peer: h.ID(), Operator: self, Seq: uint64(now.UnixMilli()), ValidFrom: uint64(now.Unix()) - 1, ValidTo: uint64(now.Add(30 * time.Minute).Unix())}
	price := settlement.Advert{
		Operator: self, Node: crypto.Keccak256Hash([]byte(h.ID())), Model: offer.Model, InputPerMTok: offer.InputPerMTok, OutputPerMTok: offer.OutputPerMTok,
		MaxContext: offer.MaxContext, Seq: said.Seq, ValidFrom: said.ValidFrom, ValidTo: said.ValidTo,
	}
	if offer.Sig, err = settlement.Sign(key, price.Digest(f.domain)); err != nil {
		f.t.Fatal(err)
	}
	said.Offers = []p2p.Offer{offer}
	h.HandleInfer(overcharged(key, f.domain, by), p2p.InferLimits{PerPeer: 4, Total: 4})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	f.t.Cleanup(func() { cancel(); <-done; _ = h.Close() })
	if err := h.Announce(f.t.Context(), said); err != nil {
		f.t.Fatal(err)
	}
}

// overcharged answers each order with the same words, and a signed receipt for more than they cost at the price in overcharge.
func overcharged(key *ecdsa.PrivateKey, domain settlement.Domain, by settlement.Amount) p2p.InferHandler {
	return func(_ context.Context, in *p2p.Incoming) error {
		var order settlement.Order
		if err := errors.Join(cbor.Unmarshal(in.Request().Order, &order), in.Accept()); err != nil {
			return err
		}
		if err := in.Send([]byte(`{"choices":[{"index":0,"delta":{"content":"twelve bytes"},"finish_reason":"stop"}]}`), 3); err != nil {
			return err
		}
		r := settlement.Receipt{
			Request: order.Digest(domain), Payer: order.Payer, Payee: crypto.PubkeyToAddress(key.PublicKey), Advert: order.Advert, LaneSeq: 1, InputTokens: 10, OutputTokens: 3,
			Amount: 16 + by, ServedAt: uint64(time.Now().Unix()), RequestHash: order.RequestHash, Decision: order.Decision,
		}
		sig, err := settlement.Sign(key, r.Digest(domain))
		if err != nil {
			return err
		}
		raw, err := cbor.Marshal(r)
		if err != nil {
			return err
		}
		_, err = in.Finish(p2p.End{FinishReason: "stop", InputTokens: 10, OutputTokens: 3, Receipt: raw, ReceiptSig: sig})
		return err
	}
}

// command runs a flotilla command in this process and returns its exit status and output.
func (f *fleet) command(args ...string) (int, string) {
	f.t.Helper()
	var out, errs bytes.Buffer
	status := run(f.t.Context(), args, &out, &errs)
	return status, out.String() + errs.String()
}

// An operator that charges above its own signed price is not paid, is found out, and is slashed on the chain by
// 'flotilla dispute'; the gateway gets its harm back and a bounty, and both can be claimed.
func TestDisputeSlashesAnOperatorThatOvercharges(t *testing.T) {
	f := newFleet(t)
	t.Setenv("FLOTILLA_PASSPHRASE", testPassphrase)
	admin := "http://127.0.0.1:" + strconv.Itoa(freePort(t))
	f.startGateway("--settle-every", "1s", "--admin-listen", strings.TrimPrefix(admin, "http://"))
	const harm = 20 // base units; the least penalty is 1 USD
	f.overcharge("alder", harm)
	f.waitServing(1)
	if status, out := f.command("dispute", "list", "--json", "--admin", admin); status != 0 || strings.TrimSpace(out) != "[]" {
		t.Errorf("before any fault: %d, %q", status, out)
	}

	a := f.chat("hello")
	if a.done || !strings.Contains(a.err, "nothing is charged") {
		t.Fatalf("answer %+v, want an error event that says nothing is charged", a)
	}
	if status, out := f.command("settle", "status", "--admin", admin); status != 0 || !strings.Contains(out, "1 not punished yet") {
		t.Fatalf("settle status: %d\n%s", status, out)
	}
	status, evidence := f.command("dispute", "list", "--json", "--admin", admin)
	if status != 0 || !strings.Contains(evidence, "advert_breach") {
		t.Fatalf("dispute list: %d\n%s", status, evidence)
	}
	status, out := f.command("dispute", "--admin", admin)
	if status != 0 || !strings.Contains(out, "slashed 1.000000 USD") || !strings.Contains(out, "was harmed by 0.000020 USD") {
		t.Fatalf("dispute: %d\n%s", status, out)
	}
	operator, gateway := testnet.DevAddress("alder"), testnet.DevAddress("gateway")
	f.wantStake(operator, 49_000_000)
	f.wantClaimable(gateway, harm+200_000) // harm, and a fifth of the penalty for the report
	if status, out := f.command("dispute", "--admin", admin); status != 0 || !strings.Contains(out, "nothing to dispute") {
		t.Fatalf("dispute again: %d\n%s", status, out)
	}

	// Anybody may bring the same evidence: it was punished, and costs nothing more.
	file := filepath.Join(f.dir, "evidence.json")
	if err := os.WriteFile(file, []byte(evidence), 0o600); err != nil {
		t.Fatal(err)
	}
	account := func(role string) []string {
		return []string{"--rpc", f.chain.URL(), "--contract", f.domain.Contract.Hex(), "--key", filepath.Join(f.dir, role+".key")}
	}
	if status, out := f.command(append([]string{"dispute", "file", file}, account("birch")...)...); status != 0 || !strings.Contains(out, "was punished before") {
		t.Fatalf("dispute file: %d\n%s", status, out)
	}
	f.wantStake(operator, 49_000_000)

	// The gateway's money is real: it can be claimed, by whoever has its key.
	f.gateway.kill()
	if status, out := f.command(append([]string{"claim"}, account("gateway")...)...); status != 0 || !strings.Contains(out, "claimed 0.200020 USD") {
		t.Fatalf("claim: %d\n%s", status, out)
	}
	f.wantClaimable(gateway, 0)
}

// The ledger of a gateway that is not running holds the evidence too.
func TestDisputeFromALedger(t *testing.T) {
	f := newFleet(t)
	t.Setenv("FLOTILLA_PASSPHRASE", testPassphrase)
	f.startGateway("--settle-every", "1s")
	f.overcharge("alder", 1)
	f.waitServing(1)
	if a := f.chat("hello"); a.done {
		t.Fatalf("answer %+v, want it refused", a)
	}
	args := []string{"dispute", "ledger", "--data-dir", filepath.Join(f.dir, "gateway"), "--rpc", f.chain.URL(), "--contract", f.domain.Contract.Hex(),
		"--key", filepath.Join(f.dir, "gateway.key")}
	if status, out := f.command(args...); status != 1 || !strings.Contains(out, "if the node is running, use 'flotilla dispute'") {
		t.Fatalf("beside a running node: %d\n%s", status, out)
	}
	f.gateway.kill()
	if status, out := f.command(args...); status != 0 || !strings.Contains(out, "slashed 1.000000 USD") {
		t.Fatalf("dispute ledger: %d\n%s", status, out)
	}
	f.wantStake(testnet.DevAddress("alder"), 49_000_000)
}

// People move stake and escrow from the command line, with what the chain says after each step.
func TestStakeAndEscrowCommands(t *testing.T) {
	f := newFleet(t)
	t.Setenv("FLOTILLA_PASSPHRASE", testPassphrase)
	chain := []string{"--rpc", f.chain.URL(), "--contract", f.domain.Contract.Hex()}
	as := func(role string, args ...string) []string {
		return append(append(args, chain...), "--key", filepath.Join(f.dir, role+".key"))
	}
	payer, payee := testnet.DevAddress("gateway").Hex(), testnet.DevAddress("alder").Hex()
	status, consent := f.command(as("birch", "escrow", "consent", payer)...)
	fields := strings.Fields(consent)
	if status != 0 || len(fields) != 3 {
		t.Fatalf("consent: %d %s", status, consent)
	}
	for _, step := range []struct {
		args []string
		code int
		says string
	}{
		{as("alder", "stake", "add", "10"), 0, "stake       10.000000 USD"},
		{as("alder", "stake", "thaw", "4.5"), 0, "thawing     4.500000 USD, to be withdrawn from"},
		{as("alder", "stake", "thaw", "1"), 1, "already thawing"},
		{as("alder", "stake", "withdraw"), 1, "still thawing"},
		{as("alder", "stake", "cancel"), 0, "room        10.000000 USD"},
		{append([]string{"stake", "status", payee}, chain...), 0, "claimable   0.000000 USD"},
		{as("gateway", "escrow", "deposit", payee, "3"), 0, "escrow      3.000000 USD"},
		{as("gateway", "escrow", "thaw", payee, "5"), 1, "insufficient lane balance"},
		{as("gateway", "escrow", "thaw", payee, "2"), 0, "part of it can be withdrawn from"},
		{as("gateway", "escrow", "withdraw", payee), 1, "still thawing"},
		{as("gateway", "escrow", "cancel", payee), 0, "collected   0.000000 USD"},
		{append([]string{"escrow", "status", payer, payee}, chain...), 0, "escrow      3.000000 USD"},
		{append([]string{"escrow", "signer", "list", payer}, chain...), 0, "no key signs for " + payer},
		{as("gateway", "escrow", "signer", "authorize", fields[0], fields[1], fields[2]), 0, "signs for " + payer},
		{as("gateway", "escrow", "signer", "thaw", fields[0]), 0, "revoked from"},
		{append([]string{"escrow", "signer", "list", payer}, chain...), 0, fields[0] + " signs for " + payer + ", revoked from"},
		{as("gateway", "escrow", "signer", "cancel", fields[0]), 0, "signs for " + payer},
		{as("gateway", "escrow", "deposit", "0x12", "1"), 2, "is no address"},
		{as("gateway", "escrow", "deposit", payee, "1.0000001"), 2, "one to six decimals"},
		{as("alder", "claim"), 1, "nothing to claim"},
	} {
		if status, out := f.command(step.args...); status != step.code || !strings.Contains(out, step.says) {
			t.Errorf("flotilla %s: status %d, want %d with %q\n%s", strings.Join(step.args[:3], " "), status, step.code, step.says, out)
		}
	}
}

func (f *fleet) wantStake(operator common.Address, want settlement.Amount) {
	f.t.Helper()
	stake, err := f.reader.Stake(f.t.Context(), operator)
	if err != nil || stake.Amount != want {
		f.t.Errorf("stake of %s is %s (%v), want %s", operator, stake.Amount, err, want)
	}
}

func (f *fleet) wantClaimable(account common.Address, want settlement.Amount) {
	f.t.Helper()
	f.eventually(fmt.Sprintf("%s can claim %s", account, want), func() error {
		got, err := f.reader.Claimable(f.t.Context(), account)
		if err == nil && got != want {
			err = fmt.Errorf("%s", got)
		}
		return err
	})
}
