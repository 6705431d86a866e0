package settlement

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

// Fault is a contradiction that an operator has signed itself, as the stake contract punishes it. The numbers
// are those of IFlotillaStake.Fault.
type Fault uint8

// The faults. None of them is about the quality of an answer.
const (
	AdvertBreach       Fault = iota // a receipt that charges more than its advert, or was served outside its validity
	OrderBreach                     // a receipt above its order's limits or after its deadline
	DoubleReceipt                   // two receipts for one request
	AdvertEquivocation              // two adverts of one offer with one sequence number
)

var faultNames = [...]string{"advert_breach", "order_breach", "double_receipt", "advert_equivocation"}

func (f Fault) String() string {
	if int(f) < len(faultNames) {
		return faultNames[f]
	}
	return fmt.Sprintf("fault_%d", uint8(f))
}

// MarshalText writes the fault's name.
func (f Fault) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads a fault's name.
func (f *Fault) UnmarshalText(text []byte) error {
	for i, name := range faultNames {
		if string(text) == name {
			*f = Fault(i)
			return nil
		}
	}
	return fmt.Errorf("read fault: %.40q is none", text)
}

// SignedReceipt is a receipt with its operator's signature.
type SignedReceipt struct {
	Receipt Receipt   `json:"receipt"`
	Sig     Signature `json:"sig"`
}

// SignedAdvert is an advert with its operator's signature.
type SignedAdvert struct {
	Advert Advert    `json:"advert"`
	Sig    Signature `json:"sig"`
}

// Evidence is a fault with the signed messages that prove it, for a contract or for a person. It holds
// hashes, counts and prices, never a prompt.
//
//	AdvertBreach        one receipt, the advert that it names
//	OrderBreach         one receipt, the order that it names
//	DoubleReceipt       two receipts
//	AdvertEquivocation  two adverts
type Evidence struct {
	Fault    Fault           `json:"fault"`
	Receipts []SignedReceipt `json:"receipts,omitempty"`
	Adverts  []SignedAdvert  `json:"adverts,omitempty"`
	Order    *Order          `json:"order,omitempty"`
}

// ErrNoFault: the messages contradict nothing, or do not belong together.
var ErrNoFault = errors.New("the messages prove no fault")

// Charge is what a valid proof accuses: who, to whose harm, and by how much.
type Charge struct {
	Operator common.Address
	Payer    common.Address // who was harmed; zero for an advert equivocation
	Harm     Amount         // what the payer was charged beyond what was due
	ID       common.Hash    // the contract punishes each id once
}

// Check applies the stake contract's own rules: every message is signed by the operator under d and they
// contradict one another. ErrNoFault or ErrBadSignature when not. Evidence that passes costs the operator
// stake, unless it was punished before or has none left.
func (e Evidence) Check(d Domain) (Charge, error) {
	c, key, err := e.charge(d)
	if err != nil {
		return Charge{}, fmt.Errorf("check evidence of %s: %w", e.Fault, err)
	}
	c.ID = evidenceID(e.Fault, key)
	return c, nil
}

// charge returns the charge without its id, and the contract's key of the evidence.
func (e Evidence) charge(d Domain) (Charge, common.Hash, error) {
	if err := e.checkForm(); err != nil {
		return Charge{}, common.Hash{}, err
	}
	if err := e.checkSignatures(d); err != nil {
		return Charge{}, common.Hash{}, err
	}
	switch e.Fault {
	case AdvertBreach:
		return e.advertBreach(d)
	case OrderBreach:
		return e.orderBreach(d)
	case DoubleReceipt:
		return e.doubleReceipt(d)
	default:
		return e.equivocation(d)
	}
}

// checkForm: the fault has the messages that it needs and no others.
func (e Evidence) checkForm() error {
	want := map[Fault][3]int{AdvertBreach: {1, 1, 0}, OrderBreach: {1, 0, 1}, DoubleReceipt: {2, 0, 0}, AdvertEquivocation: {0, 2, 0}}
	orders := 0
	if e.Order != nil {
		orders = 1
	}
	counts, known := want[e.Fault]
	if have := [3]int{len(e.Receipts), len(e.Adverts), orders}; !known || have != counts {
		return fmt.Errorf("%w: %d receipts, %d adverts and %d orders", ErrNoFault, have[0], have[1], have[2])
	}
	return nil
}

func (e Evidence) checkSignatures(d Domain) error {
	for _, r := range e.Receipts {
		if err := checkSigner(operatorSigner, e.Operator(), r.Receipt.Digest(d), r.Sig); err != nil {
			return err
		}
	}
	for _, a := range e.Adverts {
		if err := checkSigner(advertSigner, e.Operator(), a.Advert.Digest(d), a.Sig); err != nil {
			return err
		}
	}
	return nil
}

// Operator returns who is accused; zero for evidence without messages.
func (e Evidence) Operator() common.Address {
	switch {
	case len(e.Receipts) > 0:
		return e.Receipts[0].Receipt.Payee
	case len(e.Adverts) > 0:
		return e.Adverts[0].Advert.Operator
	default:
		return common.Address{}
	}
}

func (e Evidence) advertBreach(d Domain) (Charge, common.Hash, error) {
	r, a := e.Receipts[0].Receipt, e.Adverts[0].Advert
	if r.Advert != a.Digest(d) || a.Operator != r.Payee {
		return Charge{}, common.Hash{}, fmt.Errorf("%w: the receipt names another advert", ErrNoFault)
	}
	var due Amount
	if a.ValidAt(r.ServedAt) {
		var err error
		if due, err = Cost(a.Price(), r.InputTokens, r.OutputTokens); err != nil {
			return Charge{}, common.Hash{}, fmt.Errorf("%w: %w", ErrNoFault, err) // due more than can be charged
		}
	}
	return charge(r, due), r.Digest(d), beyond(r, due)
}

func (e Evidence) orderBreach(d Domain) (Charge, common.Hash, error) {
	r, o := e.Receipts[0].Receipt, *e.Order
	if r.ID() != o.ID(d) {
		return Charge{}, common.Hash{}, fmt.Errorf("%w: the receipt is for another order", ErrNoFault)
	}
	var due Amount
	if r.ServedAt <= o.Deadline && r.InputTokens <= o.MaxInputTokens && r.OutputTokens <= o.MaxOutputTokens {
		due = o.MaxAmount
	}
	return charge(r, due), r.Digest(d), beyond(r, due)
}

func (e Evidence) doubleReceipt(d Domain) (Charge, common.Hash, error) {
	a, b := e.Receipts[0].Receipt, e.Receipts[1].Receipt
	if a.Request != b.Request || a.Payee != b.Payee || a.Digest(d) == b.Digest(d) {
		return Charge{}, common.Hash{}, fmt.Errorf("%w: not two receipts for one request", ErrNoFault)
	}
	var w words
	w.address(a.Payee)
	w.hash(a.Request)
	if b.Amount > a.Amount {
		a = b
	}
	return charge(a, 0), w.sum(), nil
}

func (e Evidence) equivocation(d Domain) (Charge, common.Hash, error) {
	a, b := e.Adverts[0].Advert, e.Adverts[1].Advert
	if a.OfferHash() != b.OfferHash() || a.Digest(d) == b.Digest(d) {
		return Charge{}, common.Hash{}, fmt.Errorf("%w: not two adverts of one offer with one number", ErrNoFault)
	}
	return Charge{Operator: a.Operator}, a.OfferHash(), nil
}

// charge is what r takes beyond due.
func charge(r Receipt, due Amount) Charge {
	return Charge{Operator: r.Payee, Payer: r.Payer, Harm: r.Amount.SubFloor(due)}
}

func beyond(r Receipt, due Amount) error {
	if r.Amount <= due {
		return fmt.Errorf("%w: %v charged, %v due", ErrNoFault, r.Amount, due)
	}
	return nil
}

// evidenceID is keccak256(abi.encode(fault, key)), as the stake contract computes it.
func evidenceID(f Fault, key common.Hash) common.Hash {
	var w words
	w.uint(uint64(f))
	w.hash(key)
	return w.sum()
}

// OfferHash names what an advert is about, with its sequence number: an operator that signs two different
// adverts with one OfferHash contradicts itself.
func (a Advert) OfferHash() common.Hash {
	var w words
	w.address(a.Operator)
	w.hash(a.Node)
	w.text(a.Model)
	w.text(a.Quantization)
	w.text(a.Runtime)
	w.uint(a.Seq)
	return w.sum()
}
