package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flotilla/routing/index"
)

func TestBuildJoinsProvidersAndProbesAndIsReproducible(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	public := write("public.jsonl", `{"prompt":"What is 2+2?","scores":{"Llama-3.1-405B-Inst-fp8":1,"Llama-3.1-405B-Inst@sambanova":0,"gpt-4o-2024-08-06":1},"output_tokens":{"Llama-3.1-405B-Inst-fp8":100,"Llama-3.1-405B-Inst@sambanova":300}}
{"prompt":"closed models only","scores":{"gpt-4o-2024-08-06":1}}
`)
	probe := write("probe.jsonl", `{"prompt":"Name a colour.","scores":{"smollm2-135m-instruct":1},"output_tokens":{"smollm2-135m-instruct":2}}
{"prompt":"Name a colour.","scores":{"gemma-3-270m":0},"output_tokens":{"gemma-3-270m":64}}
`)
	out := filepath.Join(dir, "a.fidx")
	build := func(args ...string) *index.Index {
		t.Helper()
		var log bytes.Buffer
		if err := run(context.Background(), args, &log); err != nil {
			t.Fatal(err)
		}
		if args[0] == "-out" && strings.HasSuffix(args[1], "a.fidx") && !strings.Contains(log.String(), "columns left out: gpt-4o-2024-08-06") {
			t.Errorf("left-out columns are not reported:\n%s", log.String())
		}
		data, err := os.ReadFile(args[1])
		if err != nil {
			t.Fatal(err)
		}
		x, err := index.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	x := build("-out", out, "-in", "public="+public, "-in", "probe="+probe)
	if x.Len() != 2 || len(x.Models()) != 3 || x.Source(1) != "probe" || len(x.Cells(1)) != 2 {
		t.Fatalf("%d rows, models %v", x.Len(), x.Models())
	}
	m, _ := x.Model("llama-3.1-405b-instruct")
	if c, _ := x.Cell(0, m); c.Score != 128 || c.Length != 123 { // mean of 1 and 0; 1 + 16·log2(200) = 123.3
		t.Errorf("two providers' columns: %+v", c)
	}
	again := build("-out", filepath.Join(dir, "b.fidx"), "-in", "public="+public, "-in", "probe="+probe)
	if again.ID() != x.ID() {
		t.Error("the same inputs gave another index")
	}
	grown := build("-out", filepath.Join(dir, "c.fidx"), "-base", out, "-in", "probe="+probe)
	if grown.Len() != 3 || grown.Generation() != 2 {
		t.Errorf("added to a base: %d rows, generation %d", grown.Len(), grown.Generation())
	}
	if err := run(context.Background(), []string{"-in", "x=" + filepath.Join(dir, "none*")}, &bytes.Buffer{}); err == nil {
		t.Error("a missing input was accepted")
	}
}
