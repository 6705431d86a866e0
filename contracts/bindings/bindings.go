// Code generated via abigen V2 - DO NOT EDIT.
// This file is a generated binding and any manual changes will be lost.

package bindings

import (
	"bytes"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// Reference imports to suppress errors if they are not otherwise used.
var (
	_ = bytes.Equal
	_ = errors.New
	_ = big.NewInt
	_ = common.Big1
	_ = types.BloomLookup
	_ = abi.ConvertType
)

// Advert is an auto generated low-level Go binding around an user-defined struct.
type Advert struct {
	Operator      common.Address
	Node          [32]byte
	Model         string
	Quantization  string
	Runtime       string
	TokenCounting string
	InputPerMTok  uint64
	OutputPerMTok uint64
	PerRequest    uint64
	MaxContext    uint32
	Seq           uint64
	ValidFrom     uint64
	ValidTo       uint64
}

// LaneTotal is an auto generated low-level Go binding around an user-defined struct.
type LaneTotal struct {
	Payee          common.Address
	ValueAggregate *big.Int
}

// Order is an auto generated low-level Go binding around an user-defined struct.
type Order struct {
	Payer           common.Address
	Payee           common.Address
	Advert          [32]byte
	MaxInputTokens  uint32
	MaxOutputTokens uint32
	MaxAmount       *big.Int
	RequestHash     [32]byte
	Decision        [32]byte
	Nonce           [32]byte
	Deadline        uint64
}

// Receipt is an auto generated low-level Go binding around an user-defined struct.
type Receipt struct {
	Request      [32]byte
	Payer        common.Address
	Payee        common.Address
	Advert       [32]byte
	LaneSeq      uint64
	InputTokens  uint32
	OutputTokens uint32
	Amount       *big.Int
	ServedAt     uint64
	RequestHash  [32]byte
	ResponseHash [32]byte
	Decision     [32]byte
}

// SettlementBatch is an auto generated low-level Go binding around an user-defined struct.
type SettlementBatch struct {
	Payer        common.Address
	Epoch        uint64
	ReceiptCount uint32
	ReceiptsRoot [32]byte
	Lanes        []LaneTotal
}

// Voucher is an auto generated low-level Go binding around an user-defined struct.
type Voucher struct {
	Payer          common.Address
	Payee          common.Address
	ValueAggregate *big.Int
	ReceiptCount   uint64
}

// FlotillaSettlementMetaData contains all meta data concerning the FlotillaSettlement contract.
var FlotillaSettlementMetaData = bind.MetaData{
	ABI: "[{\"inputs\":[{\"internalType\":\"contractIERC20Metadata\",\"name\":\"token_\",\"type\":\"address\"},{\"internalType\":\"uint64\",\"name\":\"epochSeconds_\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"stakeThawSeconds_\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"laneThawSeconds_\",\"type\":\"uint64\"},{\"internalType\":\"uint32\",\"name\":\"capBps_\",\"type\":\"uint32\"}],\"stateMutability\":\"nonpayable\",\"type\":\"constructor\"},{\"inputs\":[{\"internalType\":\"uint64\",\"name\":\"thawEnd\",\"type\":\"uint64\"}],\"name\":\"AlreadyThawing\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"EmptyBatch\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint64\",\"name\":\"next\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"given\",\"type\":\"uint64\"}],\"name\":\"EpochMismatch\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"have\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"want\",\"type\":\"uint256\"}],\"name\":\"InsufficientBalance\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"have\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"want\",\"type\":\"uint256\"}],\"name\":\"InsufficientStake\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"name\",\"type\":\"bytes32\"}],\"name\":\"InvalidParameter\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"recipient\",\"type\":\"address\"}],\"name\":\"InvalidRecipient\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"InvalidShortString\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"recovered\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"}],\"name\":\"InvalidSigner\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"index\",\"type\":\"uint256\"}],\"name\":\"LanesNotSorted\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"payees\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"amounts\",\"type\":\"uint256\"}],\"name\":\"LengthMismatch\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"NothingThawing\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"NothingToClaim\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"ReentrancyGuardReentrantCall\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"token\",\"type\":\"address\"}],\"name\":\"SafeERC20FailedOperation\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint64\",\"name\":\"thawEnd\",\"type\":\"uint64\"}],\"name\":\"StillThawing\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"string\",\"name\":\"str\",\"type\":\"string\"}],\"name\":\"StringTooLong\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"expected\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"received\",\"type\":\"uint256\"}],\"name\":\"TokenAmountMismatch\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"held\",\"type\":\"uint256\"}],\"name\":\"TooManyTokensHeld\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"ZeroAmount\",\"type\":\"error\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"uint64\",\"name\":\"epoch\",\"type\":\"uint64\"},{\"indexed\":false,\"internalType\":\"bytes32\",\"name\":\"receiptsRoot\",\"type\":\"bytes32\"},{\"indexed\":false,\"internalType\":\"uint32\",\"name\":\"receiptCount\",\"type\":\"uint32\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"paid\",\"type\":\"uint256\"}],\"name\":\"BatchSettled\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"}],\"name\":\"Claimed\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"}],\"name\":\"Deposited\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[],\"name\":\"EIP712DomainChanged\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"paid\",\"type\":\"uint256\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"unpaid\",\"type\":\"uint256\"},{\"indexed\":false,\"internalType\":\"uint128\",\"name\":\"valueAggregate\",\"type\":\"uint128\"}],\"name\":\"Settled\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"}],\"name\":\"StakeThawCancelled\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"},{\"indexed\":false,\"internalType\":\"uint64\",\"name\":\"thawEnd\",\"type\":\"uint64\"}],\"name\":\"StakeThawStarted\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"}],\"name\":\"StakeWithdrawn\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"bonded\",\"type\":\"uint256\"}],\"name\":\"Staked\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"}],\"name\":\"ThawCancelled\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"},{\"indexed\":false,\"internalType\":\"uint64\",\"name\":\"thawEnd\",\"type\":\"uint64\"}],\"name\":\"ThawStarted\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"}],\"name\":\"Withdrawn\",\"type\":\"event\"},{\"inputs\":[{\"components\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"bytes32\",\"name\":\"node\",\"type\":\"bytes32\"},{\"internalType\":\"string\",\"name\":\"model\",\"type\":\"string\"},{\"internalType\":\"string\",\"name\":\"quantization\",\"type\":\"string\"},{\"internalType\":\"string\",\"name\":\"runtime\",\"type\":\"string\"},{\"internalType\":\"string\",\"name\":\"tokenCounting\",\"type\":\"string\"},{\"internalType\":\"uint64\",\"name\":\"inputPerMTok\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"outputPerMTok\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"perRequest\",\"type\":\"uint64\"},{\"internalType\":\"uint32\",\"name\":\"maxContext\",\"type\":\"uint32\"},{\"internalType\":\"uint64\",\"name\":\"seq\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"validFrom\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"validTo\",\"type\":\"uint64\"}],\"internalType\":\"structAdvert\",\"name\":\"advert\",\"type\":\"tuple\"}],\"name\":\"advertDigest\",\"outputs\":[{\"internalType\":\"bytes32\",\"name\":\"\",\"type\":\"bytes32\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"components\":[{\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"internalType\":\"uint64\",\"name\":\"epoch\",\"type\":\"uint64\"},{\"internalType\":\"uint32\",\"name\":\"receiptCount\",\"type\":\"uint32\"},{\"internalType\":\"bytes32\",\"name\":\"receiptsRoot\",\"type\":\"bytes32\"},{\"components\":[{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"internalType\":\"uint128\",\"name\":\"valueAggregate\",\"type\":\"uint128\"}],\"internalType\":\"structLaneTotal[]\",\"name\":\"lanes\",\"type\":\"tuple[]\"}],\"internalType\":\"structSettlementBatch\",\"name\":\"batch\",\"type\":\"tuple\"}],\"name\":\"batchDigest\",\"outputs\":[{\"internalType\":\"bytes32\",\"name\":\"\",\"type\":\"bytes32\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"internalType\":\"uint64\",\"name\":\"epoch\",\"type\":\"uint64\"}],\"name\":\"batchRoot\",\"outputs\":[{\"internalType\":\"bytes32\",\"name\":\"root\",\"type\":\"bytes32\"},{\"internalType\":\"uint32\",\"name\":\"receiptCount\",\"type\":\"uint32\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"}],\"name\":\"cancelThaw\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"cancelThawStake\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"capBps\",\"outputs\":[{\"internalType\":\"uint32\",\"name\":\"\",\"type\":\"uint32\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"}],\"name\":\"claim\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"}],\"name\":\"claimable\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"}],\"name\":\"cover\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"available\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"collected\",\"type\":\"uint256\"},{\"internalType\":\"uint64\",\"name\":\"thawEnd\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"}],\"name\":\"deposit\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address[]\",\"name\":\"payees\",\"type\":\"address[]\"},{\"internalType\":\"uint128[]\",\"name\":\"amounts\",\"type\":\"uint128[]\"}],\"name\":\"depositMany\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"domainSeparator\",\"outputs\":[{\"internalType\":\"bytes32\",\"name\":\"\",\"type\":\"bytes32\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"eip712Domain\",\"outputs\":[{\"internalType\":\"bytes1\",\"name\":\"fields\",\"type\":\"bytes1\"},{\"internalType\":\"string\",\"name\":\"name\",\"type\":\"string\"},{\"internalType\":\"string\",\"name\":\"version\",\"type\":\"string\"},{\"internalType\":\"uint256\",\"name\":\"chainId\",\"type\":\"uint256\"},{\"internalType\":\"address\",\"name\":\"verifyingContract\",\"type\":\"address\"},{\"internalType\":\"bytes32\",\"name\":\"salt\",\"type\":\"bytes32\"},{\"internalType\":\"uint256[]\",\"name\":\"extensions\",\"type\":\"uint256[]\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"}],\"name\":\"epochRoom\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"epochSeconds\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"}],\"name\":\"laneOf\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"balance\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"collected\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"thawing\",\"type\":\"uint256\"},{\"internalType\":\"uint64\",\"name\":\"thawEnd\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"laneThawSeconds\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"}],\"name\":\"nextEpoch\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"components\":[{\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"internalType\":\"bytes32\",\"name\":\"advert\",\"type\":\"bytes32\"},{\"internalType\":\"uint32\",\"name\":\"maxInputTokens\",\"type\":\"uint32\"},{\"internalType\":\"uint32\",\"name\":\"maxOutputTokens\",\"type\":\"uint32\"},{\"internalType\":\"uint128\",\"name\":\"maxAmount\",\"type\":\"uint128\"},{\"internalType\":\"bytes32\",\"name\":\"requestHash\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32\",\"name\":\"decision\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32\",\"name\":\"nonce\",\"type\":\"bytes32\"},{\"internalType\":\"uint64\",\"name\":\"deadline\",\"type\":\"uint64\"}],\"internalType\":\"structOrder\",\"name\":\"order\",\"type\":\"tuple\"}],\"name\":\"orderDigest\",\"outputs\":[{\"internalType\":\"bytes32\",\"name\":\"\",\"type\":\"bytes32\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"components\":[{\"internalType\":\"bytes32\",\"name\":\"request\",\"type\":\"bytes32\"},{\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"internalType\":\"bytes32\",\"name\":\"advert\",\"type\":\"bytes32\"},{\"internalType\":\"uint64\",\"name\":\"laneSeq\",\"type\":\"uint64\"},{\"internalType\":\"uint32\",\"name\":\"inputTokens\",\"type\":\"uint32\"},{\"internalType\":\"uint32\",\"name\":\"outputTokens\",\"type\":\"uint32\"},{\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"},{\"internalType\":\"uint64\",\"name\":\"servedAt\",\"type\":\"uint64\"},{\"internalType\":\"bytes32\",\"name\":\"requestHash\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32\",\"name\":\"responseHash\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32\",\"name\":\"decision\",\"type\":\"bytes32\"}],\"internalType\":\"structReceipt\",\"name\":\"receipt\",\"type\":\"tuple\"}],\"name\":\"receiptDigest\",\"outputs\":[{\"internalType\":\"bytes32\",\"name\":\"\",\"type\":\"bytes32\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"components\":[{\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"internalType\":\"uint64\",\"name\":\"epoch\",\"type\":\"uint64\"},{\"internalType\":\"uint32\",\"name\":\"receiptCount\",\"type\":\"uint32\"},{\"internalType\":\"bytes32\",\"name\":\"receiptsRoot\",\"type\":\"bytes32\"},{\"components\":[{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"internalType\":\"uint128\",\"name\":\"valueAggregate\",\"type\":\"uint128\"}],\"internalType\":\"structLaneTotal[]\",\"name\":\"lanes\",\"type\":\"tuple[]\"}],\"internalType\":\"structSettlementBatch\",\"name\":\"batch\",\"type\":\"tuple\"},{\"internalType\":\"bytes\",\"name\":\"signature\",\"type\":\"bytes\"}],\"name\":\"settleBatch\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"paid\",\"type\":\"uint256\"}],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"components\":[{\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"internalType\":\"uint128\",\"name\":\"valueAggregate\",\"type\":\"uint128\"},{\"internalType\":\"uint64\",\"name\":\"receiptCount\",\"type\":\"uint64\"}],\"internalType\":\"structVoucher\",\"name\":\"voucher\",\"type\":\"tuple\"},{\"internalType\":\"bytes\",\"name\":\"signature\",\"type\":\"bytes\"}],\"name\":\"settleVoucher\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"paid\",\"type\":\"uint256\"}],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"}],\"name\":\"slashableStake\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"}],\"name\":\"stake\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"}],\"name\":\"stakeOf\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"total\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"thawing\",\"type\":\"uint256\"},{\"internalType\":\"uint64\",\"name\":\"thawEnd\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"stakeThawSeconds\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"}],\"name\":\"thaw\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"}],\"name\":\"thawStake\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"token\",\"outputs\":[{\"internalType\":\"contractIERC20\",\"name\":\"\",\"type\":\"address\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"internalType\":\"uint64\",\"name\":\"epoch\",\"type\":\"uint64\"},{\"internalType\":\"uint256\",\"name\":\"index\",\"type\":\"uint256\"},{\"internalType\":\"bytes32\",\"name\":\"receiptDigest_\",\"type\":\"bytes32\"},{\"internalType\":\"bytes32[]\",\"name\":\"proof\",\"type\":\"bytes32[]\"}],\"name\":\"verifyReceipt\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"components\":[{\"internalType\":\"address\",\"name\":\"payer\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"},{\"internalType\":\"uint128\",\"name\":\"valueAggregate\",\"type\":\"uint128\"},{\"internalType\":\"uint64\",\"name\":\"receiptCount\",\"type\":\"uint64\"}],\"internalType\":\"structVoucher\",\"name\":\"voucher\",\"type\":\"tuple\"}],\"name\":\"voucherDigest\",\"outputs\":[{\"internalType\":\"bytes32\",\"name\":\"\",\"type\":\"bytes32\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"payee\",\"type\":\"address\"}],\"name\":\"withdraw\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"withdrawStake\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"}]",
	ID:  "42d9a7f28c796a0389bd6a5130cb8a1ca2",
	Bin: "0x61020080604052346103a55760a0816131d4803803809161002082856103bc565b8339810103126103a55780516001600160a01b03811691908290036103a55761004b602082016103f3565b610057604083016103f3565b906080610066606085016103f3565b9301519363ffffffff85168086036103a5576040516100866040826103bc565b60088152602081019067466c6f74696c6c6160c01b8252604051916100ac6040846103bc565b600183526020830191603160f81b83526100c581610407565b610120526100d284610407565b61014052519020918260e05251902080610100524660a0526040519060208201927f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f8452604083015260608201524660808201523060a082015260a0815261013b60c0826103bc565b5190206080523060c052813b15801561033e575b610323576001600160401b03831680158015610316575b6102f4576001600160401b0385169081109081156102e6575b506102c0576001600160401b03851680159081156102b2575b5061028d57156102715761016052610180526101a0526101c0526101e052604051612d619081610473823960805181612b77015260a05181612c2e015260c05181612b48015260e05181612bc601526101005181612bec01526101205181610ccd01526101405181610cf60152610160518181816101a3015281816107900152818161156601528181611894015261284f0152610180518181816101ea015261212001526101a05181818161124f015261134301526101c0518181816109eb01526115a901526101e05181818161191701526127b40152f35b6309175cb760e31b5f526563617042707360d01b60045260245ffd5b6309175cb760e31b5f526e6c616e65546861775365636f6e647360881b60045260245ffd5b6312cc03009150115f610198565b6309175cb760e31b5f526f7374616b65546861775365636f6e647360801b60045260245ffd5b6312cc03009150115f61017f565b6309175cb760e31b5f526b65706f63685365636f6e647360a01b60045260245ffd5b506312cc03008111610166565b6309175cb760e31b5f52643a37b5b2b760d91b60045260245ffd5b5060405163313ce56760e01b8152602081600481865afa9081156103b1575f91610370575b5060ff166006141561014f565b90506020813d6020116103a9575b8161038b602093836103bc565b810103126103a5575160ff811681036103a55760ff610363565b5f80fd5b3d915061037e565b6040513d5f823e3d90fd5b601f909101601f19168101906001600160401b038211908210176103df57604052565b634e487b7160e01b5f52604160045260245ffd5b51906001600160401b03821682036103a557565b601f815111610432576020815191015160208210610423571790565b5f198260200360031b1b161790565b604460209160405192839163305a27a960e01b83528160048401528051918291826024860152018484015e5f828201840152601f01601f19168101030190fdfe60806040526004361015610011575f80fd5b5f3560e01c80631172960d14611a6857806311f6b4d91461193b5780631685758b146118fb5780631e83409a146117e0578063275ff98d146117875780633236fb49146116f25780633e1a88a3146116d4578063402914f51461168e57806342623360146115cd5780634ef168ca1461158a57806351cff8d91461142d5780635546f3521461127357806367bb11e81461123057806367fd5b3a146111325780636902af71146110e95780636a9a7b2614610e7c57806382307b6614610e1b578063839a265214610dc957806384b0196e14610cb557806386d88f6714610c6457806388fe2be814610ba05780638e779f7314610b285780639fdfd3ea14610ae6578063a507bb1c14610925578063af82c94a146107f8578063b3fb6564146107b4578063bed9d861146106f1578063c3125c8414610593578063dc5e6ca514610297578063e620731a14610230578063f698da251461020e578063fb5bb0c3146101cb5763fc0c546a14610184575f80fd5b346101c7575f3660031901126101c75760206040516001600160a01b037f0000000000000000000000000000000000000000000000000000000000000000168152f35b5f80fd5b346101c7575f3660031901126101c75760206040516001600160401b037f0000000000000000000000000000000000000000000000000000000000000000168152f35b346101c7575f3660031901126101c7576020610228612b3e565b604051908152f35b346101c75760403660031901126101c75761026a610293610260610252611b41565b61025a611b2b565b90611e8a565b9392949194611fc9565b91604051938493849160409194936001600160401b039160608501968552602085015216910152565b0390f35b346101c75760403660031901126101c7576004356001600160401b0381116101c7578060040160a060031983360301126101c7576024356001600160401b0381116101c7576102ea903690600401611afe565b906001600160401b035f936102fe81611c03565b92836001600160a01b03811695863303610579575b505050835f52600660205261032d8260405f205416611ca8565b60248701908361033c83611f5f565b911693849116036105375750604486019063ffffffff61035b83611f73565b1615801561052b575b8015610515575b6104ed57845f9796929752600660205260405f20836001600160401b031982541617905560648601359261039e88611f73565b63ffffffff60016040516103b181611c38565b878152826020820194168452895f52600760205260405f20855f5260205260405f20905181550191511663ffffffff198254161790556103ef612116565b955f9460845f9901945b6104038686611f84565b90508a101561049d576104208a61041a8888611f84565b90611fb9565b966001600160a01b03806104338a611c03565b921691161115610471576104696001916104638b61045c60206104558d611c03565b9c01611c17565b8b8d612186565b90611c2b565b9901986103f9565b897f7f92a9e2000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b917f3b67c1004f9b68ed0b680858577ef1566fc38a9d2b95c9eeed10baba54469cef60606020959363ffffffff6104d38f611f73565b6040519283521687820152856040820152a3604051908152f35b7fc2e5347d000000000000000000000000000000000000000000000000000000005f5260045ffd5b506105236084880182611f84565b90501561036b565b50606487013515610364565b826105496001600160401b0392611f5f565b907f75174c0b000000000000000000000000000000000000000000000000000000005f526004521660245260445ffd5b61058b9261058685612526565b61207a565b868381610313565b346101c75760403660031901126101c7576004356001600160401b0381116101c7576105c3903690600401611b99565b906024356001600160401b0381116101c7576105e3903690600401611b99565b906105ec6123c8565b8184036106c1579291905f935f935b80851061065f57858015610637576106129061284d565b5f7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d005b7f1f2a2005000000000000000000000000000000000000000000000000000000005f5260045ffd5b90919293946106b660019161069961068061067b8a878b611f3b565b611c03565b61069361068e8b8a8a611f3b565b611c17565b90612a20565b6001600160801b036106af61068e8a8989611f3b565b1690611c2b565b9501939291906105fb565b50827fab8b67c6000000000000000000000000000000000000000000000000000000005f5260045260245260445ffd5b346101c7575f3660031901126101c7576107096123c8565b335f5260036020526106126001600160801b0360405f206001600160401b036040519161073583611c38565b54838116835260801c16602082015261074d816124d3565b335f5260036020525f6040812055818151166040519081527f8108595eb6bad3acefa9da467d90cc2217686d5c5ac85460f8b7849c840645fc60203392a25116337f000000000000000000000000000000000000000000000000000000000000000061243c565b346101c75760403660031901126101c7576106126001600160801b036107d8611b41565b6107f26107e3611b6d565b80926107ed6123c8565b612a20565b1661284d565b346101c7576101403660031901126101c757604051602081017f679295654647333b3f0478430ce249347ccc4c67c48de28160781a4dc636531a81526001600160a01b03610844611b41565b1660408301526001600160a01b0361085a611b2b565b166060830152604435608083015260643563ffffffff81168091036101c75760a083015260843563ffffffff81168091036101c75760c083015260a4356001600160801b0381168091036101c75760e083015260c43561010083015260e4356101208301526101043561014083015261012435906001600160401b0382168092036101c7578261022892610160602095015261016081526108fd61018082611c67565b519020610908612b3e565b6042916040519161190160f01b8352600283015260228201522090565b346101c75760403660031901126101c75761093e611b41565b610946611b6d565b6001600160801b03811691821561063757335f52600560205260405f206001600160a01b0382165f5260205260405f206001600160401b03815460801c1680610abb5750335f52600460205260405f206001600160a01b0383165f526020526001600160801b0360405f205416808511610a8b57507fc8692455ddd09bd0c2d9beda3665bc73e6b12fdc95321ca4ee6ca94354e645ea916001600160a01b0391610a197f00000000000000000000000000000000000000000000000000000000000000006001600160401b034216611cc6565b81547fffffffffffffffff0000000000000000000000000000000000000000000000001677ffffffffffffffff00000000000000000000000000000000608083901b16179096179055604080516001600160801b039590951685526001600160401b03909516602085015216923392a3005b84907fcf479181000000000000000000000000000000000000000000000000000000005f5260045260245260445ffd5b7fa6a778ac000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b346101c75760403660031901126101c75760806001600160401b03610b0c610252611b41565b9160409493945194855260208501526040840152166060820152f35b346101c75760403660031901126101c757610b41611b41565b6001600160a01b03610b51611b83565b91165f5260076020526001600160401b0360405f2091165f526020526040805f2060208251610b7f81611c38565b63ffffffff6001845494858452015416918291015282519182526020820152f35b346101c75760203660031901126101c757610bb9611b57565b610bc16123c8565b6001600160801b03811680156106375761061291610bde8261280f565b335f526002602052610c0460405f209168ffffffffffffffffff80845416911690611ce6565b9068ffffffffffffffffff821668ffffffffffffffffff1982541617905568ffffffffffffffffff604051918383521660208201527f1449c6dd7851abc30abf37f57715f492010519147cc2652fbc38202c18a6ee9060403392a261284d565b346101c75760203660031901126101c7576001600160a01b03610c85611b41565b165f5260026020526020610cac60405f20610ca7610ca1612116565b91611e2a565b612777565b50604051908152f35b346101c7575f3660031901126101c757610d6d610cf17f0000000000000000000000000000000000000000000000000000000000000000612c88565b610d1a7f0000000000000000000000000000000000000000000000000000000000000000612c88565b6020610d7b60405192610d2d8385611c67565b5f84525f3681376040519586957f0f00000000000000000000000000000000000000000000000000000000000000875260e08588015260e0870190611bc9565b908582036040870152611bc9565b4660608501523060808501525f60a085015283810360c08501528180845192838152019301915f5b828110610db257505050500390f35b835185528695509381019392810192600101610da3565b346101c75760203660031901126101c7576001600160a01b03610dea611b41565b165f5260066020526020610e0a6001600160401b0360405f205416611ca8565b6001600160401b0360405191168152f35b346101c75760a03660031901126101c757610e34611b41565b610e3c611b83565b608435906001600160401b0382116101c757602092610e62610e72933690600401611b99565b9290916064359160443591611d0a565b6040519015158152f35b346101c75760203660031901126101c7576004356001600160401b0381116101c75780600401906101a060031982360301126101c757610ebb82611c03565b610ec86044830184612700565b3690610ed392612732565b805190602001209260648301610ee99082612700565b3690610ef492612732565b805190602001209060848401610f0a9082612700565b3690610f1592612732565b805190602001209060a48501610f2a91612700565b3690610f3592612732565b80519060200120916040519560208701947fad2f72d489d175e4e1d2c47376dad9679297e91f502123071a1d553c61207c0d86526001600160a01b0316604088015260248601356060880152608087015260a086015260c085015260e084015260e08352610fa561010084611c67565b610fb160c48301611f5f565b610fbd60e48401611f5f565b92610fcb6101048201611f5f565b90610fd96101248201611f73565b610fe66101448301611f5f565b90610ff46101648401611f5f565b926101840161100290611f5f565b936040519760208901966001600160401b031687526001600160401b031660408901526001600160401b0316606088015263ffffffff1660808701526001600160401b031660a08601526001600160401b031660c08501526001600160401b031660e084015260e0835261107861010084611c67565b6040519283926020840195518091875e83019060208201905f8252519283915e016020015f815203601f19810182526110b19082611c67565b5190206110bc612b3e565b906110de916042916040519161190160f01b8352600283015260228201522090565b604051908152602090f35b346101c75760203660031901126101c7576004356001600160401b0381116101c75760a060031982360301126101c75761022861112a602092600401612526565b610908612b3e565b346101c7575f3660031901126101c757335f52600360205260405f206001600160401b036040519161116383611c38565b546001600160801b038116835260801c1680602083015215611208576001600160801b0390335f5260036020525f604081205568ffffffffffffffffff815116335f52600260205268ffffffffffffffffff6111c660405f209282845416611ce6565b1668ffffffffffffffffff1982541617905551166040519081527f763b5de24d6913ff2299026c90170842742d3210268a994217c1a1c7280b347760203392a2005b7faa038c7c000000000000000000000000000000000000000000000000000000005f5260045ffd5b346101c7575f3660031901126101c75760206040516001600160401b037f0000000000000000000000000000000000000000000000000000000000000000168152f35b346101c75760203660031901126101c75761128c611b57565b6001600160801b038116801561063757335f52600360205260405f206001600160401b03815460801c1680610abb5750335f52600260205260405f209168ffffffffffffffffff8354168082116113ff5768ffffffffffffffffff851690039168ffffffffffffffffff83116113eb577f8090219bed945a48a86a437600cf25472399630290ca1a6131a15932281ff6fa9368ffffffffffffffffff6113e6941668ffffffffffffffffff198254161790556113717f00000000000000000000000000000000000000000000000000000000000000006001600160401b034216611cc6565b81547fffffffffffffffff0000000000000000000000000000000000000000000000001677ffffffffffffffff00000000000000000000000000000000608083901b16179092179055604080516001600160801b039590951685526001600160401b0390911660208501523393918291820190565b0390a2005b634e487b7160e01b5f52601160045260245ffd5b7f45be0a26000000000000000000000000000000000000000000000000000000005f5260045260245260445ffd5b346101c75760203660031901126101c757610612611449611b41565b6114516123c8565b335f52600560205260405f206001600160a01b0382165f5260205260405f20906001600160401b036040519261148684611c38565b546001600160801b038116845260801c1660208301526114a5826124d3565b335f52600560205260405f206001600160a01b0382165f526020525f6040812055335f52600460205260405f206001600160a01b0382165f526020526001600160801b0360405f20925116916001600160801b03611513818084541695868082109118028618168095611c88565b166fffffffffffffffffffffffffffffffff198254161790556001600160a01b036040519183835216907fd1c19fbcd4551a5edfb66d43d2e337c04837afda3482b42bdf569a8fccdae5fb60203392a3337f000000000000000000000000000000000000000000000000000000000000000061243c565b346101c7575f3660031901126101c75760206040516001600160401b037f0000000000000000000000000000000000000000000000000000000000000000168152f35b346101c75760203660031901126101c7576001600160a01b036115ee611b41565b16805f52600360205260405f206040519061160882611c38565b54916001600160801b03831682526001600160401b03602083019360801c1683525f5260026020526102936001600160401b036001600160801b0361166068ffffffffffffffffff60405f2054168286511690611c2b565b935116935116604051938493849160409194936001600160401b039160608501968552602085015216910152565b346101c75760203660031901126101c7576001600160a01b036116af611b41565b165f526002602052602068ffffffffffffffffff60405f205460481c16604051908152f35b346101c75760803660031901126101c757602061022861112a611fd6565b346101c75760203660031901126101c75761170b611b41565b335f52600560205260405f206001600160a01b0382165f526020526001600160401b0360405f205460801c1615611208576001600160a01b0390335f52600560205260405f208282165f526020525f604081205516337f2506bb553a6b7f2cfd5703f3e05377c71f3e0991132da7d455ccd412a56ea9bc5f80a3005b346101c75760203660031901126101c75760206102286001600160a01b036117ad611b41565b16805f526002835268ffffffffffffffffff60405f205416905f52600383526001600160801b0360405f20541690611c2b565b346101c75760203660031901126101c7576117f9611b41565b6118016123c8565b6001600160a01b038116801580156118f2575b6118e057335f52600260205260405f209168ffffffffffffffffff835460481c169182156118b857837fffffffffffffffffffffffffffff000000000000000000ffffffffffffffffff61061295541690556040518381527ff7a40077ff7a04c7e61f6f26fb13774259ddf1b6bce9ecf26a8276cdd399268360203392a37f000000000000000000000000000000000000000000000000000000000000000061243c565b7f969bf728000000000000000000000000000000000000000000000000000000005f5260045ffd5b630bc2c5df60e11b5f5260045260245ffd5b50308114611814565b346101c7575f3660031901126101c757602060405163ffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b346101c7576101803660031901126101c757604051602081017fcd38b25de063bfe7b341684d0c9ca2f65db7c6dbda7b38622fef9c948e3cf695815260043560408301526001600160a01b0361198f611b2b565b1660608301526044356001600160a01b0381168091036101c757608083015260643560a08301526084356001600160401b0381168091036101c75760c083015260a43563ffffffff81168091036101c75760e083015260c43563ffffffff81168091036101c75761010083015260e4356001600160801b0381168091036101c75761012083015261010435906001600160401b0382168092036101c757826102289261014060209501526101243561016082015261014435610180820152610164356101a08201526101a081526108fd6101c082611c67565b346101c757366003190160a081126101c7576080136101c7576084356001600160401b0381116101c757611aa3611aba913690600401611afe565b611aab611fd6565b91611ab4611bed565b9261207a565b611ac2611bed565b6024356001600160a01b03811681036101c757604435916001600160801b03831683036101c75760209261022892611af8612116565b92612186565b9181601f840112156101c7578235916001600160401b0383116101c757602083818601950101116101c757565b602435906001600160a01b03821682036101c757565b600435906001600160a01b03821682036101c757565b600435906001600160801b03821682036101c757565b602435906001600160801b03821682036101c757565b602435906001600160401b03821682036101c757565b9181601f840112156101c7578235916001600160401b0383116101c7576020808501948460051b0101116101c757565b805180835260209291819084018484015e5f828201840152601f01601f1916010190565b6004356001600160a01b03811681036101c75790565b356001600160a01b03811681036101c75790565b356001600160801b03811681036101c75790565b919082018092116113eb57565b604081019081106001600160401b03821117611c5357604052565b634e487b7160e01b5f52604160045260245ffd5b90601f801991011681019081106001600160401b03821117611c5357604052565b906001600160801b03809116911603906001600160801b0382116113eb57565b6001600160401b036001911601906001600160401b0382116113eb57565b906001600160401b03809116911601906001600160401b0382116113eb57565b9068ffffffffffffffffff8091169116019068ffffffffffffffffff82116113eb57565b6001600160a01b039095949395165f5260076020526001600160401b0360405f2091165f52602052602060405f2094604051611d4581611c38565b63ffffffff60018854988984520154169283910152818310801590611e09575b611dff5760409493945191602083019384526040830152606082015260608152611d90608082611c67565b5190206040516020810191825260208152611dac604082611c67565b519020915f915b808310611dc1575050501490565b909192611dcf848385611f3b565b359081811015611dee575f52602052600160405f205b93019190611db3565b905f52602052600160405f20611de5565b5050505050505f90565b5060208511611d65565b6001600160401b038111611c535760051b60200190565b90604051608081018181106001600160401b03821117611c5357604052606081935468ffffffffffffffffff8116835268ffffffffffffffffff8160481c16602084015268ffffffffffffffffff8160901c16604084015260d81c910152565b6001600160a01b036020911692835f526004825260405f206001600160a01b0384165f52825260405f209260405193611ec285611c38565b54946001600160801b03861685528385019560801c86525f52600583526001600160a01b0360405f2091165f5282526001600160801b038060405f209460405195611f0c87611c38565b54956001600160401b038388169788835260801c16958691015251169451169380949381808210911802189190565b9190811015611f4b5760051b0190565b634e487b7160e01b5f52603260045260245ffd5b356001600160401b03811681036101c75790565b3563ffffffff811681036101c75790565b903590601e19813603018212156101c757018035906001600160401b0382116101c757602001918160061b360383136101c757565b9190811015611f4b5760061b0190565b919082039182116113eb57565b60405160208101907f3af29a76d1ffc9b85b05dadca552961bd7c6aa5330363b8230f7e42222dc561382526004356001600160a01b0381168091036101c75760408201526024356001600160a01b0381168091036101c75760608201526044356001600160801b0381168091036101c75760808201526064356001600160401b0381168091036101c75760a082015260a0815261207460c082611c67565b51902090565b9061208b6120909392610908612b3e565b612c54565b50600481101561210257158015906120e6575b6120ab575050565b906001600160a01b0380927f7ba5ffb5000000000000000000000000000000000000000000000000000000005f52166004521660245260445ffd5b506001600160a01b0382166001600160a01b03821614156120a3565b634e487b7160e01b5f52602160045260245ffd5b6001600160401b037f000000000000000000000000000000000000000000000000000000000000000016801561215257420464ffffffffff1690565b634e487b7160e01b5f52601260045260245ffd5b906001600160801b03809116911601906001600160801b0382116113eb57565b6001600160a01b039094939291941690815f52600460205260405f206001600160a01b0386165f5260205260405f20908154906001600160801b0382169160801c6001600160801b03821691818311156123bc57816121e491611c88565b6001600160801b0316976001600160a01b031695865f52600260205260405f2061220d90611e2a565b98612218828b612777565b9a9092868310878418028718848082109118029b8c85189c8d9514159860609861226e977f6c1a7bc1d6e50ce9f532c75ea4e6e05419dcc642f83647c78aaa1f2ffe98762d9b612283575b505050505050611fc9565b906040519188835260208301526040820152a3565b6001600160801b03916fffffffffffffffffffffffffffffffff196122b4848b166122ae8185611c88565b94612166565b60801b16178355166fffffffffffffffffffffffffffffffff1982541617905561230768ffffffffffffffffff8616602085019268ffffffffffffffffff6122ff8382875116611ce6565b168452611ce6565b68ffffffffffffffffff908116604085810191825264ffffffffff949094168a86019081525f8e81526002602052948520955193519151905160489290921b71ffffffffffffffffff00000000000000000016939092169290921760909190911b7affffffffffffffffff000000000000000000000000000000000000161760d89190911b7fffffffffff00000000000000000000000000000000000000000000000000000016179091558080808080612263565b505f9750505050505050565b7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005c6124145760017f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d565b7f3ee5aeb5000000000000000000000000000000000000000000000000000000005f5260045ffd5b916001600160a01b03604051927fa9059cbb000000000000000000000000000000000000000000000000000000005f521660045260245260205f60448180865af19060015f51148216156124b2575b604052156124965750565b6001600160a01b0390635274afe760e01b5f521660045260245ffd5b9060018115166124ca57823b15153d1516169061248b565b503d5f823e3d90fd5b6020016001600160401b0381511615611208576001600160401b039051168042106124fb5750565b7f6532c7dc000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b90608082016125358184611f84565b93905061255a61254485611e13565b946125526040519687611c67565b808652611e13565b602085019390601f19013685375f5b855181101561261e576125808161041a8686611f84565b60405160208101917f546296f9a28e3a7b8dd0e68c40447a0f69fb890903630ceb5e1bc1187f5ccc9b83528035906001600160a01b03821682036101c7576001600160a01b0360209216604084015201356001600160801b03811681036101c7576001600160801b03166060820152606081526125fe608082611c67565b519020908651811015611f4b5760019160208260051b8901015201612569565b509391509161262c83611c03565b9261263960208201611f5f565b9261264660408301611f73565b9260405190602082018093519091905f5b8181106126ea57505050918161267e63ffffffff936060969503601f198101835282611c67565b519020936001600160401b03604051966001600160a01b0360208901997f045b14e8dc8425662f8e905e531c32336e6cf22f852011677e04a0793176f0328b521660408901521684870152166080850152013560a083015260c082015260c0815261207460e082611c67565b8251845260209384019390920191600101612657565b903590601e19813603018212156101c757018035906001600160401b0382116101c7576020019181360383136101c757565b9291926001600160401b038211611c53576040519161275b601f8201601f191660200184611c67565b8294818452818301116101c7578281602093845f960137010152565b9064ffffffffff806060840151169116145f146128095768ffffffffffffffffff6040820151165b68ffffffffffffffffff8192511663ffffffff7f000000000000000000000000000000000000000000000000000000000000000016908181029181830414901517156113eb5761271068ffffffffffffffffff910481808210911802811891168103908111150291565b5f61279f565b68ffffffffffffffffff81116128225750565b7f64f45e94000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b7f0000000000000000000000000000000000000000000000000000000000000000906001600160a01b038216604051906370a0823160e01b8252306004830152602082602481845afa9182156129b0575f926129ec575b50604051937f23b872dd000000000000000000000000000000000000000000000000000000005f5233600452306024528360445260205f60648180855af19060015f51148216156129cd575b50846040525f606052156129bb57836024816020936370a0823160e01b82523060048301525afa9283156129b0575f9361297c575b50816129318285611fc9565b036129435750506129419061280f565b565b61294d9192611fc9565b907f497e7c4b000000000000000000000000000000000000000000000000000000005f5260045260245260445ffd5b9092506020813d6020116129a8575b8161299860209383611c67565b810103126101c75751915f612925565b3d915061298b565b6040513d5f823e3d90fd5b635274afe760e01b5f5260045260245ffd5b60018215166129e3573b15153d1516165f6128f0565b853d5f823e3d90fd5b9091506020813d602011612a18575b81612a0860209383611c67565b810103126101c75751905f6128a4565b3d91506129fb565b6001600160801b038216908115610637576001600160a01b03169182158015612b35575b612b2257335f52600460205260405f20835f526020526001600160801b03612aa860405f2092335f52600560205260405f20865f5260205260405f2080546001600160401b038160801c1615159081612b12575b50612aef575b5082845416612166565b166fffffffffffffffffffffffffffffffff198254161790556040519081527f8752a472e571a816aea92eec8dae9baf628e840f4929fbcc2d155e6233ff68a760203392a3565b845481546fffffffffffffffffffffffffffffffff19169085161790555f612a9e565b905084808754169116115f612a98565b82630bc2c5df60e11b5f5260045260245ffd5b50308314612a44565b6001600160a01b037f000000000000000000000000000000000000000000000000000000000000000016301480612c2b575b15612b99577f000000000000000000000000000000000000000000000000000000000000000090565b60405160208101907f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f82527f000000000000000000000000000000000000000000000000000000000000000060408201527f000000000000000000000000000000000000000000000000000000000000000060608201524660808201523060a082015260a0815261207460c082611c67565b507f00000000000000000000000000000000000000000000000000000000000000004614612b70565b9060418303612c7e57612c779250602081013591604082359201355f1a90612cdf565b9192909190565b50505f9160029190565b60ff811690601f8211612cb75760405191612ca4604084611c67565b6020808452838101919036833783525290565b7fb3512b0c000000000000000000000000000000000000000000000000000000005f5260045ffd5b91907f7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a08411612d56579160209360809260ff5f9560405194855216868401526040830152606082015282805260015afa156129b0575f516001600160a01b03811615612d4c57905f905f90565b505f906001905f90565b5050505f916003919056",
}

// FlotillaSettlement is an auto generated Go binding around an Ethereum contract.
type FlotillaSettlement struct {
	abi abi.ABI
}

// GetABI returns the ABI associated with this contract binding.
func (c *FlotillaSettlement) GetABI() abi.ABI {
	return c.abi
}

// NewFlotillaSettlement creates a new instance of FlotillaSettlement.
func NewFlotillaSettlement() *FlotillaSettlement {
	parsed, err := FlotillaSettlementMetaData.ParseABI()
	if err != nil {
		panic(errors.New("invalid ABI: " + err.Error()))
	}
	return &FlotillaSettlement{abi: *parsed}
}

// Instance creates a wrapper for a deployed contract instance at the given address.
// Use this to create the instance object passed to abigen v2 library functions Call, Transact, etc.
func (c *FlotillaSettlement) Instance(backend bind.ContractBackend, addr common.Address) *bind.BoundContract {
	return bind.NewBoundContract(addr, c.abi, backend, backend, backend)
}

// PackConstructor is the Go binding used to pack the parameters required for
// contract deployment.
//
// Solidity: constructor(address token_, uint64 epochSeconds_, uint64 stakeThawSeconds_, uint64 laneThawSeconds_, uint32 capBps_) returns()
func (flotillaSettlement *FlotillaSettlement) PackConstructor(token_ common.Address, epochSeconds_ uint64, stakeThawSeconds_ uint64, laneThawSeconds_ uint64, capBps_ uint32) []byte {
	enc, err := flotillaSettlement.abi.Pack("", token_, epochSeconds_, stakeThawSeconds_, laneThawSeconds_, capBps_)
	if err != nil {
		panic(err)
	}
	return enc
}

// PackAdvertDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6a9a7b26.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function advertDigest((address,bytes32,string,string,string,string,uint64,uint64,uint64,uint32,uint64,uint64,uint64) advert) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) PackAdvertDigest(advert Advert) []byte {
	enc, err := flotillaSettlement.abi.Pack("advertDigest", advert)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackAdvertDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6a9a7b26.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function advertDigest((address,bytes32,string,string,string,string,uint64,uint64,uint64,uint32,uint64,uint64,uint64) advert) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) TryPackAdvertDigest(advert Advert) ([]byte, error) {
	return flotillaSettlement.abi.Pack("advertDigest", advert)
}

// UnpackAdvertDigest is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x6a9a7b26.
//
// Solidity: function advertDigest((address,bytes32,string,string,string,string,uint64,uint64,uint64,uint32,uint64,uint64,uint64) advert) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) UnpackAdvertDigest(data []byte) ([32]byte, error) {
	out, err := flotillaSettlement.abi.Unpack("advertDigest", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackBatchDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6902af71.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function batchDigest((address,uint64,uint32,bytes32,(address,uint128)[]) batch) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) PackBatchDigest(batch SettlementBatch) []byte {
	enc, err := flotillaSettlement.abi.Pack("batchDigest", batch)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBatchDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6902af71.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function batchDigest((address,uint64,uint32,bytes32,(address,uint128)[]) batch) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) TryPackBatchDigest(batch SettlementBatch) ([]byte, error) {
	return flotillaSettlement.abi.Pack("batchDigest", batch)
}

// UnpackBatchDigest is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x6902af71.
//
// Solidity: function batchDigest((address,uint64,uint32,bytes32,(address,uint128)[]) batch) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) UnpackBatchDigest(data []byte) ([32]byte, error) {
	out, err := flotillaSettlement.abi.Unpack("batchDigest", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackBatchRoot is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8e779f73.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function batchRoot(address payer, uint64 epoch) view returns(bytes32 root, uint32 receiptCount)
func (flotillaSettlement *FlotillaSettlement) PackBatchRoot(payer common.Address, epoch uint64) []byte {
	enc, err := flotillaSettlement.abi.Pack("batchRoot", payer, epoch)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBatchRoot is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8e779f73.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function batchRoot(address payer, uint64 epoch) view returns(bytes32 root, uint32 receiptCount)
func (flotillaSettlement *FlotillaSettlement) TryPackBatchRoot(payer common.Address, epoch uint64) ([]byte, error) {
	return flotillaSettlement.abi.Pack("batchRoot", payer, epoch)
}

// BatchRootOutput serves as a container for the return parameters of contract
// method BatchRoot.
type BatchRootOutput struct {
	Root         [32]byte
	ReceiptCount uint32
}

// UnpackBatchRoot is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x8e779f73.
//
// Solidity: function batchRoot(address payer, uint64 epoch) view returns(bytes32 root, uint32 receiptCount)
func (flotillaSettlement *FlotillaSettlement) UnpackBatchRoot(data []byte) (BatchRootOutput, error) {
	out, err := flotillaSettlement.abi.Unpack("batchRoot", data)
	outstruct := new(BatchRootOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Root = *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	outstruct.ReceiptCount = *abi.ConvertType(out[1], new(uint32)).(*uint32)
	return *outstruct, nil
}

// PackCancelThaw is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x3236fb49.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function cancelThaw(address payee) returns()
func (flotillaSettlement *FlotillaSettlement) PackCancelThaw(payee common.Address) []byte {
	enc, err := flotillaSettlement.abi.Pack("cancelThaw", payee)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCancelThaw is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x3236fb49.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function cancelThaw(address payee) returns()
func (flotillaSettlement *FlotillaSettlement) TryPackCancelThaw(payee common.Address) ([]byte, error) {
	return flotillaSettlement.abi.Pack("cancelThaw", payee)
}

// PackCancelThawStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x67fd5b3a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function cancelThawStake() returns()
func (flotillaSettlement *FlotillaSettlement) PackCancelThawStake() []byte {
	enc, err := flotillaSettlement.abi.Pack("cancelThawStake")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCancelThawStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x67fd5b3a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function cancelThawStake() returns()
func (flotillaSettlement *FlotillaSettlement) TryPackCancelThawStake() ([]byte, error) {
	return flotillaSettlement.abi.Pack("cancelThawStake")
}

// PackCapBps is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x1685758b.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function capBps() view returns(uint32)
func (flotillaSettlement *FlotillaSettlement) PackCapBps() []byte {
	enc, err := flotillaSettlement.abi.Pack("capBps")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCapBps is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x1685758b.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function capBps() view returns(uint32)
func (flotillaSettlement *FlotillaSettlement) TryPackCapBps() ([]byte, error) {
	return flotillaSettlement.abi.Pack("capBps")
}

// UnpackCapBps is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x1685758b.
//
// Solidity: function capBps() view returns(uint32)
func (flotillaSettlement *FlotillaSettlement) UnpackCapBps(data []byte) (uint32, error) {
	out, err := flotillaSettlement.abi.Unpack("capBps", data)
	if err != nil {
		return *new(uint32), err
	}
	out0 := *abi.ConvertType(out[0], new(uint32)).(*uint32)
	return out0, nil
}

// PackClaim is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x1e83409a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function claim(address to) returns()
func (flotillaSettlement *FlotillaSettlement) PackClaim(to common.Address) []byte {
	enc, err := flotillaSettlement.abi.Pack("claim", to)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackClaim is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x1e83409a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function claim(address to) returns()
func (flotillaSettlement *FlotillaSettlement) TryPackClaim(to common.Address) ([]byte, error) {
	return flotillaSettlement.abi.Pack("claim", to)
}

// PackClaimable is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x402914f5.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function claimable(address operator) view returns(uint256)
func (flotillaSettlement *FlotillaSettlement) PackClaimable(operator common.Address) []byte {
	enc, err := flotillaSettlement.abi.Pack("claimable", operator)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackClaimable is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x402914f5.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function claimable(address operator) view returns(uint256)
func (flotillaSettlement *FlotillaSettlement) TryPackClaimable(operator common.Address) ([]byte, error) {
	return flotillaSettlement.abi.Pack("claimable", operator)
}

// UnpackClaimable is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x402914f5.
//
// Solidity: function claimable(address operator) view returns(uint256)
func (flotillaSettlement *FlotillaSettlement) UnpackClaimable(data []byte) (*big.Int, error) {
	out, err := flotillaSettlement.abi.Unpack("claimable", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackCover is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe620731a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function cover(address payer, address payee) view returns(uint256 available, uint256 collected, uint64 thawEnd)
func (flotillaSettlement *FlotillaSettlement) PackCover(payer common.Address, payee common.Address) []byte {
	enc, err := flotillaSettlement.abi.Pack("cover", payer, payee)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCover is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe620731a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function cover(address payer, address payee) view returns(uint256 available, uint256 collected, uint64 thawEnd)
func (flotillaSettlement *FlotillaSettlement) TryPackCover(payer common.Address, payee common.Address) ([]byte, error) {
	return flotillaSettlement.abi.Pack("cover", payer, payee)
}

// CoverOutput serves as a container for the return parameters of contract
// method Cover.
type CoverOutput struct {
	Available *big.Int
	Collected *big.Int
	ThawEnd   uint64
}

// UnpackCover is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xe620731a.
//
// Solidity: function cover(address payer, address payee) view returns(uint256 available, uint256 collected, uint64 thawEnd)
func (flotillaSettlement *FlotillaSettlement) UnpackCover(data []byte) (CoverOutput, error) {
	out, err := flotillaSettlement.abi.Unpack("cover", data)
	outstruct := new(CoverOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Available = abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	outstruct.Collected = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.ThawEnd = *abi.ConvertType(out[2], new(uint64)).(*uint64)
	return *outstruct, nil
}

// PackDeposit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb3fb6564.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function deposit(address payee, uint128 amount) returns()
func (flotillaSettlement *FlotillaSettlement) PackDeposit(payee common.Address, amount *big.Int) []byte {
	enc, err := flotillaSettlement.abi.Pack("deposit", payee, amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackDeposit is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb3fb6564.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function deposit(address payee, uint128 amount) returns()
func (flotillaSettlement *FlotillaSettlement) TryPackDeposit(payee common.Address, amount *big.Int) ([]byte, error) {
	return flotillaSettlement.abi.Pack("deposit", payee, amount)
}

// PackDepositMany is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc3125c84.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function depositMany(address[] payees, uint128[] amounts) returns()
func (flotillaSettlement *FlotillaSettlement) PackDepositMany(payees []common.Address, amounts []*big.Int) []byte {
	enc, err := flotillaSettlement.abi.Pack("depositMany", payees, amounts)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackDepositMany is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc3125c84.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function depositMany(address[] payees, uint128[] amounts) returns()
func (flotillaSettlement *FlotillaSettlement) TryPackDepositMany(payees []common.Address, amounts []*big.Int) ([]byte, error) {
	return flotillaSettlement.abi.Pack("depositMany", payees, amounts)
}

// PackDomainSeparator is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf698da25.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function domainSeparator() view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) PackDomainSeparator() []byte {
	enc, err := flotillaSettlement.abi.Pack("domainSeparator")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackDomainSeparator is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf698da25.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function domainSeparator() view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) TryPackDomainSeparator() ([]byte, error) {
	return flotillaSettlement.abi.Pack("domainSeparator")
}

// UnpackDomainSeparator is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xf698da25.
//
// Solidity: function domainSeparator() view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) UnpackDomainSeparator(data []byte) ([32]byte, error) {
	out, err := flotillaSettlement.abi.Unpack("domainSeparator", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackEip712Domain is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x84b0196e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function eip712Domain() view returns(bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)
func (flotillaSettlement *FlotillaSettlement) PackEip712Domain() []byte {
	enc, err := flotillaSettlement.abi.Pack("eip712Domain")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackEip712Domain is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x84b0196e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function eip712Domain() view returns(bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)
func (flotillaSettlement *FlotillaSettlement) TryPackEip712Domain() ([]byte, error) {
	return flotillaSettlement.abi.Pack("eip712Domain")
}

// Eip712DomainOutput serves as a container for the return parameters of contract
// method Eip712Domain.
type Eip712DomainOutput struct {
	Fields            [1]byte
	Name              string
	Version           string
	ChainId           *big.Int
	VerifyingContract common.Address
	Salt              [32]byte
	Extensions        []*big.Int
}

// UnpackEip712Domain is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x84b0196e.
//
// Solidity: function eip712Domain() view returns(bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)
func (flotillaSettlement *FlotillaSettlement) UnpackEip712Domain(data []byte) (Eip712DomainOutput, error) {
	out, err := flotillaSettlement.abi.Unpack("eip712Domain", data)
	outstruct := new(Eip712DomainOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Fields = *abi.ConvertType(out[0], new([1]byte)).(*[1]byte)
	outstruct.Name = *abi.ConvertType(out[1], new(string)).(*string)
	outstruct.Version = *abi.ConvertType(out[2], new(string)).(*string)
	outstruct.ChainId = abi.ConvertType(out[3], new(big.Int)).(*big.Int)
	outstruct.VerifyingContract = *abi.ConvertType(out[4], new(common.Address)).(*common.Address)
	outstruct.Salt = *abi.ConvertType(out[5], new([32]byte)).(*[32]byte)
	outstruct.Extensions = *abi.ConvertType(out[6], new([]*big.Int)).(*[]*big.Int)
	return *outstruct, nil
}

// PackEpochRoom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x86d88f67.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function epochRoom(address operator) view returns(uint256)
func (flotillaSettlement *FlotillaSettlement) PackEpochRoom(operator common.Address) []byte {
	enc, err := flotillaSettlement.abi.Pack("epochRoom", operator)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackEpochRoom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x86d88f67.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function epochRoom(address operator) view returns(uint256)
func (flotillaSettlement *FlotillaSettlement) TryPackEpochRoom(operator common.Address) ([]byte, error) {
	return flotillaSettlement.abi.Pack("epochRoom", operator)
}

// UnpackEpochRoom is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x86d88f67.
//
// Solidity: function epochRoom(address operator) view returns(uint256)
func (flotillaSettlement *FlotillaSettlement) UnpackEpochRoom(data []byte) (*big.Int, error) {
	out, err := flotillaSettlement.abi.Unpack("epochRoom", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackEpochSeconds is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xfb5bb0c3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function epochSeconds() view returns(uint64)
func (flotillaSettlement *FlotillaSettlement) PackEpochSeconds() []byte {
	enc, err := flotillaSettlement.abi.Pack("epochSeconds")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackEpochSeconds is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xfb5bb0c3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function epochSeconds() view returns(uint64)
func (flotillaSettlement *FlotillaSettlement) TryPackEpochSeconds() ([]byte, error) {
	return flotillaSettlement.abi.Pack("epochSeconds")
}

// UnpackEpochSeconds is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xfb5bb0c3.
//
// Solidity: function epochSeconds() view returns(uint64)
func (flotillaSettlement *FlotillaSettlement) UnpackEpochSeconds(data []byte) (uint64, error) {
	out, err := flotillaSettlement.abi.Unpack("epochSeconds", data)
	if err != nil {
		return *new(uint64), err
	}
	out0 := *abi.ConvertType(out[0], new(uint64)).(*uint64)
	return out0, nil
}

// PackLaneOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9fdfd3ea.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function laneOf(address payer, address payee) view returns(uint256 balance, uint256 collected, uint256 thawing, uint64 thawEnd)
func (flotillaSettlement *FlotillaSettlement) PackLaneOf(payer common.Address, payee common.Address) []byte {
	enc, err := flotillaSettlement.abi.Pack("laneOf", payer, payee)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLaneOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9fdfd3ea.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function laneOf(address payer, address payee) view returns(uint256 balance, uint256 collected, uint256 thawing, uint64 thawEnd)
func (flotillaSettlement *FlotillaSettlement) TryPackLaneOf(payer common.Address, payee common.Address) ([]byte, error) {
	return flotillaSettlement.abi.Pack("laneOf", payer, payee)
}

// LaneOfOutput serves as a container for the return parameters of contract
// method LaneOf.
type LaneOfOutput struct {
	Balance   *big.Int
	Collected *big.Int
	Thawing   *big.Int
	ThawEnd   uint64
}

// UnpackLaneOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x9fdfd3ea.
//
// Solidity: function laneOf(address payer, address payee) view returns(uint256 balance, uint256 collected, uint256 thawing, uint64 thawEnd)
func (flotillaSettlement *FlotillaSettlement) UnpackLaneOf(data []byte) (LaneOfOutput, error) {
	out, err := flotillaSettlement.abi.Unpack("laneOf", data)
	outstruct := new(LaneOfOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Balance = abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	outstruct.Collected = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.Thawing = abi.ConvertType(out[2], new(big.Int)).(*big.Int)
	outstruct.ThawEnd = *abi.ConvertType(out[3], new(uint64)).(*uint64)
	return *outstruct, nil
}

// PackLaneThawSeconds is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4ef168ca.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function laneThawSeconds() view returns(uint64)
func (flotillaSettlement *FlotillaSettlement) PackLaneThawSeconds() []byte {
	enc, err := flotillaSettlement.abi.Pack("laneThawSeconds")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLaneThawSeconds is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4ef168ca.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function laneThawSeconds() view returns(uint64)
func (flotillaSettlement *FlotillaSettlement) TryPackLaneThawSeconds() ([]byte, error) {
	return flotillaSettlement.abi.Pack("laneThawSeconds")
}

// UnpackLaneThawSeconds is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x4ef168ca.
//
// Solidity: function laneThawSeconds() view returns(uint64)
func (flotillaSettlement *FlotillaSettlement) UnpackLaneThawSeconds(data []byte) (uint64, error) {
	out, err := flotillaSettlement.abi.Unpack("laneThawSeconds", data)
	if err != nil {
		return *new(uint64), err
	}
	out0 := *abi.ConvertType(out[0], new(uint64)).(*uint64)
	return out0, nil
}

// PackNextEpoch is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x839a2652.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function nextEpoch(address payer) view returns(uint64)
func (flotillaSettlement *FlotillaSettlement) PackNextEpoch(payer common.Address) []byte {
	enc, err := flotillaSettlement.abi.Pack("nextEpoch", payer)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackNextEpoch is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x839a2652.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function nextEpoch(address payer) view returns(uint64)
func (flotillaSettlement *FlotillaSettlement) TryPackNextEpoch(payer common.Address) ([]byte, error) {
	return flotillaSettlement.abi.Pack("nextEpoch", payer)
}

// UnpackNextEpoch is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x839a2652.
//
// Solidity: function nextEpoch(address payer) view returns(uint64)
func (flotillaSettlement *FlotillaSettlement) UnpackNextEpoch(data []byte) (uint64, error) {
	out, err := flotillaSettlement.abi.Unpack("nextEpoch", data)
	if err != nil {
		return *new(uint64), err
	}
	out0 := *abi.ConvertType(out[0], new(uint64)).(*uint64)
	return out0, nil
}

// PackOrderDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xaf82c94a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function orderDigest((address,address,bytes32,uint32,uint32,uint128,bytes32,bytes32,bytes32,uint64) order) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) PackOrderDigest(order Order) []byte {
	enc, err := flotillaSettlement.abi.Pack("orderDigest", order)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackOrderDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xaf82c94a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function orderDigest((address,address,bytes32,uint32,uint32,uint128,bytes32,bytes32,bytes32,uint64) order) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) TryPackOrderDigest(order Order) ([]byte, error) {
	return flotillaSettlement.abi.Pack("orderDigest", order)
}

// UnpackOrderDigest is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xaf82c94a.
//
// Solidity: function orderDigest((address,address,bytes32,uint32,uint32,uint128,bytes32,bytes32,bytes32,uint64) order) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) UnpackOrderDigest(data []byte) ([32]byte, error) {
	out, err := flotillaSettlement.abi.Unpack("orderDigest", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackReceiptDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x11f6b4d9.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function receiptDigest((bytes32,address,address,bytes32,uint64,uint32,uint32,uint128,uint64,bytes32,bytes32,bytes32) receipt) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) PackReceiptDigest(receipt Receipt) []byte {
	enc, err := flotillaSettlement.abi.Pack("receiptDigest", receipt)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackReceiptDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x11f6b4d9.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function receiptDigest((bytes32,address,address,bytes32,uint64,uint32,uint32,uint128,uint64,bytes32,bytes32,bytes32) receipt) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) TryPackReceiptDigest(receipt Receipt) ([]byte, error) {
	return flotillaSettlement.abi.Pack("receiptDigest", receipt)
}

// UnpackReceiptDigest is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x11f6b4d9.
//
// Solidity: function receiptDigest((bytes32,address,address,bytes32,uint64,uint32,uint32,uint128,uint64,bytes32,bytes32,bytes32) receipt) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) UnpackReceiptDigest(data []byte) ([32]byte, error) {
	out, err := flotillaSettlement.abi.Unpack("receiptDigest", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackSettleBatch is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xdc5e6ca5.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function settleBatch((address,uint64,uint32,bytes32,(address,uint128)[]) batch, bytes signature) returns(uint256 paid)
func (flotillaSettlement *FlotillaSettlement) PackSettleBatch(batch SettlementBatch, signature []byte) []byte {
	enc, err := flotillaSettlement.abi.Pack("settleBatch", batch, signature)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSettleBatch is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xdc5e6ca5.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function settleBatch((address,uint64,uint32,bytes32,(address,uint128)[]) batch, bytes signature) returns(uint256 paid)
func (flotillaSettlement *FlotillaSettlement) TryPackSettleBatch(batch SettlementBatch, signature []byte) ([]byte, error) {
	return flotillaSettlement.abi.Pack("settleBatch", batch, signature)
}

// UnpackSettleBatch is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xdc5e6ca5.
//
// Solidity: function settleBatch((address,uint64,uint32,bytes32,(address,uint128)[]) batch, bytes signature) returns(uint256 paid)
func (flotillaSettlement *FlotillaSettlement) UnpackSettleBatch(data []byte) (*big.Int, error) {
	out, err := flotillaSettlement.abi.Unpack("settleBatch", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackSettleVoucher is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x1172960d.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function settleVoucher((address,address,uint128,uint64) voucher, bytes signature) returns(uint256 paid)
func (flotillaSettlement *FlotillaSettlement) PackSettleVoucher(voucher Voucher, signature []byte) []byte {
	enc, err := flotillaSettlement.abi.Pack("settleVoucher", voucher, signature)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSettleVoucher is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x1172960d.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function settleVoucher((address,address,uint128,uint64) voucher, bytes signature) returns(uint256 paid)
func (flotillaSettlement *FlotillaSettlement) TryPackSettleVoucher(voucher Voucher, signature []byte) ([]byte, error) {
	return flotillaSettlement.abi.Pack("settleVoucher", voucher, signature)
}

// UnpackSettleVoucher is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x1172960d.
//
// Solidity: function settleVoucher((address,address,uint128,uint64) voucher, bytes signature) returns(uint256 paid)
func (flotillaSettlement *FlotillaSettlement) UnpackSettleVoucher(data []byte) (*big.Int, error) {
	out, err := flotillaSettlement.abi.Unpack("settleVoucher", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackSlashableStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x275ff98d.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function slashableStake(address operator) view returns(uint256)
func (flotillaSettlement *FlotillaSettlement) PackSlashableStake(operator common.Address) []byte {
	enc, err := flotillaSettlement.abi.Pack("slashableStake", operator)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSlashableStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x275ff98d.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function slashableStake(address operator) view returns(uint256)
func (flotillaSettlement *FlotillaSettlement) TryPackSlashableStake(operator common.Address) ([]byte, error) {
	return flotillaSettlement.abi.Pack("slashableStake", operator)
}

// UnpackSlashableStake is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x275ff98d.
//
// Solidity: function slashableStake(address operator) view returns(uint256)
func (flotillaSettlement *FlotillaSettlement) UnpackSlashableStake(data []byte) (*big.Int, error) {
	out, err := flotillaSettlement.abi.Unpack("slashableStake", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x88fe2be8.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function stake(uint128 amount) returns()
func (flotillaSettlement *FlotillaSettlement) PackStake(amount *big.Int) []byte {
	enc, err := flotillaSettlement.abi.Pack("stake", amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x88fe2be8.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function stake(uint128 amount) returns()
func (flotillaSettlement *FlotillaSettlement) TryPackStake(amount *big.Int) ([]byte, error) {
	return flotillaSettlement.abi.Pack("stake", amount)
}

// PackStakeOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42623360.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function stakeOf(address operator) view returns(uint256 total, uint256 thawing, uint64 thawEnd)
func (flotillaSettlement *FlotillaSettlement) PackStakeOf(operator common.Address) []byte {
	enc, err := flotillaSettlement.abi.Pack("stakeOf", operator)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackStakeOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42623360.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function stakeOf(address operator) view returns(uint256 total, uint256 thawing, uint64 thawEnd)
func (flotillaSettlement *FlotillaSettlement) TryPackStakeOf(operator common.Address) ([]byte, error) {
	return flotillaSettlement.abi.Pack("stakeOf", operator)
}

// StakeOfOutput serves as a container for the return parameters of contract
// method StakeOf.
type StakeOfOutput struct {
	Total   *big.Int
	Thawing *big.Int
	ThawEnd uint64
}

// UnpackStakeOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x42623360.
//
// Solidity: function stakeOf(address operator) view returns(uint256 total, uint256 thawing, uint64 thawEnd)
func (flotillaSettlement *FlotillaSettlement) UnpackStakeOf(data []byte) (StakeOfOutput, error) {
	out, err := flotillaSettlement.abi.Unpack("stakeOf", data)
	outstruct := new(StakeOfOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Total = abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	outstruct.Thawing = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.ThawEnd = *abi.ConvertType(out[2], new(uint64)).(*uint64)
	return *outstruct, nil
}

// PackStakeThawSeconds is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x67bb11e8.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function stakeThawSeconds() view returns(uint64)
func (flotillaSettlement *FlotillaSettlement) PackStakeThawSeconds() []byte {
	enc, err := flotillaSettlement.abi.Pack("stakeThawSeconds")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackStakeThawSeconds is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x67bb11e8.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function stakeThawSeconds() view returns(uint64)
func (flotillaSettlement *FlotillaSettlement) TryPackStakeThawSeconds() ([]byte, error) {
	return flotillaSettlement.abi.Pack("stakeThawSeconds")
}

// UnpackStakeThawSeconds is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x67bb11e8.
//
// Solidity: function stakeThawSeconds() view returns(uint64)
func (flotillaSettlement *FlotillaSettlement) UnpackStakeThawSeconds(data []byte) (uint64, error) {
	out, err := flotillaSettlement.abi.Unpack("stakeThawSeconds", data)
	if err != nil {
		return *new(uint64), err
	}
	out0 := *abi.ConvertType(out[0], new(uint64)).(*uint64)
	return out0, nil
}

// PackThaw is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa507bb1c.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function thaw(address payee, uint128 amount) returns()
func (flotillaSettlement *FlotillaSettlement) PackThaw(payee common.Address, amount *big.Int) []byte {
	enc, err := flotillaSettlement.abi.Pack("thaw", payee, amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackThaw is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa507bb1c.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function thaw(address payee, uint128 amount) returns()
func (flotillaSettlement *FlotillaSettlement) TryPackThaw(payee common.Address, amount *big.Int) ([]byte, error) {
	return flotillaSettlement.abi.Pack("thaw", payee, amount)
}

// PackThawStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x5546f352.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function thawStake(uint128 amount) returns()
func (flotillaSettlement *FlotillaSettlement) PackThawStake(amount *big.Int) []byte {
	enc, err := flotillaSettlement.abi.Pack("thawStake", amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackThawStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x5546f352.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function thawStake(uint128 amount) returns()
func (flotillaSettlement *FlotillaSettlement) TryPackThawStake(amount *big.Int) ([]byte, error) {
	return flotillaSettlement.abi.Pack("thawStake", amount)
}

// PackToken is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xfc0c546a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function token() view returns(address)
func (flotillaSettlement *FlotillaSettlement) PackToken() []byte {
	enc, err := flotillaSettlement.abi.Pack("token")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackToken is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xfc0c546a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function token() view returns(address)
func (flotillaSettlement *FlotillaSettlement) TryPackToken() ([]byte, error) {
	return flotillaSettlement.abi.Pack("token")
}

// UnpackToken is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xfc0c546a.
//
// Solidity: function token() view returns(address)
func (flotillaSettlement *FlotillaSettlement) UnpackToken(data []byte) (common.Address, error) {
	out, err := flotillaSettlement.abi.Unpack("token", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackVerifyReceipt is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x82307b66.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function verifyReceipt(address payer, uint64 epoch, uint256 index, bytes32 receiptDigest_, bytes32[] proof) view returns(bool)
func (flotillaSettlement *FlotillaSettlement) PackVerifyReceipt(payer common.Address, epoch uint64, index *big.Int, receiptDigest [32]byte, proof [][32]byte) []byte {
	enc, err := flotillaSettlement.abi.Pack("verifyReceipt", payer, epoch, index, receiptDigest, proof)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackVerifyReceipt is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x82307b66.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function verifyReceipt(address payer, uint64 epoch, uint256 index, bytes32 receiptDigest_, bytes32[] proof) view returns(bool)
func (flotillaSettlement *FlotillaSettlement) TryPackVerifyReceipt(payer common.Address, epoch uint64, index *big.Int, receiptDigest [32]byte, proof [][32]byte) ([]byte, error) {
	return flotillaSettlement.abi.Pack("verifyReceipt", payer, epoch, index, receiptDigest, proof)
}

// UnpackVerifyReceipt is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x82307b66.
//
// Solidity: function verifyReceipt(address payer, uint64 epoch, uint256 index, bytes32 receiptDigest_, bytes32[] proof) view returns(bool)
func (flotillaSettlement *FlotillaSettlement) UnpackVerifyReceipt(data []byte) (bool, error) {
	out, err := flotillaSettlement.abi.Unpack("verifyReceipt", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackVoucherDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x3e1a88a3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function voucherDigest((address,address,uint128,uint64) voucher) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) PackVoucherDigest(voucher Voucher) []byte {
	enc, err := flotillaSettlement.abi.Pack("voucherDigest", voucher)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackVoucherDigest is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x3e1a88a3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function voucherDigest((address,address,uint128,uint64) voucher) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) TryPackVoucherDigest(voucher Voucher) ([]byte, error) {
	return flotillaSettlement.abi.Pack("voucherDigest", voucher)
}

// UnpackVoucherDigest is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x3e1a88a3.
//
// Solidity: function voucherDigest((address,address,uint128,uint64) voucher) view returns(bytes32)
func (flotillaSettlement *FlotillaSettlement) UnpackVoucherDigest(data []byte) ([32]byte, error) {
	out, err := flotillaSettlement.abi.Unpack("voucherDigest", data)
	if err != nil {
		return *new([32]byte), err
	}
	out0 := *abi.ConvertType(out[0], new([32]byte)).(*[32]byte)
	return out0, nil
}

// PackWithdraw is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x51cff8d9.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function withdraw(address payee) returns()
func (flotillaSettlement *FlotillaSettlement) PackWithdraw(payee common.Address) []byte {
	enc, err := flotillaSettlement.abi.Pack("withdraw", payee)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackWithdraw is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x51cff8d9.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function withdraw(address payee) returns()
func (flotillaSettlement *FlotillaSettlement) TryPackWithdraw(payee common.Address) ([]byte, error) {
	return flotillaSettlement.abi.Pack("withdraw", payee)
}

// PackWithdrawStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbed9d861.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function withdrawStake() returns()
func (flotillaSettlement *FlotillaSettlement) PackWithdrawStake() []byte {
	enc, err := flotillaSettlement.abi.Pack("withdrawStake")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackWithdrawStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbed9d861.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function withdrawStake() returns()
func (flotillaSettlement *FlotillaSettlement) TryPackWithdrawStake() ([]byte, error) {
	return flotillaSettlement.abi.Pack("withdrawStake")
}

// FlotillaSettlementBatchSettled represents a BatchSettled event raised by the FlotillaSettlement contract.
type FlotillaSettlementBatchSettled struct {
	Payer        common.Address
	Epoch        uint64
	ReceiptsRoot [32]byte
	ReceiptCount uint32
	Paid         *big.Int
	Raw          *types.Log // Blockchain specific contextual infos
}

const FlotillaSettlementBatchSettledEventName = "BatchSettled"

// ContractEventName returns the user-defined event name.
func (FlotillaSettlementBatchSettled) ContractEventName() string {
	return FlotillaSettlementBatchSettledEventName
}

// UnpackBatchSettledEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event BatchSettled(address indexed payer, uint64 indexed epoch, bytes32 receiptsRoot, uint32 receiptCount, uint256 paid)
func (flotillaSettlement *FlotillaSettlement) UnpackBatchSettledEvent(log *types.Log) (*FlotillaSettlementBatchSettled, error) {
	event := "BatchSettled"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != flotillaSettlement.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(FlotillaSettlementBatchSettled)
	if len(log.Data) > 0 {
		if err := flotillaSettlement.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range flotillaSettlement.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// FlotillaSettlementClaimed represents a Claimed event raised by the FlotillaSettlement contract.
type FlotillaSettlementClaimed struct {
	Operator common.Address
	To       common.Address
	Amount   *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const FlotillaSettlementClaimedEventName = "Claimed"

// ContractEventName returns the user-defined event name.
func (FlotillaSettlementClaimed) ContractEventName() string {
	return FlotillaSettlementClaimedEventName
}

// UnpackClaimedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Claimed(address indexed operator, address indexed to, uint256 amount)
func (flotillaSettlement *FlotillaSettlement) UnpackClaimedEvent(log *types.Log) (*FlotillaSettlementClaimed, error) {
	event := "Claimed"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != flotillaSettlement.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(FlotillaSettlementClaimed)
	if len(log.Data) > 0 {
		if err := flotillaSettlement.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range flotillaSettlement.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// FlotillaSettlementDeposited represents a Deposited event raised by the FlotillaSettlement contract.
type FlotillaSettlementDeposited struct {
	Payer  common.Address
	Payee  common.Address
	Amount *big.Int
	Raw    *types.Log // Blockchain specific contextual infos
}

const FlotillaSettlementDepositedEventName = "Deposited"

// ContractEventName returns the user-defined event name.
func (FlotillaSettlementDeposited) ContractEventName() string {
	return FlotillaSettlementDepositedEventName
}

// UnpackDepositedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Deposited(address indexed payer, address indexed payee, uint256 amount)
func (flotillaSettlement *FlotillaSettlement) UnpackDepositedEvent(log *types.Log) (*FlotillaSettlementDeposited, error) {
	event := "Deposited"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != flotillaSettlement.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(FlotillaSettlementDeposited)
	if len(log.Data) > 0 {
		if err := flotillaSettlement.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range flotillaSettlement.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// FlotillaSettlementEIP712DomainChanged represents a EIP712DomainChanged event raised by the FlotillaSettlement contract.
type FlotillaSettlementEIP712DomainChanged struct {
	Raw *types.Log // Blockchain specific contextual infos
}

const FlotillaSettlementEIP712DomainChangedEventName = "EIP712DomainChanged"

// ContractEventName returns the user-defined event name.
func (FlotillaSettlementEIP712DomainChanged) ContractEventName() string {
	return FlotillaSettlementEIP712DomainChangedEventName
}

// UnpackEIP712DomainChangedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event EIP712DomainChanged()
func (flotillaSettlement *FlotillaSettlement) UnpackEIP712DomainChangedEvent(log *types.Log) (*FlotillaSettlementEIP712DomainChanged, error) {
	event := "EIP712DomainChanged"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != flotillaSettlement.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(FlotillaSettlementEIP712DomainChanged)
	if len(log.Data) > 0 {
		if err := flotillaSettlement.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range flotillaSettlement.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// FlotillaSettlementSettled represents a Settled event raised by the FlotillaSettlement contract.
type FlotillaSettlementSettled struct {
	Payer          common.Address
	Payee          common.Address
	Paid           *big.Int
	Unpaid         *big.Int
	ValueAggregate *big.Int
	Raw            *types.Log // Blockchain specific contextual infos
}

const FlotillaSettlementSettledEventName = "Settled"

// ContractEventName returns the user-defined event name.
func (FlotillaSettlementSettled) ContractEventName() string {
	return FlotillaSettlementSettledEventName
}

// UnpackSettledEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Settled(address indexed payer, address indexed payee, uint256 paid, uint256 unpaid, uint128 valueAggregate)
func (flotillaSettlement *FlotillaSettlement) UnpackSettledEvent(log *types.Log) (*FlotillaSettlementSettled, error) {
	event := "Settled"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != flotillaSettlement.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(FlotillaSettlementSettled)
	if len(log.Data) > 0 {
		if err := flotillaSettlement.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range flotillaSettlement.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// FlotillaSettlementStakeThawCancelled represents a StakeThawCancelled event raised by the FlotillaSettlement contract.
type FlotillaSettlementStakeThawCancelled struct {
	Operator common.Address
	Amount   *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const FlotillaSettlementStakeThawCancelledEventName = "StakeThawCancelled"

// ContractEventName returns the user-defined event name.
func (FlotillaSettlementStakeThawCancelled) ContractEventName() string {
	return FlotillaSettlementStakeThawCancelledEventName
}

// UnpackStakeThawCancelledEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event StakeThawCancelled(address indexed operator, uint256 amount)
func (flotillaSettlement *FlotillaSettlement) UnpackStakeThawCancelledEvent(log *types.Log) (*FlotillaSettlementStakeThawCancelled, error) {
	event := "StakeThawCancelled"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != flotillaSettlement.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(FlotillaSettlementStakeThawCancelled)
	if len(log.Data) > 0 {
		if err := flotillaSettlement.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range flotillaSettlement.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// FlotillaSettlementStakeThawStarted represents a StakeThawStarted event raised by the FlotillaSettlement contract.
type FlotillaSettlementStakeThawStarted struct {
	Operator common.Address
	Amount   *big.Int
	ThawEnd  uint64
	Raw      *types.Log // Blockchain specific contextual infos
}

const FlotillaSettlementStakeThawStartedEventName = "StakeThawStarted"

// ContractEventName returns the user-defined event name.
func (FlotillaSettlementStakeThawStarted) ContractEventName() string {
	return FlotillaSettlementStakeThawStartedEventName
}

// UnpackStakeThawStartedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event StakeThawStarted(address indexed operator, uint256 amount, uint64 thawEnd)
func (flotillaSettlement *FlotillaSettlement) UnpackStakeThawStartedEvent(log *types.Log) (*FlotillaSettlementStakeThawStarted, error) {
	event := "StakeThawStarted"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != flotillaSettlement.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(FlotillaSettlementStakeThawStarted)
	if len(log.Data) > 0 {
		if err := flotillaSettlement.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range flotillaSettlement.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// FlotillaSettlementStakeWithdrawn represents a StakeWithdrawn event raised by the FlotillaSettlement contract.
type FlotillaSettlementStakeWithdrawn struct {
	Operator common.Address
	Amount   *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const FlotillaSettlementStakeWithdrawnEventName = "StakeWithdrawn"

// ContractEventName returns the user-defined event name.
func (FlotillaSettlementStakeWithdrawn) ContractEventName() string {
	return FlotillaSettlementStakeWithdrawnEventName
}

// UnpackStakeWithdrawnEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event StakeWithdrawn(address indexed operator, uint256 amount)
func (flotillaSettlement *FlotillaSettlement) UnpackStakeWithdrawnEvent(log *types.Log) (*FlotillaSettlementStakeWithdrawn, error) {
	event := "StakeWithdrawn"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != flotillaSettlement.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(FlotillaSettlementStakeWithdrawn)
	if len(log.Data) > 0 {
		if err := flotillaSettlement.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range flotillaSettlement.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// FlotillaSettlementStaked represents a Staked event raised by the FlotillaSettlement contract.
type FlotillaSettlementStaked struct {
	Operator common.Address
	Amount   *big.Int
	Bonded   *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const FlotillaSettlementStakedEventName = "Staked"

// ContractEventName returns the user-defined event name.
func (FlotillaSettlementStaked) ContractEventName() string {
	return FlotillaSettlementStakedEventName
}

// UnpackStakedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Staked(address indexed operator, uint256 amount, uint256 bonded)
func (flotillaSettlement *FlotillaSettlement) UnpackStakedEvent(log *types.Log) (*FlotillaSettlementStaked, error) {
	event := "Staked"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != flotillaSettlement.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(FlotillaSettlementStaked)
	if len(log.Data) > 0 {
		if err := flotillaSettlement.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range flotillaSettlement.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// FlotillaSettlementThawCancelled represents a ThawCancelled event raised by the FlotillaSettlement contract.
type FlotillaSettlementThawCancelled struct {
	Payer common.Address
	Payee common.Address
	Raw   *types.Log // Blockchain specific contextual infos
}

const FlotillaSettlementThawCancelledEventName = "ThawCancelled"

// ContractEventName returns the user-defined event name.
func (FlotillaSettlementThawCancelled) ContractEventName() string {
	return FlotillaSettlementThawCancelledEventName
}

// UnpackThawCancelledEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event ThawCancelled(address indexed payer, address indexed payee)
func (flotillaSettlement *FlotillaSettlement) UnpackThawCancelledEvent(log *types.Log) (*FlotillaSettlementThawCancelled, error) {
	event := "ThawCancelled"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != flotillaSettlement.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(FlotillaSettlementThawCancelled)
	if len(log.Data) > 0 {
		if err := flotillaSettlement.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range flotillaSettlement.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// FlotillaSettlementThawStarted represents a ThawStarted event raised by the FlotillaSettlement contract.
type FlotillaSettlementThawStarted struct {
	Payer   common.Address
	Payee   common.Address
	Amount  *big.Int
	ThawEnd uint64
	Raw     *types.Log // Blockchain specific contextual infos
}

const FlotillaSettlementThawStartedEventName = "ThawStarted"

// ContractEventName returns the user-defined event name.
func (FlotillaSettlementThawStarted) ContractEventName() string {
	return FlotillaSettlementThawStartedEventName
}

// UnpackThawStartedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event ThawStarted(address indexed payer, address indexed payee, uint256 amount, uint64 thawEnd)
func (flotillaSettlement *FlotillaSettlement) UnpackThawStartedEvent(log *types.Log) (*FlotillaSettlementThawStarted, error) {
	event := "ThawStarted"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != flotillaSettlement.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(FlotillaSettlementThawStarted)
	if len(log.Data) > 0 {
		if err := flotillaSettlement.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range flotillaSettlement.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// FlotillaSettlementWithdrawn represents a Withdrawn event raised by the FlotillaSettlement contract.
type FlotillaSettlementWithdrawn struct {
	Payer  common.Address
	Payee  common.Address
	Amount *big.Int
	Raw    *types.Log // Blockchain specific contextual infos
}

const FlotillaSettlementWithdrawnEventName = "Withdrawn"

// ContractEventName returns the user-defined event name.
func (FlotillaSettlementWithdrawn) ContractEventName() string {
	return FlotillaSettlementWithdrawnEventName
}

// UnpackWithdrawnEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Withdrawn(address indexed payer, address indexed payee, uint256 amount)
func (flotillaSettlement *FlotillaSettlement) UnpackWithdrawnEvent(log *types.Log) (*FlotillaSettlementWithdrawn, error) {
	event := "Withdrawn"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != flotillaSettlement.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(FlotillaSettlementWithdrawn)
	if len(log.Data) > 0 {
		if err := flotillaSettlement.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range flotillaSettlement.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// UnpackError attempts to decode the provided error data using user-defined
// error definitions.
func (flotillaSettlement *FlotillaSettlement) UnpackError(raw []byte) (any, error) {
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["AlreadyThawing"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackAlreadyThawingError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["EmptyBatch"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackEmptyBatchError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["EpochMismatch"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackEpochMismatchError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["InsufficientBalance"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackInsufficientBalanceError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["InsufficientStake"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackInsufficientStakeError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["InvalidParameter"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackInvalidParameterError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["InvalidRecipient"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackInvalidRecipientError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["InvalidShortString"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackInvalidShortStringError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["InvalidSigner"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackInvalidSignerError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["LanesNotSorted"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackLanesNotSortedError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["LengthMismatch"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackLengthMismatchError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["NothingThawing"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackNothingThawingError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["NothingToClaim"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackNothingToClaimError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["ReentrancyGuardReentrantCall"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackReentrancyGuardReentrantCallError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["SafeERC20FailedOperation"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackSafeERC20FailedOperationError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["StillThawing"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackStillThawingError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["StringTooLong"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackStringTooLongError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["TokenAmountMismatch"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackTokenAmountMismatchError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["TooManyTokensHeld"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackTooManyTokensHeldError(raw[4:])
	}
	if bytes.Equal(raw[:4], flotillaSettlement.abi.Errors["ZeroAmount"].ID.Bytes()[:4]) {
		return flotillaSettlement.UnpackZeroAmountError(raw[4:])
	}
	return nil, errors.New("Unknown error")
}

// FlotillaSettlementAlreadyThawing represents a AlreadyThawing error raised by the FlotillaSettlement contract.
type FlotillaSettlementAlreadyThawing struct {
	ThawEnd uint64
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error AlreadyThawing(uint64 thawEnd)
func FlotillaSettlementAlreadyThawingErrorID() common.Hash {
	return common.HexToHash("0xa6a778acbc837ca6b77fb7701f2b1138efc209077b0e9b2b54f1cac2821b4084")
}

// UnpackAlreadyThawingError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error AlreadyThawing(uint64 thawEnd)
func (flotillaSettlement *FlotillaSettlement) UnpackAlreadyThawingError(raw []byte) (*FlotillaSettlementAlreadyThawing, error) {
	out := new(FlotillaSettlementAlreadyThawing)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "AlreadyThawing", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementEmptyBatch represents a EmptyBatch error raised by the FlotillaSettlement contract.
type FlotillaSettlementEmptyBatch struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error EmptyBatch()
func FlotillaSettlementEmptyBatchErrorID() common.Hash {
	return common.HexToHash("0xc2e5347df6cf8d1bf68f8a9651642312bd381b900d857d97cd665976180d6ae0")
}

// UnpackEmptyBatchError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error EmptyBatch()
func (flotillaSettlement *FlotillaSettlement) UnpackEmptyBatchError(raw []byte) (*FlotillaSettlementEmptyBatch, error) {
	out := new(FlotillaSettlementEmptyBatch)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "EmptyBatch", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementEpochMismatch represents a EpochMismatch error raised by the FlotillaSettlement contract.
type FlotillaSettlementEpochMismatch struct {
	Next  uint64
	Given uint64
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error EpochMismatch(uint64 next, uint64 given)
func FlotillaSettlementEpochMismatchErrorID() common.Hash {
	return common.HexToHash("0x75174c0b10ffddbb73255cd067b3d3a12c25b9fb182e7d7d91081a53abc88c60")
}

// UnpackEpochMismatchError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error EpochMismatch(uint64 next, uint64 given)
func (flotillaSettlement *FlotillaSettlement) UnpackEpochMismatchError(raw []byte) (*FlotillaSettlementEpochMismatch, error) {
	out := new(FlotillaSettlementEpochMismatch)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "EpochMismatch", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementInsufficientBalance represents a InsufficientBalance error raised by the FlotillaSettlement contract.
type FlotillaSettlementInsufficientBalance struct {
	Have *big.Int
	Want *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InsufficientBalance(uint256 have, uint256 want)
func FlotillaSettlementInsufficientBalanceErrorID() common.Hash {
	return common.HexToHash("0xcf4791818fba6e019216eb4864093b4947f674afada5d305e57d598b641dad1d")
}

// UnpackInsufficientBalanceError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InsufficientBalance(uint256 have, uint256 want)
func (flotillaSettlement *FlotillaSettlement) UnpackInsufficientBalanceError(raw []byte) (*FlotillaSettlementInsufficientBalance, error) {
	out := new(FlotillaSettlementInsufficientBalance)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "InsufficientBalance", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementInsufficientStake represents a InsufficientStake error raised by the FlotillaSettlement contract.
type FlotillaSettlementInsufficientStake struct {
	Have *big.Int
	Want *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InsufficientStake(uint256 have, uint256 want)
func FlotillaSettlementInsufficientStakeErrorID() common.Hash {
	return common.HexToHash("0x45be0a261a88f9fedc41221879f08865d5e8d6053c877967e6e8e39e5697e6d5")
}

// UnpackInsufficientStakeError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InsufficientStake(uint256 have, uint256 want)
func (flotillaSettlement *FlotillaSettlement) UnpackInsufficientStakeError(raw []byte) (*FlotillaSettlementInsufficientStake, error) {
	out := new(FlotillaSettlementInsufficientStake)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "InsufficientStake", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementInvalidParameter represents a InvalidParameter error raised by the FlotillaSettlement contract.
type FlotillaSettlementInvalidParameter struct {
	Name [32]byte
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidParameter(bytes32 name)
func FlotillaSettlementInvalidParameterErrorID() common.Hash {
	return common.HexToHash("0x48bae5b887c420934874f8f4e2591ece20b01838c4ed2749e2ac363757e8544a")
}

// UnpackInvalidParameterError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidParameter(bytes32 name)
func (flotillaSettlement *FlotillaSettlement) UnpackInvalidParameterError(raw []byte) (*FlotillaSettlementInvalidParameter, error) {
	out := new(FlotillaSettlementInvalidParameter)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "InvalidParameter", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementInvalidRecipient represents a InvalidRecipient error raised by the FlotillaSettlement contract.
type FlotillaSettlementInvalidRecipient struct {
	Recipient common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidRecipient(address recipient)
func FlotillaSettlementInvalidRecipientErrorID() common.Hash {
	return common.HexToHash("0x17858bbe33f2abed3758965a9f02dee0a7e83a84b7b813e2a23810c33c0858ea")
}

// UnpackInvalidRecipientError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidRecipient(address recipient)
func (flotillaSettlement *FlotillaSettlement) UnpackInvalidRecipientError(raw []byte) (*FlotillaSettlementInvalidRecipient, error) {
	out := new(FlotillaSettlementInvalidRecipient)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "InvalidRecipient", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementInvalidShortString represents a InvalidShortString error raised by the FlotillaSettlement contract.
type FlotillaSettlementInvalidShortString struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidShortString()
func FlotillaSettlementInvalidShortStringErrorID() common.Hash {
	return common.HexToHash("0xb3512b0c6163e5f0bafab72bb631b9d58cd7a731b082f910338aa21c83d5c274")
}

// UnpackInvalidShortStringError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidShortString()
func (flotillaSettlement *FlotillaSettlement) UnpackInvalidShortStringError(raw []byte) (*FlotillaSettlementInvalidShortString, error) {
	out := new(FlotillaSettlementInvalidShortString)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "InvalidShortString", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementInvalidSigner represents a InvalidSigner error raised by the FlotillaSettlement contract.
type FlotillaSettlementInvalidSigner struct {
	Recovered common.Address
	Payer     common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidSigner(address recovered, address payer)
func FlotillaSettlementInvalidSignerErrorID() common.Hash {
	return common.HexToHash("0x7ba5ffb5ea5896b6c25d9df1c1af58e0a39131f26db4016003db152912817de7")
}

// UnpackInvalidSignerError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidSigner(address recovered, address payer)
func (flotillaSettlement *FlotillaSettlement) UnpackInvalidSignerError(raw []byte) (*FlotillaSettlementInvalidSigner, error) {
	out := new(FlotillaSettlementInvalidSigner)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "InvalidSigner", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementLanesNotSorted represents a LanesNotSorted error raised by the FlotillaSettlement contract.
type FlotillaSettlementLanesNotSorted struct {
	Index *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error LanesNotSorted(uint256 index)
func FlotillaSettlementLanesNotSortedErrorID() common.Hash {
	return common.HexToHash("0x7f92a9e224f4fc0c7d27d453618e4e5e7a80b84f09a304c5814bf8152c1c3cac")
}

// UnpackLanesNotSortedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error LanesNotSorted(uint256 index)
func (flotillaSettlement *FlotillaSettlement) UnpackLanesNotSortedError(raw []byte) (*FlotillaSettlementLanesNotSorted, error) {
	out := new(FlotillaSettlementLanesNotSorted)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "LanesNotSorted", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementLengthMismatch represents a LengthMismatch error raised by the FlotillaSettlement contract.
type FlotillaSettlementLengthMismatch struct {
	Payees  *big.Int
	Amounts *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error LengthMismatch(uint256 payees, uint256 amounts)
func FlotillaSettlementLengthMismatchErrorID() common.Hash {
	return common.HexToHash("0xab8b67c6893c59617ef3ba4b4b942e9791f2572db2fdb32028356532f3b7396a")
}

// UnpackLengthMismatchError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error LengthMismatch(uint256 payees, uint256 amounts)
func (flotillaSettlement *FlotillaSettlement) UnpackLengthMismatchError(raw []byte) (*FlotillaSettlementLengthMismatch, error) {
	out := new(FlotillaSettlementLengthMismatch)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "LengthMismatch", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementNothingThawing represents a NothingThawing error raised by the FlotillaSettlement contract.
type FlotillaSettlementNothingThawing struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NothingThawing()
func FlotillaSettlementNothingThawingErrorID() common.Hash {
	return common.HexToHash("0xaa038c7cbd1dfafad3a1829c1f9ca98bec2a0f805cbea3ef4a92a094c5d71de6")
}

// UnpackNothingThawingError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NothingThawing()
func (flotillaSettlement *FlotillaSettlement) UnpackNothingThawingError(raw []byte) (*FlotillaSettlementNothingThawing, error) {
	out := new(FlotillaSettlementNothingThawing)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "NothingThawing", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementNothingToClaim represents a NothingToClaim error raised by the FlotillaSettlement contract.
type FlotillaSettlementNothingToClaim struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NothingToClaim()
func FlotillaSettlementNothingToClaimErrorID() common.Hash {
	return common.HexToHash("0x969bf7288f744225521096ebffff657851af77dd4c63700d76b8d1cf6481d1f1")
}

// UnpackNothingToClaimError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NothingToClaim()
func (flotillaSettlement *FlotillaSettlement) UnpackNothingToClaimError(raw []byte) (*FlotillaSettlementNothingToClaim, error) {
	out := new(FlotillaSettlementNothingToClaim)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "NothingToClaim", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementReentrancyGuardReentrantCall represents a ReentrancyGuardReentrantCall error raised by the FlotillaSettlement contract.
type FlotillaSettlementReentrancyGuardReentrantCall struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ReentrancyGuardReentrantCall()
func FlotillaSettlementReentrancyGuardReentrantCallErrorID() common.Hash {
	return common.HexToHash("0x3ee5aeb571de7fc460830b4d0017439a1ca56fb0bc39062227ade4fe4a24c1ca")
}

// UnpackReentrancyGuardReentrantCallError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ReentrancyGuardReentrantCall()
func (flotillaSettlement *FlotillaSettlement) UnpackReentrancyGuardReentrantCallError(raw []byte) (*FlotillaSettlementReentrancyGuardReentrantCall, error) {
	out := new(FlotillaSettlementReentrancyGuardReentrantCall)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "ReentrancyGuardReentrantCall", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementSafeERC20FailedOperation represents a SafeERC20FailedOperation error raised by the FlotillaSettlement contract.
type FlotillaSettlementSafeERC20FailedOperation struct {
	Token common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SafeERC20FailedOperation(address token)
func FlotillaSettlementSafeERC20FailedOperationErrorID() common.Hash {
	return common.HexToHash("0x5274afe73c98b4749fc91ffae6b7b574e7842cb2144a159e9377a5f20b32edf9")
}

// UnpackSafeERC20FailedOperationError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SafeERC20FailedOperation(address token)
func (flotillaSettlement *FlotillaSettlement) UnpackSafeERC20FailedOperationError(raw []byte) (*FlotillaSettlementSafeERC20FailedOperation, error) {
	out := new(FlotillaSettlementSafeERC20FailedOperation)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "SafeERC20FailedOperation", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementStillThawing represents a StillThawing error raised by the FlotillaSettlement contract.
type FlotillaSettlementStillThawing struct {
	ThawEnd uint64
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error StillThawing(uint64 thawEnd)
func FlotillaSettlementStillThawingErrorID() common.Hash {
	return common.HexToHash("0x6532c7dc26fd28d481ecc203c4c5bb61d6d14ce003a00d04048010a70cc97476")
}

// UnpackStillThawingError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error StillThawing(uint64 thawEnd)
func (flotillaSettlement *FlotillaSettlement) UnpackStillThawingError(raw []byte) (*FlotillaSettlementStillThawing, error) {
	out := new(FlotillaSettlementStillThawing)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "StillThawing", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementStringTooLong represents a StringTooLong error raised by the FlotillaSettlement contract.
type FlotillaSettlementStringTooLong struct {
	Str string
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error StringTooLong(string str)
func FlotillaSettlementStringTooLongErrorID() common.Hash {
	return common.HexToHash("0x305a27a93f8e33b7392df0a0f91d6fc63847395853c45991eec52dbf24d72381")
}

// UnpackStringTooLongError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error StringTooLong(string str)
func (flotillaSettlement *FlotillaSettlement) UnpackStringTooLongError(raw []byte) (*FlotillaSettlementStringTooLong, error) {
	out := new(FlotillaSettlementStringTooLong)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "StringTooLong", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementTokenAmountMismatch represents a TokenAmountMismatch error raised by the FlotillaSettlement contract.
type FlotillaSettlementTokenAmountMismatch struct {
	Expected *big.Int
	Received *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error TokenAmountMismatch(uint256 expected, uint256 received)
func FlotillaSettlementTokenAmountMismatchErrorID() common.Hash {
	return common.HexToHash("0x497e7c4b07f11e85bb2101dfb8673123f36dadee49b75605a157887cb5d7c5e8")
}

// UnpackTokenAmountMismatchError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error TokenAmountMismatch(uint256 expected, uint256 received)
func (flotillaSettlement *FlotillaSettlement) UnpackTokenAmountMismatchError(raw []byte) (*FlotillaSettlementTokenAmountMismatch, error) {
	out := new(FlotillaSettlementTokenAmountMismatch)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "TokenAmountMismatch", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementTooManyTokensHeld represents a TooManyTokensHeld error raised by the FlotillaSettlement contract.
type FlotillaSettlementTooManyTokensHeld struct {
	Held *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error TooManyTokensHeld(uint256 held)
func FlotillaSettlementTooManyTokensHeldErrorID() common.Hash {
	return common.HexToHash("0x64f45e94574acb31a5a87f9cf929ab28a59f1cd36be36ff99162ec62ded666eb")
}

// UnpackTooManyTokensHeldError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error TooManyTokensHeld(uint256 held)
func (flotillaSettlement *FlotillaSettlement) UnpackTooManyTokensHeldError(raw []byte) (*FlotillaSettlementTooManyTokensHeld, error) {
	out := new(FlotillaSettlementTooManyTokensHeld)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "TooManyTokensHeld", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// FlotillaSettlementZeroAmount represents a ZeroAmount error raised by the FlotillaSettlement contract.
type FlotillaSettlementZeroAmount struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ZeroAmount()
func FlotillaSettlementZeroAmountErrorID() common.Hash {
	return common.HexToHash("0x1f2a2005cb66a8e145327e8814e243a0996aec9bfe1e15a495778b1236dbd485")
}

// UnpackZeroAmountError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ZeroAmount()
func (flotillaSettlement *FlotillaSettlement) UnpackZeroAmountError(raw []byte) (*FlotillaSettlementZeroAmount, error) {
	out := new(FlotillaSettlementZeroAmount)
	if err := flotillaSettlement.abi.UnpackIntoInterface(out, "ZeroAmount", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TestTokenMetaData contains all meta data concerning the TestToken contract.
var TestTokenMetaData = bind.MetaData{
	ABI: "[{\"inputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"constructor\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"spender\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"allowance\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"needed\",\"type\":\"uint256\"}],\"name\":\"ERC20InsufficientAllowance\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"sender\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"balance\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"needed\",\"type\":\"uint256\"}],\"name\":\"ERC20InsufficientBalance\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"approver\",\"type\":\"address\"}],\"name\":\"ERC20InvalidApprover\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"receiver\",\"type\":\"address\"}],\"name\":\"ERC20InvalidReceiver\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"sender\",\"type\":\"address\"}],\"name\":\"ERC20InvalidSender\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"spender\",\"type\":\"address\"}],\"name\":\"ERC20InvalidSpender\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"chainId\",\"type\":\"uint256\"}],\"name\":\"LocalChainsOnly\",\"type\":\"error\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"spender\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"value\",\"type\":\"uint256\"}],\"name\":\"Approval\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"value\",\"type\":\"uint256\"}],\"name\":\"Transfer\",\"type\":\"event\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"spender\",\"type\":\"address\"}],\"name\":\"allowance\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"spender\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"value\",\"type\":\"uint256\"}],\"name\":\"approve\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"}],\"name\":\"balanceOf\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"decimals\",\"outputs\":[{\"internalType\":\"uint8\",\"name\":\"\",\"type\":\"uint8\"}],\"stateMutability\":\"pure\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"}],\"name\":\"mint\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"name\",\"outputs\":[{\"internalType\":\"string\",\"name\":\"\",\"type\":\"string\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"symbol\",\"outputs\":[{\"internalType\":\"string\",\"name\":\"\",\"type\":\"string\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"totalSupply\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"value\",\"type\":\"uint256\"}],\"name\":\"transfer\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"value\",\"type\":\"uint256\"}],\"name\":\"transferFrom\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"nonpayable\",\"type\":\"function\"}]",
	ID:  "f55a244fd302b3ad9c29331f7b5a231b71",
	Bin: "0x60806040523461036c57604080519081016001600160401b03811182821017610274576040908152601482527f466c6f74696c6c61205465737420446f6c6c6172000000000000000000000000602083015280519081016001600160401b038111828210176102745760405260048152631d1554d160e21b602082015281516001600160401b03811161027457600354600181811c91168015610362575b602082101461025657601f81116102f4575b50602092601f821160011461029357928192935f92610288575b50508160011b915f199060031b1c1916176003555b80516001600160401b03811161027457600454600181811c9116801561026a575b602082101461025657601f81116101e8575b50602091601f8211600114610188579181925f9261017d575b50508160011b915f199060031b1c1916176004555b61053946141580610171575b61015e5760405161070b90816103718239f35b63764b4d3f60e11b5f524660045260245ffd5b50617a6946141561014b565b015190505f8061012a565b601f1982169260045f52805f20915f5b8581106101d0575083600195106101b8575b505050811b0160045561013f565b01515f1960f88460031b161c191690555f80806101aa565b91926020600181928685015181550194019201610198565b818111156101115760045f52601f820160051c7f8a35acfbc15ff81a39ae7d344fd709f28e8600b4aa8c65c6b64bfe7fe36bd19b6020841061024e575b81601f9101920160051c03905f5b828110610241575050610111565b5f82820155600101610233565b5f9150610225565b634e487b7160e01b5f52602260045260245ffd5b90607f16906100ff565b634e487b7160e01b5f52604160045260245ffd5b015190505f806100c9565b601f1982169360035f52805f20915f5b8681106102dc57508360019596106102c4575b505050811b016003556100de565b01515f1960f88460031b161c191690555f80806102b6565b919260206001819286850151815501940192016102a3565b818111156100af5760035f52601f820160051c7fc2575a0e9e593c00f959f8c92f12db2869c3395a3b0502d05e2516446f71f85b6020841061035a575b81601f9101920160051c03905f5b82811061034d5750506100af565b5f8282015560010161033f565b5f9150610331565b90607f169061009d565b5f80fdfe6080806040526004361015610012575f80fd5b5f3560e01c90816306fdde031461050a57508063095ea7b31461048857806318160ddd1461046b57806323b872dd1461033b578063313ce5671461032057806340c10f191461026557806370a082311461022e57806395d89b4114610113578063a9059cbb146100e25763dd62ed3e1461008a575f80fd5b346100de5760403660031901126100de576100a3610603565b6001600160a01b036100b3610619565b91165f5260016020526001600160a01b0360405f2091165f52602052602060405f2054604051908152f35b5f80fd5b346100de5760403660031901126100de576101086100fe610603565b602435903361062f565b602060405160018152f35b346100de575f3660031901126100de576040515f6004548060011c90600181168015610224575b602083108114610210578285529081156101f4575060011461019f575b50819003601f01601f191681019067ffffffffffffffff82118183101761018b57610187829182604052826105d9565b0390f35b634e487b7160e01b5f52604160045260245ffd5b905060045f527f8a35acfbc15ff81a39ae7d344fd709f28e8600b4aa8c65c6b64bfe7fe36bd19b5f905b8282106101de57506020915082010182610157565b60018160209254838588010152019101906101c9565b90506020925060ff191682840152151560051b82010182610157565b634e487b7160e01b5f52602260045260245ffd5b91607f169161013a565b346100de5760203660031901126100de576001600160a01b0361024f610603565b165f525f602052602060405f2054604051908152f35b346100de5760403660031901126100de5761027e610603565b6001600160a01b031660243581156102f457600254908082018092116102e05760207fddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef915f9360025584845283825260408420818154019055604051908152a3005b634e487b7160e01b5f52601160045260245ffd5b7fec442f05000000000000000000000000000000000000000000000000000000005f525f60045260245ffd5b346100de575f3660031901126100de57602060405160068152f35b346100de5760603660031901126100de57610354610603565b61035c610619565b604435906001600160a01b03831692835f52600160205260405f206001600160a01b0333165f5260205260405f20545f19811061039f575b50610108935061062f565b83811061043757841561040b5733156103df57610108945f52600160205260405f206001600160a01b0333165f526020528360405f209103905584610394565b7f94280d62000000000000000000000000000000000000000000000000000000005f525f60045260245ffd5b7fe602df05000000000000000000000000000000000000000000000000000000005f525f60045260245ffd5b83907ffb8f41b2000000000000000000000000000000000000000000000000000000005f523360045260245260445260645ffd5b346100de575f3660031901126100de576020600254604051908152f35b346100de5760403660031901126100de576104a1610603565b60243590331561040b576001600160a01b03169081156103df57335f52600160205260405f20825f526020528060405f20556040519081527f8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b92560203392a3602060405160018152f35b346100de575f3660031901126100de575f6003548060011c906001811680156105cf575b602083108114610210578285529081156101f4575060011461057a5750819003601f01601f191681019067ffffffffffffffff82118183101761018b57610187829182604052826105d9565b905060035f527fc2575a0e9e593c00f959f8c92f12db2869c3395a3b0502d05e2516446f71f85b5f905b8282106105b957506020915082010182610157565b60018160209254838588010152019101906105a4565b91607f169161052e565b602060409281835280519182918282860152018484015e5f828201840152601f01601f1916010190565b600435906001600160a01b03821682036100de57565b602435906001600160a01b03821682036100de57565b6001600160a01b03169081156106df576001600160a01b03169182156102f457815f525f60205260405f20548181106106ad57817fddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef92602092855f525f84520360405f2055845f525f825260405f20818154019055604051908152a3565b827fe450d38c000000000000000000000000000000000000000000000000000000005f5260045260245260445260645ffd5b7f96c6fd1e000000000000000000000000000000000000000000000000000000005f525f60045260245ffd",
}

// TestToken is an auto generated Go binding around an Ethereum contract.
type TestToken struct {
	abi abi.ABI
}

// GetABI returns the ABI associated with this contract binding.
func (c *TestToken) GetABI() abi.ABI {
	return c.abi
}

// NewTestToken creates a new instance of TestToken.
func NewTestToken() *TestToken {
	parsed, err := TestTokenMetaData.ParseABI()
	if err != nil {
		panic(errors.New("invalid ABI: " + err.Error()))
	}
	return &TestToken{abi: *parsed}
}

// Instance creates a wrapper for a deployed contract instance at the given address.
// Use this to create the instance object passed to abigen v2 library functions Call, Transact, etc.
func (c *TestToken) Instance(backend bind.ContractBackend, addr common.Address) *bind.BoundContract {
	return bind.NewBoundContract(addr, c.abi, backend, backend, backend)
}

// PackAllowance is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xdd62ed3e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function allowance(address owner, address spender) view returns(uint256)
func (testToken *TestToken) PackAllowance(owner common.Address, spender common.Address) []byte {
	enc, err := testToken.abi.Pack("allowance", owner, spender)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackAllowance is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xdd62ed3e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function allowance(address owner, address spender) view returns(uint256)
func (testToken *TestToken) TryPackAllowance(owner common.Address, spender common.Address) ([]byte, error) {
	return testToken.abi.Pack("allowance", owner, spender)
}

// UnpackAllowance is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xdd62ed3e.
//
// Solidity: function allowance(address owner, address spender) view returns(uint256)
func (testToken *TestToken) UnpackAllowance(data []byte) (*big.Int, error) {
	out, err := testToken.abi.Unpack("allowance", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackApprove is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x095ea7b3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function approve(address spender, uint256 value) returns(bool)
func (testToken *TestToken) PackApprove(spender common.Address, value *big.Int) []byte {
	enc, err := testToken.abi.Pack("approve", spender, value)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackApprove is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x095ea7b3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function approve(address spender, uint256 value) returns(bool)
func (testToken *TestToken) TryPackApprove(spender common.Address, value *big.Int) ([]byte, error) {
	return testToken.abi.Pack("approve", spender, value)
}

// UnpackApprove is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x095ea7b3.
//
// Solidity: function approve(address spender, uint256 value) returns(bool)
func (testToken *TestToken) UnpackApprove(data []byte) (bool, error) {
	out, err := testToken.abi.Unpack("approve", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackBalanceOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x70a08231.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function balanceOf(address account) view returns(uint256)
func (testToken *TestToken) PackBalanceOf(account common.Address) []byte {
	enc, err := testToken.abi.Pack("balanceOf", account)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBalanceOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x70a08231.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function balanceOf(address account) view returns(uint256)
func (testToken *TestToken) TryPackBalanceOf(account common.Address) ([]byte, error) {
	return testToken.abi.Pack("balanceOf", account)
}

// UnpackBalanceOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x70a08231.
//
// Solidity: function balanceOf(address account) view returns(uint256)
func (testToken *TestToken) UnpackBalanceOf(data []byte) (*big.Int, error) {
	out, err := testToken.abi.Unpack("balanceOf", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackDecimals is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x313ce567.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function decimals() pure returns(uint8)
func (testToken *TestToken) PackDecimals() []byte {
	enc, err := testToken.abi.Pack("decimals")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackDecimals is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x313ce567.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function decimals() pure returns(uint8)
func (testToken *TestToken) TryPackDecimals() ([]byte, error) {
	return testToken.abi.Pack("decimals")
}

// UnpackDecimals is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x313ce567.
//
// Solidity: function decimals() pure returns(uint8)
func (testToken *TestToken) UnpackDecimals(data []byte) (uint8, error) {
	out, err := testToken.abi.Unpack("decimals", data)
	if err != nil {
		return *new(uint8), err
	}
	out0 := *abi.ConvertType(out[0], new(uint8)).(*uint8)
	return out0, nil
}

// PackMint is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x40c10f19.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function mint(address to, uint256 amount) returns()
func (testToken *TestToken) PackMint(to common.Address, amount *big.Int) []byte {
	enc, err := testToken.abi.Pack("mint", to, amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackMint is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x40c10f19.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function mint(address to, uint256 amount) returns()
func (testToken *TestToken) TryPackMint(to common.Address, amount *big.Int) ([]byte, error) {
	return testToken.abi.Pack("mint", to, amount)
}

// PackName is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x06fdde03.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function name() view returns(string)
func (testToken *TestToken) PackName() []byte {
	enc, err := testToken.abi.Pack("name")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackName is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x06fdde03.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function name() view returns(string)
func (testToken *TestToken) TryPackName() ([]byte, error) {
	return testToken.abi.Pack("name")
}

// UnpackName is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x06fdde03.
//
// Solidity: function name() view returns(string)
func (testToken *TestToken) UnpackName(data []byte) (string, error) {
	out, err := testToken.abi.Unpack("name", data)
	if err != nil {
		return *new(string), err
	}
	out0 := *abi.ConvertType(out[0], new(string)).(*string)
	return out0, nil
}

// PackSymbol is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x95d89b41.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function symbol() view returns(string)
func (testToken *TestToken) PackSymbol() []byte {
	enc, err := testToken.abi.Pack("symbol")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSymbol is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x95d89b41.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function symbol() view returns(string)
func (testToken *TestToken) TryPackSymbol() ([]byte, error) {
	return testToken.abi.Pack("symbol")
}

// UnpackSymbol is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x95d89b41.
//
// Solidity: function symbol() view returns(string)
func (testToken *TestToken) UnpackSymbol(data []byte) (string, error) {
	out, err := testToken.abi.Unpack("symbol", data)
	if err != nil {
		return *new(string), err
	}
	out0 := *abi.ConvertType(out[0], new(string)).(*string)
	return out0, nil
}

// PackTotalSupply is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x18160ddd.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function totalSupply() view returns(uint256)
func (testToken *TestToken) PackTotalSupply() []byte {
	enc, err := testToken.abi.Pack("totalSupply")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTotalSupply is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x18160ddd.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function totalSupply() view returns(uint256)
func (testToken *TestToken) TryPackTotalSupply() ([]byte, error) {
	return testToken.abi.Pack("totalSupply")
}

// UnpackTotalSupply is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x18160ddd.
//
// Solidity: function totalSupply() view returns(uint256)
func (testToken *TestToken) UnpackTotalSupply(data []byte) (*big.Int, error) {
	out, err := testToken.abi.Unpack("totalSupply", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackTransfer is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa9059cbb.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function transfer(address to, uint256 value) returns(bool)
func (testToken *TestToken) PackTransfer(to common.Address, value *big.Int) []byte {
	enc, err := testToken.abi.Pack("transfer", to, value)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTransfer is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa9059cbb.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function transfer(address to, uint256 value) returns(bool)
func (testToken *TestToken) TryPackTransfer(to common.Address, value *big.Int) ([]byte, error) {
	return testToken.abi.Pack("transfer", to, value)
}

// UnpackTransfer is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xa9059cbb.
//
// Solidity: function transfer(address to, uint256 value) returns(bool)
func (testToken *TestToken) UnpackTransfer(data []byte) (bool, error) {
	out, err := testToken.abi.Unpack("transfer", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x23b872dd.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function transferFrom(address from, address to, uint256 value) returns(bool)
func (testToken *TestToken) PackTransferFrom(from common.Address, to common.Address, value *big.Int) []byte {
	enc, err := testToken.abi.Pack("transferFrom", from, to, value)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x23b872dd.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function transferFrom(address from, address to, uint256 value) returns(bool)
func (testToken *TestToken) TryPackTransferFrom(from common.Address, to common.Address, value *big.Int) ([]byte, error) {
	return testToken.abi.Pack("transferFrom", from, to, value)
}

// UnpackTransferFrom is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x23b872dd.
//
// Solidity: function transferFrom(address from, address to, uint256 value) returns(bool)
func (testToken *TestToken) UnpackTransferFrom(data []byte) (bool, error) {
	out, err := testToken.abi.Unpack("transferFrom", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// TestTokenApproval represents a Approval event raised by the TestToken contract.
type TestTokenApproval struct {
	Owner   common.Address
	Spender common.Address
	Value   *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const TestTokenApprovalEventName = "Approval"

// ContractEventName returns the user-defined event name.
func (TestTokenApproval) ContractEventName() string {
	return TestTokenApprovalEventName
}

// UnpackApprovalEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Approval(address indexed owner, address indexed spender, uint256 value)
func (testToken *TestToken) UnpackApprovalEvent(log *types.Log) (*TestTokenApproval, error) {
	event := "Approval"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != testToken.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(TestTokenApproval)
	if len(log.Data) > 0 {
		if err := testToken.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range testToken.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// TestTokenTransfer represents a Transfer event raised by the TestToken contract.
type TestTokenTransfer struct {
	From  common.Address
	To    common.Address
	Value *big.Int
	Raw   *types.Log // Blockchain specific contextual infos
}

const TestTokenTransferEventName = "Transfer"

// ContractEventName returns the user-defined event name.
func (TestTokenTransfer) ContractEventName() string {
	return TestTokenTransferEventName
}

// UnpackTransferEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Transfer(address indexed from, address indexed to, uint256 value)
func (testToken *TestToken) UnpackTransferEvent(log *types.Log) (*TestTokenTransfer, error) {
	event := "Transfer"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != testToken.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(TestTokenTransfer)
	if len(log.Data) > 0 {
		if err := testToken.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range testToken.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// UnpackError attempts to decode the provided error data using user-defined
// error definitions.
func (testToken *TestToken) UnpackError(raw []byte) (any, error) {
	if bytes.Equal(raw[:4], testToken.abi.Errors["ERC20InsufficientAllowance"].ID.Bytes()[:4]) {
		return testToken.UnpackERC20InsufficientAllowanceError(raw[4:])
	}
	if bytes.Equal(raw[:4], testToken.abi.Errors["ERC20InsufficientBalance"].ID.Bytes()[:4]) {
		return testToken.UnpackERC20InsufficientBalanceError(raw[4:])
	}
	if bytes.Equal(raw[:4], testToken.abi.Errors["ERC20InvalidApprover"].ID.Bytes()[:4]) {
		return testToken.UnpackERC20InvalidApproverError(raw[4:])
	}
	if bytes.Equal(raw[:4], testToken.abi.Errors["ERC20InvalidReceiver"].ID.Bytes()[:4]) {
		return testToken.UnpackERC20InvalidReceiverError(raw[4:])
	}
	if bytes.Equal(raw[:4], testToken.abi.Errors["ERC20InvalidSender"].ID.Bytes()[:4]) {
		return testToken.UnpackERC20InvalidSenderError(raw[4:])
	}
	if bytes.Equal(raw[:4], testToken.abi.Errors["ERC20InvalidSpender"].ID.Bytes()[:4]) {
		return testToken.UnpackERC20InvalidSpenderError(raw[4:])
	}
	if bytes.Equal(raw[:4], testToken.abi.Errors["LocalChainsOnly"].ID.Bytes()[:4]) {
		return testToken.UnpackLocalChainsOnlyError(raw[4:])
	}
	return nil, errors.New("Unknown error")
}

// TestTokenERC20InsufficientAllowance represents a ERC20InsufficientAllowance error raised by the TestToken contract.
type TestTokenERC20InsufficientAllowance struct {
	Spender   common.Address
	Allowance *big.Int
	Needed    *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)
func TestTokenERC20InsufficientAllowanceErrorID() common.Hash {
	return common.HexToHash("0xfb8f41b23e99d2101d86da76cdfa87dd51c82ed07d3cb62cbc473e469dbc75c3")
}

// UnpackERC20InsufficientAllowanceError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)
func (testToken *TestToken) UnpackERC20InsufficientAllowanceError(raw []byte) (*TestTokenERC20InsufficientAllowance, error) {
	out := new(TestTokenERC20InsufficientAllowance)
	if err := testToken.abi.UnpackIntoInterface(out, "ERC20InsufficientAllowance", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TestTokenERC20InsufficientBalance represents a ERC20InsufficientBalance error raised by the TestToken contract.
type TestTokenERC20InsufficientBalance struct {
	Sender  common.Address
	Balance *big.Int
	Needed  *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)
func TestTokenERC20InsufficientBalanceErrorID() common.Hash {
	return common.HexToHash("0xe450d38cd8d9f7d95077d567d60ed49c7254716e6ad08fc9872816c97e0ffec6")
}

// UnpackERC20InsufficientBalanceError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)
func (testToken *TestToken) UnpackERC20InsufficientBalanceError(raw []byte) (*TestTokenERC20InsufficientBalance, error) {
	out := new(TestTokenERC20InsufficientBalance)
	if err := testToken.abi.UnpackIntoInterface(out, "ERC20InsufficientBalance", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TestTokenERC20InvalidApprover represents a ERC20InvalidApprover error raised by the TestToken contract.
type TestTokenERC20InvalidApprover struct {
	Approver common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC20InvalidApprover(address approver)
func TestTokenERC20InvalidApproverErrorID() common.Hash {
	return common.HexToHash("0xe602df05cc75712490294c6c104ab7c17f4030363910a7a2626411c6d3118847")
}

// UnpackERC20InvalidApproverError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC20InvalidApprover(address approver)
func (testToken *TestToken) UnpackERC20InvalidApproverError(raw []byte) (*TestTokenERC20InvalidApprover, error) {
	out := new(TestTokenERC20InvalidApprover)
	if err := testToken.abi.UnpackIntoInterface(out, "ERC20InvalidApprover", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TestTokenERC20InvalidReceiver represents a ERC20InvalidReceiver error raised by the TestToken contract.
type TestTokenERC20InvalidReceiver struct {
	Receiver common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC20InvalidReceiver(address receiver)
func TestTokenERC20InvalidReceiverErrorID() common.Hash {
	return common.HexToHash("0xec442f055133b72f3b2f9f0bb351c406b178527de2040a7d1feb4e058771f613")
}

// UnpackERC20InvalidReceiverError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC20InvalidReceiver(address receiver)
func (testToken *TestToken) UnpackERC20InvalidReceiverError(raw []byte) (*TestTokenERC20InvalidReceiver, error) {
	out := new(TestTokenERC20InvalidReceiver)
	if err := testToken.abi.UnpackIntoInterface(out, "ERC20InvalidReceiver", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TestTokenERC20InvalidSender represents a ERC20InvalidSender error raised by the TestToken contract.
type TestTokenERC20InvalidSender struct {
	Sender common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC20InvalidSender(address sender)
func TestTokenERC20InvalidSenderErrorID() common.Hash {
	return common.HexToHash("0x96c6fd1edd0cd6ef7ff0ecc0facdf53148dc0048b57fe58af65755250a7a96bd")
}

// UnpackERC20InvalidSenderError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC20InvalidSender(address sender)
func (testToken *TestToken) UnpackERC20InvalidSenderError(raw []byte) (*TestTokenERC20InvalidSender, error) {
	out := new(TestTokenERC20InvalidSender)
	if err := testToken.abi.UnpackIntoInterface(out, "ERC20InvalidSender", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TestTokenERC20InvalidSpender represents a ERC20InvalidSpender error raised by the TestToken contract.
type TestTokenERC20InvalidSpender struct {
	Spender common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC20InvalidSpender(address spender)
func TestTokenERC20InvalidSpenderErrorID() common.Hash {
	return common.HexToHash("0x94280d62c347d8d9f4d59a76ea321452406db88df38e0c9da304f58b57b373a2")
}

// UnpackERC20InvalidSpenderError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC20InvalidSpender(address spender)
func (testToken *TestToken) UnpackERC20InvalidSpenderError(raw []byte) (*TestTokenERC20InvalidSpender, error) {
	out := new(TestTokenERC20InvalidSpender)
	if err := testToken.abi.UnpackIntoInterface(out, "ERC20InvalidSpender", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// TestTokenLocalChainsOnly represents a LocalChainsOnly error raised by the TestToken contract.
type TestTokenLocalChainsOnly struct {
	ChainId *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error LocalChainsOnly(uint256 chainId)
func TestTokenLocalChainsOnlyErrorID() common.Hash {
	return common.HexToHash("0xec969a7e5548b8a469f401f93390458553af5d906c109a110c76559fae0ad007")
}

// UnpackLocalChainsOnlyError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error LocalChainsOnly(uint256 chainId)
func (testToken *TestToken) UnpackLocalChainsOnlyError(raw []byte) (*TestTokenLocalChainsOnly, error) {
	out := new(TestTokenLocalChainsOnly)
	if err := testToken.abi.UnpackIntoInterface(out, "LocalChainsOnly", raw); err != nil {
		return nil, err
	}
	return out, nil
}
