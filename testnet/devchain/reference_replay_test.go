package devchain

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"

	"flotilla/contracts/bindings"
)

// callGas is more than any action takes; the pool wants it covered.
const callGas = 3_000_000

// manualChain is a devchain whose blocks are made by hand, so that block times follow from the seed alone.
type manualChain struct {
	*Chain
	t      *testing.T
	signer types.Signer
	nonces map[common.Address]uint64
}

// startManual starts a chain in the far future: from there on each block is one second after its parent,
// whatever the wall clock says.
func startManual(t *testing.T, accounts []common.Address, at uint64) *manualChain {
	t.Helper()
	alloc := make(map[common.Address]*big.Int)
	for _, account := range accounts {
		alloc[account] = new(big.Int).Lsh(big.NewInt(1), 100)
	}
	chain, err := Start(t.Context(), Config{Alloc: alloc, BlockGap: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := chain.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &manualChain{Chain: chain, t: t, signer: types.LatestSignerForChainID(big.NewInt(ChainID)), nonces: make(map[common.Address]uint64)}
	c.warp(at - c.eth.BlockChain().CurrentBlock().Time)
	return c
}

func (c *manualChain) warp(secs uint64) {
	c.t.Helper()
	// Until the pool has seen the last block, its transactions seem to wait, and would get an empty block of their own.
	if err := c.eth.TxPool().Sync(); err != nil {
		c.t.Fatal(err)
	}
	if err := c.Warp(time.Duration(secs) * time.Second); err != nil {
		c.t.Fatal(err)
	}
}

// send puts a transaction into the pool. Tips fall with rank, which is its place in the next block.
func (c *manualChain) send(key *ecdsa.PrivateKey, to *common.Address, data []byte, rank int) common.Hash {
	c.t.Helper()
	from := crypto.PubkeyToAddress(key.PublicKey)
	gas := uint64(callGas)
	if to == nil {
		gas *= 3
	}
	tx, err := types.SignNewTx(key, c.signer, &types.DynamicFeeTx{
		ChainID: big.NewInt(ChainID), Nonce: c.nonces[from], To: to, Data: data, Gas: gas,
		GasTipCap: big.NewInt(params.GWei - int64(rank)), GasFeeCap: big.NewInt(1000 * params.GWei),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.eth.TxPool().Add([]*types.Transaction{tx}, true)[0]; err != nil {
		c.t.Fatalf("send transaction: %v", err)
	}
	c.nonces[from]++
	return tx.Hash()
}

// seal makes a block of what waits and returns it.
func (c *manualChain) seal() *types.Block {
	c.t.Helper()
	c.sealing.Lock()
	defer c.sealing.Unlock()
	if err := c.eth.TxPool().Sync(); err != nil {
		c.t.Fatal(err)
	}
	if err := c.sealWaiting(); err != nil {
		c.t.Fatal(err)
	}
	return c.eth.BlockChain().GetBlockByHash(c.eth.BlockChain().CurrentBlock().Hash())
}

// deploy creates the contracts and gives every account of the list its tokens.
func (c *manualChain) deploy(deployer *ecdsa.PrivateKey, p Params) Deployment {
	d := AddressesOf(crypto.PubkeyToAddress(deployer.PublicKey))
	constructor := bindings.NewFlotillaSettlement().PackConstructor(
		d.Token, seconds(p.LaneThaw), seconds(p.Epoch), seconds(p.Evidence), seconds(p.StakeThaw), uint64(p.MinPenalty))
	c.send(deployer, nil, common.FromHex(bindings.TestTokenMetaData.Bin), 0)
	c.send(deployer, nil, append(common.FromHex(bindings.FlotillaSettlementMetaData.Bin), constructor...), 1)
	for _, receipt := range c.eth.BlockChain().GetReceiptsByHash(c.seal().Hash()) {
		if receipt.Status != types.ReceiptStatusSuccessful {
			c.t.Fatal("the contracts are not deployed")
		}
	}
	return d
}

// step is one transaction of a block as the chain ran it, with a way to look at the state right after it.
type step struct {
	tx       common.Hash
	returned []byte // or the revert's data
	failed   bool
	receipt  *types.Receipt
	call     func(to common.Address, data []byte) ([]byte, error)
}

// replay runs a block of the chain once more on its parent's state, transaction by transaction, as
// debug_traceBlock does, and calls visit after each. In the end the state must have the block's root: so
// what was seen between transactions is what the chain had.
func (c *manualChain) replay(block *types.Block, visit func(step)) {
	c.t.Helper()
	bc := c.eth.BlockChain()
	parent := bc.GetHeaderByHash(block.ParentHash())
	db, err := bc.StateAt(parent.Root, parent.Number, parent.Time)
	if err != nil {
		c.t.Fatal(err)
	}
	evm := vm.NewEVM(core.NewEVMBlockContext(block.Header(), bc, nil), db, bc.Config(), vm.Config{})
	defer evm.Release()
	ctx := context.Background()
	core.PreExecution(ctx, block.BeaconRoot(), parent, bc.Config(), evm, block.Number(), block.Time())
	receipts := bc.GetReceiptsByHash(block.Hash())
	var logs []*types.Log
	for i, tx := range block.Transactions() {
		msg, err := core.TransactionToMessage(tx, c.signer, block.BaseFee())
		if err != nil {
			c.t.Fatal(err)
		}
		db.SetTxContext(tx.Hash(), i, uint32(i+1))
		result, err := core.ApplyMessage(evm, msg, core.NewGasPool(block.GasLimit()))
		if err != nil {
			c.t.Fatal(err)
		}
		db.Finalise(evm.GetRules())
		if result.UsedGas != receipts[i].GasUsed {
			c.t.Fatalf("replay of %s took %d gas, the chain %d", tx.Hash(), result.UsedGas, receipts[i].GasUsed)
		}
		logs = append(logs, receipts[i].Logs...)
		visit(step{
			tx: tx.Hash(), returned: result.ReturnData, failed: result.Failed(), receipt: receipts[i], call: caller(evm, db),
		})
	}
	if _, _, err := core.PostExecution(ctx, bc.Config(), block.Number(), block.Time(), logs, block.Withdrawals(), evm, uint32(len(block.Transactions())+1)); err != nil {
		c.t.Fatal(err)
	}
	if root := db.IntermediateRoot(evm.GetRules()); root != block.Root() {
		c.t.Fatalf("replay of block %d ends in another state than the chain's", block.NumberU64())
	}
}

// caller returns a read-only call on the state that evm has right now.
func caller(evm *vm.EVM, db *state.StateDB) func(common.Address, []byte) ([]byte, error) {
	return func(to common.Address, data []byte) ([]byte, error) {
		before := db.Snapshot()
		defer db.RevertToSnapshot(before)
		out, _, err := evm.StaticCall(common.Address{}, to, data, vm.NewGasBudget(callGas, 0))
		return out, err
	}
}

// view compares one view function of a contract with what the model has.
func view(s step, at common.Address, contract abi.ABI, name string, args []any, want ...any) error {
	input, err := contract.Pack(name, args...)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	expected, err := contract.Methods[name].Outputs.Pack(want...)
	if err != nil {
		return fmt.Errorf("encode results of %s: %w", name, err)
	}
	got, err := s.call(at, input)
	if err != nil {
		return fmt.Errorf("call %s%v: %w", name, args, err)
	}
	if !bytes.Equal(got, expected) {
		return fmt.Errorf("%s%v is %x, the reference has %v", name, args, got, want)
	}
	return nil
}
