package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/p2p"
	"flotilla/settlement"
)

const (
	protoLedger = "/flotilla/ledger/2"
	// maxPartialsPerSync bounds one message, as p2p's 1 MiB for small messages does: a bundle has some KiB, or tens in a large fleet.
	maxPartialsPerSync = 16
	syncEvery          = 30 * time.Second
	syncTimeout        = 10 * time.Second
)

// syncLedgers brings operators what they missed while a stream was broken: receipts that the gateway issued for
// them, to sign, and the newest voucher. It runs on every connection and at intervals; both ends are idempotent.
func (g *Gateway) syncLedgers(ctx context.Context, connected <-chan struct{}) error {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-connected:
		case <-tick.C:
		}
		for _, a := range g.fleet.Adverts() {
			if !g.fleet.Connected(a.Peer) {
				continue
			}
			if err := g.syncWith(ctx, a.Peer, a.Operator); err != nil && ctx.Err() == nil {
				g.log.Debug("sync ledger", "peer", a.Peer, "err", err)
			}
		}
	}
}

// syncWith brings an operator all partial receipts that it may sign now, as many messages as that takes, and the voucher with them.
func (g *Gateway) syncWith(ctx context.Context, peer p2p.PeerID, operator common.Address) error {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout) // for all of it: the other operators wait
	defer cancel()
	for {
		partials, err := g.ledger.UnsignedPartials(operator, maxPartialsPerSync, g.now(), otherNodes(g.fleet.Adverts(), operator, peer)...)
		if err != nil {
			return fmt.Errorf("list partial receipts: %w", err)
		}
		if len(partials) == 0 {
			return nil
		}
		if err := g.bring(ctx, peer, operator, partials); err != nil {
			return err
		}
	}
}

// payUp brings an operator that refuses orders for want of a voucher all that it may have missed. The voucher of an answer whose
// stream was lost at its very end is brought by nothing else: the next answer's would do, but there is none.
func (g *Gateway) payUp(peer p2p.PeerID, operator common.Address) {
	if _, busy := g.paying.LoadOrStore(operator, true); busy {
		return
	}
	g.draining.Go(func() {
		defer g.paying.Delete(operator)
		ctx, cancel := context.WithTimeout(context.Background(), syncTimeout)
		defer cancel()
		err := g.syncWith(ctx, peer, operator)
		if err == nil {
			err = g.bring(ctx, peer, operator, nil)
		}
		if err != nil {
			g.log.Debug("bring the voucher that was asked for", "peer", peer, "err", err)
		}
	})
}

// bring sends an operator partial receipts and the newest voucher. What it does not sign now is put off.
func (g *Gateway) bring(ctx context.Context, peer p2p.PeerID, operator common.Address, partials []settlement.Bundle) error {
	req := ledgerRequest{Partials: partials}
	v, sig, err := g.ledger.Voucher(operator)
	if err != nil {
		return fmt.Errorf("read voucher: %w", err)
	}
	req.Voucher, req.VoucherSig = &v, sig
	raw, err := req.fit()
	if err != nil {
		return err
	}
	answer, err := g.fleet.Request(ctx, peer, protoLedger, raw)
	if err != nil {
		return fmt.Errorf("ask %s: %w", peer, err)
	}
	var reply ledgerReply
	if err := decode(answer, &reply); err != nil {
		return err
	}
	var refused []settlement.Bundle
	for _, b := range req.Partials {
		sig, ok := reply.Signatures[b.ID().String()]
		if ok {
			err = g.ledger.AttachOperatorSig(ctx, b.ID(), sig)
		}
		switch {
		case !ok || errors.Is(err, settlement.ErrBadSignature):
			refused = append(refused, b)
		case err != nil:
			return fmt.Errorf("keep operator's signature: %w", err)
		}
	}
	return g.ledger.PutOffPartials(ctx, refused, g.now())
}

// fit encodes as many of the partial receipts as a message takes. The others wait for their next turn.
func (r *ledgerRequest) fit() ([]byte, error) {
	for {
		raw, err := encode(r)
		if err != nil || len(raw) <= p2p.MaxRequestBytes || len(r.Partials) <= 1 {
			return raw, err
		}
		r.Partials = r.Partials[:len(r.Partials)/2]
	}
}

// payer is who owes by everything in the message. A gateway has one wallet, so a message that names several is no gateway's:
// each name would be a question to the chain.
func (r *ledgerRequest) payer() (common.Address, error) {
	var payers []common.Address
	if r.Voucher != nil {
		payers = append(payers, r.Voucher.Payer)
	}
	for _, b := range r.Partials {
		payers = append(payers, b.Receipt.Payer)
	}
	if payers = slices.Compact(payers); len(payers) != 1 {
		return common.Address{}, errors.New("a message is about the receipts and the voucher of one payer")
	}
	return payers[0], nil
}

// handleLedger is the operator's end: it keeps the voucher, and signs what the gateway admits to owe for its own orders,
// once each.
func (o *Operator) handleLedger(ctx context.Context, _ p2p.PeerID, raw []byte) ([]byte, error) {
	var req ledgerRequest
	if err := decode(raw, &req); err != nil {
		return nil, err
	}
	if len(req.Partials) > maxPartialsPerSync {
		return nil, fmt.Errorf("%d partial receipts in one message, at most %d", len(req.Partials), maxPartialsPerSync)
	}
	payer, err := req.payer()
	if err != nil {
		return nil, err
	}
	if err := o.checkLane(ctx, payer); err != nil {
		return nil, err
	}
	// First, as it covers the partial receipts: those alone would make the settlement of an answer that ends meanwhile too small.
	if req.Voucher != nil {
		_, err := o.ledger.AcceptVoucher(ctx, *req.Voucher, req.VoucherSig)
		if err != nil && !errors.Is(err, settlement.ErrStaleVoucher) {
			// The receipts are signed all the same: once the gateway's key is revoked it cannot ask for that again.
			o.caused.once(payer, slog.LevelWarn, "voucher not taken", "payer", payer, "err", err)
		}
	}
	reply := ledgerReply{Signatures: make(map[string]settlement.Signature)}
	for _, b := range req.Partials {
		if !o.making.begin(b.ID()) {
			continue // its own receipt comes first, or one token would be admitted of an answer; the gateway asks again
		}
		sig, err := o.ledger.CountersignPartial(ctx, b)
		o.making.end(b.ID())
		if err != nil {
			o.caused.once(b.ID(), slog.LevelWarn, "partial receipt not signed", "receipt", b.ID(), "err", err)
			continue
		}
		o.credit.admitted(b.ID(), b.Receipt.Amount)
		reply.Signatures[b.ID().String()] = sig
	}
	return encode(reply)
}

// checkLane refuses who never had escrow for this operator, and so no order: anybody can promise anything, and what is kept of it would
// fill the disk and have the collector look at one lane after the other.
func (o *Operator) checkLane(ctx context.Context, payer common.Address) error {
	lane, err := o.cover.lane(ctx, payer)
	if err == nil && lane == (settlement.Lane{}) {
		err = fmt.Errorf("%s has no escrow for this operator", payer)
	}
	return err
}

const (
	// orderGrace is how long after its deadline an order is remembered: receipts for it may still arrive by then.
	orderGrace  = time.Hour
	forgetEvery = 10 * time.Minute
)

// forgetOrders drops orders that never got a receipt, long after they could.
func (g *Gateway) forgetOrders(ctx context.Context) error {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		n, err := g.ledger.DropOrders(ctx, uint64(g.now().Add(-orderGrace).Unix()))
		if err != nil && ctx.Err() == nil {
			g.log.Warn("forget expired orders", "err", err)
		} else if n > 0 {
			g.log.Info("expired orders forgotten", "orders", n)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
