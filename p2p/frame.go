package p2p

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/fxamacker/cbor/v2"
)

// Bounds of an inference stream's frames.
const (
	// MaxFrameBytes bounds one frame: kind byte and CBOR body.
	MaxFrameBytes = 64 << 10
	// MaxBodyBytes bounds a request body.
	MaxBodyBytes = 4 << 20
	// MaxDeltaBytes bounds the data of one Send; larger than a frame it travels
	// in pieces.
	MaxDeltaBytes = 4 << 20
	// MaxOrderBytes bounds the opaque parts of a request together, MaxReceiptBytes
	// those of an End or a Settlement: they share a frame with small fields.
	MaxOrderBytes   = 48 << 10
	MaxReceiptBytes = 48 << 10
	// maxChunkBytes is the data of one Body or Delta frame. It is a quarter of the
	// default window, so that acknowledgements keep a large answer moving.
	maxChunkBytes = 32 << 10
	// MaxFaultBytes bounds the opaque description of an error in an End.
	MaxFaultBytes = 4 << 10
	// maxReasonBytes bounds texts for people.
	maxReasonBytes = 1 << 10
)

// frameKind is the first byte of a frame.
type frameKind byte

// The kinds, in the order in which they usually appear. G is the gateway, O the operator.
const (
	kindOpen   frameKind = iota + 1 // G→O
	kindBody                        // G→O
	kindAccept                      // O→G
	kindReject                      // O→G
	kindPing                        // O→G
	kindDelta                       // O→G
	kindAck                         // G→O
	kindCancel                      // G→O
	kindEnd                         // O→G
	kindSettle                      // G→O
)

// frame is one message of an inference stream.
type frame interface{ kind() frameKind }

// openFrame starts a request; bodyLen bytes follow in Body frames.
type openFrame struct {
	Order     []byte `cbor:"1,keyasint"`
	OrderSig  []byte `cbor:"2,keyasint"`
	Advert    []byte `cbor:"3,keyasint"`
	Extra     []byte `cbor:"4,keyasint"`
	BodyLen   uint32 `cbor:"5,keyasint"`
	Stream    bool   `cbor:"6,keyasint"`
	TimeoutMS uint64 `cbor:"7,keyasint"` // time left until the answer must be complete
}

// bodyFrame carries the next piece of the request body.
type bodyFrame struct {
	_    struct{} `cbor:",toarray"`
	Data []byte
}

// acceptFrame says that the operator works on the request.
type acceptFrame struct {
	_ struct{} `cbor:",toarray"`
}

// rejectFrame says that it does not.
type rejectFrame struct {
	Code         string `cbor:"1,keyasint"`
	RetryAfterMS uint64 `cbor:"2,keyasint"`
	Message      string `cbor:"3,keyasint"`
}

// pingFrame shows life before the first Delta; with Flush it asks for an Ack of
// everything before it.
type pingFrame struct {
	_     struct{} `cbor:",toarray"`
	Flush bool
}

// deltaFrame carries answer data. N counts Sends; a Send longer than a chunk
// takes several frames with one N, all but the last marked More.
type deltaFrame struct {
	_      struct{} `cbor:",toarray"`
	N      uint64
	Tokens uint32 // running count of output tokens
	More   bool
	Data   []byte
}

// ackFrame says what the gateway has consumed: whole Sends, their tokens, and
// bytes, pieces of an unfinished Send included.
type ackFrame struct {
	_      struct{} `cbor:",toarray"`
	N      uint64
	Tokens uint32
	Bytes  uint64
}

// cancelFrame stops the answer; the gateway consumes nothing after it.
type cancelFrame struct {
	_      struct{} `cbor:",toarray"`
	Reason string
}

// endFrame closes the answer.
type endFrame struct {
	FinishReason string `cbor:"1,keyasint"`
	InputTokens  uint32 `cbor:"2,keyasint"`
	OutputTokens uint32 `cbor:"3,keyasint"`
	Receipt      []byte `cbor:"4,keyasint"`
	ReceiptSig   []byte `cbor:"5,keyasint"`
	Error        string `cbor:"6,keyasint"`
	Fault        []byte `cbor:"7,keyasint,omitempty"`
}

// settleFrame is the gateway's answer to a receipt.
type settleFrame struct {
	Countersignature []byte `cbor:"1,keyasint"`
	Voucher          []byte `cbor:"2,keyasint"`
	VoucherSig       []byte `cbor:"3,keyasint"`
	Dispute          string `cbor:"4,keyasint"`
}

func (*openFrame) kind() frameKind   { return kindOpen }
func (*bodyFrame) kind() frameKind   { return kindBody }
func (*acceptFrame) kind() frameKind { return kindAccept }
func (*rejectFrame) kind() frameKind { return kindReject }
func (*pingFrame) kind() frameKind   { return kindPing }
func (*deltaFrame) kind() frameKind  { return kindDelta }
func (*ackFrame) kind() frameKind    { return kindAck }
func (*cancelFrame) kind() frameKind { return kindCancel }
func (*endFrame) kind() frameKind    { return kindEnd }
func (*settleFrame) kind() frameKind { return kindSettle }

// newFrame returns an empty frame of a kind, nil for an unknown one.
func newFrame(k frameKind) frame {
	switch k {
	case kindOpen:
		return new(openFrame)
	case kindBody:
		return new(bodyFrame)
	case kindAccept:
		return new(acceptFrame)
	case kindReject:
		return new(rejectFrame)
	case kindPing:
		return new(pingFrame)
	case kindDelta:
		return new(deltaFrame)
	case kindAck:
		return new(ackFrame)
	case kindCancel:
		return new(cancelFrame)
	case kindEnd:
		return new(endFrame)
	case kindSettle:
		return new(settleFrame)
	default:
		return nil
	}
}

// frameCodec reads and writes frames: uvarint length, kind byte, CBOR body.
type frameCodec struct{ cborModes }

// newFrameCodec builds the codec. Unlike gossip, unknown fields are ignored: a
// later minor version may add some.
func newFrameCodec() frameCodec {
	return frameCodec{newCBORModes(cbor.DecOptions{MaxNestedLevels: 4, MaxArrayElements: 32, MaxMapPairs: 32})}
}

// encode returns the frame with its length prefix.
func (c frameCodec) encode(f frame) ([]byte, error) {
	body, err := c.enc.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode frame: %w", err)
	}
	if len(body)+1 > MaxFrameBytes {
		return nil, fmt.Errorf("encode frame kind %d: %w: %d bytes, limit %d", f.kind(), errTooLong, len(body)+1, MaxFrameBytes)
	}
	out := binary.AppendUvarint(make([]byte, 0, len(body)+1+binary.MaxVarintLen32), uint64(len(body)+1))
	out = append(out, byte(f.kind()))
	return append(out, body...), nil
}

// read reads the next frame. io.EOF comes only between frames.
func (c frameCodec) read(r *bufio.Reader) (frame, error) {
	message, err := readMessage(r, MaxFrameBytes)
	if err != nil {
		return nil, err
	}
	return c.decode(message)
}

// decode parses a frame without its length prefix.
func (c frameCodec) decode(message []byte) (frame, error) {
	if len(message) == 0 {
		return nil, fmt.Errorf("%w: empty frame", errForm)
	}
	f := newFrame(frameKind(message[0]))
	if f == nil {
		return nil, fmt.Errorf("%w: unknown frame kind %d", errForm, message[0])
	}
	if err := c.dec.Unmarshal(message[1:], f); err != nil {
		return nil, fmt.Errorf("%w: frame kind %d: %w", errForm, message[0], err)
	}
	return f, nil
}

// readAs reads the next frame and requires its type.
func readAs[F frame](c frameCodec, r *bufio.Reader) (F, error) {
	var want F
	f, err := c.read(r)
	if err != nil {
		return want, noEOF(err)
	}
	got, ok := f.(F)
	if !ok {
		return want, fmt.Errorf("%w: got frame kind %d, want %d", errForm, f.kind(), want.kind())
	}
	return got, nil
}

// noEOF turns a clean end into an unexpected one, where more had to come.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
