package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"flotilla/node/postgres/pgtest"
)

// A running gateway takes over what can change: when its file does, and on SIGHUP. A file that cannot be meant changes
// nothing and is told of.
func TestConfigurationIsReloaded(t *testing.T) {
	f := newFleet(t)
	file := f.dir + "/flotilla.toml"
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("[gateway]\napi-key = [\"sk-old\"]\n")
	f.gateway = f.start("gateway", "gateway", "--config", file, "--listen", f.http, "--p2p-listen", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", f.p2pPort))
	serves := func(key string, want int) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+f.http+"/v1/models", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			return fmt.Errorf("%s: %s, want %d", key, resp.Status, want)
		}
		return nil
	}
	f.eventually("the first key is served", func() error { return serves("sk-old", http.StatusOK) })

	write("[gateway]\napi-key = [\"sk-new\"]\nlisten = \"127.0.0.1:1\"\nsettle-count = 7\n")
	f.eventually("the new key is served", func() error { return serves("sk-new", http.StatusOK) })
	if err := serves("sk-old", http.StatusUnauthorized); err != nil {
		t.Error(err)
	}
	f.says(`"configuration reloaded" changed=[api-key] needs_restart=[settle-count]`, 1) // the flag beats the file for listen

	for i, bad := range []string{"[gateway]\napi-keyy = [\"sk-bad\"]\n", "[gateway]\nlane-deposit = \"much\"\napi-key = [\"sk-bad\"]\n", "[gate", "[gateway]\ntrace-share = 9.0\napi-key = [\"sk-bad\"]\n",
		"", "[gateway]\napi-key = []\n", "[gateway]\napi-key = [\"sk-bad" + strings.Repeat("d", 5000) + "\"]\n",
		"[gateway]\nstore = \"mysql://db\"\napi-key = [\"sk-bad\"]\n", "[gateway]\nstore-lease = \"1ms\"\napi-key = [\"sk-bad\"]\n"} {
		write(bad)
		f.says("configuration not reloaded", i+1)
		if err := serves("sk-new", http.StatusOK); err != nil {
			t.Error(err)
		}
	}
	f.says("gateway.api-keyy is no flag", 1)
	f.says("--lane-deposit", 1)
	f.says("has no API key any more", 2)
	f.says("API key 1 of 1 could never be used", 1)

	// What needs a restart is said until the gateway has what it started with again, whatever changes meanwhile.
	write("[gateway]\napi-key = [\"sk-new\"]\nsettle-count = 7\ndefault-model = \"m\"\n")
	f.says(`changed=[default-model] needs_restart=[settle-count]`, 1)
	write("[gateway]\napi-key = [\"sk-new\"]\n")
	f.says(`changed=[default-model] needs_restart=[]`, 1)
	if err := f.gateway.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	f.says("configuration reloaded", 4) // also where nothing has changed
}

// A configuration that cannot be checked while the database is away counts when the database is back, without anybody's doing.
func TestConfigurationIsReloadedWhenTheDatabaseIsBack(t *testing.T) {
	cluster := pgtest.Start(t)
	store := cluster.Database()
	f := newFleet(t)
	file := f.dir + "/flotilla.toml"
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("[gateway]\napi-key = [\"sk-old\"]\n")
	if status, out := f.command("keys", "create", "stored", "--store", store); status != 0 {
		t.Fatal(out)
	}
	f.gateway = f.start("gateway", "gateway", "--config", file, "--store", store, "--listen", f.http, "--p2p-listen", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", f.p2pPort))
	f.says("bootstrap ", 1)
	cluster.Down()
	write("[gateway]\napi-key = []\n")
	f.says("configuration not reloaded", 1)
	time.Sleep(3 * configPoll)
	cluster.Up()
	f.says(`"configuration reloaded" changed=[api-key]`, 1)
	f.says("configuration not reloaded", 1)
	if n := strings.Count(f.gateway.out.String(), "configuration not reloaded"); n > 1 {
		t.Errorf("that it waits is said %d times", n)
	}
}

// White space around keys, as after the commas of a list, is none of theirs.
func TestSpacesAroundKeys(t *testing.T) {
	t.Setenv("FLOTILLA_API_KEYS", "sk-a, sk-b ,\tsk-c\n")
	c, _, exited, err := parse(t.Context(), []string{"gateway", "--data-dir", t.TempDir(), "--key", "k", "--rpc", "http://127.0.0.1:1", "--contract", "0x243c951D43009F1fe349b2550146B1236eDb5e39"}, io.Discard, io.Discard)
	if err != nil || exited >= 0 {
		t.Fatalf("%d, %v", exited, err)
	}
	cfg, err := c.Gateway.config()
	if err == nil {
		err = cfg.Validate()
	}
	if want := []string{"sk-a", "sk-b", "sk-c"}; err != nil || !slices.Equal(cfg.APIKeys, want) {
		t.Errorf("%q: %v", cfg.APIKeys, err)
	}
}

// says waits until the gateway has logged the text so often.
func (f *fleet) says(text string, times int) {
	f.t.Helper()
	f.eventually("the log says: "+text, func() error {
		if n := strings.Count(f.gateway.out.String(), text); n < times {
			return fmt.Errorf("%d times, want %d", n, times)
		}
		return nil
	})
}

// What an answer may have where its request sets no limit is said like all else, and can change while the gateway runs.
func TestOutputLimit(t *testing.T) {
	for _, o := range []struct {
		args []string
		want uint32
	}{{nil, 1024}, {[]string{"--max-output-tokens", "8192"}, 8192}} {
		args := []string{"gateway", "--data-dir", t.TempDir(), "--key", "k", "--rpc", "http://127.0.0.1:1", "--contract", "0x243c951D43009F1fe349b2550146B1236eDb5e39"}
		c, _, exited, err := parse(t.Context(), append(args, o.args...), io.Discard, io.Discard)
		if err != nil || exited >= 0 {
			t.Fatalf("%v: %d, %v", o.args, exited, err)
		}
		cfg, err := c.Gateway.config()
		if err != nil || cfg.MaxOutputTokens != o.want {
			t.Errorf("%v: %d, %v, want %d", o.args, cfg.MaxOutputTokens, err, o.want)
		}
	}
	if !slices.Contains(liveFlags, "max-output-tokens") {
		t.Error("it needs a restart")
	}
}
