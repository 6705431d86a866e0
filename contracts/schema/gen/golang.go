package main

import (
	"fmt"
	"go/format"
	"strings"

	"flotilla/contracts/schema"
)

// goTypes are the Go types of the EIP-712 types, and the writer of package settlement's words for each.
// Every uint128 is an amount, which Go holds in 64 bits.
var goTypes = map[string]struct{ name, word string }{
	"address": {"common.Address", "w.address(%s)"},
	"bytes32": {"common.Hash", "w.hash(%s)"},
	"string":  {"string", "w.text(%s)"},
	"uint32":  {"uint32", "w.uint(uint64(%s))"},
	"uint64":  {"uint64", "w.uint(%s)"},
	"uint128": {"Amount", "w.uint(uint64(%s))"},
}

// goFile returns messages_gen.go.
func goFile(s schema.Schema) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "// %s\n\npackage settlement\n\nimport (\n\"github.com/ethereum/go-ethereum/common\"\n"+
		"\"github.com/ethereum/go-ethereum/crypto\"\n)\n\n", notice)
	for _, line := range s.Doc {
		fmt.Fprintf(&b, "// %s\n", line)
	}
	b.WriteString("\n// The hashes below are constants that Go cannot spell as such.\nvar (\n")
	for _, st := range s.Structs {
		fmt.Fprintf(&b, "%s = crypto.Keccak256Hash([]byte(%q))\n", goTypeHash(st), s.EncodeType(st))
	}
	b.WriteString(")\n")
	for _, st := range s.Structs {
		if err := goStruct(&b, s, st); err != nil {
			return nil, err
		}
	}
	return format.Source([]byte(b.String()))
}

func goStruct(b *strings.Builder, s schema.Schema, st schema.Struct) error {
	doc := st.Go() + " is " + strings.ToLower(st.Doc[:1]) + st.Doc[1:] + signedBy(st)
	fmt.Fprintf(b, "\n// %s\ntype %s struct {\n", strings.Join(wrap(doc, 110), "\n// "), st.Go())
	var words, locals strings.Builder
	for _, f := range st.Fields {
		name := strings.ToUpper(f.Name[:1]) + f.Name[1:]
		value := st.Receiver() + "." + name
		kind, known := goTypes[f.Type]
		element, isArray := s.Lookup(f.Element())
		switch {
		case isArray:
			kind.name = "[]" + element.Go()
			fmt.Fprintf(&locals, "%[1]s := make([]byte, 0, 32*len(%[2]s))\nfor _, part := range %[2]s {\n"+
				"h := part.structHash()\n%[1]s = append(%[1]s, h[:]...)\n}\n", f.Name, value)
			fmt.Fprintf(&words, "w.hash(crypto.Keccak256Hash(%s))\n", f.Name)
		case known:
			fmt.Fprintf(&words, kind.word+"\n", value)
		default:
			return fmt.Errorf("%s.%s: no Go type for %s", st.Name, f.Name, f.Type)
		}
		fmt.Fprintf(b, "%s %s `json:%q`", name, kind.name, f.Name)
		if f.Doc != "" {
			fmt.Fprintf(b, " // %s", f.Doc)
		}
		b.WriteString("\n")
	}
	b.WriteString("}\n")
	sum := "return w.sum()"
	if st.Signer == "" {
		fmt.Fprintf(b, "\nfunc (%s %s) structHash() common.Hash {\n", st.Receiver(), st.Go())
	} else {
		fmt.Fprintf(b, "\n// Digest returns the EIP-712 digest that the %s signs%s.\n", st.Signer, andAfter(st))
		fmt.Fprintf(b, "func (%s %s) Digest(d Domain) common.Hash {\n", st.Receiver(), st.Go())
		sum = "return d.digest(w.sum())"
	}
	fmt.Fprintf(b, "%svar w words\nw.hash(%s)\n%s%s\n}\n", locals.String(), goTypeHash(st), words.String(), sum)
	return nil
}

func andAfter(st schema.Struct) string {
	if st.Countersigner == "" {
		return ""
	}
	return ", and then the " + st.Countersigner
}

func goTypeHash(st schema.Struct) string {
	return strings.ToLower(st.Go()[:1]) + st.Go()[1:] + "TypeHash"
}
