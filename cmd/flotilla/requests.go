package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"flotilla/node/requestlog"
)

// requestsCmd shows the request log of a running gateway.
type requestsCmd struct {
	adminFlags
	Key      string `help:"Only of this API key, by its id." placeholder:"KEY-ID"`
	Model    string `help:"Only answered by this model." placeholder:"MODEL"`
	Operator string `help:"Only answered by this operator: its name, its address, or how that begins." placeholder:"0x…"`
	Status   string `help:"Only with this HTTP status: a number, a class such as 4xx, or error; 499 is a client that left." placeholder:"STATUS"`
	Since    string `help:"Only from this time on: a date, a time, or how long ago (2h)." placeholder:"WHEN"`
	Until    string `help:"Only before this time." placeholder:"WHEN"`
	Limit    int    `help:"Most requests to show, newest first." default:"20"`
	Cursor   string `help:"Go on where the page before ended." placeholder:"CURSOR"`
	JSON     bool   `help:"Print the page as JSON." name:"json"`
}

// Run prints a line a request.
func (c *requestsCmd) Run(ctx context.Context, s *streams) error {
	q := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	for name, value := range map[string]string{"key": c.Key, "model": c.Model, "operator": c.Operator, "status": c.Status, "cursor": c.Cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, value := range map[string]string{"since": c.Since, "until": c.Until} {
		at, err := parseWhen(value, time.Now())
		if err != nil {
			return fmt.Errorf("--%s: %w", name, err)
		}
		if ago, err := time.ParseDuration(value); err == nil {
			at = time.Now().Add(-ago)
		}
		if !at.IsZero() {
			q.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	var page requestlog.Page
	if err := c.call(ctx, http.MethodGet, "/requests?"+q.Encode(), nil, &page); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, page)
	}
	return printRequests(s.out, page)
}

// printRequests prints a line a request. Its model is named by whoever asked, and the reason quotes names.
func printRequests(out io.Writer, page requestlog.Page) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tKEY\tSTATUS\tASKED → MODEL ON OPERATOR\tTOKENS\tUSD\tFIRST/TOTAL MS\tREQUEST\tWHY")
	for _, r := range page.Requests {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d+%d\t%s\t%.0f/%.0f\t%s\t%s\n", r.At.UTC().Format(time.DateTime), r.Key, requestStatus(r), plain(requestWay(r)),
			r.PromptTokens, r.CompletionTokens, usdText(r.CostMicroUSD), r.FirstByteMillis, r.TotalMillis, r.ID, plain(r.Why))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if page.Next == "" {
		return nil
	}
	_, err := fmt.Fprintf(out, "more: --cursor %s\n", page.Next)
	return err
}

func requestStatus(r requestlog.Record) string {
	if r.Code == "" {
		return strconv.Itoa(r.Status)
	}
	return fmt.Sprintf("%d %s", r.Status, r.Code)
}

func requestWay(r requestlog.Record) string {
	if r.Model == "" {
		if r.Asked == "" {
			return r.Route
		}
		return r.Asked + " → -"
	}
	return fmt.Sprintf("%s → %s on %.10s", r.Asked, r.Model, r.Operator)
}

func usdText(micro uint64) string { return fmt.Sprintf("%d.%06d", micro/1_000_000, micro%1_000_000) }
