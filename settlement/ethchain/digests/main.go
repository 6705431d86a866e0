// Command digests writes random messages with their EIP-712 digests by package settlement, for other encoders to
// compute again (see contracts/vectors/three-way.sh). Beside each message stands one with each of its fields drawn
// anew, one for another chain and one for another contract: all digests of the file differ. Messages with amounts come
// also with wider ones than Go holds: this command makes sure that settlement refuses them, and leaves their digests open.
//
//	go run ./settlement/ethchain/digests -seed 1 > contracts/vectors/digests.json
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/contracts/schema"
	"flotilla/contracts/vectors/random"
	"flotilla/settlement"
)

// perMessage is how many of each message there are, without their changed copies.
const perMessage = 30

type digester interface {
	Digest(settlement.Domain) common.Hash
}

// list is all messages of one type.
type list struct {
	Name string           `json:"name"`
	Type string           `json:"type"` // EIP-712 type string
	Rows []random.Message `json:"rows"` // each with chainId, verifyingContract, changed and digest ("" when it is wide) beside its fields; numbers are strings
}

// file is the layout of the output.
type file struct {
	Seed   uint64        `json:"seed"`
	Schema schema.Schema `json:"schema"`
	Lists  []list        `json:"lists"`
}

func main() {
	seed := flag.Uint64("seed", 1, "the same seed gives the same messages")
	flag.Parse()
	if err := run(*seed); err != nil {
		fmt.Fprintln(os.Stderr, "digests:", err)
		os.Exit(1)
	}
}

func run(seed uint64) error {
	f, err := generate(seed)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

func generate(seed uint64) (file, error) {
	s, err := schema.Load()
	if err != nil {
		return file{}, err
	}
	r := &random.Source{Rand: rand.New(rand.NewPCG(seed, 0xd16e57)), Schema: s}
	f := file{Seed: seed, Schema: s}
	for _, st := range s.Messages() {
		l := list{Name: st.Name, Type: s.EncodeType(st)}
		for i := range perMessage {
			rows, err := group(r.With(i), st)
			if err != nil {
				return file{}, fmt.Errorf("%s %d: %w", st.Name, i, err)
			}
			l.Rows = append(l.Rows, rows...)
			if !hasAmount(s, st) {
				continue
			}
			row, err := tooWide(r.With(i), st)
			if err != nil {
				return file{}, fmt.Errorf("%s %d: %w", st.Name, i, err)
			}
			l.Rows = append(l.Rows, row)
		}
		f.Lists = append(f.Lists, l)
	}
	return f, nil
}

// group draws one message and its changed copies.
func group(r *random.Source, st schema.Struct) ([]random.Message, error) {
	base := placed(r, st)
	rows := []random.Message{base}
	domain := []schema.Field{{Name: "chainId", Type: "uint32"}, {Name: "verifyingContract", Type: "address"}}
	for _, field := range append(domain, st.Fields...) {
		row := maps.Clone(base)
		row["changed"] = field.Name
		for again := r.With(2); reflect.DeepEqual(row[field.Name], base[field.Name]); { // 2: no extremes, they would not change
			row[field.Name] = again.Value(field)
		}
		rows = append(rows, row)
	}
	for _, row := range rows {
		hash, err := digest(st.Name, row)
		if err != nil {
			return nil, err
		}
		row["digest"] = hash.Hex()
		spellNumbers(row)
	}
	return rows, nil
}

// tooWide draws one message with amounts that Go cannot hold. Solidity and another encoder have to agree on it alone.
func tooWide(r *random.Source, st schema.Struct) (random.Message, error) {
	r.Wide = true
	row := placed(r, st)
	if hash, err := digest(st.Name, row); !errors.Is(err, settlement.ErrOverflow) {
		return nil, fmt.Errorf("amounts beyond 64 bits were not refused (digest %s, error %v)", hash, err)
	}
	row["changed"], row["digest"] = "width", ""
	spellNumbers(row)
	return row, nil
}

// placed draws one message with the chain and the contract that it is for.
func placed(r *random.Source, st schema.Struct) random.Message {
	row := r.Fields(st)
	row["chainId"] = r.Uint64() >> 1 // forge takes chain ids of 63 bits
	row["verifyingContract"] = common.BytesToAddress(r.Bytes(20)).Hex()
	row["changed"] = ""
	return row
}

// spellNumbers makes numbers strings: JavaScript loses digits of JSON numbers after 53 bits.
func spellNumbers(row random.Message) {
	for name, value := range row {
		if n, isNumber := value.(uint64); isNumber {
			row[name] = strconv.FormatUint(n, 10)
		}
	}
}

// hasAmount reports whether a field of the message, or of its lanes, is as wide as amounts are on chain.
func hasAmount(s schema.Schema, st schema.Struct) bool {
	return slices.ContainsFunc(st.Fields, func(f schema.Field) bool {
		element, isArray := s.Lookup(f.Element())
		return f.Type == "uint128" || isArray && hasAmount(s, element)
	})
}

// digest reads a row as package settlement reads messages, and hashes it.
func digest(name string, row random.Message) (common.Hash, error) {
	fresh := map[string]digester{
		"Advert": new(settlement.Advert), "Order": new(settlement.Order), "Receipt": new(settlement.Receipt),
		"Voucher": new(settlement.Voucher), "SettlementBatch": new(settlement.Batch),
		"SignerAuthorization": new(settlement.SignerAuthorization),
	}
	m, known := fresh[name]
	if !known {
		return common.Hash{}, fmt.Errorf("no Go type for %s", name)
	}
	raw, err := json.Marshal(row)
	if err != nil {
		return common.Hash{}, fmt.Errorf("encode row: %w", err)
	}
	var d settlement.Domain
	for _, into := range []any{m, &d} {
		if err := json.Unmarshal(raw, into); err != nil {
			return common.Hash{}, fmt.Errorf("read row: %w", err)
		}
	}
	return m.Digest(d), nil
}
