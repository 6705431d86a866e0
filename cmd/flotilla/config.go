package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// maxConfigBytes bounds a config file: it is written by hand.
const maxConfigBytes = 1 << 20

// configFlag names a config file. What it says goes before the files that are read without being named.
type configFlag string

// BeforeResolve reads the file. It is one of kong's hooks.
func (configFlag) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	resolver, err := readConfig(string(ctx.FlagValue(trace.Flag).(configFlag)))
	if err != nil {
		return err
	}
	ctx.AddResolver(resolver)
	return nil
}

// configPaths are the files that are read where they exist; a later one goes before an earlier one.
func configPaths() []string {
	paths := []string{"flotilla.toml"}
	if dir, err := os.UserConfigDir(); err == nil {
		paths = []string{filepath.Join(dir, "flotilla", "flotilla.toml"), paths[0]}
	}
	return paths
}

// defaultConfigs reads those of configPaths that are there. One that can be seen and not read is an error: its limits would be
// ignored in silence.
func defaultConfigs() ([]kong.Resolver, error) {
	var out []kong.Resolver
	for _, path := range configPaths() {
		if _, err := os.Stat(path); err != nil { // not there, or in a folder of another user
			continue
		}
		resolver, err := readConfig(path)
		if err != nil {
			return nil, err
		}
		out = append(out, resolver)
	}
	return out, nil
}

// readConfig reads a TOML file in which a command's flags stand in a table of its name: [gateway], [testnet.up].
// A key that no flag has is an error, since a misspelt limit that is silently ignored costs money.
func readConfig(file string) (kong.Resolver, error) {
	raw, err := readBounded(file, maxConfigBytes)
	if err != nil {
		return nil, fmt.Errorf("read config file: %w", err)
	}
	values := map[string]any{}
	if err := toml.Unmarshal(raw, &values); err != nil {
		return nil, fmt.Errorf("parse config file %s: %w", file, err)
	}
	return &tomlResolver{file: file, values: values}, nil
}

type tomlResolver struct {
	file   string
	values map[string]any
}

// Resolve implements kong.Resolver.
func (t *tomlResolver) Resolve(_ *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil // the environment beats the file; kong itself would let the file win
		}
	}
	table, at := t.values, flag.Name
	if parent.Command != nil {
		path := commandPath(parent.Command)
		for _, name := range path {
			sub, ok := table[name].(map[string]any)
			if !ok {
				return nil, nil
			}
			table = sub
		}
		at = strings.Join(append(path, flag.Name), ".")
	}
	v, ok := table[flag.Name]
	if !ok {
		return nil, nil
	}
	value, err := flagValue(flag, v)
	if err == nil {
		err = try(flag, value)
	}
	if err != nil {
		return nil, fmt.Errorf("config file %s: %s%w", t.file, at, err)
	}
	return value, nil
}

// try reads value as kong will, whose own error could not say which file it is in. It leaves flag unset: kong takes no name of an
// existing file for a flag that is set.
func try(flag *kong.Flag, value any) error {
	into := reflect.New(flag.Target.Type()).Elem()
	set := flag.Set
	err := flag.Parse(kong.Scan().PushTyped(value, kong.FlagValueToken), into)
	flag.Set = set
	if cause := errors.Unwrap(err); cause != nil { // without "--flag"
		return fmt.Errorf(": %w", cause)
	}
	if err != nil {
		return fmt.Errorf(": %w", err)
	}
	if text := fmt.Sprint(into); flag.Enum != "" && !flag.EnumMap()[text] {
		return fmt.Errorf(": %q: want one of %s", text, strings.Join(flag.EnumSlice(), ", "))
	}
	if err := checkNumber(flag, into); err != nil {
		return fmt.Errorf(": %w", err)
	}
	return nil
}

// checkNumber refuses a number or time that cannot be meant: one below 0, and 0 where the flag is tagged positive. Further
// down 0 is what was not set, and would become the default in silence.
func checkNumber(flag *kong.Flag, v reflect.Value) error {
	if _, named := v.Interface().(slog.Level); named { // debug is -4
		return nil
	}
	switch positive := flag.Tag.Has("positive"); {
	case positive && (v.IsZero() || v.CanInt() && v.Int() < 0):
		return fmt.Errorf("%v: want more than 0", v)
	case v.CanInt() && v.Int() < 0:
		return fmt.Errorf("%v: want 0 or more", v)
	}
	return nil
}

// flagValue is v as kong takes it: a list whole, for a comma in an element parts nothing there. Its errors go on from the
// flag's name.
func flagValue(flag *kong.Flag, v any) (any, error) {
	switch v := v.(type) {
	case []any:
		return flagList(flag, v)
	case map[string]any:
		if !flag.IsMap() {
			return nil, errors.New(" takes one value, not a table")
		}
		for name, e := range v {
			if _, ok := e.(string); !ok {
				return nil, fmt.Errorf(".%s: want a text; quote a name that has a dot", name)
			}
		}
		return v, nil
	}
	return flagText(v)
}

func flagList(flag *kong.Flag, list []any) (any, error) {
	if flag.Target.Kind() != reflect.Slice && !flag.IsMap() {
		return nil, errors.New(" takes one value, not a list")
	}
	pairs := map[string]any{}
	for i, e := range list {
		text, err := flagText(e)
		if err != nil {
			return nil, fmt.Errorf(": element %d%w", i+1, err)
		}
		if text == "" {
			return nil, fmt.Errorf(": element %d of the list is empty", i+1)
		}
		name, value, ok := strings.Cut(text, "=")
		if flag.IsMap() && !ok {
			return nil, fmt.Errorf(": element %d: %q: want NAME=VALUE", i+1, text)
		}
		pairs[name] = value
		if flag.Target.Type().Elem().Kind() == reflect.String {
			list[i] = text
		}
	}
	if flag.IsMap() {
		return pairs, nil
	}
	return list, nil
}

// flagText writes a value as it would stand on the command line: numbers without an exponent, which amounts do not have.
func flagText(v any) (string, error) {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case string, int64, bool:
		return fmt.Sprint(v), nil
	}
	return "", errors.New(": want a text, a number, true or false; a date stands in quotes")
}

// Validate implements kong.Resolver: every key must be a flag of the table's command.
func (t *tomlResolver) Validate(app *kong.Application) error {
	if err := checkTable(app.Node, t.values, ""); err != nil {
		return fmt.Errorf("config file %s: %w", t.file, err)
	}
	return nil
}

func checkTable(n *kong.Node, table map[string]any, at string) error {
	for key, v := range table {
		name := strings.TrimPrefix(at+"."+key, ".")
		sub, isTable := v.(map[string]any)
		child, flag := childNamed(n, key), flagNamed(n, key)
		switch {
		case isTable && child != nil:
			if err := checkTable(child, sub, name); err != nil {
				return err
			}
		case flag != nil && flag.Target.Type() == reflect.TypeFor[configFlag]():
			return fmt.Errorf("%s: a config file cannot name another", name)
		case flag != nil:
			if _, err := flagValue(flag, v); err != nil {
				return fmt.Errorf("%s%w", name, err)
			}
		case isTable:
			return fmt.Errorf("[%s] is no command of flotilla%s", name, meant(n, key))
		case flagNamed(root(n), key) != nil:
			return fmt.Errorf("%s: %s is of all commands: it stands at the top of the file, before the first table", name, key)
		default:
			return fmt.Errorf("%s is no flag%s: see flotilla %s", name, cmp.Or(meant(n, "--"+key), belongs(n, key)), strings.TrimLeft(strings.ReplaceAll(at, ".", " ")+" --help", " "))
		}
	}
	return nil
}

// meant is what kong guesses that word, a command or a flag of n with its dashes, was to be; "" where it has no guess.
func meant(n *kong.Node, word string) string {
	trace, err := kong.Trace(&kong.Kong{Model: &kong.Application{Node: root(n)}}, append(commandPath(n), word))
	if err != nil || trace.Error == nil {
		return ""
	}
	_, guess, ok := strings.Cut(trace.Error.Error(), ", did you mean ")
	if !ok {
		return ""
	}
	return " (did you mean " + strings.ReplaceAll(guess, `"--`, `"`) + ")"
}

// belongs names the tables below n's, at most three, that have a key; "" where none has it.
func belongs(n *kong.Node, key string) string {
	var tables []string
	for _, leaf := range n.Leaves(true) {
		if flagNamed(leaf, key) != nil && len(tables) < 3 {
			tables = append(tables, "["+strings.Join(commandPath(leaf), ".")+"]")
		}
	}
	if tables == nil {
		return ""
	}
	return " here; one is in " + strings.Join(tables, ", ")
}

func root(n *kong.Node) *kong.Node {
	for n.Parent != nil {
		n = n.Parent
	}
	return n
}

func childNamed(n *kong.Node, name string) *kong.Node {
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func flagNamed(n *kong.Node, name string) *kong.Flag {
	for _, f := range n.Flags {
		if f.Name == name {
			return f
		}
	}
	return nil
}

func commandPath(n *kong.Node) []string {
	var path []string
	for ; n != nil && n.Parent != nil; n = n.Parent {
		path = append([]string{n.Name}, path...)
	}
	return path
}
