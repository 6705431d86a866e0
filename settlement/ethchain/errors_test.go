package ethchain

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
)

// nodeError is what the RPC client returns when a node answers with an error, data or none.
type nodeError struct {
	text string
	data any
}

func (e nodeError) Error() string  { return e.text }
func (e nodeError) ErrorData() any { return e.data }

func encodeError(t *testing.T, name string, args ...any) string {
	t.Helper()
	definition, ok := bindings.NewFlotillaSettlement().GetABI().Errors[name]
	if !ok {
		definition, ok = bindings.NewFlotillaStake().GetABI().Errors[name]
	}
	if !ok {
		t.Fatalf("the contracts have no error %s", name)
	}
	packed, err := definition.Inputs.Pack(args...)
	if err != nil {
		t.Fatal(err)
	}
	return hexutil.Encode(append(definition.ID.Bytes()[:4:4], packed...))
}

func TestDecodeRevertNamesTheReason(t *testing.T) {
	other := common.Address{0xaa}
	for _, test := range []struct {
		data string
		want error
		text string
	}{
		{encodeError(t, "InvalidSigner", other, common.Address{}), settlement.ErrBadSignature, "InvalidSigner"},
		{encodeError(t, "EpochMismatch", uint64(2), uint64(1)), settlement.ErrEpochConflict, "contract refused: another batch is anchored for this epoch (EpochMismatch{Next:2 Given:1})"},
		{encodeError(t, "StillThawing", uint64(77)), ErrStillThawing, "StillThawing{ThawEnd:77}"},
		{encodeError(t, "NothingToClaim"), ErrNothingToClaim, "contract refused: nothing to claim (NothingToClaim)"},
		{encodeError(t, "AlreadyPunished", common.Hash{7}), ErrAlreadyPunished, "already punished (AlreadyPunished{EvidenceId:"},
		{encodeError(t, "NotSignedByOperator", big.NewInt(1), other), settlement.ErrBadSignature, "NotSignedByOperator{Index:+1"},
		{encodeError(t, "ZeroAmount"), ErrZeroAmount, "contract refused: the amount is 0 (ZeroAmount)"},
		{encodeError(t, "EmptyBatch"), ErrReverted, "contract refused: EmptyBatch"},
	} {
		err := decodeRevert(fmt.Errorf("estimate: %w", nodeError{"execution reverted", test.data}))
		if !errors.Is(err, ErrReverted) || !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.text, err, test.want)
		}
		var revert *RevertError
		if !errors.As(err, &revert) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("got %q, want text %q", err, test.text)
		}
	}
	plain := errors.New("connection refused")
	if got := decodeRevert(plain); got != plain {
		t.Errorf("an error without data became %v", got)
	}
}

// A node has more to say than what contracts refuse.
func TestDecodeRevertLeavesTheNodesOwnErrors(t *testing.T) {
	for text, reverted := range map[string]bool{
		"rate limit exceeded":                 false,
		"insufficient funds for transfer":     false,
		"execution reverted":                  true, // nodes that send no data
		"VM execution error: Reverted by ...": true,
	} {
		if err := decodeRevert(nodeError{text: text}); errors.Is(err, ErrReverted) != reverted {
			t.Errorf("%q became %q", text, err)
		}
	}
}

// FuzzDecodeRevert: a node's answer, whatever it is, gives an error that is still the node's or ErrReverted.
func FuzzDecodeRevert(f *testing.F) {
	f.Add("0x")
	f.Add("0x08c379a0")
	f.Add("0x" + common.Bytes2Hex(bindings.FlotillaSettlementEpochMismatchErrorID().Bytes()))
	f.Fuzz(func(t *testing.T, data string) {
		err := decodeRevert(nodeError{"execution reverted", data})
		if err == nil || !errors.Is(err, ErrReverted) {
			t.Fatalf("data %q gives %v", data, err)
		}
		_ = err.Error()
	})
}
