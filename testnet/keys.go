package testnet

import (
	"crypto/ecdsa"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

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
