package testnet

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/params"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
	"flotilla/testnet/devchain"
)

// coinsEach pays for the gas of an account that was not there when the chain began.
const coinsEach = 10

// Fund gives an account test tokens, and coins for gas, on the development chain at rpc: what another gateway or operator needs
// to join. It returns what tokens were given. A crash in between leaves coins without tokens; the next call gives both.
func Fund(ctx context.Context, rpc string, to common.Address) (settlement.Amount, error) {
	client, err := ethclient.DialContext(ctx, rpc)
	if err != nil {
		return 0, fmt.Errorf("open chain: %w", err)
	}
	defer client.Close()
	id, err := client.ChainID(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask the chain for its id: %w", err)
	}
	contracts := devchain.AddressesOf(DevAddress(roleDeployer))
	code, err := client.CodeAt(ctx, contracts.Settlement, nil)
	if err != nil {
		return 0, fmt.Errorf("look for the contracts: %w", err)
	}
	if id.Cmp(new(big.Int).SetUint64(devchain.ChainID)) != 0 || len(code) == 0 {
		return 0, fmt.Errorf("%s is no chain of 'flotilla testnet up': money can be made on such a one only", rpc)
	}
	if err := inTurn(ctx, func() error { return sendCoins(ctx, client, to) }); err != nil {
		return 0, fmt.Errorf("send coins to %s: %w", to, err)
	}
	return tokensEach, inTurn(ctx, func() error {
		return devchain.Mint(ctx, client, DevKey(roleDeployer), contracts.Token, to, tokensEach)
	})
}

// inTurn sends again while others who fund by the same key take the transaction's number.
func inTurn(ctx context.Context, send func() error) error {
	for {
		err := send()
		if err == nil || !numberTaken(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(rand.N(turn)):
		}
	}
}

// turn is the longest wait before a number is tried again: a block of the chain.
const turn = time.Second

// numberTaken says whether another transaction has the number of the one that failed. A node says so in words alone.
func numberTaken(err error) bool {
	return errors.Is(err, ethchain.ErrReplaced) || slices.ContainsFunc([]error{txpool.ErrAlreadyKnown, txpool.ErrReplaceUnderpriced, core.ErrNonceTooLow}, func(said error) bool {
		return strings.Contains(err.Error(), said.Error())
	})
}

func sendCoins(ctx context.Context, client *ethclient.Client, to common.Address) error {
	nonce, err := client.PendingNonceAt(ctx, DevAddress(roleDeployer))
	if err != nil {
		return fmt.Errorf("read nonce: %w", err)
	}
	price, err := client.SuggestGasPrice(ctx)
	if err != nil {
		return fmt.Errorf("read gas price: %w", err)
	}
	sender, err := ethchain.NewSender(ethchain.Config{Client: client, ChainID: devchain.ChainID, Key: DevKey(roleDeployer)})
	if err != nil {
		return err
	}
	tx, err := types.SignNewTx(DevKey(roleDeployer), types.LatestSignerForChainID(new(big.Int).SetUint64(devchain.ChainID)), &types.LegacyTx{
		Nonce: nonce, GasPrice: new(big.Int).Lsh(price, 1), Gas: params.TxGas, To: &to,
		Value: new(big.Int).Mul(big.NewInt(coinsEach), big.NewInt(params.Ether)),
	})
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if err := client.SendTransaction(ctx, tx); err != nil {
		return err
	}
	_, err = sender.Wait(ctx, tx)
	return err
}
