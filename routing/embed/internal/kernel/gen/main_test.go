package main

import (
	"bytes"
	"os"
	"testing"
)

func TestAssemblyIsCurrent(t *testing.T) {
	want, err := os.ReadFile("../kernel_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	write(&got)
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("kernel_amd64.s is not what gen writes: run go generate in routing/embed/internal/kernel")
	}
}
