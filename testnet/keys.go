package testnet

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"
)

// SparePassphrase opens the spare operator's key file. It protects nothing: the key itself is public.
const SparePassphrase = "testnet"

// DevKey is the key of a role in a local fleet. It is derived from a public string, so anyone has it: it is funded on
// the development chain only, and useless elsewhere.
func DevKey(role string) *ecdsa.PrivateKey {
	seed := crypto.Keccak256([]byte("flotilla testnet, worthless key: " + role))
	for {
		if key, err := crypto.ToECDSA(seed); err == nil {
			return key
		}
		seed = crypto.Keccak256(seed) // outside the curve's order: once in 2^128
	}
}

// DevAddress is the account of a role.
func DevAddress(role string) common.Address { return crypto.PubkeyToAddress(DevKey(role).PublicKey) }

// WriteKeyFile writes a role's key in the encrypted form that `flotilla operator` reads, unless the file is there. An empty
// one is what a crash left.
func WriteKeyFile(file, role, passphrase string) error {
	if info, err := os.Stat(file); err == nil && info.Size() > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("make key id: %w", err)
	}
	key := &keystore.Key{Id: id, Address: DevAddress(role), PrivateKey: DevKey(role)}
	raw, err := keystore.EncryptKey(key, passphrase, keystore.LightScryptN, keystore.LightScryptP)
	if err != nil {
		return fmt.Errorf("encrypt key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("make key folder: %w", err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return nil
}
