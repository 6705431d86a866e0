// Package schema holds messages.json: the one source of the signed messages, from which gen makes their Solidity
// and Go code, and from which the vectors and the three-way check take their types.
package schema

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed messages.json
var messages []byte

// Schema is all signed messages and the EIP-712 domain they are signed for.
type Schema struct {
	Doc     []string `json:"doc"` // lines
	Domain  Domain   `json:"domain"`
	Structs []Struct `json:"structs"`
}

// Domain is the fixed part of the EIP-712 domain.
type Domain struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Struct is one message, or a part of one.
type Struct struct {
	Name          string  `json:"name"`
	GoName        string  `json:"goName"`        // where Go calls it otherwise
	Doc           string  `json:"doc"`           // begins with a noun phrase and its article
	Signer        string  `json:"signer"`        // the field that holds who signs; empty: only a part of messages
	Countersigner string  `json:"countersigner"` // the field that holds who signs the same digest after
	InMemory      bool    `json:"inMemory"`      // the contract puts it together itself, it never comes in as calldata
	Fields        []Field `json:"fields"`
}

// Field is one field of a Struct; Type is its EIP-712 type.
type Field struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Doc  string `json:"doc"`
}

// Load reads the embedded messages.json.
func Load() (Schema, error) {
	dec := json.NewDecoder(bytes.NewReader(messages))
	dec.DisallowUnknownFields()
	var s Schema
	if err := dec.Decode(&s); err != nil {
		return Schema{}, fmt.Errorf("read messages.json: %w", err)
	}
	for _, st := range s.Structs {
		if st.Signer != "" && !slices.ContainsFunc(st.Fields, func(f Field) bool { return f.Name == st.Signer }) {
			return Schema{}, fmt.Errorf("read messages.json: %s has no field %q for its signer", st.Name, st.Signer)
		}
		for _, f := range st.Fields {
			if _, isStruct := s.Lookup(f.Element()); f.Element() != "" && !isStruct {
				return Schema{}, fmt.Errorf("read messages.json: %s.%s is of an unknown type %s", st.Name, f.Name, f.Type)
			}
		}
	}
	return s, nil
}

// Lookup finds a struct by name.
func (s Schema) Lookup(name string) (Struct, bool) {
	i := slices.IndexFunc(s.Structs, func(st Struct) bool { return st.Name == name })
	if i < 0 {
		return Struct{}, false
	}
	return s.Structs[i], true
}

// Messages returns the structs that somebody signs.
func (s Schema) Messages() []Struct {
	return slices.DeleteFunc(slices.Clone(s.Structs), func(st Struct) bool { return st.Signer == "" })
}

// EncodeType returns the EIP-712 type string: the struct and after it the ones it refers to.
func (s Schema) EncodeType(st Struct) string {
	var fields []string
	var parts string
	for _, f := range st.Fields {
		fields = append(fields, f.Type+" "+f.Name)
		if part, ok := s.Lookup(f.Element()); ok {
			parts += s.EncodeType(part) // one at most, and flat: EIP-712 would sort several
		}
	}
	return st.Name + "(" + strings.Join(fields, ",") + ")" + parts
}

// Element returns the struct's name when the field is an array of structs, else "".
func (f Field) Element() string {
	element, isArray := strings.CutSuffix(f.Type, "[]")
	if !isArray {
		return ""
	}
	return element
}

// Dynamic says whether EIP-712 puts a hash of the value in the field's place.
func (f Field) Dynamic() bool { return f.Type == "string" || f.Element() != "" }

// Go returns the struct's name in Go.
func (st Struct) Go() string {
	if st.GoName != "" {
		return st.GoName
	}
	return st.Name
}

// Receiver returns the one-letter name of a value of the struct in generated code.
func (st Struct) Receiver() string { return strings.ToLower(st.Go()[:1]) }

// Plural names a list of these messages in the vector files: signerAuthorizations, batches.
func (st Struct) Plural() string {
	name := strings.ToLower(st.Go()[:1]) + st.Go()[1:]
	if strings.HasSuffix(name, "ch") {
		return name + "es"
	}
	return name + "s"
}
