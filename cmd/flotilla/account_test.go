package main

import (
	"strings"
	"testing"
)

// Tokens that are claimed to an account that nobody has are gone, so a slip of the hand must not pass where the address
// carries its checksum (EIP-55).
func TestMisspeltAddressIsRefused(t *testing.T) {
	const right = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	for text, ok := range map[string]bool{
		right:                             true,
		strings.ToLower(right):            true, // these two carry none
		"0x" + strings.ToUpper(right[2:]): true,
		right[2:]:                         true,
		strings.Replace(right, "5aAe", "5aAf", 1): false,
		strings.Replace(right, "6053", "6035", 1): false,
		strings.Replace(right, "Aed", "aed", 1):   false,
		right[:41]:                                false,
	} {
		var a address
		if err := a.UnmarshalText([]byte(text)); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
