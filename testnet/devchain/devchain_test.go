package devchain_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
	"flotilla/testnet/devchain"
)

// childDir names the chain folder in the environment of a child process: see TestMain.
const childDir = "FLOTILLA_DEVCHAIN_TEST_CHILD"

const usd = settlement.Amount(1_000_000)

// TestMain turns the test binary into a process that runs a chain until it is killed.
func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	chain, err := devchain.Start(context.Background(), config(dir))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(chain.URL())
	_, _ = io.Copy(io.Discard, os.Stdin) // ends when the parent does, should it die before it kills
}

// key returns a fixed key, the same in parent and child.
func key(name string) *ecdsa.PrivateKey {
	k, err := crypto.ToECDSA(crypto.Keccak256([]byte(name)))
	if err != nil {
		panic(err)
	}
	return k
}

func account(name string) common.Address { return ethchain.AddressOf(key(name)) }

func config(dir string) devchain.Config {
	ether := func(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), big.NewInt(1e18)) }
	return devchain.Config{DataDir: dir, BlockGap: 10 * time.Millisecond, Alloc: map[common.Address]*big.Int{
		account("deployer"): ether(100), account("operator"): ether(100),
	}}
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stakeSome deploys or finds the contracts and adds a dollar of stake.
func stakeSome(t *testing.T, client *ethclient.Client) {
	t.Helper()
	ctx := deadline(t)
	d, err := devchain.Deploy(ctx, client, key("deployer"), devchain.DefaultParams())
	must(t, err)
	must(t, devchain.Mint(ctx, client, key("deployer"), d.Token, account("operator"), usd))
	must(t, open(t, client).AddStake(ctx, usd))
}

func open(t *testing.T, client *ethclient.Client) *ethchain.Chain {
	t.Helper()
	c, err := ethchain.New(deadline(t), ethchain.Config{
		Client: client, ChainID: devchain.ChainID, Key: key("operator"),
		Contract: devchain.AddressesOf(account("deployer")).Settlement,
	})
	must(t, err)
	return c
}

func checkStake(t *testing.T, client *ethclient.Client, want settlement.Amount) {
	t.Helper()
	got, err := open(t, client).Stake(deadline(t), account("operator"))
	must(t, err)
	if got.Amount != want {
		t.Fatalf("stake is %s, want %s", got.Amount, want)
	}
}

func TestChainSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	for run := settlement.Amount(1); run <= 3; run++ {
		chain, err := devchain.Start(deadline(t), config(dir))
		must(t, err)
		checkStakeIfDeployed(t, chain.Client(), (run-1)*usd)
		stakeSome(t, chain.Client())
		checkStake(t, chain.Client(), run*usd)
		must(t, chain.Close())
		must(t, chain.Close()) // again does nothing
	}
}

func checkStakeIfDeployed(t *testing.T, client *ethclient.Client, want settlement.Amount) {
	t.Helper()
	if want > 0 {
		checkStake(t, client, want)
	}
}

func TestChainSurvivesSIGKILL(t *testing.T) {
	dir := t.TempDir()
	for run := settlement.Amount(1); run <= 3; run++ {
		url, kill := startChild(t, dir)
		client, err := ethclient.DialContext(deadline(t), url)
		must(t, err)
		checkStakeIfDeployed(t, client, (run-1)*usd)
		stakeSome(t, client)
		// The receipt may be seen some milliseconds before the block is synced (see Chain.sync): a second
		// block says that the first is.
		must(t, devchain.Mint(deadline(t), client, key("deployer"), devchain.AddressesOf(account("deployer")).Token, common.Address{1}, 1))
		client.Close()
		kill()
	}
	chain, err := devchain.Start(deadline(t), config(dir))
	must(t, err)
	checkStake(t, chain.Client(), 3*usd)
	must(t, chain.Close())
}

func startChild(t *testing.T, dir string) (url string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	_, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	kill = func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("child says %q: %v", line, err)
	}
	return strings.TrimSpace(line), kill
}

func TestRestartRefusesStrangersAndOtherParameters(t *testing.T) {
	dir := t.TempDir()
	chain, err := devchain.Start(deadline(t), config(dir))
	must(t, err)
	stakeSome(t, chain.Client())
	params := devchain.DefaultParams()
	params.MinPenalty++
	if _, err := devchain.Deploy(deadline(t), chain.Client(), key("deployer"), params); err == nil || !strings.Contains(err.Error(), "remove") {
		t.Errorf("deploying with other parameters: %v, want an error that says what to do", err)
	}
	must(t, chain.Close())

	cfg := config(dir)
	cfg.Alloc[account("stranger")] = big.NewInt(1)
	if chain, err := devchain.Start(deadline(t), cfg); err == nil || !strings.Contains(err.Error(), "remove") {
		if chain != nil {
			must(t, chain.Close())
		}
		t.Errorf("starting with a new account: %v, want an error that says what to do", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "genesis.json"), []byte("{"), 0o600))
	if _, err := devchain.Start(deadline(t), config(dir)); err == nil {
		t.Error("started from a broken first block")
	}
}

func TestIdleChainMakesNoBlocksAndKeepsTheTime(t *testing.T) {
	chain, err := devchain.Start(deadline(t), config(""))
	must(t, err)
	t.Cleanup(func() { must(t, chain.Close()) })
	stakeSome(t, chain.Client())
	before, err := chain.Client().HeaderByNumber(deadline(t), nil)
	must(t, err)
	time.Sleep(200 * time.Millisecond) // twenty gaps: a loop that makes empty blocks makes some here
	after, err := chain.Client().HeaderByNumber(deadline(t), nil)
	must(t, err)
	if after.Number.Cmp(before.Number) != 0 {
		t.Fatalf("an idle chain went from block %s to %s", before.Number, after.Number)
	}
	must(t, chain.Warp(time.Hour))
	warped, err := chain.Client().HeaderByNumber(deadline(t), nil)
	must(t, err)
	if warped.Time != after.Time+3600 {
		t.Fatalf("time went from %d to %d in a warp of 3600 s", after.Time, warped.Time)
	}
}

func TestTwoChainsOnOnePort(t *testing.T) {
	first, err := devchain.Start(deadline(t), config(""))
	must(t, err)
	t.Cleanup(func() { must(t, first.Close()) })
	var port int
	if _, err := fmt.Sscanf(first.URL(), "http://127.0.0.1:%d", &port); err != nil {
		t.Fatalf("URL is %q: %v", first.URL(), err)
	}
	cfg := config("")
	cfg.Port = port
	if second, err := devchain.Start(deadline(t), cfg); err == nil {
		must(t, second.Close())
		t.Fatal("two chains share a port")
	} else if !strings.Contains(err.Error(), "port") {
		t.Fatalf("error %q does not name the port", err)
	}
}
