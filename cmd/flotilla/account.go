package main

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// accountFlags name the contract and the key of the account that acts on it.
type accountFlags struct {
	chainFlags
	keyFlags
}

// accountTimeout bounds a command that sends a transaction: it waits for the block.
const accountTimeout = 3 * time.Minute

// act opens the contract with the account's key, runs do, and closes.
func (a accountFlags) act(ctx context.Context, do func(context.Context, *ethchain.Chain) error) error {
	key, err := a.load()
	if err != nil {
		return err
	}
	return a.with(ctx, key, do)
}

// look is act without a key.
func (c chainFlags) look(ctx context.Context, do func(context.Context, *ethchain.Chain) error) error {
	return c.with(ctx, nil, do)
}

// with opens the contract, runs do, and closes; with a nil key the chain only reads.
func (c chainFlags) with(ctx context.Context, key *ecdsa.PrivateKey, do func(context.Context, *ethchain.Chain) error) error {
	ctx, cancel := context.WithTimeout(ctx, accountTimeout)
	defer cancel()
	chain, _, err := c.open(ctx, key)
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, chain), chain.Close())
}

// address is a 20-byte account in a flag or argument.
type address common.Address

// UnmarshalText reads 0x and 40 hex digits. Upper and lower case among them are a checksum (EIP-55).
func (a *address) UnmarshalText(text []byte) error {
	if !common.IsHexAddress(string(text)) {
		return fmt.Errorf("%q is no address: want 0x and 40 hex digits", text)
	}
	account := common.HexToAddress(string(text))
	digits := string(text[len(text)-2*common.AddressLength:])
	if mixed := digits != strings.ToLower(digits) && digits != strings.ToUpper(digits); mixed && digits != account.Hex()[2:] {
		return fmt.Errorf("%q is misspelt: its upper and lower case is a checksum (EIP-55) that does not fit", text)
	}
	*a = address(account)
	return nil
}

// usd is an amount in a flag or argument, in dollars.
type usd settlement.Amount

// UnmarshalText reads dollars with at most six decimals.
func (u *usd) UnmarshalText(text []byte) error {
	a, err := settlement.ParseAmount(string(text))
	if err != nil {
		return err
	}
	*u = usd(a)
	return nil
}

// when prints a unix time of the contract, and how far away it is.
func when(unix uint64) string {
	t := time.Unix(int64(unix), 0)
	if left := time.Until(t).Round(time.Second); left > 0 {
		return fmt.Sprintf("%s (in %s)", t.UTC().Format(time.RFC3339), left)
	}
	return t.UTC().Format(time.RFC3339) + " (now)"
}
