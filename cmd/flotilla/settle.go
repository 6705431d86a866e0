package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"flotilla/node"
)

// settleCmd shows and hurries a running node's settlement.
type settleCmd struct {
	Status settleStatusCmd `cmd:"" help:"Show what is pending, which batch is on its way, and what waits for what."`
	Now    settleNowCmd    `cmd:"" help:"Bring everything pending on chain now, whatever it is worth, and wait for it."`
	Batch  settleBatchCmd  `cmd:"" help:"Print one settled batch as a file for 'flotilla verify'."`
}

type settleStatusCmd struct {
	adminFlags
	JSON bool `help:"Print the state as JSON." name:"json"`
}

// Run prints the state of settlement.
func (c *settleStatusCmd) Run(ctx context.Context, s *streams) error {
	raw, err := c.ask(ctx, http.MethodGet, "/settlement")
	if err == nil {
		err = printSettlement(s.out, raw, c.JSON)
	}
	if err != nil || c.JSON || !isOperators(raw) {
		return err
	}
	var others []node.OtherNode
	if err := c.call(ctx, http.MethodGet, "/nodes", nil, &others); err != nil {
		return err
	}
	for _, n := range others {
		fmt.Fprintf(s.out, "attention   peer %s, whose prices end at %s: %s\n", plain(n.Peer), n.Until.Format(time.RFC3339), n.Trouble())
	}
	return nil
}

type settleNowCmd struct {
	adminFlags
	JSON bool `help:"Print the state after it as JSON." name:"json"`
}

// Run settles and prints the state after it.
func (c *settleNowCmd) Run(ctx context.Context, s *streams) error {
	raw, err := c.ask(ctx, http.MethodPost, "/settlement/now")
	if err != nil {
		return err
	}
	return printSettlement(s.out, raw, c.JSON)
}

type settleBatchCmd struct {
	adminFlags
	Epoch uint64 `arg:"" help:"Number of the batch: 1, 2, 3 …"`
}

// Run prints the batch file.
func (c *settleBatchCmd) Run(ctx context.Context, s *streams) error {
	raw, err := c.ask(ctx, http.MethodGet, fmt.Sprintf("/batches/%d", c.Epoch))
	if err != nil {
		return err
	}
	_, err = s.out.Write(raw)
	return err
}
