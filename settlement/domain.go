package settlement

import (
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Domain separates the messages of one deployment from all others: the EIP-712 domain
// {name: "Flotilla", version: "1", chainId, verifyingContract}. A signature made under one Domain is
// worthless under another.
type Domain struct {
	ChainID  uint64         `json:"chainId"`
	Contract common.Address `json:"verifyingContract"`
}

// DomainName and DomainVersion are the fixed parts of every [Domain].
const (
	DomainName    = "Flotilla"
	DomainVersion = "1"
)

const domainType = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"

// The hashes below are constants that Go cannot spell as such.
var (
	domainTypeHash    = crypto.Keccak256Hash([]byte(domainType))
	domainNameHash    = crypto.Keccak256Hash([]byte(DomainName))
	domainVersionHash = crypto.Keccak256Hash([]byte(DomainVersion))
)

// newestSeparator is of the domain that was asked for last. A process deals with one, and asks for it some twenty
// times a request.
var newestSeparator atomic.Pointer[separatorOf]

type separatorOf struct {
	domain    Domain
	separator common.Hash
}

// Separator returns the EIP-712 domain separator.
func (d Domain) Separator() common.Hash {
	if s := newestSeparator.Load(); s != nil && s.domain == d {
		return s.separator
	}
	s := &separatorOf{d, d.separator()}
	newestSeparator.Store(s)
	return s.separator
}

func (d Domain) separator() common.Hash {
	var w words
	w.hash(domainTypeHash)
	w.hash(domainNameHash)
	w.hash(domainVersionHash)
	w.uint(d.ChainID)
	w.address(d.Contract)
	return w.sum()
}

// digest returns keccak256(0x1901 ‖ separator ‖ structHash), the 32 bytes that are signed.
func (d Domain) digest(structHash common.Hash) common.Hash {
	var buf [66]byte
	buf[0], buf[1] = 0x19, 0x01
	sep := d.Separator()
	copy(buf[2:], sep[:])
	copy(buf[34:], structHash[:])
	return crypto.Keccak256Hash(buf[:])
}
