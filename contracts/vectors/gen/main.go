// Command gen writes contracts/vectors/messages.json: golden EIP-712 digests, signatures and Merkle
// trees that the Go and the Solidity implementations are both tested against.
//
// It shares no code with either: digests come from go-ethereum's general typed-data encoder
// (signer/core/apitypes), trees from the recursive definition in tree.go. Output is the same on each run.
//
//	go run ./contracts/vectors/gen > contracts/vectors/messages.json
package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/contracts/schema"
	"flotilla/contracts/vectors/random"
)

// perMessage is how many of each message there are; the first ones have the extreme values.
const perMessage = 24

// treeSizes cover full, odd and barely started levels.
func treeSizes() []int {
	sizes := []int{20, 31, 33, 64}
	for n := 1; n <= 17; n++ {
		sizes = append(sizes, n)
	}
	return sizes
}

// tree is one Merkle tree with a proof for each leaf.
type tree struct {
	Leaves []common.Hash   `json:"leaves"`
	Root   common.Hash     `json:"root"`
	Proofs [][]common.Hash `json:"proofs"`
}

// file is the layout of messages.json. Messages are objects of their fields, in which amounts and only
// amounts are decimal strings, with digest, signer and signature beside them.
type file struct {
	Domain               domain           `json:"domain"`
	Adverts              []random.Message `json:"adverts"`
	Orders               []random.Message `json:"orders"`
	Receipts             []random.Message `json:"receipts"`
	Vouchers             []random.Message `json:"vouchers"`
	Batches              []random.Message `json:"batches"`
	SignerAuthorizations []random.Message `json:"signerAuthorizations"`
	Trees                []tree           `json:"trees"`
}

type domain struct {
	ChainID  uint64         `json:"chainId"`
	Contract common.Address `json:"contract"`
}

func main() {
	out, err := generate()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
	if _, err := os.Stdout.Write(append(out, '\n')); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func generate() ([]byte, error) {
	s, err := schema.Load()
	if err != nil {
		return nil, err
	}
	r := &random.Source{Rand: rand.New(rand.NewPCG(0xf107, 0x111a)), Schema: s}
	f := file{Domain: domain{ChainID: 1337, Contract: common.HexToAddress("0xF107111A00000000000000000000000000000001")}}
	lists := map[string]*[]random.Message{
		"Advert": &f.Adverts, "Order": &f.Orders, "Receipt": &f.Receipts, "Voucher": &f.Vouchers,
		"SettlementBatch": &f.Batches, "SignerAuthorization": &f.SignerAuthorizations,
	}
	for _, st := range s.Messages() {
		list, known := lists[st.Name]
		if !known {
			return nil, fmt.Errorf("no list for %s", st.Name)
		}
		for i := range perMessage {
			m, err := newMessage(f.Domain, st, r.With(i))
			if err != nil {
				return nil, fmt.Errorf("%s %d: %w", st.Name, i, err)
			}
			*list = append(*list, m)
		}
	}
	for _, n := range treeSizes() {
		f.Trees = append(f.Trees, newTree(r.Digests(n)))
	}
	return json.MarshalIndent(f, "", " ")
}

// newMessage makes a message whose signer field is the account of a fresh key, and signs it.
func newMessage(d domain, st schema.Struct, r *random.Source) (random.Message, error) {
	key, err := crypto.ToECDSA(r.Bytes(32))
	if err != nil {
		return nil, err
	}
	m := r.Fields(st)
	signer := crypto.PubkeyToAddress(key.PublicKey)
	m[st.Signer] = signer.Hex()
	hash, err := digest(r.Schema, d, st.Name, m)
	if err != nil {
		return nil, err
	}
	sig, err := crypto.Sign(hash[:], key)
	if err != nil {
		return nil, err
	}
	sig[64] += 27
	m["digest"], m["signer"], m["signature"] = hash.Hex(), signer.Hex(), hexutil.Encode(sig)
	return m, nil
}
