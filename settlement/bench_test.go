package settlement_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"flotilla/settlement"
)

// BenchmarkAcceptReceipt measures durable acceptance on disk: checks with four signature operations, one
// sync per group. The callers are what a gateway has: one goroutine per request in flight.
func BenchmarkAcceptReceipt(b *testing.B) {
	for _, inFlight := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("in_flight_%d", inFlight), func(b *testing.B) {
			f := newFixture(b, 4)
			l := f.open(b, f.gateway, b.TempDir())
			bundles := make([]settlement.Bundle, b.N)
			for i := range bundles { // recording and signing are other people's time
				o := f.opening(b, i%4)
				bundles[i] = f.served(b, i%4, o, uint64(i+1))
			}
			recordAll(b, l, bundles)
			b.ResetTimer()
			acceptAll(b, l, bundles, inFlight)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "receipts/s")
		})
	}
}

// BenchmarkReceipt measures one receipt from end to end, on disk: the operator checks, signs and stores it, the gateway
// checks, countersigns and stores it and signs the voucher. Run it with -cpu 1 for the figure of one core.
func BenchmarkReceipt(b *testing.B) {
	f := newFixture(b, 1)
	gateway, operator := f.open(b, f.gateway, b.TempDir()), f.open(b, f.operators[0], b.TempDir())
	openings := make([]settlement.Opening, b.N)
	for i := range openings { // ordering is not part of it
		openings[i] = f.opening(b, 0)
	}
	inParallel(b, 128, b.N, func(i int) error {
		_, _, err := gateway.RecordOrder(b.Context(), openings[i])
		return err
	})
	b.ResetTimer()
	inParallel(b, 128, b.N, func(i int) error {
		o := openings[i]
		asked := o.Bundle(testDomain, receipt(b, o, 0), nil)
		asked.Partial = false
		served, err := operator.RecordServed(b.Context(), asked)
		if err != nil {
			return err
		}
		_, err = gateway.AcceptReceipt(b.Context(), o.Bundle(testDomain, served.Receipt, served.OperatorSig))
		return err
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "receipts/s")
}

// BenchmarkRecordOrder measures writing an order down before it is sent, and how many bytes that writes. Its decision is as long as
// those of a fleet of three operators.
func BenchmarkRecordOrder(b *testing.B) {
	f := newFixture(b, 1)
	var decision strings.Builder
	random := rand.New(rand.NewPCG(1, 1))
	for decision.WriteString(`{"neighbours":[{"row":0}`); decision.Len() < 11_000; {
		fmt.Fprintf(&decision, `,{"row":%d,"similarity":%v,"weight":%v}`, random.IntN(100_000), random.Float64(), random.Float64())
	}
	decision.WriteString("]}")
	openings := make([]settlement.Opening, b.N)
	for i := range openings {
		o := f.opening(b, 0)
		o.DecisionJSON, o.Order.Decision = decision.String(), settlement.DecisionDigest([]byte(decision.String()))
		o.OrderSig = f.gateway.sign(b, o.Order.Digest(testDomain))
		openings[i] = o
	}
	l := f.open(b, f.gateway, b.TempDir())
	b.ResetTimer()
	for _, o := range openings {
		if _, _, err := l.RecordOrder(b.Context(), o); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	bytes, err := l.OpenOrderBytes()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(bytes)/float64(b.N), "written-B/op")
}

// inParallel calls do for 0 … n-1 from so many goroutines and reports the first error.
func inParallel(tb testing.TB, goroutines, n int, do func(i int) error) {
	tb.Helper()
	var next atomic.Int64
	errs := make(chan error, goroutines)
	for range goroutines {
		go func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					errs <- nil
					return
				}
				if err := do(i); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	for range goroutines {
		if err := <-errs; err != nil {
			tb.Error(err)
		}
	}
}

func recordAll(tb testing.TB, l *settlement.Ledger, bundles []settlement.Bundle) {
	tb.Helper()
	inParallel(tb, 64, len(bundles), func(i int) error {
		b := bundles[i]
		_, _, err := l.RecordOrder(tb.Context(), settlement.Opening{
			Advert: b.Advert, AdvertSig: b.AdvertSig, Order: b.Order, OrderSig: b.OrderSig, Salt: b.Salt, DecisionJSON: string(b.DecisionJSON),
		})
		return err
	})
}

func acceptAll(tb testing.TB, l *settlement.Ledger, bundles []settlement.Bundle, goroutines int) {
	tb.Helper()
	inParallel(tb, goroutines, len(bundles), func(i int) error {
		_, err := l.AcceptReceipt(tb.Context(), bundles[i])
		return err
	})
}

func BenchmarkVerify(b *testing.B) {
	f := newFixture(b, 2)
	bundle := f.settledBundle(b)
	for b.Loop() {
		if err := settlement.Verify(b.Context(), bundle, f.chain, settlement.VerifyOptions{Domain: testDomain}).Err(); err != nil {
			b.Fatal(err)
		}
	}
}
