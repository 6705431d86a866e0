package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// listFlag takes several values: "--train a b", as a shell's glob gives them, or "--train a --train b".
type listFlag []string

// Decode takes the values up to the next flag. It implements kong.MapperValue.
func (l *listFlag) Decode(ctx *kong.DecodeContext) error {
	if _, list := ctx.Scan.Peek().Value.([]any); list { // of the config file
		return ctx.Scan.PopValueInto("value", (*[]string)(l))
	}
	var first string
	if err := ctx.Scan.PopValueInto("value", &first); err != nil {
		return err
	}
	*l = append(*l, first)
	for {
		next, ok := ctx.Scan.Peek().Value.(string)
		if ctx.Scan.Peek().IsEOL() || !ok || strings.HasPrefix(next, "-") {
			break
		}
		ctx.Scan.Pop()
		*l = append(*l, next)
	}
	if slices.Contains(*l, "") {
		return errors.New("a value is empty")
	}
	return nil
}
