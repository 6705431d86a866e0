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

func printable(s, besides string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || strings.ContainsRune(besides, r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
