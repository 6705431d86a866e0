// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {IFlotillaSettlement as I} from "../src/interfaces/IFlotillaSettlement.sol";
import {IFlotillaStake as K} from "../src/interfaces/IFlotillaStake.sol";

contract ClaimTest is Fixture {
    address private op;

    function setUp() public override {
        super.setUp();
        op = operators[0];
        stake(op, 100 * USD);
        deposit(payers[0], op, 50 * USD);
        settle(0, op, 30 * USD);
    }

    function test_claimPaysAllToTheGivenAddress() public {
        vm.expectEmit(address(s));
        emit I.Claimed(op, stranger, 30 * USD);
        claim(op, stranger);
        eq("tokens", token.balanceOf(stranger), 30 * USD);
        eq("held", token.balanceOf(address(s)), 20 * USD);
        eq("claimable", k.claimable(op), 0);
        refuses(K.NothingToClaim.selector);
        claim(op, stranger);
    }

    function test_claimDoesNotFreeRoomInTheEpoch() public {
        deposit(payers[0], op, 100 * USD);
        claim(op, op);
        eq("rest of the room", settle(0, op, 150 * USD), 70 * USD);
        eq("claimable", k.claimable(op), 70 * USD);
    }

    function test_claimTakesOnlyTheCallersOwn() public {
        stake(operators[1], 100 * USD);
        deposit(payers[1], operators[1], 5 * USD);
        settle(1, operators[1], 5 * USD);
        claim(op, op);
        eq("the other's", k.claimable(operators[1]), 5 * USD);
        eq("stake", k.slashableStake(op), 100 * USD);
        eq("lane", balanceOf(payers[0], op), 20 * USD);
    }

    function test_claimToTheStakeContractIsAGift() public {
        claim(op, address(k)); // possible, as to any address that is not the settlement contract itself
        eq("held", token.balanceOf(address(k)), 130 * USD);
        eq("stake", k.slashableStake(op), 100 * USD);
    }

    function test_refusals() public {
        refuses(K.NothingToClaim.selector);
        claim(stranger, stranger);
        refuses(abi.encodeWithSelector(I.InvalidRecipient.selector, address(0)));
        claim(op, address(0));
        refuses(abi.encodeWithSelector(I.InvalidRecipient.selector, address(s)));
        claim(op, address(s));
    }

    function testFuzz_claimsAddUpToWhatWasPaid(uint128 first, uint128 second) public {
        first = uint128(bound(first, 30 * USD + 1, 100 * USD));
        second = uint128(bound(second, first + 1, 110 * USD));
        stake(op, 10 * USD);
        deposit(payers[0], op, 60 * USD);
        settle(0, op, first);
        claim(op, stranger);
        eq("first", token.balanceOf(stranger), first);
        settle(0, op, second);
        claim(op, stranger);
        eq("both", token.balanceOf(stranger), second);
        eq("rest", token.balanceOf(address(s)), 110 * USD - second);
    }
}
