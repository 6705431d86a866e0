package main

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"flotilla/contracts/schema"
)

// The marks of the generated section in a file that is otherwise written by hand.
const (
	sectionBegin = "    // " + notice
	sectionEnd   = "    // End of generated code.\n"
)

// maxWordsAtOnce is how many words abi.encode takes before the stack of the old code generator is full.
const maxWordsAtOnce = 12

// lineLength is that of foundry.toml.
const lineLength = 120

// structFile returns Messages.sol.
func structFile(s schema.Schema) string {
	var b strings.Builder
	fmt.Fprintf(&b, "// SPDX-License-Identifier: Apache-2.0\npragma solidity 0.8.37;\n\n// %s\n\n", notice)
	for _, line := range s.Doc {
		fmt.Fprintf(&b, "// %s\n", line)
	}
	for _, st := range s.Structs {
		fmt.Fprintf(&b, "\n/// @notice %s\nstruct %s {\n", strings.Join(wrap(st.Doc+signedBy(st), 105), "\n/// "), st.Name)
		for _, f := range st.Fields {
			fmt.Fprintf(&b, "    %s %s;", f.Type, f.Name)
			if f.Doc != "" {
				fmt.Fprintf(&b, " // %s", f.Doc)
			}
			b.WriteString("\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func signedBy(st schema.Struct) string {
	switch {
	case st.Signer == "":
		return ""
	case st.Countersigner == "":
		return " Signed by the " + st.Signer + "."
	default:
		return " Signed by the " + st.Signer + ", countersigned by the " + st.Countersigner + "."
	}
}

// hashSection returns the type hashes and hash functions inside library MessageHash.
func hashSection(s schema.Schema) string {
	var b strings.Builder
	for _, st := range s.Structs {
		b.WriteString("\n" + constant("    bytes32 internal constant "+typeHash(st)+" =", fmt.Sprintf("%q", s.EncodeType(st))))
	}
	b.WriteString("\n")
	for _, st := range s.Messages() {
		location := "calldata"
		if st.InMemory {
			location = "memory"
		}
		fmt.Fprintf(&b, "\n    function hash(%s %s %s) internal pure returns (bytes32) {\n", st.Name, location, st.Receiver())
		b.WriteString(hashBody(s, st))
		b.WriteString("    }\n")
	}
	return b.String()
}

// hashBody encodes a struct of static fields at once, and others word by word.
func hashBody(s schema.Schema, st schema.Struct) string {
	var b strings.Builder
	words := []string{typeHash(st)}
	dynamic := false
	for _, f := range st.Fields {
		element, isArray := s.Lookup(f.Element())
		dynamic = dynamic || f.Dynamic()
		switch {
		case isArray:
			b.WriteString(arrayHash(f.Name, element, st.Receiver()))
			words = append(words, f.Name+"Hash")
		case f.Type == "string":
			words = append(words, "keccak256(bytes("+st.Receiver()+"."+f.Name+"))")
		default:
			words = append(words, st.Receiver()+"."+f.Name)
		}
	}
	if !dynamic {
		return fmt.Sprintf("        return keccak256(abi.encode(%s, %s));\n", typeHash(st), st.Receiver())
	}
	if len(words) <= maxWordsAtOnce {
		return b.String() + "        return\n            keccak256(\n" + call(16, "abi.encode", words) + "\n            );\n"
	}
	half := len(words) / 2
	return b.String() + fmt.Sprintf("        // Two halves, because one call with %d words is too deep for the stack.\n", len(words)) +
		"        return keccak256(\n            bytes.concat(\n" + call(16, "abi.encode", words[:half]) + ",\n" + call(16, "abi.encode", words[half:]) + "\n            )\n        );\n"
}

// arrayHash hashes a calldata array of structs of static fields, in assembly: abi.encode takes new memory for each element,
// and 600 gas with it.
func arrayHash(name string, element schema.Struct, receiver string) string {
	bytes := 32 * len(element.Fields)
	return fmt.Sprintf(`        %[2]s[] calldata %[1]s = %[3]s.%[1]s;
        bytes32 elementType = %[4]s;
        bytes32 %[1]sHash;
        // Free memory holds the elements' hashes and behind them the words of the element at hand; it is not kept. High
        // bits of narrow fields are hashed as they came: whoever reads the field afterwards reverts on them.
        assembly ("memory-safe") {
            let hashes := mload(0x40)
            let end := add(hashes, mul(%[1]s.length, 32))
            mstore(end, elementType)
            let element := %[1]s.offset
            for { let to := hashes } lt(to, end) { to := add(to, 32) } {
                calldatacopy(add(end, 32), element, %[5]d)
                mstore(to, keccak256(end, %[6]d))
                element := add(element, %[5]d)
            }
            %[1]sHash := keccak256(hashes, sub(end, hashes))
        }
`, name, element.Name, receiver, typeHash(element), bytes, 32+bytes)
}

// call writes a function call as forge fmt does: on one line when it fits, else an argument a line.
func call(indent int, function string, args []string) string {
	pad := strings.Repeat(" ", indent)
	if line := pad + function + "(" + strings.Join(args, ", ") + ")"; len(line) < lineLength {
		return line
	}
	return pad + function + "(\n" + pad + "    " + strings.Join(args, ",\n"+pad+"    ") + "\n" + pad + ")"
}

// constant writes the keccak256 of a quoted string as forge fmt does.
func constant(declaration, quoted string) string {
	switch hash := "keccak256(" + quoted + ");"; {
	case len(declaration)+1+len(hash) <= lineLength:
		return declaration + " " + hash
	case len("        ")+len(hash) <= lineLength:
		return declaration + "\n        " + hash
	default:
		return declaration + " keccak256(\n        " + quoted + "\n    );"
	}
}

// typeHash is the constant's name: LANE_TOTAL_TYPEHASH for LaneTotal.
func typeHash(st schema.Struct) string {
	var b strings.Builder
	for i, r := range st.Name {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String() + "_TYPEHASH"
}

// splice puts section between the marks of file.
func splice(file, section string) (string, error) {
	before, rest, begins := strings.Cut(file, sectionBegin+"\n")
	_, after, ends := strings.Cut(rest, sectionEnd)
	if !begins || !ends {
		return "", errors.New("the marks of the generated section are missing")
	}
	return before + sectionBegin + "\n" + section + "\n" + sectionEnd + after, nil
}

// wrap breaks text into lines of at most width bytes.
func wrap(text string, width int) []string {
	var lines []string
	var line string
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}
