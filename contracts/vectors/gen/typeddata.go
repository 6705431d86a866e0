package main

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"flotilla/contracts/schema"
	"flotilla/contracts/vectors/random"
)

// typesOf lists the fields of all types as the encoder wants them.
func typesOf(s schema.Schema) apitypes.Types {
	types := apitypes.Types{"EIP712Domain": {
		{Type: "string", Name: "name"}, {Type: "string", Name: "version"},
		{Type: "uint256", Name: "chainId"}, {Type: "address", Name: "verifyingContract"},
	}}
	for _, st := range s.Structs {
		for _, f := range st.Fields {
			types[st.Name] = append(types[st.Name], apitypes.Type{Type: f.Type, Name: f.Name})
		}
	}
	return types
}

// digest is the EIP-712 digest of m by go-ethereum's general encoder.
func digest(s schema.Schema, d domain, primary string, m random.Message) (common.Hash, error) {
	data := apitypes.TypedData{
		Types:       typesOf(s),
		PrimaryType: primary,
		Domain: apitypes.TypedDataDomain{
			Name: s.Domain.Name, Version: s.Domain.Version, ChainId: math.NewHexOrDecimal256(int64(d.ChainID)), VerifyingContract: d.Contract.Hex(),
		},
		Message: encodable(m),
	}
	hash, _, err := apitypes.TypedDataAndHash(data)
	if err != nil {
		return common.Hash{}, fmt.Errorf("encode typed data: %w", err)
	}
	return common.BytesToHash(hash), nil
}

// encodable spells numbers as strings, as the encoder takes JSON numbers only up to 2^53.
func encodable(m random.Message) apitypes.TypedDataMessage {
	out := apitypes.TypedDataMessage{}
	maps.Copy(out, m)
	for name, value := range out {
		switch v := value.(type) {
		case uint64:
			out[name] = strconv.FormatUint(v, 10)
		case []random.Message:
			var lanes []any
			for _, lane := range v {
				lanes = append(lanes, map[string]any(encodable(lane)))
			}
			out[name] = lanes
		}
	}
	return out
}
