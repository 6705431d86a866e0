package settlement

import (
	"encoding/binary"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// maxWords bounds an encoded struct: the type hash and the 13 fields of Advert, the longest message.
const maxWords = 14

// words builds EIP-712's encodeData: a row of 32-byte words, without allocating. Writing past maxWords
// panics, which only a wrong Digest method can do.
type words struct {
	buf [maxWords * 32]byte
	n   int // bytes used
}

func (w *words) next() []byte {
	word := w.buf[w.n : w.n+32]
	w.n += 32
	return word
}

func (w *words) hash(h common.Hash)       { copy(w.next(), h[:]) }
func (w *words) address(a common.Address) { copy(w.next()[12:], a[:]) }
func (w *words) uint(n uint64)            { binary.BigEndian.PutUint64(w.next()[24:], n) }
func (w *words) text(s string)            { copy(w.next(), crypto.Keccak256([]byte(s))) }

// sum returns hashStruct: the keccak256 of all words written.
func (w *words) sum() common.Hash { return crypto.Keccak256Hash(w.buf[:w.n]) }
