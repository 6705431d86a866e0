package settlement

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/internal/trouble"
)

// CollectorConfig says when a payee collects by itself. Zero fields take the default.
type CollectorConfig struct {
	MaxWait     time.Duration // a lane that was not paid in full for so long is collected; default 24 h
	MinGain     uint64        // … when it is worth so many times the gas of collecting it; default 100
	Poll        time.Duration // how often lanes are looked at; default 1 min
	CallTimeout time.Duration // deadline of one lane's chain calls; default 2 min
	Logger      *slog.Logger  // slog.DiscardHandler when nil
}

// voucherLanes is what collecting one lane by voucher costs, in lanes of a batch: 46,800 gas against 17,200.
const voucherLanes = 3

func (c CollectorConfig) withDefaults() CollectorConfig {
	c.MaxWait = orDefault(c.MaxWait, 24*time.Hour)
	c.Poll = orDefault(c.Poll, time.Minute)
	c.CallTimeout = orDefault(c.CallTimeout, 2*time.Minute)
	if c.MinGain == 0 {
		c.MinGain = 100
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Collector lets a payee be paid without its payers' help: it brings the newest voucher of a lane on chain when the
// payer has not settled for long, or at once when the payer thaws its escrow or revokes the key that has signed. It keeps nothing that matters in
// memory: a restart starts the waiting times anew, and a voucher that is sent twice pays once.
type Collector struct {
	ledger *Ledger
	chain  Chain
	cfg    CollectorConfig

	lanes map[common.Address]*collecting // lanes with something to collect; belongs to Run's goroutine
}

// collecting is what the collector remembers of one lane.
type collecting struct {
	collected Amount    // as the chain had it when last seen
	since     time.Time // nothing was collected from then on
	sent      time.Time // a voucher was sent then; zero before
}

// NewCollector returns a collector for the ledger's owner.
func NewCollector(l *Ledger, c Chain, cfg CollectorConfig) *Collector {
	return &Collector{ledger: l, chain: c, cfg: cfg.withDefaults(), lanes: make(map[common.Address]*collecting)}
}

// Run looks at the lanes until ctx ends. Errors are logged, in few lines, and tried again at the next look. It returns nil.
func (c *Collector) Run(ctx context.Context) error {
	var away trouble.Trouble
	for {
		err := c.Collect(ctx, time.Now())
		if ctx.Err() != nil {
			return nil
		}
		away.Note(c.cfg.Logger, err, "collecting vouchers waits", "collecting vouchers goes on")
		if !sleep(ctx, c.cfg.Poll, nil) {
			return nil
		}
	}
}

// Collect looks at every lane once and sends the vouchers that are due at now.
func (c *Collector) Collect(ctx context.Context, now time.Time) error {
	vouchers, err := c.ledger.heldVouchers()
	if err != nil {
		return fmt.Errorf("list held vouchers: %w", err)
	}
	var first error
	failed := 0
	for _, held := range vouchers {
		if err := c.collectLane(ctx, held, now); err != nil {
			failed++
			first = cmp.Or(first, fmt.Errorf("collect from %s: %w", held.Voucher.Payer, err))
		}
	}
	if failed > 1 { // a chain that is away is so for all of them
		return fmt.Errorf("%w (and %d lanes more)", first, failed-1)
	}
	return first
}

func (c *Collector) collectLane(ctx context.Context, held heldVoucher, now time.Time) error {
	v := held.Voucher
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	lane, err := c.chain.Lane(ctx, v.Payer, v.Payee)
	if err != nil {
		return err
	}
	owed := min(v.ValueAggregate.SubFloor(lane.Collected), lane.Balance)
	if owed == 0 {
		delete(c.lanes, v.Payer)
		return nil
	}
	seen := c.lanes[v.Payer]
	if seen == nil || seen.collected != lane.Collected {
		seen = &collecting{collected: lane.Collected, since: now}
		c.lanes[v.Payer] = seen
	}
	ends, err := c.endsSoon(ctx, held, lane)
	if err != nil {
		return err
	}
	due, err := c.due(ctx, ends, owed, *seen, now)
	if err != nil || !due {
		return err
	}
	tx, err := c.chain.SettleVoucher(ctx, v, held.Sig)
	if err != nil {
		return err
	}
	seen.sent = now
	c.cfg.Logger.Info("voucher sent to the chain", "payer", v.Payer, "owed", owed, "thaw_end", lane.ThawEnd, "tx", tx)
	return nil
}

// endsSoon says whether the payer is taking back its escrow, or the key that has signed the voucher.
func (c *Collector) endsSoon(ctx context.Context, held heldVoucher, lane Lane) (bool, error) {
	if lane.ThawEnd != 0 {
		return true, nil
	}
	signer, err := Recover(held.Voucher.Digest(c.ledger.domain), held.Sig)
	if err != nil || signer == held.Voucher.Payer {
		return false, err
	}
	binding, err := c.chain.SignerOf(ctx, signer)
	return binding.ThawEnd != 0, err
}

// due says whether to send the lane's voucher now. One that was sent and changed nothing (dropped, or clipped by
// the stake of this epoch) is sent again after resendAfter.
func (c *Collector) due(ctx context.Context, ends bool, owed Amount, seen collecting, now time.Time) (bool, error) {
	if now.Sub(seen.sent) < resendAfter { // long past for one that was never sent
		return false, nil
	}
	if ends {
		return true, nil // afterwards the money is out of reach: gas does not matter
	}
	if now.Sub(seen.since) < c.cfg.MaxWait {
		return false, nil
	}
	cost, err := c.chain.LaneCost(ctx)
	if err != nil {
		return false, err
	}
	return uint64(owed)/voucherLanes/c.cfg.MinGain >= uint64(cost), nil
}

// resendAfter is longer than a transaction takes to be mined or forgotten, and short beside any thaw.
const resendAfter = 10 * time.Minute

// heldVoucher is the newest voucher of one payer, with its signature.
type heldVoucher struct {
	Voucher Voucher
	Sig     Signature
}

// Familiar returns who has paid this payee before, and the keys that have signed for that: when it starts among many strangers, it knows them
// from its disk.
func (l *Ledger) Familiar() (map[common.Address]bool, error) {
	held, err := l.heldVouchers()
	if err != nil {
		return nil, fmt.Errorf("list held vouchers: %w", err)
	}
	known := make(map[common.Address]bool, len(held))
	for _, h := range held {
		known[h.Voucher.Payer] = true
		if signer, err := Recover(h.Voucher.Digest(l.domain), h.Sig); err == nil { // it was good when it was taken
			known[signer] = true
		}
	}
	return known, nil
}

// heldVouchers returns the newest voucher of every payer of this payee, in order of payer.
func (l *Ledger) heldVouchers() ([]heldVoucher, error) {
	var out []heldVoucher
	err := l.scan([]byte(prefixIn), func(e entry) (bool, error) {
		var lane inLane
		if err := readEntry(e, &lane); err != nil {
			return false, err
		}
		if len(lane.VoucherSig) != 0 {
			out = append(out, heldVoucher{lane.Voucher, lane.VoucherSig})
		}
		return true, nil
	})
	return out, err
}
