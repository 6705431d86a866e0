package settlement

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Amount is a sum of the settlement token in base units. The token has 6 decimals and follows the
// US dollar, so one base unit is 1e-6 USD.
//
// In JSON an Amount is a string of decimal base units ("123"), which every JSON reader keeps exact.
// In text for people (String) it is dollars with six decimals ("0.000123 USD").
type Amount uint64

// amountPerUSD is the number of base units in one dollar (the token's 6 decimals).
const amountPerUSD = 1_000_000

// ErrOverflow reports a sum or a price that does not fit 64 bits of base units (18.4e12 USD).
var ErrOverflow = errors.New("amount overflows 64 bits")

// String returns a in dollars with all six decimals: "0.000123 USD".
func (a Amount) String() string {
	return fmt.Sprintf("%d.%06d USD", uint64(a)/amountPerUSD, uint64(a)%amountPerUSD)
}

// Add returns a+b, or ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	sum, carry := bits.Add64(uint64(a), uint64(b), 0)
	if carry != 0 {
		return 0, fmt.Errorf("add %v to %v: %w", b, a, ErrOverflow)
	}
	return Amount(sum), nil
}

// SubFloor returns a-b, or 0 where b is larger.
func (a Amount) SubFloor(b Amount) Amount {
	if b > a {
		return 0
	}
	return a - b
}

// ParseAmount reads dollars with at most six decimals, with or without the unit: "1.5", "0.000123 USD".
func ParseAmount(s string) (Amount, error) {
	text := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), "USD"))
	whole, frac, hasPoint := strings.Cut(text, ".")
	if hasPoint && (frac == "" || len(frac) > 6) {
		return 0, fmt.Errorf("parse amount %q: want dollars with one to six decimals, such as 0.000123", s)
	}
	dollars, err := parseDigits(whole)
	if err != nil {
		return 0, fmt.Errorf("parse amount %q: %w", s, err)
	}
	units, err := parseDigits((frac + "000000")[:6])
	if err != nil {
		return 0, fmt.Errorf("parse amount %q: %w", s, err)
	}
	if dollars > (math.MaxUint64-units)/amountPerUSD {
		return 0, fmt.Errorf("parse amount %q: %w", s, ErrOverflow)
	}
	return Amount(dollars*amountPerUSD + units), nil
}

// parseDigits is strconv.ParseUint without the signs and underscores it would allow.
func parseDigits(s string) (uint64, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, fmt.Errorf("%q is not a run of decimal digits", s)
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, ErrOverflow // digits only, so range is the one thing that can be wrong
	}
	return n, nil
}

// MarshalJSON writes base units as a decimal string.
func (a Amount) MarshalJSON() ([]byte, error) {
	return []byte(`"` + strconv.FormatUint(uint64(a), 10) + `"`), nil
}

// UnmarshalJSON reads base units from a decimal string without sign or leading zeros.
func (a *Amount) UnmarshalJSON(data []byte) error {
	s := string(data)
	if len(s) < 3 || s[0] != '"' || s[len(s)-1] != '"' {
		return fmt.Errorf("read amount %.40s: want base units in a string, such as \"123\"", s)
	}
	n, err := parseDigits(s[1 : len(s)-1])
	if err != nil {
		return fmt.Errorf("read amount %.40s: %w", s, err)
	}
	if strconv.FormatUint(n, 10) != s[1:len(s)-1] {
		return fmt.Errorf("read amount %.40s: leading zeros are not canonical", s)
	}
	*a = Amount(n)
	return nil
}
