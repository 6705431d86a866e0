package main

import (
	"context"
	"io"
	"testing"

	"github.com/alecthomas/kong"
)

// A flag that has a default shows it: kong would show a placeholder in its place.
func TestHelpShowsDefaults(t *testing.T) {
	parser, err := kong.New(&cli{}, kong.Writers(io.Discard, io.Discard), kong.BindTo(t.Context(), (*context.Context)(nil)))
	if err != nil {
		t.Fatal(err)
	}
	err = kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && flag.Default != "" && flag.PlaceHolder != "" && flag.PlaceHolder != flag.Default {
			t.Errorf("--%s is %s by default, and its help says %s", flag.Name, flag.Default, flag.PlaceHolder)
		}
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
}
