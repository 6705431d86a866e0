package devchain

import (
	"fmt"
	"math/big"
	"reflect"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
)

var (
	settlementABI = parsed(&bindings.FlotillaSettlementMetaData)
	stakeABI      = parsed(&bindings.FlotillaStakeMetaData)
	tokenABI      = parsed(&bindings.TestTokenMetaData)
)

func parsed(meta *bind.MetaData) abi.ABI {
	contract, err := meta.ParseABI()
	if err != nil {
		panic(err) // the bindings are generated
	}
	return *contract
}

// panicError is Solidity's own error, which no ABI lists.
var panicError = func() abi.Error {
	uint256, err := abi.NewType("uint256", "", nil)
	if err != nil {
		panic(err)
	}
	return abi.NewError("Panic", abi.Arguments{{Type: uint256}})
}()

// reverted is the data of a revert.
type reverted struct {
	name string
	data []byte
}

func (r *reverted) Error() string { return r.name }

// revert encodes a custom error of one of the contracts.
func revert(name string, args ...any) error {
	def := panicError
	for _, contract := range []abi.ABI{settlementABI, stakeABI, tokenABI} {
		if found, ok := contract.Errors[name]; ok {
			def = found
		}
	}
	if def.Name != name {
		panic("no error " + name)
	}
	data, err := def.Inputs.Pack(args...)
	if err != nil {
		panic(fmt.Errorf("encode error %s: %w", name, err))
	}
	return &reverted{name, append(def.ID[:4:4], data...)}
}

// event is what a log holds.
type event struct {
	Name   string
	From   common.Address
	Topics []common.Hash
	Data   []byte
}

// emit notes an event of one of the contracts, encoded as its log will be.
func (m *reference) emit(name string, args ...any) {
	e := event{Name: name, From: m.params.Settlement}
	def, ok := settlementABI.Events[name]
	if !ok {
		def, e.From = stakeABI.Events[name], m.params.Stake
	}
	e.Topics = []common.Hash{def.ID}
	var rest []any
	for i, input := range def.Inputs {
		if !input.Indexed {
			rest = append(rest, args[i])
			continue
		}
		word, err := abi.Arguments{{Type: input.Type}}.Pack(args[i])
		if err != nil {
			panic(fmt.Errorf("encode event %s: %w", name, err))
		}
		e.Topics = append(e.Topics, common.BytesToHash(word))
	}
	data, err := def.Inputs.NonIndexed().Pack(rest...)
	if err != nil {
		panic(fmt.Errorf("encode event %s: %w", name, err))
	}
	e.Data = append([]byte{}, data...) // as in logs, never nil
	m.events = append(m.events, e)
}

// recovered is the account that signed digest, or zero for a signature the contracts call malformed.
func recovered(digest common.Hash, signature []byte) common.Address {
	if len(signature) != 65 || signature[64] < 27 || signature[64] > 28 {
		return common.Address{}
	}
	plain := append(append([]byte{}, signature[:64]...), signature[64]-27)
	if s := new(big.Int).SetBytes(plain[32:64]); s.Cmp(new(big.Int).Rsh(crypto.S256().Params().N, 1)) > 0 {
		return common.Address{}
	}
	key, err := crypto.SigToPub(digest[:], plain)
	if err != nil {
		return common.Address{}
	}
	return crypto.PubkeyToAddress(*key)
}

// wide turns a message into its type in the bindings, where amounts are big integers.
func wide[To any](message any) To {
	var out To
	widen(reflect.ValueOf(&out).Elem(), reflect.ValueOf(message))
	return out
}

func widen(to, from reflect.Value) {
	switch value := from.Interface().(type) {
	case settlement.Amount:
		to.Set(reflect.ValueOf(number(uint64(value))))
	case []settlement.LaneTotal:
		to.Set(reflect.MakeSlice(to.Type(), len(value), len(value)))
		for i := range value {
			widen(to.Index(i), from.Index(i))
		}
	default:
		if from.Kind() != reflect.Struct {
			to.Set(from.Convert(to.Type()))
			return
		}
		for i := range to.NumField() {
			widen(to.Field(i), from.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, to.Type().Field(i).Name) }))
		}
	}
}
