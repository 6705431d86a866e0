package settlement

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// Bundle is everything that a stranger needs to verify one receipt, besides the chain.
//
// Its JSON form is one object: hashes, addresses, signatures and the salt are 0x-hex strings, amounts
// are decimal strings of base units, decisionJson is a string that holds the decision's exact bytes
// (its sha256 is what was signed), so that every JSON library keeps all of it.
type Bundle struct {
	Domain       Domain
	Advert       Advert
	AdvertSig    Signature // by Advert.Operator
	Order        Order
	OrderSig     Signature // by Order.Payer
	Receipt      Receipt
	OperatorSig  Signature       // by Receipt.Payee; empty only in a partial receipt
	GatewaySig   Signature       // by Receipt.Payer
	Salt         hexutil.Bytes   // of RequestHash, SaltLen bytes
	DecisionJSON json.RawMessage // the routing decision, byte for byte
	Partial      bool            // the payer issued the receipt for a broken stream
	Inclusion    *Inclusion      // nil until settled
}

// Inclusion shows where the chain holds a receipt.
type Inclusion struct {
	Epoch uint64        `json:"epoch"`
	Index uint32        `json:"index"` // position in the batch, from 0
	Count uint32        `json:"count"` // receipts in the batch
	Root  common.Hash   `json:"root"`
	Proof []common.Hash `json:"proof"`
	Tx    common.Hash   `json:"tx"` // a hint for people; zero when the chain's answer was lost
}

// Bounds of a bundle. A decision lists the candidates and neighbours that were weighed: some KiB.
const (
	SaltLen          = 32
	MaxDecisionBytes = 128 << 10
	MaxBundleBytes   = 512 << 10
)

// bundleJSON is Bundle's form in JSON.
type bundleJSON struct {
	Domain       Domain        `json:"domain"`
	Advert       Advert        `json:"advert"`
	AdvertSig    Signature     `json:"advertSig"`
	Order        Order         `json:"order"`
	OrderSig     Signature     `json:"orderSig"`
	Receipt      Receipt       `json:"receipt"`
	OperatorSig  Signature     `json:"operatorSig"`
	GatewaySig   Signature     `json:"gatewaySig"`
	Salt         hexutil.Bytes `json:"salt"`
	DecisionJSON string        `json:"decisionJson"`
	Partial      bool          `json:"partial"`
	Inclusion    *Inclusion    `json:"inclusion"`
}

// ID returns the name of the bundle's receipt.
func (b Bundle) ID() ReceiptID { return b.Receipt.ID() }

// MarshalJSON writes the form described at Bundle.
func (b Bundle) MarshalJSON() ([]byte, error) {
	if err := checkDecision(b.DecisionJSON); err != nil {
		return nil, fmt.Errorf("write bundle: %w", err)
	}
	return json.Marshal(bundleJSON{
		Domain: b.Domain, Advert: b.Advert, AdvertSig: b.AdvertSig, Order: b.Order, OrderSig: b.OrderSig,
		Receipt: b.Receipt, OperatorSig: b.OperatorSig, GatewaySig: b.GatewaySig, Salt: b.Salt,
		DecisionJSON: string(b.DecisionJSON), Partial: b.Partial, Inclusion: b.Inclusion,
	})
}

// UnmarshalJSON reads what MarshalJSON wrote. Unknown fields, text after the object and anything larger
// than MaxBundleBytes are errors: what a verifier does not understand it must not pass over.
func (b *Bundle) UnmarshalJSON(data []byte) error {
	var j bundleJSON
	if err := decodeStrictly(data, MaxBundleBytes, &j); err != nil {
		return fmt.Errorf("read bundle: %w", err)
	}
	if err := checkDecision(json.RawMessage(j.DecisionJSON)); err != nil {
		return fmt.Errorf("read bundle: %w", err)
	}
	if j.Inclusion != nil && len(j.Inclusion.Proof) > maxProofLen {
		return fmt.Errorf("read bundle: proof of %d hashes, at most %d", len(j.Inclusion.Proof), maxProofLen)
	}
	*b = Bundle{
		Domain: j.Domain, Advert: j.Advert, AdvertSig: j.AdvertSig, Order: j.Order, OrderSig: j.OrderSig,
		Receipt: j.Receipt, OperatorSig: j.OperatorSig, GatewaySig: j.GatewaySig, Partial: j.Partial, Inclusion: j.Inclusion,
	}
	if len(j.Salt) > 0 { // one form for "not there": nil
		b.Salt = j.Salt
	}
	if j.DecisionJSON != "" {
		b.DecisionJSON = json.RawMessage(j.DecisionJSON)
	}
	return nil
}

// decodeStrictly reads one JSON object of at most most bytes into v, with no field that v does not have and nothing after it.
func decodeStrictly(data []byte, most int, v any) error {
	if len(data) > most {
		return fmt.Errorf("%d bytes, at most %d", len(data), most)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("text after the JSON object")
	}
	return nil
}

// DecodeBundle reads one bundle from JSON.
func DecodeBundle(data []byte) (Bundle, error) {
	var b Bundle
	if err := b.UnmarshalJSON(data); err != nil {
		return Bundle{}, err
	}
	return b, nil
}

// DecisionDigest returns the sha256 of a routing decision's JSON, as Order and Receipt carry it.
func DecisionDigest(decisionJSON []byte) common.Hash { return sha256.Sum256(decisionJSON) }

// checkDecision makes sure that the decision survives being a JSON string: UTF-8 and bounded. An empty
// one is allowed, because an operator's bundle does not know it.
func checkDecision(raw json.RawMessage) error {
	switch {
	case len(raw) > MaxDecisionBytes:
		return fmt.Errorf("decision of %d bytes, at most %d", len(raw), MaxDecisionBytes)
	case !utf8.Valid(raw):
		return errors.New("decision is not UTF-8")
	case len(raw) > 0 && !json.Valid(raw):
		return errors.New("decision is not JSON")
	}
	return nil
}
