package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"flotilla/node/rawjson"
)

// maxDepth bounds the nesting of a request that is cached.
const maxDepth = 64

// errAmbiguous: readers could see different things in this JSON, so that equal to what is a matter of the reader.
var errAmbiguous = errors.New("ambiguous JSON")

// canonical writes one JSON value so that values that mean the same are the same bytes: members in order of their names,
// no white space, one spelling of each string and number. Numbers are exact: 1, 1.0 and 10e-1 are the same, seeds beyond
// 2^53 differ where a float64 would not tell them apart.
func canonical(raw []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	out, err := appendValue(nil, dec, 0)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("canonical JSON: %w: more than one value", errAmbiguous)
	}
	return out, nil
}

func appendValue(out []byte, dec *json.Decoder, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: nested deeper than %d", errAmbiguous, maxDepth)
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return appendObject(out, dec, depth)
		}
		return appendArray(out, dec, depth)
	case string:
		return appendString(out, v)
	case json.Number:
		return appendNumber(out, v.String()), nil
	case bool:
		return strconv.AppendBool(out, v), nil
	}
	return append(out, "null"...), nil
}

// appendString refuses what a decoder puts in place of half a surrogate pair: what another makes of it is not known.
func appendString(out []byte, s string) ([]byte, error) {
	if strings.ContainsRune(s, utf8.RuneError) {
		return nil, fmt.Errorf("%w: replacement character", errAmbiguous)
	}
	return append(out, rawjson.Quote(s)...), nil
}

func appendArray(out []byte, dec *json.Decoder, depth int) ([]byte, error) {
	out = append(out, '[')
	for first := true; dec.More(); first = false {
		if !first {
			out = append(out, ',')
		}
		var err error
		if out, err = appendValue(out, dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token() // ]
	return append(out, ']'), err
}

func appendObject(out []byte, dec *json.Decoder, depth int) ([]byte, error) {
	var members []member
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: token.(string)} // of an object's members the decoder gives the name first
		if m.value, err = appendValue(nil, dec, depth+1); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	if _, err := dec.Token(); err != nil { // }
		return nil, err
	}
	return appendMembers(out, members)
}

// member is one member of an object, its value canonical.
type member struct {
	name  string
	value []byte
}

// appendMembers refuses repeated names: some readers take the first, others the last.
func appendMembers(out []byte, members []member) ([]byte, error) {
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	out = append(out, '{')
	for i, m := range members {
		if i > 0 {
			if m.name == members[i-1].name {
				return nil, fmt.Errorf("%w: repeated member", errAmbiguous)
			}
			out = append(out, ',')
		}
		var err error
		if out, err = appendString(out, m.name); err != nil {
			return nil, err
		}
		out = append(append(out, ':'), m.value...)
	}
	return append(out, '}'), nil
}

// maxExponent bounds the exponents that are added to; what is beyond keeps its spelling.
const maxExponent = 1 << 20

// appendNumber writes a JSON number as its digits without leading and trailing zeros, and the power of ten that goes with
// them. Minus zero is zero.
func appendNumber(out []byte, text string) []byte {
	digits, negative := strings.CutPrefix(text, "-")
	digits, power, _ := strings.Cut(strings.ToLower(digits), "e")
	exponent := 0
	if power != "" {
		n, err := strconv.Atoi(power)
		if err != nil || n > maxExponent || n < -maxExponent {
			return append(out, text...)
		}
		exponent = n
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	digits, exponent = strings.TrimLeft(whole+fraction, "0"), exponent-len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(trimmed)
	if trimmed == "" {
		return append(out, '0')
	}
	if negative {
		out = append(out, '-')
	}
	out = append(out, trimmed...)
	if exponent != 0 {
		out = strconv.AppendInt(append(out, 'e'), int64(exponent), 10)
	}
	return out
}
