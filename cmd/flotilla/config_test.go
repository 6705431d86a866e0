package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// TestPricesInAFile: a price for each model is said as a table, as a list, or as on the command line.
func TestPricesInAFile(t *testing.T) {
	const node = "[operator]\nrpc = \"http://127.0.0.1:1\"\ncontract = \"0x1\"\ndata-dir = \"d\"\n"
	want := map[string]string{"llama-3.1-8b": "0.1/0.2", "*": "1/2"}
	for name, text := range map[string]string{
		"table": "[operator.price]\n\"llama-3.1-8b\" = \"0.1/0.2\"\n\"*\" = \"1/2\"\n",
		"list":  `price = ["llama-3.1-8b=0.1/0.2", "*=1/2"]`,
		"text":  `price = "llama-3.1-8b=0.1/0.2;*=1/2"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("flotilla.toml", []byte(node+text), 0o600); err != nil {
				t.Fatal(err)
			}
			c, _, _, err := parse(t.Context(), []string{"operator"}, io.Discard, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, c.Operator.Price); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every flag of every command means the same on the command line, in the environment and in a file: what a file says and nobody
// heeds is a limit that does not bind.
func TestEachFlagMeansTheSameInAFile(t *testing.T) {
	model, err := kong.New(&cli{}, kong.Writers(io.Discard, io.Discard), kong.BindTo(t.Context(), (*context.Context)(nil)), kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range model.Model.Leaves(false) {
		t.Run(strings.Join(commandPath(command), " "), func(t *testing.T) { eachFlagInAFile(t, command) })
	}
}

func eachFlagInAFile(t *testing.T, command *kong.Node) {
	t.Chdir(t.TempDir())
	path := commandPath(command)
	args, flags := path, []string{}
	for _, arg := range command.Positional {
		if arg.Required {
			args = append(args, someValue(arg))
		}
	}
	text := "[" + strings.Join(path, ".") + "]\n"
	env := map[string]string{}
	for _, flag := range command.Flags {
		if flag.Name == "help" {
			continue
		}
		flags = append(flags, "--"+flag.Name+"="+someValue(flag.Value))
		text += fmt.Sprintf("%q = %q\n", flag.Name, someValue(flag.Value))
		for _, name := range flag.Envs {
			env[name] = someValue(flag.Value)
		}
	}
	for name, text := range map[string]string{"file": "", "named.toml": text} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := flagsAsRead(t, append(args, flags...)...)
	same := cmp.Exporter(func(reflect.Type) bool { return true })
	if diff := cmp.Diff(want, flagsAsRead(t, append(args, "--config=named.toml")...), same); diff != "" {
		t.Errorf("a file says something else:\n%s", diff)
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
	for _, flag := range command.Flags { // those without a variable
		if flag.Name != "help" && len(flag.Envs) == 0 {
			args = append(args, "--"+flag.Name+"="+someValue(flag.Value))
		}
	}
	if diff := cmp.Diff(want, flagsAsRead(t, args...), same); diff != "" {
		t.Errorf("the environment says something else:\n%s", diff)
	}
}

func flagsAsRead(t *testing.T, args ...string) map[string]any {
	t.Helper()
	_, kctx, _, err := parse(t.Context(), slices.Clone(args), io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]any{}
	for _, flag := range kctx.Flags() {
		if flag.Name != "config" {
			read[flag.Name] = flag.Target.Interface()
		}
	}
	return read
}

// someValue is a value for a flag or argument that is not its default.
func someValue(flag *kong.Value) string {
	switch flag.Target.Interface().(type) {
	case bool:
		return "true"
	case time.Duration:
		return "97s"
	case *address, address:
		return "0x00000000000000000000000000000000000000aa"
	case serverURL, []serverURL:
		return "http://127.0.0.1:13"
	case map[string]string:
		return "a=1/2"
	case float64:
		return "0.875"
	}
	switch {
	case flag.Enum != "":
		return flag.EnumSlice()[len(flag.EnumSlice())-1]
	case flag.Tag.Type == "existingdir":
		return "."
	case flag.Tag.Type != "":
		return "file"
	case flag.Target.Kind() == reflect.Slice && flag.Target.Type().Elem().Kind() != reflect.String:
		return "3"
	}
	return "13"
}
