package ethchain

import (
	"crypto/ecdsa"
	"log/slog"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"flotilla/settlement"
)

// Config says which contract to talk to, through which node, and with whose money.
type Config struct {
	// Client is the connection to use; the caller closes it. Without one, RPC is dialled.
	Client *ethclient.Client
	// RPC is the URL of a node's JSON-RPC, such as http://127.0.0.1:8545. Used when Client is nil.
	RPC string
	// Contract is the address of FlotillaSettlement.
	Contract common.Address
	// ChainID that the node must have: a signature or transaction for another chain would be lost.
	ChainID uint64
	// Key signs transactions; nil gives a Chain that only reads.
	Key *ecdsa.PrivateKey
	// MaxFeePerGas is the most, in wei, that a unit of gas may cost; nil means 200 gwei.
	MaxFeePerGas *big.Int
	// RaiseAfter is how long a transaction may be pending before it is replaced by one with a higher fee; 0 means 30 s.
	RaiseAfter time.Duration
	// NativePrice is what one whole coin of the chain costs in base units of the settlement token, to weigh gas against
	// money; 0 where gas costs nothing, as on a development chain.
	NativePrice settlement.Amount
	// PollEvery is the time between two looks for a receipt; 0 means 50 ms.
	PollEvery time.Duration
	// FromBlock is where the scan for operators starts: the block of the deployment, or 0.
	FromBlock uint64
	// Logger takes what is worth telling; nil drops it.
	Logger *slog.Logger
}

const (
	// callTimeout ends one question to the node; a node that needs longer is of no use.
	callTimeout = 10 * time.Second
	// stepTimeout ends what takes a dozen questions, one after the other: to send a transaction, or to keep one in the air.
	stepTimeout = 2 * time.Minute
	// mineTimeout ends the wait for a transaction's block when the caller sets no earlier end: ten slots
	// of Ethereum mainnet.
	mineTimeout = 2 * time.Minute
	// defaultRaiseAfter is two slots of Ethereum mainnet and a little more.
	defaultRaiseAfter = 30 * time.Second
	// defaultPoll costs a local node nothing and is still 20 questions a second for one that is remote.
	defaultPoll = 50 * time.Millisecond
	// defaultMaxFeeGwei is several times the price of a busy day on Ethereum mainnet.
	defaultMaxFeeGwei = 200
)

func (c Config) withDefaults() Config {
	if c.MaxFeePerGas == nil {
		c.MaxFeePerGas = new(big.Int).Mul(big.NewInt(defaultMaxFeeGwei), big.NewInt(1e9))
	}
	if c.PollEvery <= 0 {
		c.PollEvery = defaultPoll
	}
	if c.RaiseAfter <= 0 {
		c.RaiseAfter = defaultRaiseAfter
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
