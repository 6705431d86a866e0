package access_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"flotilla/node/access"
	"flotilla/node/access/accesstest"
)

// killedDir tells the test binary to be a gateway that charges receipts until it is killed.
const killedDir = "FLOTILLA_ACCESS_KILLED_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		chargeForEver(dir)
	}
	os.Exit(m.Run())
}

// chargeForEver holds, notes a receipt on standard output (its ledger), and charges it.
func chargeForEver(dir string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	s, err := access.Open(dir, access.Options{Config: []string{"sk-config"}})
	fail(err)
	k, err := s.Find("sk-config")
	fail(err)
	for i := 0; ; i++ {
		r := access.Receipt{byte(i >> 16), byte(i >> 8), byte(i)}
		h, err := s.Hold(context.Background(), k.ID, r, 10)
		fail(err)
		if i%3 == 0 { // an order without a receipt
			fail(h.Release())
			continue
		}
		fmt.Println(r)
		fail(h.Charge(access.MicroUSD(i%7 + 1)))
	}
}

// kill -9 at any point, without a flush: what was spent is what the receipts say.
func TestKilledGatewayForgetsNoReceipt(t *testing.T) {
	for _, after := range []int{1, 2, 3, 50, 1000} {
		dir, began := t.TempDir(), time.Now().UTC()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killedDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var receipts []string
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			if err == io.EOF {
				break // a line without its end was not noted
			}
			if err != nil {
				t.Fatal(err)
			}
			if receipts = append(receipts, strings.TrimSpace(line)); len(receipts) == after {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
		if len(receipts) < after {
			t.Fatalf("the child ended by itself after %d receipts", len(receipts))
		}
		want := access.MicroUSD(0)
		ledger := map[string]access.MicroUSD{}
		for _, r := range receipts {
			raw, err := hex.DecodeString(strings.TrimPrefix(r, "0x"))
			if err != nil || len(raw) != 32 {
				t.Fatalf("receipt %q", r)
			}
			i := int(raw[0])<<16 | int(raw[1])<<8 | int(raw[2])
			ledger[r] = access.MicroUSD(i%7 + 1)
			want += ledger[r]
		}
		s := open(t, dir, access.Options{Config: []string{"sk-config"}, Charged: func(r access.Receipt) (access.MicroUSD, bool, error) {
			amount, ok := ledger[r.String()]
			return amount, ok, nil
		}})
		k := accesstest.List(t, s)[0]
		if k.Total != want || int(k.Receipts) != len(receipts) || k.Held != 0 {
			t.Errorf("killed after %d receipts: spent %s in %d, want %s", len(receipts), k.Total, k.Receipts, want)
		}
		if today, known := k.In(access.PeriodDay); (!known || today != want) && time.Now().Before(access.PeriodDay.End(began)) {
			t.Errorf("killed after %d receipts: spent %s today (known: %v), want %s", len(receipts), today, known, want)
		}
	}
}
