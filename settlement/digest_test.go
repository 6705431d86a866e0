package settlement_test

import (
	"math/big"
	"reflect"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
	"pgregory.net/rapid"

	"flotilla/contracts/schema"
	"flotilla/settlement"
)

type digester interface {
	Digest(settlement.Domain) common.Hash
}

// typedTypes are the types of the schema, as the general encoder wants them.
var typedTypes = func() apitypes.Types {
	s, err := schema.Load()
	if err != nil {
		panic(err) // the schema is part of the binary
	}
	types := apitypes.Types{"EIP712Domain": {
		{Name: "name", Type: "string"}, {Name: "version", Type: "string"},
		{Name: "chainId", Type: "uint256"}, {Name: "verifyingContract", Type: "address"},
	}}
	for _, st := range s.Structs {
		for _, f := range st.Fields {
			types[st.Name] = append(types[st.Name], apitypes.Type{Name: f.Name, Type: f.Type})
		}
	}
	return types
}()

// typedDigest computes the digest with go-ethereum's general, reflective encoder.
func typedDigest(t *rapid.T, d settlement.Domain, primary string, msg any) common.Hash {
	digest, _, err := apitypes.TypedDataAndHash(apitypes.TypedData{
		Types: typedTypes, PrimaryType: primary, Message: typedFields(reflect.ValueOf(msg)),
		Domain: apitypes.TypedDataDomain{
			Name: "Flotilla", Version: "1", ChainId: (*math.HexOrDecimal256)(new(big.Int).SetUint64(d.ChainID)), VerifyingContract: d.Contract.Hex(),
		},
	})
	if err != nil {
		t.Fatalf("encode %s: %v", primary, err)
	}
	return common.BytesToHash(digest)
}

// typedFields turns a message into the map that apitypes wants; names are the JSON names.
func typedFields(v reflect.Value) map[string]any {
	out := make(map[string]any)
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("json")
		switch f := v.Field(i).Interface().(type) {
		case common.Address:
			out[name] = f.Hex()
		case common.Hash:
			out[name] = f.Bytes()
		case string:
			out[name] = f
		case []settlement.LaneTotal:
			lanes := make([]any, 0, len(f))
			for _, lane := range f {
				lanes = append(lanes, typedFields(reflect.ValueOf(lane)))
			}
			out[name] = lanes
		default: // unsigned integers
			out[name] = new(big.Int).SetUint64(v.Field(i).Uint())
		}
	}
	return out
}

var (
	genAddress = rapid.Custom(func(t *rapid.T) common.Address {
		return common.BytesToAddress(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "address"))
	})
	genHash = rapid.Custom(func(t *rapid.T) common.Hash {
		return common.BytesToHash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	})
	genLane = rapid.Custom(func(t *rapid.T) settlement.LaneTotal {
		return settlement.LaneTotal{Payee: genAddress.Draw(t, "payee"), ValueAggregate: settlement.Amount(rapid.Uint64().Draw(t, "value"))}
	})
	genDomain = rapid.Custom(func(t *rapid.T) settlement.Domain {
		return settlement.Domain{ChainID: rapid.Uint64().Draw(t, "chain"), Contract: genAddress.Draw(t, "contract")}
	})
)

// fill draws a value for every field of the struct that ptr points to.
func fill(t *rapid.T, ptr any) {
	v := reflect.ValueOf(ptr).Elem()
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		switch f.Interface().(type) {
		case common.Address:
			f.Set(reflect.ValueOf(genAddress.Draw(t, name)))
		case common.Hash:
			f.Set(reflect.ValueOf(genHash.Draw(t, name)))
		case string:
			f.SetString(rapid.String().Draw(t, name))
		case []settlement.LaneTotal:
			f.Set(reflect.ValueOf(rapid.SliceOfN(genLane, 0, 5).Draw(t, name)))
		case uint32:
			f.SetUint(uint64(rapid.Uint32().Draw(t, name)))
		default:
			f.SetUint(rapid.Uint64().Draw(t, name))
		}
	}
}

// change alters field i of the struct that v holds, as little as possible.
func change(v reflect.Value, i int) {
	switch f := v.Field(i); x := f.Interface().(type) {
	case common.Address:
		x[19] ^= 1
		f.Set(reflect.ValueOf(x))
	case common.Hash:
		x[0] ^= 1
		f.Set(reflect.ValueOf(x))
	case string:
		f.SetString(x + " ")
	case []settlement.LaneTotal:
		f.Set(reflect.ValueOf(append(append([]settlement.LaneTotal{}, x...), settlement.LaneTotal{})))
	default:
		f.SetUint(f.Uint() ^ 1)
	}
}

func TestDigestsAgainstApitypes(t *testing.T) {
	for primary, fresh := range map[string]func() digester{
		"Advert":              func() digester { return new(settlement.Advert) },
		"Order":               func() digester { return new(settlement.Order) },
		"Receipt":             func() digester { return new(settlement.Receipt) },
		"Voucher":             func() digester { return new(settlement.Voucher) },
		"SettlementBatch":     func() digester { return new(settlement.Batch) },
		"SignerAuthorization": func() digester { return new(settlement.SignerAuthorization) },
	} {
		t.Run(primary, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				d := genDomain.Draw(t, "domain")
				msg := fresh()
				fill(t, msg)
				v := reflect.ValueOf(msg).Elem()
				digest := msg.Digest(d)
				if want := typedDigest(t, d, primary, v.Interface()); digest != want {
					t.Fatalf("digest %s, apitypes has %s", digest, want)
				}
				seen := map[common.Hash]string{digest: "the message itself"}
				note := func(what string, h common.Hash) {
					if other, dup := seen[h]; dup {
						t.Fatalf("changing %s gives the digest of %s", what, other)
					}
					seen[h] = what
				}
				for i := range v.NumField() {
					altered := fresh()
					reflect.ValueOf(altered).Elem().Set(v)
					change(reflect.ValueOf(altered).Elem(), i)
					note(v.Type().Field(i).Name, altered.Digest(d))
				}
				note("the chain id", msg.Digest(settlement.Domain{ChainID: d.ChainID ^ 1, Contract: d.Contract}))
				d.Contract[0] ^= 1
				note("the contract", msg.Digest(d))
			})
		})
	}
}

func TestBatchDigestCoversEveryLane(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := settlement.Batch{Epoch: 1, Lanes: rapid.SliceOfN(genLane, 1, 6).Draw(t, "lanes")}
		digest := b.Digest(testDomain)
		i := rapid.IntRange(0, len(b.Lanes)-1).Draw(t, "lane")
		b.Lanes[i].ValueAggregate ^= 1
		if b.Digest(testDomain) == digest {
			t.Fatal("a lane's value is not signed")
		}
		b.Lanes[i].ValueAggregate ^= 1
		b.Lanes[i].Payee[7] ^= 1
		if b.Digest(testDomain) == digest {
			t.Fatal("a lane's payee is not signed")
		}
	})
}

func BenchmarkReceiptDigest(b *testing.B) {
	r := settlement.Receipt{Amount: 1}
	b.ReportAllocs()
	for b.Loop() {
		r.Amount++
		_ = r.Digest(testDomain)
	}
}
