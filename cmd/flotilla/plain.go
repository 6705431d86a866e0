package main

import (
	"strings"
	"unicode"
)

// plain makes one line that any terminal shows as it is of what strangers wrote: a model's name in a request, a receipt
// file. Otherwise it could clear the screen, forge lines, or overwrite a check that failed.
func plain(s string) string { return printable(s, "") }

// plainLines is the same of several lines.
func plainLines(s string) string { return printable(s, "\n") }

// What joins an emoji's parts, and what Persian and Indian scripts are written with: it moves no cursor.
const zeroWidthJoiner, zeroWidthNonJoiner = '\u200d', '\u200c'

func printable(s, besides string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r), strings.ContainsRune(besides, r), r == zeroWidthJoiner, r == zeroWidthNonJoiner:
			return r
		case r == '\t', unicode.Is(unicode.Zs, r): // tabulators, and the blanks of other scripts
			return ' '
		}
		return unicode.ReplacementChar
	}, s)
}
