// Command flotilla runs the nodes of a decentralised fleet of open-weight models, and checks what they did.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"flotilla/internal/hangup"
	"flotilla/testnet/devchain"
)

const about = `flotilla answers OpenAI API requests from a fleet of operators that run open-weight models, sends each prompt
to the cheapest operator that is good enough for it, and leaves a signed receipt that anyone can check on chain.

First steps:
  flotilla demo                 the whole story on this machine, with real models
  flotilla testnet up           the same fleet, kept running for your own requests

Every flag can also be set in a TOML file, and in the environment where FLOTILLA_… is shown beside it. In the file,
global flags are top-level keys, a command's stand in a table of its name: [gateway], [testnet.up]. Flag beats environment
beats file; of files --config beats ./flotilla.toml beats flotilla/flotilla.toml in the user's configuration folder.`

// cli is the whole command line. Field docs are the help texts.
type cli struct {
	Config   configFlag       `help:"TOML file with the same names as the flags." env:"FLOTILLA_CONFIG" type:"path" placeholder:"FILE"`
	LogLevel slog.Level       `help:"Least level that is logged: debug, info, warn, error." env:"FLOTILLA_LOG_LEVEL" default:"info"`
	LogJSON  bool             `help:"Log as JSON lines." env:"FLOTILLA_LOG_JSON"`
	Version  kong.VersionFlag `help:"Print which version this is."`

	Demo    demoCmd `cmd:"" help:"Run the whole story once on real models: route, answer, settle, verify, detect tampering."`
	Testnet struct {
		Up   testnetUpCmd   `cmd:"" help:"Start a local fleet (chain, three operators, gateway) and keep it running until Ctrl-C."`
		Fund testnetFundCmd `cmd:"" help:"Give an account test money on a local fleet's chain, for another gateway or operator."`
	} `cmd:"" help:"A complete fleet on this machine."`
	Gateway  gatewayCmd  `cmd:"" help:"Run a gateway: OpenAI API in front, the fleet behind."`
	Operator operatorCmd `cmd:"" help:"Run an operator: serve local models to the fleet and get paid."`
	Route    routeCmd    `cmd:"" help:"Show where a prompt would go and why, without running it."`
	Verify   verifyCmd   `cmd:"" help:"Verify receipts from their files and the chain alone."`
	Settle   settleCmd   `cmd:"" help:"Show a running node's settlement, or hurry it."`
	Dispute  disputeCmd  `cmd:"" help:"Bring provable faults of operators to the chain."`
	Stake    stakeCmd    `cmd:"" help:"For operators: stake, thaw, withdraw."`
	Escrow   escrowCmd   `cmd:"" help:"For gateways: fund and empty lanes, let other keys sign."`
	Claim    claimCmd    `cmd:"" help:"Pay out what an account has been credited."`
	Probe    probeCmd    `cmd:"" help:"Measure a model on automatically graded prompts and write index rows."`
	Index    indexCmd    `cmd:"" help:"Show and edit the labelled prompts that routing rests on, of a file or of a running gateway."`
	Keys     keysCmd     `cmd:"" help:"Make, list and revoke the API keys of a gateway: budgets, rate limits, models."`
	Requests requestsCmd `cmd:"" help:"Show a running gateway's request log: who asked for what, who answered and why, what it cost."`
	Feedback feedbackCmd `cmd:"" help:"Review what users said of answers (POST /v1/feedback) before routing learns from it."`
	Judge    judgeCmd    `cmd:"" help:"Let a model grade logged answers, and write index rows."`
	Eval     evalCmd     `cmd:"" help:"Evaluate the router by cross-validation on a table of outcomes."`
	Attack   attackCmd   `cmd:"" help:"Attack the router with crafted texts, planted rows and absurd prices; fails when a bar is missed."`
	Key      keyCmd      `cmd:"" help:"Make a new signing key in an encrypted key file."`
}

// oneSignal is the time in which a signal that comes again is the same one: a shell and a supervisor may both pass it on.
const oneSignal = time.Second

func main() {
	signalled, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancelCause(context.Background())
	context.AfterFunc(signalled, func() {
		cancel(interruption{context.Cause(signalled)})
		time.Sleep(oneSignal)
		stop() // from here on a signal ends the process at once
	})
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// interruption is the signal that ended a command. Net/http hands it out in place of context.Canceled, which it counts as.
type interruption struct{ error }

func (interruption) Is(target error) bool { return target == context.Canceled }

// interruptedStatus is the exit status of a command that a signal ended before it had done its work, as shells have it of Ctrl-C.
const interruptedStatus = 130

// exitError carries an exit status through kong's error path: verify's 1 (failed) and 2 (could not check).
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// stays are the commands that run until they are interrupted, which is no failure of theirs. Any other that is interrupted
// has not done what it was asked for: a verification that was not finished must not look like one that holds.
var stays = map[string]bool{"gateway": true, "operator": true, "testnet up": true}

// run is main without the process: tests call it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, kctx, exited, err := parse(ctx, args, stdout, stderr)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "flotilla: %v\nRun \"flotilla --help\" or \"flotilla COMMAND --help\".\n", err)
		return 2
	}
	if kctx.Command() != "gateway" { // which takes it for a reload
		hangup.Default()
	}
	level := &slog.LevelVar{}
	level.Set(c.LogLevel)
	again := func() (*cli, []*kong.Flag, error) {
		c, kctx, _, err := parse(ctx, args, io.Discard, io.Discard)
		if err != nil {
			return nil, nil, err
		}
		return c, kctx.Flags(), nil
	}
	out := &output{w: stdout}
	kctx.Bind(&streams{
		out: out, err: stderr, log: newLogger(stderr, level, c.LogJSON),
		source: source{level: level, flags: kctx.Flags(), files: append(configPaths(), string(c.Config)), again: again},
	})
	err = kctx.Run()
	if lost := out.err(); err == nil && lost != nil && !stays[kctx.Command()] {
		err = &exitError{2, lost} // 1 would say of a receipt that it is false
	}
	if err != nil && !(errors.Is(err, context.Canceled) && stays[kctx.Command()]) {
		fmt.Fprintln(stderr, "flotilla:", plainLines(err.Error())+advice(err)) // a file's contents may be quoted in it
		var e *exitError
		if errors.As(err, &e) {
			return e.code
		}
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return interruptedStatus
		}
		return 1
	}
	return 0
}

// advice is what to do about an error that comes from far below the flags; "" for most.
func advice(err error) string {
	if errors.Is(err, syscall.EADDRINUSE) {
		return "\nAnother process has that address: end it, or choose another (--listen, --admin-listen, --p2p-listen; of a testnet --rpc-port, --p2p-port)."
	}
	if errors.Is(err, devchain.ErrInUse) {
		return "\nA fleet runs in that folder: use it (its keys and addresses stand where it was started) or end it; another beside it needs its own --dir and free ports (--listen, --admin-listen, --rpc-port, --p2p-port)."
	}
	return ""
}

// parse reads flags, environment and files. exited is a status to end with at once, after --help; else -1.
func parse(ctx context.Context, args []string, stdout, stderr io.Writer) (c *cli, kctx *kong.Context, exited int, err error) {
	c, exited = &cli{}, -1
	files, err := defaultConfigs()
	if err != nil {
		return c, nil, exited, err
	}
	parser, err := kong.New(c,
		kong.Name("flotilla"), kong.Description(about), kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		notEmpty("path"), notEmpty("existingfile"), notEmpty("existingdir"), kong.Resolvers(files...), kong.Vars{"version": version()},
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return c, nil, exited, err
	}
	if len(args) > 0 && args[0] == "help" { // as go and git have it
		args = append(slices.Clone(args[1:]), "--help")
	}
	if kctx, err = parser.Parse(args); err != nil {
		return c, kctx, exited, err
	}
	for _, flag := range kctx.Flags() {
		if err := checkNumber(flag, flag.Target); err != nil {
			return c, kctx, exited, fmt.Errorf("--%s: %w", flag.Name, err)
		}
	}
	return c, kctx, exited, nil
}

// version is what Go has stamped into the binary: the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return "flotilla " + info.Main.Version + ", " + info.GoVersion
}

// streams is what a command writes to, and where its configuration comes from.
type streams struct {
	out, err io.Writer
	log      *slog.Logger
	source   source
}

func newLogger(w io.Writer, level slog.Leveler, asJSON bool) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
