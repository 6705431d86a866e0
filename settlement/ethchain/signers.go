package ethchain

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
)

// AuthorizeSigner lets signer sign vouchers and batches for the account. proof is the signer's own signature of
// settlement.SignerAuthorization with this deadline. The binding is for ever.
func (c *Chain) AuthorizeSigner(ctx context.Context, signer common.Address, deadline uint64, proof settlement.Signature) error {
	return c.do(ctx, "authorize signer "+signer.Hex(), c.contract.PackAuthorizeSigner(signer, deadline, proof))
}

// ThawSigner starts to revoke a signer of the account.
func (c *Chain) ThawSigner(ctx context.Context, signer common.Address) error {
	return c.do(ctx, "thaw signer "+signer.Hex(), c.contract.PackThawSigner(signer))
}

// CancelThawSigner keeps a signer whose thaw has not ended.
func (c *Chain) CancelThawSigner(ctx context.Context, signer common.Address) error {
	return c.do(ctx, "cancel thaw of signer "+signer.Hex(), c.contract.PackCancelThawSigner(signer))
}

// SignerOf implements settlement.ChainReader.
func (c *Chain) SignerOf(ctx context.Context, signer common.Address) (settlement.SignerBinding, error) {
	out, err := read(ctx, c, c.contract.PackSignerOf(signer), c.contract.UnpackSignerOf)
	if err != nil {
		return settlement.SignerBinding{}, fmt.Errorf("read signer %s: %w", signer, err)
	}
	return settlement.SignerBinding{Payer: out.Payer, ThawEnd: out.ThawEnd}, nil
}

// maxSigners bounds what AuthorizedSigners reads: each has cost its payer a transaction, and a gateway needs a handful.
const maxSigners = 1000

// AuthorizedSigner is a key that an account has authorised, revoked or not.
type AuthorizedSigner struct {
	Key     common.Address
	Binding settlement.SignerBinding
}

// AuthorizedSigners returns every key that payer has ever authorised, the oldest first, each as it stands now. The
// contract lists them in its events only, so they are read from the first block of Config.FromBlock on.
func (c *Chain) AuthorizedSigners(ctx context.Context, payer common.Address) ([]AuthorizedSigner, error) {
	head, err := c.blockNumber(ctx)
	if err != nil {
		return nil, fmt.Errorf("find signers of %s: %w", payer, err)
	}
	authorized := [][]common.Hash{
		{c.contract.GetABI().Events[bindings.FlotillaSettlementSignerAuthorizedEventName].ID}, {common.BytesToHash(payer[:])},
	}
	var out []AuthorizedSigner
	_, err = c.events(ctx, c.domain.Contract, authorized, c.operators.start, head, func(log *types.Log) error {
		event, err := c.contract.UnpackSignerAuthorizedEvent(log)
		if err != nil {
			return err
		}
		if len(out) == maxSigners {
			return fmt.Errorf("more than %d keys", maxSigners)
		}
		out = append(out, AuthorizedSigner{Key: event.Signer}) // once each: a key is never bound again
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find signers of %s: %w", payer, err)
	}
	for i := range out {
		if out[i].Binding, err = c.SignerOf(ctx, out[i].Key); err != nil {
			return nil, err
		}
	}
	return out, nil
}
