package settlement

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Advert is an operator's binding price for one model on one node. The operator's key signs it.
type Advert struct {
	Operator      common.Address `json:"operator"`
	Node          common.Hash    `json:"node"` // keccak256 of the libp2p peer id's bytes
	Model         string         `json:"model"`
	Quantization  string         `json:"quantization"`
	Runtime       string         `json:"runtime"`
	TokenCounting string         `json:"tokenCounting"` // how tokens are counted; runtimes differ by a factor of two
	InputPerMTok  uint64         `json:"inputPerMTok"`  // base units per 1e6 input tokens
	OutputPerMTok uint64         `json:"outputPerMTok"` // base units per 1e6 output tokens
	PerRequest    uint64         `json:"perRequest"`    // base units
	MaxContext    uint32         `json:"maxContext"`    // tokens
	Seq           uint64         `json:"seq"`           // strictly increases per operator and node
	ValidFrom     uint64         `json:"validFrom"`     // unix seconds, inclusive
	ValidTo       uint64         `json:"validTo"`       // unix seconds, inclusive
}

const advertType = "Advert(address operator,bytes32 node,string model,string quantization,string runtime,string tokenCounting," +
	"uint64 inputPerMTok,uint64 outputPerMTok,uint64 perRequest,uint32 maxContext,uint64 seq,uint64 validFrom,uint64 validTo)"

var advertTypeHash = crypto.Keccak256Hash([]byte(advertType)) // a constant that Go cannot spell as such

// Price returns the three prices of the advert.
func (a Advert) Price() Price {
	return Price{InputPerMTok: a.InputPerMTok, OutputPerMTok: a.OutputPerMTok, PerRequest: a.PerRequest}
}

// ValidAt says whether the price binds at unix second t.
func (a Advert) ValidAt(t uint64) bool { return a.ValidFrom <= t && t <= a.ValidTo }

// Digest returns the EIP-712 digest that the operator signs.
func (a Advert) Digest(d Domain) common.Hash {
	var w words
	w.hash(advertTypeHash)
	w.address(a.Operator)
	w.hash(a.Node)
	w.text(a.Model)
	w.text(a.Quantization)
	w.text(a.Runtime)
	w.text(a.TokenCounting)
	w.uint(a.InputPerMTok)
	w.uint(a.OutputPerMTok)
	w.uint(a.PerRequest)
	w.uint(uint64(a.MaxContext))
	w.uint(a.Seq)
	w.uint(a.ValidFrom)
	w.uint(a.ValidTo)
	return d.digest(w.sum())
}
