package main

import (
	"io"
	"os"
	"testing"

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
