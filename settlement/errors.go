package settlement

import (
	"errors"

	"flotilla/internal/durable"
)

// What callers branch on. Each refused message has its own error; all are wrapped with details.
var (
	// ErrBadSignature: a signature is malformed or was made by another key than the message demands.
	ErrBadSignature = errors.New("bad signature")
	// ErrWrongParty: payer or payee is not who this ledger belongs to, or the messages name different ones.
	ErrWrongParty = errors.New("wrong party")
	// ErrWrongDomain: the messages were made for another chain or contract.
	ErrWrongDomain = errors.New("wrong signing domain")
	// ErrOrderMismatch: the receipt is for another order than the one it came with.
	ErrOrderMismatch = errors.New("receipt does not match its order")
	// ErrUnknownOrder: no order of that id was recorded, so nothing may be charged for it.
	ErrUnknownOrder = errors.New("unknown order")
	// ErrOrderExists: an order of that id was recorded before.
	ErrOrderExists = errors.New("order already recorded")
	// ErrOrderExpired: the receipt was served after the order's deadline.
	ErrOrderExpired = errors.New("served after the order's deadline")
	// ErrAdvertMismatch: the order names another advert than the one it came with.
	ErrAdvertMismatch = errors.New("order does not match the advert")
	// ErrUnknownAdvert: this operator's ledger has not numbered the advert, so that it cannot know what was served under it.
	ErrUnknownAdvert = errors.New("advert is not of this ledger")
	// ErrAdvertExpired: the advert did not bind at the time of serving.
	ErrAdvertExpired = errors.New("advert not valid at that time")
	// ErrPriceAboveAdvert: the receipt charges more than the advertised price.
	ErrPriceAboveAdvert = errors.New("price above the advertised one")
	// ErrPriceBelowAdvert: the receipt charges less than the advertised price; amounts must be exact.
	ErrPriceBelowAdvert = errors.New("price below the advertised one")
	// ErrAmountAboveOrder: the receipt charges more than the order allows.
	ErrAmountAboveOrder = errors.New("amount above the order's maximum")
	// ErrTokensAboveOrder: the receipt counts more tokens than the order allows.
	ErrTokensAboveOrder = errors.New("tokens above the order's maximum")
	// ErrDecisionMismatch: the routing decision is not the one that was signed.
	ErrDecisionMismatch = errors.New("routing decision does not match its digest")
	// ErrRequestMismatch: the prompt or its salt is not the one that was signed.
	ErrRequestMismatch = errors.New("request does not match its salted hash")
	// ErrReceiptReplayed: there is a receipt of that id already.
	ErrReceiptReplayed = errors.New("receipt replayed")
	// ErrLaneSeqReused: the operator used that lane number for another receipt.
	ErrLaneSeqReused = errors.New("lane sequence number reused")
	// ErrPartialForm: a payer-issued receipt has a lane number, or an ordinary one has none.
	ErrPartialForm = errors.New("receipt is neither an ordinary nor a partial one")
	// ErrUnknownReceipt: no receipt of that id is stored.
	ErrUnknownReceipt = errors.New("unknown receipt")
	// ErrStaleVoucher: the voucher's total is below one that is already held; the held one stands.
	ErrStaleVoucher = errors.New("voucher is older than the one held")
	// ErrVoucherShort: the voucher does not cover the receipts that the payer has countersigned.
	ErrVoucherShort = errors.New("voucher does not cover the countersigned receipts")
	// ErrNoStake: the operator has nothing staked.
	ErrNoStake = errors.New("operator has no stake")
	// ErrNotInBatch: the receipt is not under the batch root that the chain holds.
	ErrNotInBatch = errors.New("receipt is not in the batch")
	// ErrLaneUncovered: the chain has paid less on the lane than its receipts add up to.
	ErrLaneUncovered = errors.New("lane total on chain does not cover the receipts")
	// ErrAlreadySettled: the chain already holds exactly this batch.
	ErrAlreadySettled = errors.New("batch already settled")
	// ErrEpochConflict: the chain holds another batch for this epoch: someone else settles with this key.
	ErrEpochConflict = errors.New("another batch is anchored for this epoch")
	// ErrLedgerBehind: the chain has paid more on a lane than this ledger knows of: it is an old copy.
	ErrLedgerBehind = errors.New("ledger is behind the chain")
	// ErrCorrupt: a stored record does not match its checksum.
	ErrCorrupt = errors.New("corrupt record")
	// ErrClosed: the ledger is closed.
	ErrClosed = durable.ErrClosed
	// ErrVerifyFailed: at least one check of a bundle failed. Exit code 1.
	ErrVerifyFailed = errors.New("verification failed")
	// ErrCannotCheck: no check failed, but at least one could not be made. Exit code 2.
	ErrCannotCheck = errors.New("verification incomplete")
)
