package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"flotilla/node"
	"flotilla/node/access"
)

// configPoll is how often the config files are looked at. Asking for their times works on every file system and with every
// way in which editors replace a file.
const configPoll = 2 * time.Second

// liveFlags are those that a running gateway takes over; others need a restart.
var liveFlags = []string{
	"api-key", "lane-deposit", "max-output-tokens", "default-model", "accept-feedback", "share-index", "upgrade-share", "upgrade-usd", "cache", "cache-ttl", "cache-similarity", "log-level",
}

// source is where a command's configuration comes from.
type source struct {
	level *slog.LevelVar // of the log
	flags []*kong.Flag   // as they were read
	files []string       // config files, there or not
	again func() (*cli, []*kong.Flag, error)
}

// keepConfigured reads flags, environment and files again on hup and when a file has changed, until ctx ends. All of it
// is checked before any of it counts; what cannot be meant leaves everything as it was. What cannot be checked while the database is away
// is tried again until it can.
func (c *gatewayCmd) keepConfigured(ctx context.Context, s *streams, g *node.Gateway, hup <-chan os.Signal) {
	poll := time.NewTicker(configPoll)
	defer poll.Stop()
	seen, flags := s.source.state(), s.source.flags
	waiting := false // for the database
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			seen, waiting = s.source.state(), false
		case <-poll.C:
			now := s.source.state()
			if same := slices.Equal(now, seen); same && !waiting {
				continue
			} else if !same {
				seen, waiting = now, false
			}
		}
		next, err := s.source.reload(ctx, g)
		if err != nil {
			var away *access.UnavailableError
			again := errors.As(err, &away)
			if !again || !waiting {
				s.log.Error("configuration not reloaded; everything stays as it was", "err", err, "tried_again", again)
			}
			waiting = again
			continue
		}
		waiting = false
		changed, _ := changedFlags(flags, next)
		_, restart := changedFlags(s.source.flags, next) // those that it runs with
		s.log.Info("configuration reloaded", "changed", changed, "needs_restart", restart)
		flags = next
	}
}

// reload applies the configuration as it is now.
func (src source) reload(ctx context.Context, g *node.Gateway) ([]*kong.Flag, error) {
	all, flags, err := src.again()
	if err != nil {
		return nil, err
	}
	cfg, err := all.Gateway.config()
	if err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if _, err := all.Gateway.traceFlags.endpoint(); err != nil {
		return nil, err
	}
	if err := g.Reconfigure(ctx, cfg); err != nil {
		return nil, err
	}
	src.level.Set(all.LogLevel)
	return flags, nil
}

// changedFlags are the names of the flags that differ: those that count at once, and those that need a restart.
func changedFlags(old, now []*kong.Flag) (changed, restart []string) {
	before := map[string]any{}
	for _, f := range old {
		before[f.Name] = f.Target.Interface()
	}
	for _, f := range now {
		switch {
		case reflect.DeepEqual(before[f.Name], f.Target.Interface()):
		case slices.Contains(liveFlags, f.Name):
			changed = append(changed, f.Name)
		default:
			restart = append(restart, f.Name)
		}
	}
	return changed, restart
}

// fileState tells one content of a file from the next; absent files have none.
type fileState struct {
	name    string
	size    int64
	changed time.Time
}

func (src source) state() []fileState {
	var out []fileState
	for _, name := range src.files {
		if info, err := os.Stat(name); err == nil {
			out = append(out, fileState{name, info.Size(), info.ModTime()})
		}
	}
	return out
}
