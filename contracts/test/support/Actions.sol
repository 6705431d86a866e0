// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ActionsEscrow} from "./ActionsEscrow.sol";
import {ActionsSettle} from "./ActionsSettle.sol";
import {ActionsFaults} from "./ActionsFaults.sol";
import {Fixture} from "./Fixture.sol";
import {Kind} from "./ActionsBase.sol";
import {ReferenceModel} from "./ReferenceModel.sol";

/// @dev All actions, and the comparison of the whole state of both contracts with the model's.
contract Actions is ActionsEscrow, ActionsSettle, ActionsFaults {
    /// @param large lets amounts come near the most that the contracts can hold
    constructor(bool large) {
        setUp();
        unit = large ? uint256(type(uint72).max) / 4 : 60 * uint256(USD);
    }

    function setUp() public override(Fixture, ActionsSettle) {
        super.setUp();
        model = new ReferenceModel(s, LANE_THAW);
        for (uint256 i; i < 11; ++i) {
            address actor = anyActor(i);
            token.mint(actor, 2 ** 76);
            model.mint(actor, token.balanceOf(actor));
        }
    }

    /// @dev Does the action that the seed says.
    function act(uint256 seed) external {
        Kind kind = Kind((seed >> 16) % KINDS);
        (uint256 who, uint256 how) = (mix(seed, "who"), mix(seed, "how"));
        if (seed % 16 == 0) doWait(how);
        else if (kind == Kind.Stake) doStake(who, how);
        else if (kind == Kind.ThawStake) doThawStake(who, how);
        else if (kind == Kind.CancelThawStake) doCancelThawStake(who);
        else if (kind == Kind.WithdrawStake) doWithdrawStake(who, how);
        else if (kind == Kind.Deposit) doDeposit(who, how);
        else if (kind == Kind.DepositMany) doDepositMany(who, how);
        else if (kind == Kind.Thaw) doThaw(who, how);
        else if (kind == Kind.CancelThaw) doCancelThaw(who);
        else if (kind == Kind.Withdraw) doWithdraw(who, how);
        else if (kind == Kind.AuthorizeSigner) doAuthorizeSigner(who, how);
        else if (kind == Kind.ThawSigner) doThawSigner(who, how);
        else if (kind == Kind.CancelThawSigner) doCancelThawSigner(who, how);
        else if (kind == Kind.SettleVoucher) doSettleVoucher(who, how);
        else if (kind == Kind.SettleBatch) doSettleBatch(who, how);
        else if (kind == Kind.Claim) doClaim(who, how);
        else if (kind == Kind.ProveAdvertBreach) doProveAdvertBreach(who, how);
        else if (kind == Kind.ProveOrderBreach) doProveOrderBreach(who, how);
        else if (kind == Kind.ProveDoubleReceipt) doProveDoubleReceipt(who, how);
        else if (kind == Kind.ProveAdvertEquivocation) doProveAdvertEquivocation(who, how);
        else if (kind == Kind.Accuse) doAccuse(who, how);
        else if (kind == Kind.Trespass) doTrespass(who, how);
        else doDonate(who, how);
    }

    // --------------------------------------------------------------- whole state

    /// @dev Every field of both contracts against the model, for every actor.
    function check() external inTime {
        for (uint256 i; i < 11; ++i) {
            address actor = anyActor(i);
            eq("tokens", token.balanceOf(actor), model.tokens(actor));
            eq("claimable", k.claimable(actor), model.claimable(actor));
            eq("room", k.epochRoom(actor), model.room(actor));
            checkStake(actor);
        }
        eq("claimable by nobody", k.claimable(address(0)), model.claimable(address(0)));
        eq("tokens of settlement", token.balanceOf(address(s)), model.tokens(address(s)));
        eq("tokens of stake", token.balanceOf(address(k)), model.tokens(address(k)));
        for (uint256 p; p < 5; ++p) {
            eq("next epoch", s.nextEpoch(payers[p]), model.settledEpochs(payers[p]) + 1);
            for (uint256 o; o < 5; ++o) {
                checkLane(payers[p], operators[o]);
            }
        }
        for (uint256 i; i < SIGNERS; ++i) {
            (address payer, uint64 thawEnd) = s.signerOf(signers[i]);
            eq("payer of signer", payer, model.payerOf(signers[i]));
            eq("thaw end of signer", thawEnd, model.signerThawEnd(signers[i]));
        }
    }

    function checkStake(address operator) private view {
        (uint256 total, uint256 thawing, uint64 thawEnd) = k.stakeOf(operator);
        eq("stake", total, model.bonded(operator) + model.stakeThawing(operator));
        eq("stake thawing", thawing, model.stakeThawing(operator));
        eq("stake thaw end", thawEnd, model.stakeThawEnd(operator));
        eq("slashable", k.slashableStake(operator), total);
    }

    function checkLane(address payer, address payee) private view {
        (uint256 balance, uint256 collected, uint256 thawing, uint64 thawEnd) = s.laneOf(payer, payee);
        eq("balance", balance, model.balance(payer, payee));
        eq("collected", collected, model.collected(payer, payee));
        eq("thawing", thawing, model.thawing(payer, payee));
        eq("thaw end", thawEnd, model.thawEnd(payer, payee));
        (uint256 available, uint256 coverCollected, uint64 coverEnd) = s.cover(payer, payee);
        eq("cover", available, balance - thawing);
        eq("cover collected", coverCollected, collected);
        eq("cover thaw end", coverEnd, thawEnd);
    }
}
