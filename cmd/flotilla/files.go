package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"github.com/alecthomas/kong"
)

// checkWritable fails where a file could not be written at the end of a long command. It changes nothing. What is no plain file,
// such as a pipe, is not tried: its reader would take that for the end.
func checkWritable(file string) error {
	have, err := os.Stat(file)
	if err == nil && !have.IsDir() && !have.Mode().IsRegular() {
		return nil
	}
	f, openErr := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o644)
	if openErr != nil {
		return openErr
	}
	_ = f.Close() // nothing was written
	if err != nil {
		return os.Remove(file)
	}
	return nil
}

// notEmpty refuses an empty path, as a script's unset variable leaves one: kong would take it for the present folder, and a node
// keep its ledger there. Where a flag has a default, that is meant.
func notEmpty(kind string) kong.Option {
	kongs := kong.NewRegistry().RegisterDefaults()
	return kong.NamedMapper(kind, kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		if path, ok := ctx.Scan.Peek().Value.(string); ok && path == "" && !ctx.Value.HasDefault {
			return errors.New("an empty path: name one (. is the present folder), or leave it out")
		}
		return kongs.ForNamedValue(kind, target).Decode(ctx, target)
	}))
}

// readBounded reads a file of at most most bytes.
func readBounded(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) > most {
		return nil, fmt.Errorf("%s is larger than %d bytes", file, most)
	}
	return raw, nil
}
