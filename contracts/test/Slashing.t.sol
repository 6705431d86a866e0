// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Proofs} from "./support/Proofs.sol";
import {IFlotillaStake as K} from "../src/interfaces/IFlotillaStake.sol";
import {Advert, Receipt} from "../src/Messages.sol";

/// @dev What a penalty takes and where it goes, whichever proof it was for.
contract SlashingTest is Proofs {
    Advert private a;

    function setUp() public override {
        super.setUp();
        a = advert(0, 1);
    }

    /// @dev Proves a receipt that is `harm` too dear.
    function slash(uint256 nonce, uint128 harm) private returns (uint256) {
        Receipt memory r = receipt(order(0, a, nonce));
        r.amount = 600 + harm;
        return proveAdvertBreach(r, a);
    }

    function check(uint256 bonded, uint256 thawing) private view {
        (uint256 total, uint256 gotThawing,) = k.stakeOf(op);
        eq("total", total, bonded + thawing);
        eq("thawing", gotThawing, thawing);
    }

    function test_smallHarmCostsTheLeastPenalty() public {
        eq("below", slash(1, 99_999), MIN_PENALTY);
        eq("at", slash(2, 100_000), MIN_PENALTY);
        eq("above", slash(3, 100_001), MIN_PENALTY + 10);
    }

    function test_stakeIsTheMost() public {
        eq("penalty", slash(1, uint128(STAKE)), STAKE);
        check(0, 0);
        eq("payer", k.claimable(payer), STAKE / 2); // half is burned even when the harm is larger
        eq("bounty", k.claimable(bountyTo), 0);
        eq("burned", token.balanceOf(address(k)), STAKE / 2);
        eq("credited", token.balanceOf(address(s)), STAKE / 2);
    }

    // The payer comes first; the bounty gets a fifth or what half the penalty leaves beside the payer's.
    function test_bountyGivesWayToThePayer() public {
        eq("penalty", slash(1, 40_000 * USD / 100), STAKE); // harm 400 of 1000
        eq("payer", k.claimable(payer), 400 * USD);
        eq("bounty", k.claimable(bountyTo), 100 * USD);
        eq("burned", token.balanceOf(address(k)), 500 * USD);
    }

    function test_oddAmountsRoundDown() public {
        thawStake(op, uint128(STAKE - 9));
        skipTime(STAKE_THAW);
        vm.prank(op);
        k.withdrawStake();
        a = advert(0, 2);
        eq("penalty", slash(1, 1), 9);
        eq("payer", k.claimable(payer), 1);
        eq("bounty", k.claimable(bountyTo), 1); // a fifth of 9
        eq("burned", token.balanceOf(address(k)), 7);
    }

    // A single unit can not be halved: it is burned.
    function test_lastUnitIsBurned() public {
        thawStake(op, uint128(STAKE - 1));
        skipTime(STAKE_THAW);
        vm.prank(op);
        k.withdrawStake();
        a = advert(0, 2);
        eq("penalty", slash(1, 5), 1);
        eq("payer", k.claimable(payer), 0);
        eq("bounty", k.claimable(bountyTo), 0);
        eq("burned", token.balanceOf(address(k)), 1);
    }

    function test_bondedStakeGoesFirstThenThawingStake() public {
        thawStake(op, 700 * USD);
        slash(1, 20 * USD); // costs 200
        check(100 * USD, 700 * USD);
        slash(2, 30 * USD); // costs 300
        check(0, 500 * USD);
        slash(3, 10 * USD);
        check(0, 400 * USD);
        skipTime(STAKE_THAW);
        vm.expectEmit(address(k));
        emit K.StakeWithdrawn(op, 400 * USD);
        vm.prank(op);
        k.withdrawStake();
        eq("tokens", token.balanceOf(op), FUNDS - 600 * USD);
        check(0, 0);
    }

    // The thaw's clock runs on after all of it is gone, and a withdrawal clears it.
    function test_slashedThawCanStillBeEnded() public {
        thawStake(op, uint128(STAKE));
        slash(1, uint128(STAKE));
        (, uint256 thawing, uint64 end) = k.stakeOf(op);
        eq("thawing", thawing, 0);
        eq("end", end, uint64(START) + STAKE_THAW);
        vm.prank(op);
        k.cancelThawStake();
        check(0, 0);
    }

    function test_nothingToSlashKeepsTheEvidenceGood() public {
        slash(1, uint128(STAKE));
        Receipt memory r = overcharge(a, 2);
        refusesAdvertBreach(abi.encodeWithSelector(K.NothingToSlash.selector), r, a);
        yes("not punished", !k.punished(evidenceId(K.Fault.AdvertBreach, digest(r))));
        stake(op, 5 * USD);
        eq("later", proveAdvertBreach(r, a), MIN_PENALTY);
    }

    function test_bountyNeedsARecipient() public {
        bountyTo = address(0);
        bytes memory err = abi.encodeWithSelector(K.InvalidRecipient.selector, address(0));
        refusesAdvertBreach(err, overcharge(a, 1), a);
    }

    // Stake lowered below what was paid in this epoch leaves no room, and more stake gives it back.
    function test_slashingLowersTheRoom() public {
        deposit(payer, op, 2000 * USD);
        settle(0, op, 900 * USD);
        slash(1, 20 * USD);
        eq("room", k.epochRoom(op), 0);
        eq("not paid", settle(0, op, 1000 * USD), 0);
        skipTime(EPOCH);
        eq("next epoch", k.epochRoom(op), 800 * USD);
        eq("paid", settle(0, op, 1000 * USD), 100 * USD);
    }

    function test_payerAndReporterClaimAtTheSettlementContract() public {
        slash(1, 20 * USD);
        claim(payer, stranger);
        eq("payer's", token.balanceOf(stranger), 20 * USD);
        claim(bountyTo, stranger);
        eq("both", token.balanceOf(stranger), 60 * USD);
        eq("rest", token.balanceOf(address(s)), 0);
    }

    // What was earned is not stake: a penalty leaves it.
    function test_creditsOfTheOperatorAreNotSlashed() public {
        deposit(payer, op, 10 * USD);
        settle(0, op, 10 * USD);
        slash(1, uint128(STAKE));
        eq("claimable", k.claimable(op), 10 * USD);
        claim(op, op);
    }

    function test_otherOperatorsAreNotTouched() public {
        stake(operators[1], 5 * USD);
        slash(1, uint128(STAKE));
        eq("other", k.slashableStake(operators[1]), 5 * USD);
    }

    function testFuzz_sharesAddUp(uint128 harm, uint128 staked, uint128 thawing) public {
        harm = uint128(bound(harm, 1, 2 * STAKE));
        staked = uint128(bound(staked, 1, STAKE));
        op = operators[1];
        stake(op, staked);
        thawing = uint128(bound(thawing, 0, staked));
        if (thawing != 0) thawStake(op, thawing);
        a = advert(1, 1);
        uint256 penalty = 10 * uint256(harm) > MIN_PENALTY ? 10 * uint256(harm) : MIN_PENALTY;
        if (penalty > staked) penalty = staked;
        eq("penalty", slash(1, harm), penalty);
        uint256 bonded = staked - thawing;
        uint256 fromBonded = penalty < bonded ? penalty : bonded;
        check(bonded - fromBonded, thawing - (penalty - fromBonded));
        uint256 toPayer = harm < penalty / 2 ? harm : penalty / 2;
        uint256 bounty = penalty / 5 < penalty / 2 - toPayer ? penalty / 5 : penalty / 2 - toPayer;
        eq("payer", k.claimable(payer), toPayer);
        eq("bounty", k.claimable(bountyTo), bounty);
        eq("moved", token.balanceOf(address(s)), toPayer + bounty);
        eq("kept", token.balanceOf(address(k)), STAKE + staked - toPayer - bounty);
    }
}
