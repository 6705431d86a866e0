package settlement

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/s2"
)

// A stored record is one version byte, the CRC-32C of key ‖ version ‖ payload, and the payload in CBOR.
// The key is in the checksum so that a record found under a wrong key is as corrupt as a flipped bit.
const (
	recordCBOR      = 2
	recordS2        = 3 // CBOR, compressed
	recordHeaderLen = 5

	// compressFrom is where compressing begins to pay: receipts carry a decision, in which names and hashes recur.
	compressFrom = 1 << 10
	// maxRecordBytes bounds what a damaged length can make the reader allocate; evidence, two bundles, is the largest record.
	maxRecordBytes = 1 << 20
)

// recordModes are how payloads are written and read. Times keep their nanoseconds, by which receipts are ordered.
var recordModes = func() (modes struct {
	enc cbor.EncMode
	dec cbor.DecMode
}) {
	var err, err2 error
	modes.enc, err = cbor.EncOptions{Time: cbor.TimeRFC3339Nano}.EncMode()
	modes.dec, err2 = cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField}.DecMode()
	if err := errors.Join(err, err2); err != nil {
		panic(err) // options that contradict one another
	}
	return modes
}()

// Key prefixes. Numbers in keys are big-endian, so that byte order is number order.
const (
	keyMeta        = "meta"
	keyOrigin      = "origin" // common.Hash of the chain on which batches were settled; see Chain.Origin
	prefixOrder    = "ord/"   // + id → deadline of an order that is out, with no receipt yet
	prefixReceipt  = "rcp/"   // + id → Bundle without Inclusion
	prefixInclude  = "inc/"   // + id → Inclusion
	prefixLaneRow  = "lrx/"   // + payer + payee + id, empty: index of receipts by lane
	prefixSeq      = "seq/"   // + payer + payee + lane number, empty: numbers that have a receipt
	prefixPending  = "pnd/"   // + id → pendingRecord: accepted and not settled
	prefixOut      = "out/"   // + payee → outLane: what this payer owes
	prefixIn       = "inl/"   // + payer → inLane: what this payee is owed
	prefixPartial  = "par/"   // + payee + id → partialWait, or empty: partial receipts that the operator has not signed
	prefixPayer    = "pay/"   // + id → Bundle: the payer's receipt for an order that this operator has its own for
	prefixBatch    = "bat/"   // + epoch → SealedBatch without its receipts: the head
	prefixLeaves   = "blv/"   // + epoch → batchReceipts
	prefixSecond   = "sec/"   // + id → SignedReceipt: the operator's own, refused because the payer's partial one stands
	prefixEvidence = "evi/"   // + evidence id → StoredEvidence
	prefixAdvert   = "adv/"   // + sequence number → node: adverts that this operator has numbered
	prefixNewest   = "new/"   // + (max − acceptance time in ns) + id, empty: accepted receipts, newest first
)

func idKey(prefix string, id ReceiptID) []byte { return append([]byte(prefix), id[:]...) }

func addressKey(prefix string, a common.Address) []byte { return append([]byte(prefix), a[:]...) }

func epochKey(prefix string, epoch uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(prefix), epoch)
}

func seqKey(payer, payee common.Address, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(laneKey(prefixSeq, payer, payee), seq)
}

func laneKey(prefix string, payer, payee common.Address) []byte {
	return append(append([]byte(prefix), payer[:]...), payee[:]...)
}

func partialKey(payee common.Address, id ReceiptID) []byte {
	return append(addressKey(prefixPartial, payee), id[:]...)
}

func laneRowKey(payer, payee common.Address, id ReceiptID) []byte {
	return append(laneKey(prefixLaneRow, payer, payee), id[:]...)
}

// newestKey counts time backwards, so that byte order is newest first.
func newestKey(at time.Time, id ReceiptID) []byte {
	return append(binary.BigEndian.AppendUint64([]byte(prefixNewest), math.MaxUint64-uint64(at.UnixNano())), id[:]...)
}

// encodeRecord frames v for key.
func encodeRecord(key []byte, v any) ([]byte, error) {
	payload, err := recordModes.enc.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode record %s: %w", keyName(key), err)
	}
	version := byte(recordCBOR)
	if len(payload) >= compressFrom && len(payload) <= maxRecordBytes {
		version, payload = recordS2, s2.Encode(nil, payload)
	}
	row := append(make([]byte, 0, recordHeaderLen+len(payload)), version)
	row = binary.BigEndian.AppendUint32(row, recordSum(key, version, payload))
	return append(row, payload...), nil
}

// decodeRecord reads into v what encodeRecord framed for key. ErrCorrupt when it is anything else.
func decodeRecord(key, row []byte, v any) error {
	corrupt := func(why error) error { return fmt.Errorf("decode record %s: %w: %w", keyName(key), ErrCorrupt, why) }
	if len(row) < recordHeaderLen {
		return corrupt(fmt.Errorf("%d bytes", len(row)))
	}
	version, payload := row[0], row[recordHeaderLen:]
	if version != recordCBOR && version != recordS2 {
		return corrupt(fmt.Errorf("version %d, this program knows %d and %d", version, recordCBOR, recordS2))
	}
	if binary.BigEndian.Uint32(row[1:]) != recordSum(key, version, payload) {
		return corrupt(errors.New("checksum differs"))
	}
	if version == recordS2 {
		var err error
		if payload, err = inflate(payload); err != nil {
			return corrupt(err)
		}
	}
	if err := recordModes.dec.Unmarshal(payload, v); err != nil {
		return corrupt(err)
	}
	return nil
}

// inflate undoes the compression of a payload.
func inflate(payload []byte) ([]byte, error) {
	if n, err := s2.DecodedLen(payload); err != nil || n > maxRecordBytes {
		return nil, errors.Join(err, errIf(n > maxRecordBytes, fmt.Errorf("%d bytes when decompressed, at most %d", n, maxRecordBytes)))
	}
	return s2.Decode(nil, payload)
}

func recordSum(key []byte, version byte, payload []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // cached by the library, in hardware where there is any
	sum := crc32.Update(0, table, key)
	sum = crc32.Update(sum, table, []byte{version})
	return crc32.Update(sum, table, payload)
}

// keyName makes a key readable in errors: the prefix and the rest in hex.
func keyName(key []byte) string {
	if len(key) <= len(prefixOrder) {
		return string(key)
	}
	return fmt.Sprintf("%s%x", key[:len(prefixOrder)], key[len(prefixOrder):])
}
