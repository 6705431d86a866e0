package node

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/p2p"
	"flotilla/settlement"
)

// maxTwoFaced bounds the proofs of double signing that wait to be stored; a flood of them is one operator's work, and
// one proof of it is enough.
const maxTwoFaced = 16

// onEquivocation is called from gossip validation and must not block: a full queue drops.
func (n *Node) onEquivocation(e p2p.Equivocation) {
	select {
	case n.twoFaced <- e:
	default:
	}
}

// keepEquivocations turns proofs of double signing into evidence for the stake contract.
func (n *Node) keepEquivocations(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-n.twoFaced:
			for _, evidence := range twoPrices(e) {
				id, err := n.ledger.KeepEvidence(ctx, evidence)
				switch {
				case err == nil:
					n.cfg.Logger.Warn("operator signed two prices under one number", "operator", evidence.Operator(), "seq", e.Seq, "evidence", id)
				case errors.Is(err, settlement.ErrNoFault), errors.Is(err, settlement.ErrBadSignature), ctx.Err() != nil:
					// The envelopes differ, the prices do not; or the second one was never the operator's.
				default:
					n.cfg.Logger.Warn("keep evidence", "operator", evidence.Operator(), "err", err)
				}
			}
		}
	}
}

// twoPrices pairs the offers of two adverts that are about the same model, once: the chain punishes no second pair, and adverts full of
// one model would be thousands.
func twoPrices(e p2p.Equivocation) []settlement.Evidence {
	var out []settlement.Evidence
	paired := make(map[common.Hash]bool)
	for _, a := range e.Adverts[0].Offers {
		first := bindingAdvert(e.Adverts[0], a)
		about := first.OfferHash()
		for _, b := range e.Adverts[1].Offers {
			second := bindingAdvert(e.Adverts[1], b)
			if !paired[about] && about == second.OfferHash() && first != second {
				paired[about] = true
				out = append(out, settlement.Evidence{Fault: settlement.AdvertEquivocation, Adverts: []settlement.SignedAdvert{{Advert: first, Sig: a.Sig}, {Advert: second, Sig: b.Sig}}})
			}
		}
	}
	return out
}
