package main

import "testing"

// TestNewPassphraseIsAskedForTwice: who mistypes it once must not find out when the key is needed.
func TestNewPassphraseIsAskedForTwice(t *testing.T) {
	typed := func(answers ...string) func(string) (string, error) {
		return func(string) (string, error) {
			next := answers[0]
			answers = answers[1:]
			return next, nil
		}
	}
	if got, err := askTwice(typed("right", "right")); got != "right" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := askTwice(typed("right", "rihgt")); err == nil {
		t.Error("a slip was taken")
	}
}
