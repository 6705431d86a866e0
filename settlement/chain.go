package settlement

import (
	"context"
	"errors"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// Lane is the escrow between one payer and one payee, as the contract has it.
type Lane struct {
	Balance   Amount // still in escrow, thawing or not
	Collected Amount // paid to the payee since the lane exists; never falls
	ThawEnd   uint64 // unix seconds at which the payer may withdraw; 0 when nothing thaws
}

// Stake is an operator's stake, as the contract has it.
type Stake struct {
	Amount  Amount // all that is staked, including what thaws
	Thawing Amount // part of Amount that is on its way out
	ThawEnd uint64 // unix seconds at which Thawing may leave; 0 when nothing thaws
}

// TxState is what the chain knows of a transaction.
type TxState int

// The states of a transaction.
const (
	TxUnknown  TxState = iota // never seen, or dropped
	TxPending                 // seen, in no block yet
	TxMined                   // in a block, succeeded
	TxReverted                // in a block, had no effect
)

func (s TxState) String() string {
	switch s {
	case TxPending:
		return "pending"
	case TxMined:
		return "mined"
	case TxReverted:
		return "reverted"
	default:
		return "unknown"
	}
}

// Anchor says where the chain holds a batch: in the event of the transaction that settled it.
type Anchor struct {
	Root  common.Hash // zero: the chain has no such batch
	Count uint32      // receipts under the root
	Tx    common.Hash // the transaction that settled it
	Block uint64      // the block that it is in
	Depth uint64      // blocks from Block to the newest one, both counted: 1 in the newest block
}

// ErrChainReset: the chain has forgotten what this process knows it held, so it was started anew or the RPC
// URL leads to another one. Nothing was sent and nothing is lost; point the node at the right chain.
var ErrChainReset = errors.New("the chain was reset")

// ChainReader is the part of a Chain that verification needs. All methods are safe for concurrent use,
// may block on the network until ctx ends, and read the newest block.
type ChainReader interface {
	// BatchAnchor returns where the payer's batch of that epoch stands; a zero Root means that it stands nowhere.
	BatchAnchor(ctx context.Context, payer common.Address, epoch uint64) (Anchor, error)
	// Lane returns the escrow lane; one that was never funded is all zero.
	Lane(ctx context.Context, payer, payee common.Address) (Lane, error)
	// Stake returns the operator's stake; zero for who never staked.
	Stake(ctx context.Context, operator common.Address) (Stake, error)
	// SignerOf returns whom a key signs for; all zero for one that nobody has authorised.
	SignerOf(ctx context.Context, signer common.Address) (SignerBinding, error)
	// Punished says whether the evidence with this id (see Evidence.ID) has cost its operator stake already.
	Punished(ctx context.Context, evidence common.Hash) (bool, error)
}

// Chain is the settlement contract as this package sees it. All methods are safe for concurrent use and
// may block on the network until ctx ends. An error of a sending method does not mean that nothing was
// sent: the answer may have been lost. Callers must look before they send again.
type Chain interface {
	ChainReader
	// LaneThaw is how long escrow stays in its lane after its payer has begun to take it back, and a key's signatures count after its
	// owner has begun to revoke it. It never changes, and asks nobody.
	LaneThaw() time.Duration
	// Origin tells this chain from every other one, also from one that was started anew under its id: zero where nothing does. It never
	// changes, and asks nobody.
	Origin() common.Hash
	// SubmitBatch sends the batch and returns its transaction, which may still be pending. A batch whose
	// root is already anchored for its epoch returns ErrAlreadySettled.
	SubmitBatch(ctx context.Context, b Batch, sig Signature) (tx common.Hash, err error)
	// NextEpoch returns the epoch that the payer's next batch must carry; 1 for a new payer.
	NextEpoch(ctx context.Context, payer common.Address) (uint64, error)
	// Claimable returns what the operator may withdraw.
	Claimable(ctx context.Context, operator common.Address) (Amount, error)
	// TxStatus says what became of a transaction.
	TxStatus(ctx context.Context, tx common.Hash) (TxState, error)
	// SettleVoucher collects one lane by its newest voucher, without the gateway's help.
	SettleVoucher(ctx context.Context, v Voucher, sig Signature) (tx common.Hash, err error)
	// LaneCost returns what one more lane in a batch costs in gas at present, in base units of the settlement
	// token; 0 where gas costs nothing.
	LaneCost(ctx context.Context) (Amount, error)
	// SubmitEvidence brings a fault to the stake contract, which credits the harmed payer and bountyTo.
	SubmitEvidence(ctx context.Context, e Evidence, bountyTo common.Address) (tx common.Hash, err error)
}
