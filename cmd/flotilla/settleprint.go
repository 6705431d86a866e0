package main

import (
	"fmt"
	"io"
	"time"

	"flotilla/settlement"
)

// isOperators says whether a state of settlement is an operator's: a list of lanes.
func isOperators(raw []byte) bool { return len(raw) > 0 && raw[0] == '[' }

// printSettlement prints a node's answer: a gateway's state is an object, an operator's a list of lanes.
func printSettlement(out io.Writer, raw []byte, asJSON bool) error {
	if asJSON {
		_, err := out.Write(raw)
		return err
	}
	if isOperators(raw) {
		var lanes []settlement.OwedLane
		if err := readAnswer(raw, &lanes); err != nil {
			return err
		}
		printOwed(out, lanes)
		return nil
	}
	var st settlement.SettleStatus
	if err := readAnswer(raw, &st); err != nil {
		return err
	}
	printStatus(out, st)
	return nil
}

func printStatus(out io.Writer, st settlement.SettleStatus) {
	fmt.Fprintf(out, "payer       %s\n", st.Payer)
	fmt.Fprintf(out, "pending     %d receipts worth %s on %d lanes%s\n", st.Pending.Receipts, st.Pending.Value, st.LaneCount, since(", the oldest of ", st.Pending.Oldest))
	if b := st.InFlight; b != nil {
		fmt.Fprintf(out, "in flight   batch %d: %d receipts on %d lanes, %s, sent %d times, %d of %d blocks deep, transaction %s\n",
			b.Epoch, b.Receipts, b.Lanes, b.State, b.Sent, b.Depth, b.Wanted, b.Tx)
	}
	fmt.Fprintf(out, "settled     %d batches%s\n", st.SettledEpoch, since(", the last at ", st.SettledAt))
	for _, l := range st.Lanes {
		fmt.Fprintf(out, "  %s  %d receipts worth %s: %s\n", l.Payee, l.Receipts, l.Value, l.Why)
	}
	if more := st.LaneCount - len(st.Lanes); more > 0 {
		fmt.Fprintf(out, "  … and %d lanes more\n", more)
	}
	if st.Evidence > 0 {
		fmt.Fprintf(out, "faults      %d not punished yet: flotilla dispute\n", st.Evidence)
	}
	if st.Error != "" {
		fmt.Fprintf(out, "waiting     since %s: %s\n", st.ErrorSince.Format(time.RFC3339), st.Error)
	}
}

func printOwed(out io.Writer, lanes []settlement.OwedLane) {
	for _, l := range lanes {
		fmt.Fprintf(out, "%s  %d receipts, served %s, vouchered %s, at risk %s\n", l.Payer, l.Receipts, l.Served, l.Vouchered, l.Unvouchered)
	}
	if len(lanes) == 0 {
		fmt.Fprintln(out, "nothing was served yet")
	}
}

// since prints a time with words before it, and nothing for no time.
func since(words string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return words + t.UTC().Format(time.RFC3339)
}
