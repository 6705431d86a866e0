package main

import (
	"context"
	"io"
	"reflect"
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

// One variable that meant two things would make one command fail, or write to a folder named "exact", where it was set for another.
func TestVariablesMeanOneThing(t *testing.T) {
	parser, err := kong.New(&cli{}, kong.Writers(io.Discard, io.Discard), kong.BindTo(t.Context(), (*context.Context)(nil)), kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	first := map[string]*kong.Flag{}
	err = kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			for _, name := range flag.Envs {
				if other := first[name]; other != nil && (isPath(other) != isPath(flag) || other.Enum != flag.Enum || valueType(other) != valueType(flag)) {
					t.Errorf("%s is both %q and %q", name, other.Help, flag.Help)
				}
				first[name] = flag
			}
		}
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// valueType of a flag, or of each value of one that is given several times: a variable has one of them.
func valueType(f *kong.Flag) reflect.Type {
	if t := f.Target.Type(); t.Kind() == reflect.Slice && f.Tag.Sep == -1 {
		return t.Elem()
	}
	return f.Target.Type()
}

func isPath(f *kong.Flag) bool { return f.Tag.Type != "" } // path, existingdir …
