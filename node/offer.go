package node

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/node/backend"
	"flotilla/p2p"
	"flotilla/routing"
	"flotilla/routing/catalogue"
	"flotilla/settlement"
)

// Reasons why an advertisement is not taken into the directory.
var (
	// ErrAdvertSignature: the prices are not signed by the operator they name. The sender is answerable: Reject.
	ErrAdvertSignature = errors.New("advertisement is not signed by its operator")
	// ErrUnstaked: the operator has no stake on chain, as far as this node has seen: Ignore, the view may lag.
	ErrUnstaked = errors.New("operator has no stake")
)

// priced is one offer of one operator as the gateway uses it: what was advertised and the binding, signed price.
type priced struct {
	peer   p2p.PeerID
	offer  p2p.Offer
	advert settlement.Advert
	digest common.Hash
}

// endpoint is where the offer is served.
func (p *priced) endpoint() endpoint { return endpoint{p.peer, p.advert.Model} }

// nodeHash binds a price to the libp2p identity that serves it (settlement.Advert.Node).
func nodeHash(peer p2p.PeerID) common.Hash { return crypto.Keccak256Hash([]byte(peer)) }

// bindingAdvert is the settlement message behind one offer of a gossiped advertisement.
func bindingAdvert(a p2p.Advert, o p2p.Offer) settlement.Advert {
	return settlement.Advert{
		Operator: a.Operator, Node: nodeHash(a.Peer),
		Model: o.Model, Quantization: o.Quantization, Runtime: o.Runtime, TokenCounting: o.TokenCounting,
		InputPerMTok: o.InputPerMTok, OutputPerMTok: o.OutputPerMTok, PerRequest: o.PerRequest,
		MaxContext: o.MaxContext, Seq: a.Seq, ValidFrom: a.ValidFrom, ValidTo: a.ValidTo,
	}
}

// advertChecker is the validator that node hands to p2p: every price must be signed by the operator's own key, and
// the operator must have stake, which is looked up first: 64 signatures are work that anybody without stake could cause, again at
// each recheck. It runs before an advertisement is relayed and does not block.
func advertChecker(domain settlement.Domain, view *chainView) func(p2p.Advert) (p2p.Verdict, error) {
	return func(a p2p.Advert) (p2p.Verdict, error) {
		if view.Stake(a.Operator) == 0 {
			return p2p.Ignore, fmt.Errorf("%w: %s", ErrUnstaked, common.Address(a.Operator))
		}
		for _, o := range a.Offers {
			signer, err := settlement.Recover(bindingAdvert(a, o).Digest(domain), o.Sig)
			if err != nil {
				return p2p.Reject, fmt.Errorf("%w: %s: %w", ErrAdvertSignature, o.Model, err)
			}
			if signer != common.Address(a.Operator) {
				return p2p.Reject, fmt.Errorf("%w: %s is signed by %s, not %s", ErrAdvertSignature, o.Model, signer, common.Address(a.Operator))
			}
		}
		return p2p.Accept, nil
	}
}

// pricedFleet is a directory snapshot as the router reads it. Hashing every price of a large fleet costs milliseconds,
// so it is done once a snapshot and not once a request. It is never changed after it was published.
type pricedFleet struct {
	adverts    []p2p.Advert // the snapshot; p2p never changes one it has handed out
	candidates []routing.Candidate
	embedders  []routing.Candidate           // offers of embedding models, which the router never chooses among
	since      map[routing.ModelID]time.Time // when each model was first seen, of those that are offered
}

func (f *pricedFleet) isOf(adverts []p2p.Advert) bool {
	return f != nil && len(f.adverts) == len(adverts) && (len(adverts) == 0 || &f.adverts[0] == &adverts[0])
}

// priceFleet reads a snapshot. before is the one before it: nil for the first.
func priceFleet(adverts []p2p.Advert, domain settlement.Domain, before *pricedFleet, now time.Time) *pricedFleet {
	f := &pricedFleet{adverts: adverts, since: map[routing.ModelID]time.Time{}}
	for _, a := range adverts {
		for _, o := range a.Offers {
			adv := bindingAdvert(a, o)
			c := routing.Candidate{
				Operator:     operatorName(a.Operator, a.Peer),
				Model:        routing.ModelID(catalogue.ID(o.Model)),
				InputPerMTok: o.InputPerMTok, OutputPerMTok: o.OutputPerMTok, PerRequest: o.PerRequest,
				MaxContext: o.MaxContext,
				Tools:      slices.Contains(o.Features, backend.FeatureTools),
				JSONMode:   slices.Contains(o.Features, backend.FeatureJSON),
				Vision:     slices.Contains(o.Features, backend.FeatureVision),
				Ref:        &priced{peer: a.Peer, offer: o, advert: adv, digest: adv.Digest(domain)},
			}
			f.since[c.Model] = before.firstSeen(c.Model, now)
			if slices.Contains(o.Features, backend.FeatureEmbeddings) {
				f.embedders = append(f.embedders, c)
				continue
			}
			f.candidates = append(f.candidates, c)
		}
	}
	return f
}

// firstSeen is since when the model is offered without a break, or now.
func (f *pricedFleet) firstSeen(m routing.ModelID, now time.Time) time.Time {
	if f != nil {
		if at, ok := f.since[m]; ok {
			return at
		}
	}
	return now
}

// candidates turns the live directory into what the router chooses from. A candidate's Ref is its *priced.
func (g *Gateway) candidates(now time.Time) []routing.Candidate {
	return g.asOf(now, g.pricedFleet().candidates)
}

// embedders are the live offers of embedding models.
func (g *Gateway) embedders(now time.Time) []routing.Candidate {
	return g.asOf(now, g.pricedFleet().embedders)
}

// pricedFleet is of the newest directory snapshot.
func (g *Gateway) pricedFleet() *pricedFleet {
	adverts := g.fleet.Adverts()
	f := g.priced.Load()
	if !f.isOf(adverts) {
		f = priceFleet(adverts, g.domain, f, g.now())
		g.priced.Store(f)
	}
	return f
}

// asOf adds to offers what changes from moment to moment.
func (g *Gateway) asOf(now time.Time, offers []routing.Candidate) []routing.Candidate {
	out := slices.Clone(offers)
	for i := range out {
		p := out[i].Ref.(*priced)
		out[i].Load, out[i].Unavailable = g.load(p.peer), g.unavailable(p, now)
	}
	return out
}

// operatorName is how a serving node is named to people: its settlement address, which is what stake and payment
// hang on. An operator with two nodes shows the end of the peer id behind it.
func operatorName(op [20]byte, peer p2p.PeerID) string {
	id := peer.String()
	return "0x" + hex.EncodeToString(op[:]) + "/" + id[max(0, len(id)-6):]
}
