package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/p2p"
	"flotilla/settlement"
)

const (
	// advertGrace keeps a price valid after the next one is out, so that an order under way never meets a stale one.
	advertGrace = 3
	// clockSkew back-dates validity: a gateway whose clock is a little behind must not refuse a fresh price.
	clockSkew = 30 * time.Second
	// readyPoll is how often an operator looks whether its model servers still answer.
	readyPoll = 5 * time.Second
)

// advertise keeps the operator's signed prices in the fleet: anew every AdvertEvery, and at once when a model server
// or one of its models comes or goes. A model whose server does not answer, or lists it no more, is not advertised.
func (o *Operator) advertise(ctx context.Context) error {
	servers := modelServers(o.cfg.Models)
	var lastReady string
	var lastAt time.Time
	told := make(map[string]time.Time)
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		ready, why := o.readyModels(ctx, servers)
		key := fmt.Sprint(modelNames(ready))
		if now := o.now(); key != lastReady || now.Sub(lastAt) >= o.cfg.AdvertEvery {
			if why != nil {
				o.log.Warn("models are not offered until their server has them again", "err", why)
			}
			if err := o.announce(ctx, ready, now); err != nil {
				o.log.Warn("announce prices", "err", err)
			} else {
				lastReady, lastAt = key, now
			}
		}
		o.tellOthers(told, o.now())
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// readyModels is what all servers have of what is for sale. The error says why something is missing.
func (o *Operator) readyModels(ctx context.Context, servers []*modelServer) (ready []ServedModel, _ error) {
	var missing []error
	for _, s := range servers {
		models, err := s.look(ctx, o.cfg.Find)
		ready, missing = append(ready, models...), append(missing, err)
	}
	return ready, errors.Join(missing...)
}

// announce signs one price a model and publishes them together: all that an advert can hold, so that one model too many, or one with
// an odd name, does not keep the others from being asked. The sequence number is the time in milliseconds, so
// that it goes on rising over a restart that lost its state; the ledger keeps it rising when the clock goes back.
func (o *Operator) announce(ctx context.Context, models []ServedModel, now time.Time) error {
	seq, err := o.ledger.NextAdvertSeq(ctx, nodeHash(o.fleet.ID()), now)
	if err != nil {
		return err
	}
	a := p2p.Advert{
		Peer: o.fleet.ID(), Operator: o.self, Seq: seq,
		ValidFrom: uint64(now.Add(-clockSkew).Unix()), ValidTo: uint64(now.Add(advertGrace * o.cfg.AdvertEvery).Unix()),
	}
	if most := a.ValidFrom + uint64(time.Hour/time.Second); a.ValidTo > most {
		a.ValidTo = most
	}
	signed := make(map[common.Hash]bool, len(models))
	var announced, left []string
	var why error
	for _, m := range models {
		offer := p2p.Offer{
			Model: m.Model, Quantization: m.Quantization, Runtime: m.Runtime, TokenCounting: m.TokenCounting,
			InputPerMTok: m.Price.InputPerMTok, OutputPerMTok: m.Price.OutputPerMTok, PerRequest: m.Price.PerRequest,
			MaxContext: m.MaxContext, Features: m.Features,
		}
		advert := bindingAdvert(a, offer)
		if signed[advert.OfferHash()] {
			// Two prices for one offer under one number are a fault that costs stake, however honestly they came about.
			o.log.Warn("model is served twice by one runtime; only the first is announced", "model", m.Model)
			continue
		}
		signed[advert.OfferHash()] = true
		digest := advert.Digest(o.domain)
		sig, err := settlement.Sign(o.key, digest)
		if err != nil {
			return fmt.Errorf("sign price of %s: %w", m.Model, err)
		}
		offer.Sig = sig
		with := a
		with.Offers = append(a.Offers, offer)
		if err := o.fleet.Fits(with); err != nil {
			left, why = append(left, m.Model), cmp.Or(why, err)
			continue
		}
		a, announced = with, append(announced, m.Model)
		o.prices.add(digest, signedOffer{advert, sig, m}, now)
	}
	if why != nil {
		o.log.Warn("models are not announced: choose with --model which are served, or shorten their names", "models", left, "err", why)
	}
	o.announced.Store(seq)
	if err := o.fleet.Announce(ctx, a); err != nil {
		return err
	}
	o.log.Info("prices announced", "models", announced)
	return nil
}

func modelNames(ms []ServedModel) []string {
	names := make([]string, len(ms))
	for i, m := range ms {
		names[i] = m.Model
	}
	return names
}
