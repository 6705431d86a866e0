package ethchain

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"

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
