package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/node/access"
	"flotilla/node/openai"
	"flotilla/node/page"
	"flotilla/node/requestlog"
	"flotilla/routing"
	"flotilla/routing/catalogue"
	"flotilla/routing/index"
	"flotilla/settlement"
)

// maxFilled bounds the requests that the page counts from before this start: a few hundred milliseconds in the background.
const maxFilled = 20_000

// maxKeysShown bounds the keys of the owner's spend.
const maxKeysShown = 200

// pageViews is the gateway as its page shows it.
type pageViews struct {
	n    *Node
	g    *Gateway
	book *page.Book
}

var _ page.Views = pageViews{}

// openPages makes the page's two doors: at the API's address for keys, at the administration address for the owner.
func (n *Node) openPages(g *Gateway) (err error) {
	views := pageViews{n, g, g.gate.book}
	if n.page, err = page.New(page.Config{Views: views, Keys: g.pageViewer, Logger: g.log}); err != nil {
		return err
	}
	n.ownerPage, err = page.New(page.Config{Views: views, API: n.HTTPAddr(), Logger: g.log})
	return err
}

// pageViewer admits the viewer behind an API key. A view counts in the key's requests a minute, as every route does, but
// being open takes none of its slots.
func (g *Gateway) pageViewer(ctx context.Context, secret string) (page.Viewer, error) {
	key, err := g.gate.check(secret)
	if err == nil {
		var in access.Visit
		if in, err = g.keys.Enter(ctx, access.KeyID(key.ID)); err == nil {
			in.Leave()
		}
		err = keyRefusal(err)
	}
	if told := (*openai.APIError)(nil); errors.As(err, &told) {
		err = &page.Refusal{Status: told.Status, Message: told.Message, RetryAfter: told.RetryAfter}
	}
	return page.Viewer{Key: key.ID}, err
}

// Requests implements page.Views.
func (p pageViews) Requests(ctx context.Context, v page.Viewer, open string) (page.Requests, error) {
	out := page.Requests{Viewer: v, Requests: p.book.Recent(v, page.MaxListed)}
	r, found := p.book.Find(v, open)
	if !found && open != "" { // a link to what the book has forgotten
		old, err := p.n.requests.Find(ctx, open)
		if err != nil && !errors.Is(err, requestlog.ErrNotFound) {
			return out, viewRefusal(err)
		}
		r, found = old, err == nil && v.Sees(old.Key)
	}
	if !found {
		return out, nil
	}
	o, err := p.opened(r)
	out.Open = &o
	return out, err
}

// opened adds to a request what its receipt binds.
func (p pageViews) opened(r requestlog.Record) (page.Opened, error) {
	out := page.Opened{Request: r, Outcomes: []map[string]float64{}}
	if r.Receipt == "" {
		return out, nil
	}
	stored, err := p.stored(r.Receipt)
	if errors.Is(err, settlement.ErrUnknownReceipt) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	line := receiptLine(stored)
	out.Receipt, out.Decision = &line, stored.Bundle.DecisionJSON
	var d routing.Decision
	if err := json.Unmarshal(out.Decision, &d); err != nil {
		return out, fmt.Errorf("read the decision of receipt %s: %w", r.Receipt, err)
	}
	out.Outcomes = outcomes(p.g.router.Index(), d)
	return out, nil
}

func (p pageViews) stored(id string) (settlement.StoredReceipt, error) {
	rid, err := settlement.ParseReceiptID(id)
	if err != nil {
		return settlement.StoredReceipt{}, fmt.Errorf("%w: %w", settlement.ErrUnknownReceipt, err)
	}
	return p.g.ledger.Receipt(rid)
}

// outcomes are the labels of the decision's neighbours for the models that were weighed; none where the index has been
// edited since, for its rows have other numbers.
func outcomes(x *index.Index, d routing.Decision) []map[string]float64 {
	out := []map[string]float64{}
	if x.ID() != d.IndexID {
		return out
	}
	for _, near := range d.Neighbors {
		scores := map[string]float64{}
		for _, c := range d.Considered {
			m, known := x.Model(string(c.Model))
			if !known || near.Row < 0 || near.Row >= x.Len() {
				continue
			}
			if cell, has := x.Cell(near.Row, m); has {
				scores[string(c.Model)] = float64(cell.Score) / index.ScoreSteps
			}
		}
		out = append(out, scores)
	}
	return out
}

func receiptLine(s settlement.StoredReceipt) page.Receipt {
	b := s.Bundle
	out := page.Receipt{
		ID: b.ID().String(), At: time.Unix(int64(b.Receipt.ServedAt), 0).UTC(), Model: catalogue.ID(b.Advert.Model), Operator: b.Receipt.Payee.Hex(),
		CostMicroUSD: uint64(b.Receipt.Amount), InputPerMTok: b.Advert.InputPerMTok, OutputPerMTok: b.Advert.OutputPerMTok, PerRequest: b.Advert.PerRequest,
		State: s.State.String(), Partial: b.Partial,
	}
	if in := b.Inclusion; in != nil {
		if out.Epoch = in.Epoch; in.Tx != (common.Hash{}) {
			out.Tx = in.Tx.Hex()
		}
	}
	return out
}

// Receipts implements page.Views. Whose a receipt is, only the log and the book know without trying each.
func (p pageViews) Receipts(_ context.Context, v page.Viewer) (page.Receipts, error) {
	d := p.g.domain
	out := page.Receipts{Viewer: v, ChainID: d.ChainID, Contract: d.Contract.Hex(), Payer: p.g.self.Hex(), Receipts: []page.Receipt{}}
	for _, r := range p.book.Recent(v, page.MaxListed) {
		if r.Receipt == "" {
			continue
		}
		s, err := p.stored(r.Receipt)
		if errors.Is(err, settlement.ErrUnknownReceipt) {
			continue
		}
		if err != nil {
			return out, err
		}
		out.Receipts = append(out.Receipts, receiptLine(s))
	}
	if v.Owner {
		st, err := p.n.settler.Status()
		if err != nil {
			return out, err
		}
		out.Settling = st
	}
	return out, nil
}

// Receipt implements page.Views.
func (p pageViews) Receipt(_ context.Context, v page.Viewer, id string) (json.RawMessage, error) {
	s, err := p.stored(id)
	switch {
	case errors.Is(err, settlement.ErrUnknownReceipt), err == nil && !v.Owner && !p.g.owners.owns(v.Key, s.Bundle.Order.Nonce):
		return nil, &page.Refusal{Status: http.StatusNotFound, Message: "no such receipt of this API key on this gateway"}
	case err != nil:
		return nil, err
	}
	return json.Marshal(s.Bundle)
}

// viewRefusal tells who looks to come again, where what a view shows is in a database that does not answer now.
func viewRefusal(err error) error {
	if isUnavailable(err) || errors.Is(err, requestlog.ErrUnavailable) {
		return &page.Refusal{Status: http.StatusServiceUnavailable, RetryAfter: access.UnavailableRetry, Message: "the database that the gateways share does not answer now; try again"}
	}
	return err
}

// Spend implements page.Views.
func (p pageViews) Spend(ctx context.Context, v page.Viewer) (page.Spend, error) {
	out := p.book.Spend(v)
	keys, err := p.n.keys.List(ctx)
	if err != nil {
		return out, viewRefusal(err)
	}
	for _, k := range keys {
		if !v.Sees(string(k.ID)) {
			continue
		}
		line := page.KeySpend{
			Key: string(k.ID), Name: k.Name, SpentMicroUSD: uint64(k.Spent), BudgetMicroUSD: uint64(k.Budget), Revoked: !k.Revoked.IsZero(),
		}
		if k.Budget > 0 && !k.ResetAt.IsZero() {
			line.Reset, line.ResetAt = string(k.Reset), &k.ResetAt
		}
		out.Keys = append(out.Keys, line)
	}
	slices.SortStableFunc(out.Keys, func(a, b page.KeySpend) int { return cmp.Compare(b.SpentMicroUSD, a.SpentMicroUSD) })
	out.Keys = out.Keys[:min(len(out.Keys), maxKeysShown)]
	return out, nil
}

// Fleet implements page.Views.
func (p pageViews) Fleet(_ context.Context, v page.Viewer) (page.Fleet, error) {
	x, place := p.g.router.Index(), map[string]int{}
	var all []page.Operator
	heard := map[common.Address]bool{}
	now := p.g.now()
	for _, c := range slices.Concat(p.g.candidates(now), p.g.embedders(now)) {
		offered := c.Ref.(*priced)
		heard[offered.advert.Operator] = true
		at, known := place[c.Operator]
		if !known {
			at = len(all)
			place[c.Operator] = at
			all = append(all, p.operator(c, offered))
		}
		all[at].Offers = append(all[at].Offers, offerOf(c, offered, x))
		if c.Unavailable == "" { // what is between one of its models and us is not the operator's
			all[at].Trouble = ""
		}
	}
	for address, stake := range p.g.view.Operators() {
		if !heard[address] {
			all = append(all, page.Operator{
				Name: address.Hex(), Address: address.Hex(), Trouble: "staked, but advertises nothing", StakeMicroUSD: uint64(stake),
				LaneMicroUSD: uint64(p.g.view.Lane(address).Balance), Offers: []page.Offer{},
			})
		}
	}
	// Those that can be asked first; the order of the rest is only to be the same each time.
	slices.SortFunc(all, func(a, b page.Operator) int {
		return cmp.Or(cmp.Compare(min(len(a.Trouble), 1), min(len(b.Trouble), 1)), cmp.Compare(a.Name, b.Name))
	})
	return page.Fleet{Viewer: v, Total: len(all), Operators: append([]page.Operator{}, all[:min(len(all), page.MaxOperators)]...)}, nil
}

func (p pageViews) operator(c routing.Candidate, offered *priced) page.Operator {
	address := offered.advert.Operator
	o := page.Operator{
		Name: c.Operator, Address: address.Hex(), Trouble: c.Unavailable,
		StakeMicroUSD: uint64(p.g.view.Stake(address)), LaneMicroUSD: uint64(p.g.view.Lane(address).Balance),
	}
	p.g.health.describe(offered.peer, &o)
	return o
}

func offerOf(c routing.Candidate, offered *priced, x *index.Index) page.Offer {
	o := page.Offer{
		Model: string(c.Model), InputPerMTok: c.InputPerMTok, OutputPerMTok: c.OutputPerMTok, PerRequest: c.PerRequest, MaxContext: c.MaxContext,
		Quantization: offered.advert.Quantization, Runtime: offered.advert.Runtime, Features: offered.offer.Features, Trouble: c.Unavailable,
	}
	if m, known := x.Model(string(c.Model)); known {
		ability := x.Ability(m)
		o.Ability = &ability
	}
	return o
}
