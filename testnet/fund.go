package testnet

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/params"

	"flotilla/settlement"
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
	if err := sendCoins(ctx, client, to); err != nil {
		return 0, fmt.Errorf("send coins to %s: %w", to, err)
	}
	return tokensEach, devchain.Mint(ctx, client, DevKey(roleDeployer), contracts.Token, to, tokensEach)
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
	receipt, err := bind.WaitMined(ctx, client, tx.Hash())
	if err == nil && receipt.Status != types.ReceiptStatusSuccessful {
		err = errors.New("the account does not take them")
	}
	return err
}
