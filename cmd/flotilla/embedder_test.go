package main

import (
	"strings"
	"testing"

	"flotilla/routing/index"
)

// TestEmbeddersFitTheirBuiltInIndex: no flag but --embedder is needed, and a mixture is refused.
func TestEmbeddersFitTheirBuiltInIndex(t *testing.T) {
	for _, name := range []string{"minilm", "static"} {
		_, done, err := openRouter("", embedderFlags{Embedder: name})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		done()
	}
	minilm, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	static, err := index.DefaultStatic()
	if err != nil {
		t.Fatal(err)
	}
	if minilm.Len() != static.Len() || len(minilm.Models()) != len(static.Models()) {
		t.Errorf("the built-in indexes differ: %d and %d rows, %d and %d models", minilm.Len(), static.Len(), len(minilm.Models()), len(static.Models()))
	}
	for want, f := range map[string]embedderFlags{
		"exclude each other": {Embedder: "static", ONNXModel: "dir"},
		"needs --onnx-model": {Embedder: "onnxruntime"},
	} {
		if _, _, err := f.openEmbedder(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one with %q", f, err, want)
		}
	}
}
