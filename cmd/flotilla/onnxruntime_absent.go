//go:build !onnxruntime

package main

import (
	"errors"

	"flotilla/routing/form"
)

func openONNXRuntime(string) (form.Encoder, func(), error) {
	return nil, nil, errors.New("this binary was built without onnxruntime: build it with -tags onnxruntime and cgo")
}
