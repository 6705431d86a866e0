package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// maxConfigBytes bounds a config file: it is written by hand.
const maxConfigBytes = 1 << 20

// tomlConfig reads a TOML file in which a command's flags stand in a table of its name: [gateway], [testnet.up].
// A key that no flag has is an error, since a misspelt limit that is silently ignored costs money.
func tomlConfig(r io.Reader) (kong.Resolver, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxConfigBytes))
	if err != nil {
		return nil, fmt.Errorf("read config file: %w", err)
	}
	values := map[string]any{}
	if err := toml.Unmarshal(raw, &values); err != nil {
		return nil, fmt.Errorf("parse config file: %w", err)
	}
	return &tomlResolver{values: values}, nil
}

type tomlResolver struct{ values map[string]any }

// Resolve implements kong.Resolver.
func (t *tomlResolver) Resolve(_ *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil // the environment beats the file; kong itself would let the file win
		}
	}
	table := t.values
	if parent.Command != nil {
		for _, name := range commandPath(parent.Command) {
			sub, ok := table[name].(map[string]any)
			if !ok {
				return nil, nil
			}
			table = sub
		}
	}
	v, ok := table[flag.Name]
	if !ok {
		return nil, nil
	}
	if list, ok := v.([]any); ok {
		parts := make([]string, len(list))
		for i, e := range list {
			parts[i] = flagText(e)
		}
		return strings.Join(parts, ","), nil
	}
	return flagText(v), nil
}

// flagText writes a value as it would stand on the command line: numbers without an exponent, which amounts do not have.
func flagText(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// Validate implements kong.Resolver: every key must be a flag of the table's command.
func (t *tomlResolver) Validate(app *kong.Application) error {
	return checkTable(app.Node, t.values, "")
}

func checkTable(n *kong.Node, table map[string]any, at string) error {
	for key, v := range table {
		name := strings.TrimPrefix(at+"."+key, ".")
		if sub, ok := v.(map[string]any); ok {
			child := childNamed(n, key)
			if child == nil {
				return fmt.Errorf("config file: [%s] is no command of flotilla", name)
			}
			if err := checkTable(child, sub, name); err != nil {
				return err
			}
			continue
		}
		if !hasFlag(n, key) {
			return fmt.Errorf("config file: %s is no flag: see flotilla %s --help", name, strings.ReplaceAll(at, ".", " "))
		}
	}
	return nil
}

func childNamed(n *kong.Node, name string) *kong.Node {
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func hasFlag(n *kong.Node, name string) bool {
	for _, f := range n.Flags {
		if f.Name == name {
			return true
		}
	}
	return false
}

func commandPath(n *kong.Node) []string {
	var path []string
	for ; n != nil && n.Parent != nil; n = n.Parent {
		path = append([]string{n.Name}, path...)
	}
	return path
}
