package settlement_test

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"flotilla/settlement"
)

func TestAmountText(t *testing.T) {
	for amount, text := range map[settlement.Amount]string{
		0: "0.000000 USD", 123: "0.000123 USD", 1_000_000: "1.000000 USD", math.MaxUint64: "18446744073709.551615 USD",
	} {
		if got := amount.String(); got != text {
			t.Errorf("%d is %q, want %q", uint64(amount), got, text)
		}
	}
	for text, want := range map[string]settlement.Amount{"1": 1_000_000, "1.5": 1_500_000, "0.000001 USD": 1, " 2.25USD ": 2_250_000} {
		if got, err := settlement.ParseAmount(text); got != want || err != nil {
			t.Errorf("%q parses to %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".5", "1.", "1.0000001", "-1", "+1", "1e3", "1_000", "0x10", "USD", "18446744073709.551616", "99999999999999999999"} {
		if got, err := settlement.ParseAmount(text); err == nil {
			t.Errorf("%q parses to %v", text, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a := settlement.Amount(rapid.Uint64().Draw(t, "amount"))
		back, err := settlement.ParseAmount(a.String())
		if err != nil || back != a {
			t.Fatalf("%v came back as %v (%v)", a, back, err)
		}
		var decoded settlement.Amount
		data, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &decoded); err != nil || decoded != a {
			t.Fatalf("%s came back as %v (%v)", data, decoded, err)
		}
	})
	for _, text := range []string{`1`, `""`, `"01"`, `"-1"`, `"1.5"`, `"18446744073709551616"`, `null`, `"`, `"1`} {
		var a settlement.Amount
		if err := a.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s decodes to %d", text, uint64(a))
		}
	}
}

func TestAmountAdd(t *testing.T) {
	_, err := settlement.Amount(math.MaxUint64).Add(1)
	wantErr(t, err, settlement.ErrOverflow)
	if sum, err := settlement.Amount(math.MaxUint64 - 1).Add(1); sum != math.MaxUint64 || err != nil {
		t.Errorf("sum %d (%v)", uint64(sum), err)
	}
	if d := settlement.Amount(3).SubFloor(5); d != 0 {
		t.Errorf("3 - 5 is %v", d)
	}
}

// TestCostAgainstBigInt compares with the formula in arbitrary precision.
func TestCostAgainstBigInt(t *testing.T) {
	price := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 10_000_000), rapid.Just(uint64(math.MaxUint64)))
	tokens := rapid.OneOf(rapid.Uint32(), rapid.Uint32Range(0, 5000), rapid.Just(uint32(math.MaxUint32)))
	rapid.Check(t, func(t *rapid.T) {
		p := settlement.Price{InputPerMTok: price.Draw(t, "input"), OutputPerMTok: price.Draw(t, "output"), PerRequest: price.Draw(t, "flat")}
		in, out := tokens.Draw(t, "in"), tokens.Draw(t, "out")
		num := new(big.Int).Mul(new(big.Int).SetUint64(p.InputPerMTok), big.NewInt(int64(in)))
		num.Add(num, new(big.Int).Mul(new(big.Int).SetUint64(p.OutputPerMTok), big.NewInt(int64(out))))
		want := num.Add(num, big.NewInt(999_999))
		want.Quo(want, big.NewInt(1_000_000))
		want.Add(want, new(big.Int).SetUint64(p.PerRequest))
		got, err := settlement.Cost(p, in, out)
		if !want.IsUint64() {
			if err == nil {
				t.Fatalf("cost %v, want an overflow for %v", got, want)
			}
			return
		}
		if err != nil || uint64(got) != want.Uint64() {
			t.Fatalf("cost %d (%v), want %v", uint64(got), err, want)
		}
	})
}

// TestCostAtItsEdges: fractions round up from the first base unit to the last that fits.
func TestCostAtItsEdges(t *testing.T) {
	for _, tc := range []struct {
		price   settlement.Price
		in, out uint32
		want    settlement.Amount
		err     error
	}{
		{settlement.Price{InputPerMTok: 1}, 1, 0, 1, nil},
		{settlement.Price{InputPerMTok: 1, OutputPerMTok: 1}, 1_000_000, 1, 2, nil},
		{settlement.Price{InputPerMTok: math.MaxUint64}, 1_000_000, 0, math.MaxUint64, nil},
		{settlement.Price{InputPerMTok: math.MaxUint64, OutputPerMTok: 1}, 1_000_000, 1, 0, settlement.ErrOverflow},
		{settlement.Price{InputPerMTok: math.MaxUint64, PerRequest: 1}, 1_000_000, 0, 0, settlement.ErrOverflow},
	} {
		got, err := settlement.Cost(tc.price, tc.in, tc.out)
		if got != tc.want {
			t.Errorf("%d and %d tokens at %+v cost %d, want %d", tc.in, tc.out, tc.price, uint64(got), uint64(tc.want))
		}
		wantErr(t, err, tc.err)
	}
}
