package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"flotilla/settlement"
)

// A batch file and receipt files verify from the RPC URL alone; a changed one exits with 1, a chain that is away with 2,
// and the JSON report says which check failed.
func TestVerifyReceiptsAndBatches(t *testing.T) {
	f := newFleet(t)
	admin := "http://127.0.0.1:" + strconv.Itoa(freePort(t))
	f.startGateway("--settle-every", "1h", "--admin-listen", strings.TrimPrefix(admin, "http://"))
	f.startOperator("alder", newModelServer(t, 6, -1).URL, "10/20")
	f.waitServing(1)
	for range 3 {
		if a := f.chat("hello"); !a.done {
			t.Fatalf("answer %+v", a)
		}
	}
	if status, out := f.command("settle", "now", "--admin", admin); status != 0 || !strings.Contains(out, "settled     1 batches") {
		t.Fatalf("settle now: %d\n%s", status, out)
	}
	dir := t.TempDir()
	for i, b := range f.bundles() {
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "receipt"+strconv.Itoa(i)+".json"), raw)
	}
	status, batch := f.command("settle", "batch", "1", "--admin", admin)
	if status != 0 {
		t.Fatalf("settle batch: %d\n%s", status, batch)
	}
	write(t, filepath.Join(dir, "batch.json"), []byte(batch))
	if status, out := f.command("verify", "--all", dir, "--rpc", f.chain.URL()); status != 0 || strings.Count(out, "\nreceipt 0x") != 3 || !strings.Contains(out, "batch 1 of ") || strings.Contains(out, "FAIL") {
		t.Fatalf("verify --all: %d\n%s", status, out)
	}

	forged := strings.Replace(batch, `"receiptCount": 3`, `"receiptCount": 4`, 1)
	if forged == batch {
		t.Fatalf("nothing was forged in %s", batch)
	}
	file := filepath.Join(t.TempDir(), "forged.json")
	write(t, file, []byte(forged))
	status, out := f.command("verify", file, "--json", "--rpc", f.chain.URL())
	var reports []settlement.Report
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&reports); err != nil || status != 1 || len(reports) != 1 {
		t.Fatalf("verify a forged batch: %d (%v)\n%s", status, err, out)
	}
	failed := map[string]bool{}
	for _, c := range reports[0].Checks {
		failed[c.Name] = !c.OK && !c.Skipped && c.Error != ""
	}
	if !failed[settlement.CheckBatchSignature] || !failed[settlement.CheckBatchRoot] || failed[settlement.CheckLaneTotal] {
		t.Errorf("failed checks are %v", failed)
	}
	if status, _ := f.command("verify", "--all", dir, "--rpc", "http://127.0.0.1:1"); status != 2 {
		t.Errorf("without a chain: status %d, want 2", status)
	}
	if status, _ := f.command("settle", "batch", "9", "--admin", admin); status != 1 {
		t.Errorf("a batch that is not there: status %d, want 1", status)
	}
}

func write(t *testing.T, file string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(file, bytes.TrimSpace(raw), 0o600); err != nil {
		t.Fatal(err)
	}
}
