package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"flotilla/node"
	"flotilla/node/access"
	"flotilla/node/access/pgstore"
	"flotilla/node/postgres"
)

// keysCmd makes and revokes the API keys of a gateway.
type keysCmd struct {
	Create keysCreateCmd `cmd:"" help:"Make a key and show it, this once."`
	List   keysListCmd   `cmd:"" help:"Show the keys, what they may do and what they have spent."`
	Revoke keysRevokeCmd `cmd:"" help:"Refuse a key from now on."`
}

// keysTarget is whose keys a command works on: a running gateway's, or a stopped one's.
type keysTarget struct {
	DataDir string `help:"Data directory of a stopped gateway; without it, the running gateway is asked." type:"path" placeholder:"DIR"`
	Store   string `help:"Database that gateways share, as their --store; none of them need run." placeholder:"URL"`
	adminFlags
}

// storedKeys are keys that no gateway is asked for.
type storedKeys interface {
	Create(context.Context, access.Terms) (string, access.Key, error)
	Revoke(ctx context.Context, id access.KeyID, forget bool) (access.Key, error)
	List(context.Context) ([]access.Status, error)
}

// do runs stored on the stopped gateway's keys, or asks the running one; the answer goes to out.
func (t keysTarget) do(ctx context.Context, method, path string, request, out any, stored func(storedKeys) error) error {
	if t.Store != "" {
		pool, err := postgres.Open(ctx, t.Store, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		defer postgres.Close(pool)
		keys, err := pgstore.OpenDirectory(ctx, pool)
		if err != nil {
			return err
		}
		return stored(keys)
	}
	if t.DataDir != "" {
		if _, err := os.Stat(t.DataDir); err != nil {
			return fmt.Errorf("--data-dir: %w: name the gateway's, or make it where the gateway has not run yet", err)
		}
		s, err := access.Open(filepath.Join(t.DataDir, node.AccessDirName), access.Options{})
		if err != nil {
			return err
		}
		err = stored(s)
		if closeErr := s.Close(); err == nil {
			err = closeErr
		}
		return err
	}
	return t.call(ctx, method, path, request, out)
}

type keysCreateCmd struct {
	keysTarget
	Name              string        `arg:"" help:"What it is for; shown in lists."`
	Expires           string        `help:"When it ends: a date such as 2026-12-31, or a time from now such as 720h." placeholder:"WHEN"`
	Budget            usd           `help:"Most USD that it may spend in a period (see --reset); 0 sets no limit." default:"0"`
	Reset             string        `help:"How often the budget starts again, in UTC: none, hour, day, week (on Monday) or month." enum:"none,hour,day,week,month" default:"none"`
	RequestsPerMinute uint64        `help:"Most requests in any 60 seconds; 0 sets no limit." default:"0"`
	TokensPerMinute   uint64        `help:"Most tokens, in and out, in any 60 seconds; 0 sets no limit." default:"0"`
	Concurrent        uint64        `help:"Most requests at once; 0 sets no limit." default:"0"`
	Allow             []string      `help:"Only these models: patterns such as llama-*. They bind fallbacks too." placeholder:"PATTERN"`
	Block             []string      `help:"Not these models; stronger than --allow." placeholder:"PATTERN"`
	Dial              *float64      `help:"Where the dial stands for requests that do not set it: 0 most capable … 10 cheapest capable." placeholder:"0..10"`
	UpgradeUSD        usd           `help:"Most USD a day that its answers may cost above the cheapest capable; 0 leaves the gateway's." name:"upgrade-usd" default:"0"`
	UpgradeShare      float64       `help:"Largest share (0 to 1) of its requests in a day that may cost more than the cheapest capable; 0 leaves the gateway's." default:"0"`
	Cache             string        `help:"Give its answers again: off; exact, to the same request; semantic, also to one that asks the same in other words. Without it, as the gateway is set." enum:",off,exact,semantic" default:""`
	CacheTTL          time.Duration `help:"How long an answer may be given again; 0 leaves the gateway's." name:"cache-ttl" default:"0"`
	CacheSimilarity   float64       `help:"Least similarity (cosine, 0.8 to 1) of two texts that ask the same; 0 leaves the gateway's." name:"cache-similarity" default:"0"`
	JSON              bool          `help:"Print it as JSON." name:"json"`
}

// Run makes the key.
func (c *keysCreateCmd) Run(ctx context.Context, s *streams) error {
	expires, err := parseWhen(c.Expires, time.Now())
	if err != nil {
		return fmt.Errorf("--expires: %w", err)
	}
	if !expires.IsZero() && !expires.After(time.Now()) {
		return fmt.Errorf("--expires: %s is over: the key would be refused from the start", c.Expires)
	}
	kept, err := caching(c.Cache, c.CacheTTL, c.CacheSimilarity)
	if err != nil {
		return err
	}
	terms := access.Terms{
		Name: c.Name, Expires: expires, Budget: access.MicroUSD(c.Budget), Reset: access.Period(c.Reset),
		RequestsPerMinute: c.RequestsPerMinute, TokensPerMinute: c.TokensPerMinute, Concurrent: c.Concurrent,
		Allow: c.Allow, Block: c.Block, Dial: c.Dial, UpgradeBudget: access.MicroUSD(c.UpgradeUSD), UpgradeShare: c.UpgradeShare, Cache: kept,
	}
	var k node.CreatedKey
	err = c.do(ctx, http.MethodPost, "/keys", terms, &k, func(store storedKeys) (err error) {
		k.Secret, k.Key, err = store.Create(ctx, terms)
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, k)
	}
	_, err = fmt.Fprintf(s.out, "%s\n\n%s  %s\nThe key is shown this once; only its hash is kept.\n", k.Secret, k.ID, k.Name)
	return err
}

// parseWhen reads a date, a time, or a duration from now; "" is the zero time.
func parseWhen(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d).UTC().Truncate(time.Second), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q: want a date such as 2026-12-31, a time such as 2026-12-31T18:00:00Z, or a duration such as 720h", text)
}

type keysListCmd struct {
	keysTarget
	JSON bool `help:"Print them as JSON." name:"json"`
}

// Run prints a line a key.
func (c *keysListCmd) Run(ctx context.Context, s *streams) error {
	keys := []access.Status{}
	err := c.do(ctx, http.MethodGet, "/keys", nil, &keys, func(store storedKeys) (err error) {
		keys, err = store.List(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, keys)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tSTATE\tSPENT USD\tBUDGET USD\tRESETS\tLIMITS")
	for _, k := range keys {
		budget, resets := "-", "-"
		if k.Budget > 0 {
			budget = k.Budget.String()
		}
		if !k.ResetAt.IsZero() {
			resets = k.ResetAt.UTC().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, keyState(k.Key, time.Now()), k.Spent, budget, resets, keyLimits(k.Terms))
	}
	return w.Flush()
}

func keyState(k access.Key, now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return "expired"
	}
	return "active"
}

func keyLimits(t access.Terms) string {
	var out []string
	add := func(set bool, format string, v any) {
		if set {
			out = append(out, fmt.Sprintf(format, v))
		}
	}
	add(t.RequestsPerMinute > 0, "%d requests/min", t.RequestsPerMinute)
	add(t.TokensPerMinute > 0, "%d tokens/min", t.TokensPerMinute)
	add(t.Concurrent > 0, "%d at once", t.Concurrent)
	add(len(t.Allow) > 0, "allow %s", strings.Join(t.Allow, " "))
	add(len(t.Block) > 0, "block %s", strings.Join(t.Block, " "))
	if t.Dial != nil {
		out = append(out, fmt.Sprintf("dial %v", *t.Dial))
	}
	add(t.UpgradeBudget > 0, "upgrades %s USD/day", t.UpgradeBudget)
	add(t.UpgradeShare > 0, "upgrades %v of requests", t.UpgradeShare)
	add(t.Cache.Mode != "", "cache %s", t.Cache.Mode)
	add(!t.Expires.IsZero(), "until %s", t.Expires.UTC().Format(time.DateOnly))
	if out == nil {
		return "none"
	}
	return strings.Join(out, ", ")
}

type keysRevokeCmd struct {
	keysTarget
	ID     string `arg:"" help:"Its id, as 'keys list' shows it."`
	Forget bool   `help:"Also drop it from the list, with what it has spent."`
}

// Run revokes; requests under way finish.
func (c *keysRevokeCmd) Run(ctx context.Context, s *streams) error {
	var k access.Key
	request := node.RevokedKey{ID: access.KeyID(c.ID), Forget: c.Forget}
	err := c.do(ctx, http.MethodPost, "/keys/revoke", request, &k, func(store storedKeys) (err error) {
		k, err = store.Revoke(ctx, request.ID, c.Forget)
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s  %s  revoked\n", k.ID, k.Name)
	return err
}
