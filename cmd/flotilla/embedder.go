package main

import (
	"errors"
	"fmt"

	"flotilla/routing/embed"
	"flotilla/routing/embed/hugotembed"
	"flotilla/routing/form"
)

// embedderFlags choose what turns prompts into vectors. An index only serves the embedder that it was made with.
type embedderFlags struct {
	Embedder  string `help:"What turns prompts into vectors: minilm; static, a table of token vectors, some thousand times faster and blind to the order of words; onnxruntime, the MiniLM in --onnx-model, where the binary was built with it." enum:"minilm,static,onnxruntime" default:"minilm" env:"FLOTILLA_EMBEDDER"`
	ONNXModel string `help:"Folder of an ONNX sentence encoder (model.onnx, tokenizer.json) to embed with instead of the MiniLM in the binary; needs an index made with it." name:"onnx-model" env:"FLOTILLA_ONNX_MODEL" type:"existingdir" placeholder:"DIR"`
}

// openEmbedder loads the encoder and joins form to it; the caller calls the second result when done.
func (f embedderFlags) openEmbedder() (*form.Embedder, func(), error) {
	encoder, closeEncoder, err := f.openEncoder()
	if err != nil {
		return nil, nil, err
	}
	return form.Join(encoder), closeEncoder, nil
}

func (f embedderFlags) openEncoder() (form.Encoder, func(), error) {
	switch {
	case f.Embedder == "onnxruntime":
		if f.ONNXModel == "" {
			return nil, nil, errors.New("--embedder onnxruntime needs --onnx-model, the folder that routing/embed/export/fetch.sh makes")
		}
		return openONNXRuntime(f.ONNXModel)
	case f.Embedder == "static":
		if f.ONNXModel != "" {
			return nil, nil, errors.New("--embedder static and --onnx-model exclude each other")
		}
		s, err := embed.NewStatic()
		if err != nil {
			return nil, nil, fmt.Errorf("load static embedder: %w", err)
		}
		return s, func() {}, nil
	case f.ONNXModel != "":
		h, err := hugotembed.New(f.ONNXModel)
		if err != nil {
			return nil, nil, fmt.Errorf("open ONNX encoder: %w", err)
		}
		return h, func() { _ = h.Close() }, nil
	}
	m, err := embed.NewMiniLM()
	if err != nil {
		return nil, nil, fmt.Errorf("load MiniLM: %w", err)
	}
	return m, func() {}, nil
}
