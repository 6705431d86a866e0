//go:build onnxruntime

package main

import (
	"cmp"
	"fmt"
	"os"

	"flotilla/routing/embed/ortembed"
	"flotilla/routing/form"
)

// openONNXRuntime takes the library from where FLOTILLA_ONNXRUNTIME points, else from where the system has it.
func openONNXRuntime(dir string) (form.Encoder, func(), error) {
	e, err := ortembed.New(dir, cmp.Or(os.Getenv("FLOTILLA_ONNXRUNTIME"), "libonnxruntime.so"))
	if err != nil {
		return nil, nil, fmt.Errorf("open ONNX encoder: %w", err)
	}
	return e, func() { _ = e.Close() }, nil
}
