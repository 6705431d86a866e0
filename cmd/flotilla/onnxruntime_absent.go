//go:build !onnxruntime

package main

import (
	"errors"

	"flotilla/routing"
)

func openONNXRuntime(string) (routing.Embedder, func(), error) {
	return nil, nil, errors.New("this binary was built without onnxruntime: build it with -tags onnxruntime and cgo")
}
