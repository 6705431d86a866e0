package p2p

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Send delivers data, at most MaxDeltaBytes, as one Delta. tokens is the
// running count of output tokens and must not fall. Send blocks while the
// gateway is a window behind, at most InferTimers.Stalled without an Ack.
// Of an answer that is not streamed, a short Delta waits a moment for Finish, to leave with it.
// Errors: ErrCanceled, ErrBroken, ErrStalled.
func (in *Incoming) Send(data []byte, tokens uint32) error {
	in.sendMu.Lock()
	defer in.sendMu.Unlock()
	if err := in.status(); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if len(data) > MaxDeltaBytes {
		return fmt.Errorf("send: %d bytes, limit %d", len(data), MaxDeltaBytes)
	}
	in.mu.Lock()
	n, before := in.sent.N+1, in.sent.Tokens
	in.mu.Unlock()
	if tokens < before {
		return fmt.Errorf("send: token count falls from %d to %d", before, tokens)
	}
	for first := true; first || len(data) > 0; first = false {
		chunk := data[:min(len(data), maxChunkBytes)]
		data = data[len(chunk):]
		f := &deltaFrame{N: n, Tokens: tokens, More: len(data) > 0, Data: chunk}
		if err := in.await(context.Background(), func() bool { return in.roomFor(f) }); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		if !in.request.Stream && n == 1 && !f.More && first {
			in.hold(f)
			return nil
		}
		in.endPings()
		if err := in.write(f); err != nil {
			return in.fail(fmt.Errorf("send: %w", err))
		}
	}
	return nil
}

// roomFor books a frame into the window if it fits. A frame is booked before it
// is written, because its Ack may arrive before the write returns. The caller holds mu.
func (in *Incoming) roomFor(f *deltaFrame) bool {
	if f.N-in.acked.N > in.timers.WindowDeltas || in.sent.Bytes+uint64(len(f.Data))-in.acked.Bytes > in.timers.WindowBytes {
		return false
	}
	in.sent.Bytes += uint64(len(f.Data))
	if !f.More {
		in.sent.N, in.sent.Tokens = f.N, f.Tokens
		in.unackedLog = append(in.unackedLog, sentDelta{n: f.N, tokens: f.Tokens})
	}
	return true
}

// await waits until ready, which is called with mu held, returns true. It gives
// up when the request or ctx is over, or when no Ack arrives for too long.
func (in *Incoming) await(ctx context.Context, ready func() bool) error {
	for {
		in.mu.Lock()
		done := ready()
		in.mu.Unlock()
		if done {
			return nil
		}
		if err := in.status(); err != nil {
			return err
		}
		timer := time.NewTimer(in.timers.Stalled)
		select {
		case <-in.moved:
		case <-in.over:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
			_ = in.fail(ErrStalled)
			return ErrStalled
		}
		timer.Stop()
	}
}

// Flush asks for an acknowledgement of everything sent and waits for it, so
// that Acked is exact before a receipt is signed. Send must
// not run at the same time.
func (in *Incoming) Flush(ctx context.Context) error {
	if err := in.status(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	in.mu.Lock()
	idle := in.acked == in.sent
	in.mu.Unlock()
	if idle {
		return nil
	}
	if err := in.write(&pingFrame{Flush: true}); err != nil {
		return in.fail(fmt.Errorf("flush: %w", err))
	}
	if err := in.await(ctx, func() bool { return in.acked == in.sent }); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}

// Finish ends the answer and waits, at most InferTimers.Settle, for the
// gateway's settlement. The request's slot is free before the gateway has the
// End: its next request may be ready. It also works after Cancel, with a
// receipt for what was Acked. When it returns a settlement, Acked is exact. Errors: ErrNoSettlement,
// ErrBroken; the answer is then delivered but not countersigned.
func (in *Incoming) Finish(end End) (Settlement, error) {
	if n := len(end.Receipt) + len(end.ReceiptSig); n > MaxReceiptBytes {
		return Settlement{}, fmt.Errorf("finish: receipt has %d bytes, limit %d", n, MaxReceiptBytes)
	}
	if n := len(end.Fault); n > MaxFaultBytes {
		return Settlement{}, fmt.Errorf("finish: fault has %d bytes, limit %d", n, MaxFaultBytes)
	}
	in.sendMu.Lock() // after a Send under way
	defer in.sendMu.Unlock()
	if err := in.advance(stateAccepted, stateFinished); err != nil {
		return Settlement{}, fmt.Errorf("finish: %w", err)
	}
	in.endPings()
	in.leave()
	err := in.write(&endFrame{
		FinishReason: truncate(end.FinishReason), InputTokens: end.InputTokens, OutputTokens: end.OutputTokens,
		Receipt: end.Receipt, ReceiptSig: end.ReceiptSig, Error: truncate(end.Error), Fault: end.Fault,
	})
	if err != nil {
		return Settlement{}, in.fail(fmt.Errorf("finish: %w", err))
	}
	timer := time.NewTimer(in.timers.Settle)
	defer timer.Stop()
	select {
	case f := <-in.settled:
		return in.settle(f), nil
	case <-in.lost:
	case <-timer.C:
		return Settlement{}, ErrNoSettlement
	}
	select {
	case f := <-in.settled: // read just before the stream ended
		return in.settle(f), nil
	default:
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.broken == nil {
		return Settlement{}, fmt.Errorf("finish: %w", errors.Join(ErrBroken, ErrNoSettlement))
	}
	return Settlement{}, fmt.Errorf("finish: %w", in.broken)
}

// settle notes that the request is over, and returns the frame's content.
func (in *Incoming) settle(f *settleFrame) Settlement {
	in.mu.Lock()
	in.answered = true
	in.mu.Unlock()
	return Settlement{Countersignature: f.Countersignature, Voucher: f.Voucher, VoucherSig: f.VoucherSig, Dispute: f.Dispute}
}
