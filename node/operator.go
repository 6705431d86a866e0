package node

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/node/backend"
	"flotilla/p2p"
	"flotilla/settlement"
)

// Codes with which an operator refuses an order. The gateway tries another operator; only the ones that are the
// operator's own fault count against it.
const (
	codeBadOrder    = "bad_order"           // the gateway's fault: unsigned, expired, wrong hash, too little money
	codeStalePrice  = "stale_price"         // the order cites a price that is no longer offered
	codeEscrow      = "insufficient_escrow" // the lane on chain does not cover the order
	codeNeedVoucher = "need_voucher"        // too much is owed without a signed promise
	codeNotReady    = "not_ready"           // the model server is loading or gone, or the chain is
)

// ServedModel is one model that an operator serves, from one local server, for one price.
type ServedModel struct {
	// Model is the canonical id under which it is advertised, BackendModel the name the server knows.
	Model, BackendModel string
	Backend             *backend.Backend
	Price               Price
	// Quantization, Runtime and TokenCounting go into the signed price: the same weights count differently.
	Quantization, Runtime, TokenCounting string
	MaxContext                           uint32
	Features                             []string
}

// embeds: the model makes vectors, and has no output.
func (m ServedModel) embeds() bool { return slices.Contains(m.Features, backend.FeatureEmbeddings) }

// Operator serves paid requests from local model servers.
type Operator struct {
	cfg     OperatorConfig
	key     *ecdsa.PrivateKey
	self    common.Address
	domain  settlement.Domain
	ledger  *settlement.Ledger
	chain   Chain
	signers settlement.SignerReader
	fleet   *p2p.Host
	log     *slog.Logger
	caused  *fewLines // by peers
	now     func() time.Time

	announced atomic.Uint64 // number of this node's newest advert, 0 before the first

	prices  priceBook
	servers readiness
	cover   *coverCache
	credit  creditBook
	making  ordersInWork
	slots   fairSlots
}

// job is one admitted order.
type job struct {
	order     settlement.Order
	id        settlement.ReceiptID
	salt      []byte
	advert    settlement.Advert
	advertSig settlement.Signature
	model     ServedModel
	request   p2p.InferRequest
	body      []byte // of the request, asking for no more than the order pays for
	leave     func() // gives back its slot, when no more is to be done for the answer; may be called again
	release   func()
}

// Serve answers one order: admit, generate, sign, deliver, and keep what the gateway signs back. It is the handler
// of p2p's inference stream; ctx ends when the gateway cancels or vanishes.
func (o *Operator) Serve(ctx context.Context, in *p2p.Incoming) error {
	j, refusal := o.admit(ctx, in)
	if refusal != nil {
		o.caused.line(slog.LevelInfo, "order refused", "code", refusal.code, "reason", refusal.err, "gateway", in.From())
		return in.Reject(refusal.code, refusal.retryAfter, outwards(refusal.err))
	}
	defer j.release()
	if err := in.Accept(); err != nil {
		return fmt.Errorf("accept order: %w", err)
	}
	work, cancel := context.WithDeadlineCause(ctx, time.Unix(int64(j.lastSecond()), 0), errDeadline)
	defer cancel()
	out := o.generate(work, in, j)
	out.ended = min(uint64(o.now().Unix()), j.lastSecond())
	ctx = context.WithoutCancel(ctx) // what was delivered is billed, also when the gateway has cancelled
	if out.fault != nil {
		// Only what the gateway has acknowledged counts; its Cancel says how much that is. On a broken stream this
		// fails: then the gateway issues the receipt for what it got, and this operator signs that one when the two
		// meet again.
		if err := in.Flush(ctx); err != nil && !errors.Is(err, p2p.ErrCanceled) {
			out.cutTo(in.Acked())
			o.noteBroken(j, out)
			return fmt.Errorf("answer cut short (%s): %w", unquoted(out.fault), err)
		}
		out.cutTo(in.Acked())
	}
	if out.pieces == 0 {
		// Nothing was delivered, so nothing is charged and no receipt exists.
		j.leave()
		_, err := in.Finish(withFault(p2p.End{FinishReason: "error"}, out.fault))
		return err
	}
	return o.deliver(ctx, in, j, out)
}

// errDeadline cuts an answer at the last moment at which it can be charged.
var errDeadline = fmt.Errorf("the order's deadline passed before the answer was whole: %w", context.DeadlineExceeded)

// lastSecond is the last, since 1970, in which a receipt for the order counts.
func (j *job) lastSecond() uint64 { return min(j.order.Deadline, j.advert.ValidTo) }

// noteBroken counts the output that the gateway had acknowledged when it was lost. Its own receipt for it has that much or more.
func (o *Operator) noteBroken(j *job, out generated) {
	if out.out == 0 {
		return
	}
	amount, err := settlement.Cost(j.advert.Price(), 0, min(out.out, j.order.MaxOutputTokens))
	if err != nil {
		return
	}
	o.credit.broke(j.order.Payer, j.id, amount)
}

type refusal struct {
	code       string
	retryAfter time.Duration
	err        error
}

// admit checks an order before any work is done: who pays, at which of our own prices, for which bytes, and
// whether the money is there.
func (o *Operator) admit(ctx context.Context, in *p2p.Incoming) (*job, *refusal) {
	req := in.Request()
	bad := func(code string, err error) (*job, *refusal) { return nil, &refusal{code: code, err: err} }
	var order settlement.Order
	if err := decode(req.Order, &order); err != nil {
		return bad(codeBadOrder, err)
	}
	var extra orderExtra
	if err := decode(req.Extra, &extra); err != nil {
		return bad(codeBadOrder, err)
	}
	switch {
	case order.Payee != o.self:
		return bad(codeBadOrder, fmt.Errorf("order pays %s, this is %s", order.Payee, o.self))
	case uint64(o.now().Unix()) > order.Deadline:
		return bad(codeBadOrder, fmt.Errorf("order's deadline passed at %d", order.Deadline))
	case len(extra.Salt) != saltBytes || settlement.RequestHash(extra.Salt, req.Body) != order.RequestHash:
		return bad(codeBadOrder, errors.New("order's request hash does not match the request"))
	}
	digest := order.Digest(o.domain)
	if ref := o.checkSigner(ctx, order.Payer, digest, req.OrderSig); ref != nil {
		return nil, ref
	}
	offer, ok := o.prices.find(order.Advert, o.now())
	if !ok {
		return bad(codeStalePrice, fmt.Errorf("price %s is not offered", order.Advert))
	}
	body, err := payable(order, req.Body, offer)
	if err != nil {
		return bad(codeBadOrder, err)
	}
	if err := o.servers.check(ctx, offer.model.Backend, o.now()); err != nil {
		return nil, &refusal{codeNotReady, 5 * time.Second, fmt.Errorf("model server: %w", err)}
	}
	release, ref := o.reserve(ctx, order)
	if ref != nil {
		return nil, ref
	}
	over, ref := o.claim(settlement.ReceiptID(digest))
	if ref != nil {
		release()
		return nil, ref
	}
	leave, err := o.slots.take(order.Payer, o.now())
	if err != nil {
		over()
		release()
		return nil, &refusal{p2p.CodeOverloaded, time.Second, err}
	}
	return &job{
		order: order, id: settlement.ReceiptID(digest), salt: extra.Salt, advert: offer.advert, advertSig: offer.sig,
		model: offer.model, request: req, body: body, leave: leave, release: func() { over(); leave(); release() },
	}, nil
}

// payable refuses an order under which the answer could not be charged: for fewer tokens than the request may take, or less
// money than those cost. It returns the request with its output limited to what the order pays for.
func payable(order settlement.Order, body []byte, offer signedOffer) ([]byte, error) {
	if uint64(order.MaxInputTokens) < uint64(len(body)) { // a token has a byte or more; how many there are is known when all is done
		return nil, fmt.Errorf("order pays for %d input tokens, the request has %d bytes", order.MaxInputTokens, len(body))
	}
	most, err := settlement.Cost(offer.advert.Price(), order.MaxInputTokens, order.MaxOutputTokens)
	if err != nil || order.MaxAmount < most {
		return nil, errors.Join(fmt.Errorf("order pays %s at most, its tokens may cost %s", order.MaxAmount, most), err)
	}
	if offer.model.embeds() {
		return body, nil
	}
	return backend.LimitTotal(body, order.MaxOutputTokens)
}

// checkSigner refuses an order that neither its payer nor a key that signs for it has signed. What a key in its thaw has
// signed can still be settled, but it gets no new work, as a lane that thaws gets none.
func (o *Operator) checkSigner(ctx context.Context, payer common.Address, digest common.Hash, sig settlement.Signature) *refusal {
	signer, err := o.ledger.CheckOrder(ctx, payer, digest, sig)
	switch {
	case errors.Is(err, settlement.ErrBadSignature):
		return &refusal{code: codeBadOrder, err: err}
	case err != nil:
		return &refusal{codeNotReady, time.Second, err}
	case signer == payer:
		return nil
	}
	binding, err := o.signers.SignerOf(ctx, signer)
	if err != nil {
		return &refusal{codeNotReady, time.Second, err}
	}
	if binding.ThawEnd != 0 {
		return &refusal{code: codeBadOrder, err: fmt.Errorf("order is signed by %s, which %s is revoking: sign with another key", signer, payer)}
	}
	return nil
}

// reserve makes sure that the order's maximum is in the lane on chain, beyond all that is promised or in work.
func (o *Operator) reserve(ctx context.Context, order settlement.Order) (func(), *refusal) {
	vouchered, owed, err := o.ledger.OwedBy(order.Payer)
	if err != nil {
		return nil, &refusal{codeNotReady, time.Second, fmt.Errorf("read ledger: %w", err)}
	}
	aggregate, err := vouchered.Add(owed)
	if err != nil {
		return nil, &refusal{code: codeBadOrder, err: fmt.Errorf("sum what %s owes: %w", order.Payer, err)}
	}
	release, err := o.cover.reserve(ctx, order.Payer, aggregate, order.MaxAmount)
	if errors.Is(err, errLaneUnread) {
		return nil, &refusal{codeNotReady, time.Second, err}
	}
	if err != nil {
		return nil, &refusal{codeEscrow, 2 * time.Second, err}
	}
	// Last: the book of debtors has room for so many, and accounts without escrow cost nothing to make.
	if more := o.credit.excess(order.Payer, owed, o.now()); more > 0 {
		release()
		return nil, &refusal{codeNeedVoucher, time.Second, fmt.Errorf("what is owed without a voucher, answers whose stream was lost included, is %s above the limit of %s", more, o.cfg.CreditLimit)}
	}
	return release, nil
}

// deliver signs the receipt, keeps it, sends it, and keeps what comes back.
func (o *Operator) deliver(ctx context.Context, in *p2p.Incoming, j *job, g generated) error {
	g.in, g.out = min(g.in, j.order.MaxInputTokens), min(g.out, j.order.MaxOutputTokens)
	amount, err := settlement.Cost(j.advert.Price(), g.in, g.out)
	if err != nil {
		return fmt.Errorf("price the answer: %w", err)
	}
	opening := settlement.Opening{Advert: j.advert, AdvertSig: j.advertSig, Order: j.order, OrderSig: j.request.OrderSig, Salt: j.salt}
	// Durable before it is sent: a crash from here on leaves a receipt that the gateway may or may not have; it is the
	// only one that this operator ever signs for the order.
	b := opening.Bundle(o.domain, settlement.Receipt{
		Request: common.Hash(j.id), Payer: j.order.Payer, Payee: o.self, Advert: j.order.Advert,
		InputTokens: g.in, OutputTokens: g.out, Amount: amount, ServedAt: g.ended,
		RequestHash: j.order.RequestHash, ResponseHash: g.hash, Decision: j.order.Decision,
	}, nil)
	b.Partial = false
	if b, err = o.ledger.RecordServed(ctx, b); err != nil {
		return fmt.Errorf("record receipt: %w", err)
	}
	raw, err := encode(b.Receipt)
	if err != nil {
		return err
	}
	end := p2p.End{FinishReason: g.finish, InputTokens: g.in, OutputTokens: g.out, Receipt: raw, ReceiptSig: b.OperatorSig}
	if g.fault != nil {
		end = withFault(end, g.fault)
	}
	// From here on the receipt counts as owed, and the credit limit bounds what waits for vouchers. The gateway's next order may be ready.
	j.leave()
	paid, err := in.Finish(end)
	if err != nil {
		return fmt.Errorf("deliver receipt %s: %w", j.id, err)
	}
	if paid.Dispute != "" {
		o.caused.line(slog.LevelWarn, "receipt disputed", "receipt", j.id, "reason", paid.Dispute, "gateway", in.From())
		return nil
	}
	return o.keep(ctx, b.Receipt, paid)
}

// keep stores the gateway's countersignature and voucher; the ledger checks both.
func (o *Operator) keep(ctx context.Context, r settlement.Receipt, paid p2p.Settlement) error {
	var v settlement.Voucher
	if err := decode(paid.Voucher, &v); err != nil {
		return err
	}
	unvouchered, err := o.ledger.AcceptSettlement(ctx, r.ID(), paid.Countersignature, v, paid.VoucherSig)
	if err != nil {
		return fmt.Errorf("keep settlement: %w", err)
	}
	o.log.Info("served", "receipt", r.ID(), "input_tokens", r.InputTokens, "output_tokens", r.OutputTokens,
		"amount", r.Amount, "unvouchered", unvouchered)
	return nil
}

// priceBook remembers the prices this operator signed that are still valid: an order may cite the one before the
// newest, so that a price change never drops a request.
type priceBook struct {
	mu     sync.Mutex // guards offers; held for map work only
	offers map[common.Hash]signedOffer
}

type signedOffer struct {
	advert settlement.Advert
	sig    settlement.Signature
	model  ServedModel
}

// maxSignedPrices bounds the book: 64 models a node, six adverts an hour. Where model servers come and go there are more adverts, and
// the oldest prices make room: gateways have newer ones.
const maxSignedPrices = 64 * 8

func (b *priceBook) add(digest common.Hash, o signedOffer, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.offers == nil {
		b.offers = make(map[common.Hash]signedOffer)
	}
	var oldest common.Hash
	for h, old := range b.offers {
		if old.advert.ValidTo < uint64(now.Unix()) {
			delete(b.offers, h)
		} else if first, ok := b.offers[oldest]; !ok || old.advert.Seq < first.advert.Seq {
			oldest = h
		}
	}
	if len(b.offers) >= maxSignedPrices {
		delete(b.offers, oldest)
	}
	b.offers[digest] = o
}

func (b *priceBook) find(digest common.Hash, now time.Time) (signedOffer, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.offers[digest]
	return o, ok && uint64(now.Unix()) <= o.advert.ValidTo
}
