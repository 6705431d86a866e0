package main

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
)

// message is a JSON object of one message's fields.
type message map[string]any

// schema lists each type's fields in the order of the EIP-712 type.
func schema() apitypes.Types {
	parse := func(fields ...string) []apitypes.Type {
		var out []apitypes.Type
		for i := 0; i < len(fields); i += 2 {
			out = append(out, apitypes.Type{Type: fields[i], Name: fields[i+1]})
		}
		return out
	}
	return apitypes.Types{
		"EIP712Domain": parse("string", "name", "string", "version", "uint256", "chainId", "address", "verifyingContract"),
		"Advert": parse("address", "operator", "bytes32", "node", "string", "model", "string", "quantization",
			"string", "runtime", "string", "tokenCounting", "uint64", "inputPerMTok", "uint64", "outputPerMTok",
			"uint64", "perRequest", "uint32", "maxContext", "uint64", "seq", "uint64", "validFrom", "uint64", "validTo"),
		"Order": parse("address", "payer", "address", "payee", "bytes32", "advert", "uint32", "maxInputTokens",
			"uint32", "maxOutputTokens", "uint128", "maxAmount", "bytes32", "requestHash", "bytes32", "decision",
			"bytes32", "nonce", "uint64", "deadline"),
		"Receipt": parse("bytes32", "request", "address", "payer", "address", "payee", "bytes32", "advert",
			"uint64", "laneSeq", "uint32", "inputTokens", "uint32", "outputTokens", "uint128", "amount",
			"uint64", "servedAt", "bytes32", "requestHash", "bytes32", "responseHash", "bytes32", "decision"),
		"Voucher": parse("address", "payer", "address", "payee", "uint128", "valueAggregate", "uint64", "receiptCount"),
		"SettlementBatch": parse("address", "payer", "uint64", "epoch", "uint32", "receiptCount",
			"bytes32", "receiptsRoot", "LaneTotal[]", "lanes"),
		"LaneTotal": parse("address", "payee", "uint128", "valueAggregate"),
	}
}

// digest is the EIP-712 digest by go-ethereum's general encoder.
func (m message) digest(d domain, primary string) (common.Hash, error) {
	data := apitypes.TypedData{
		Types:       schema(),
		PrimaryType: primary,
		Domain: apitypes.TypedDataDomain{
			Name: "Flotilla", Version: "1", ChainId: math.NewHexOrDecimal256(int64(d.ChainID)), VerifyingContract: d.Contract.Hex(),
		},
		Message: encodable(m),
	}
	digest, _, err := apitypes.TypedDataAndHash(data)
	if err != nil {
		return common.Hash{}, fmt.Errorf("encode typed data: %w", err)
	}
	return common.BytesToHash(digest), nil
}

// encodable spells numbers as strings, as the encoder takes JSON numbers only up to 2^53.
func encodable(m message) apitypes.TypedDataMessage {
	out := apitypes.TypedDataMessage{}
	maps.Copy(out, m)
	for name, value := range out {
		switch v := value.(type) {
		case uint64:
			out[name] = strconv.FormatUint(v, 10)
		case []message:
			var lanes []any
			for _, lane := range v {
				lanes = append(lanes, map[string]any(encodable(lane)))
			}
			out[name] = lanes
		}
	}
	return out
}
