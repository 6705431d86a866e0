package main

import (
	"bytes"
	"os"
	"testing"
)

func TestCommittedVectorsAreWhatTheGeneratorMakes(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../messages.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(got), want) {
		t.Fatal("messages.json differs: go run ./contracts/vectors/gen > contracts/vectors/messages.json")
	}
}
