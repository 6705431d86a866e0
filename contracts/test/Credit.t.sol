// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {IFlotillaStake as K} from "../src/interfaces/IFlotillaStake.sol";

/// @dev What the settlement contract asks of the stake contract, called as if by it.
contract CreditTest is Fixture {
    address private op;

    function setUp() public override {
        super.setUp();
        op = operators[0];
        stake(op, 100 * USD);
    }

    function credit(uint256 amount) private returns (uint256) {
        vm.prank(address(s));
        return k.credit(op, amount);
    }

    function check(uint256 room, uint256 claimable) private view {
        eq("room", k.epochRoom(op), room);
        eq("claimable", k.claimable(op), claimable);
        eq("stake", k.slashableStake(op), 100 * USD);
    }

    function test_onlyTheSettlementContract() public {
        refuses(K.OnlySettlement.selector);
        vm.prank(op);
        k.credit(op, 1);
        credit(1);
        refuses(K.OnlySettlement.selector);
        vm.prank(op);
        k.takeClaimable(op);
    }

    function test_creditsUpToTheRoomOfTheEpoch() public {
        eq("part", credit(70 * USD), 70 * USD);
        check(30 * USD, 70 * USD);
        eq("nothing asked", credit(0), 0);
        eq("clipped", credit(type(uint256).max), 30 * USD);
        check(0, 100 * USD);
        eq("full", credit(1), 0);
        skipTime(EPOCH - 1);
        eq("last second", credit(1), 0);
        skipTime(1);
        check(100 * USD, 100 * USD);
        eq("next epoch", credit(1), 1);
        check(100 * USD - 1, 100 * USD + 1);
    }

    function test_unstakedGetNothing() public {
        vm.prank(address(s));
        eq("unstaked", k.credit(stranger, 5), 0);
        eq("claimable", k.claimable(stranger), 0);
    }

    function test_takeClaimableTakesAllAndLeavesTheRest() public {
        credit(40 * USD);
        vm.prank(address(s));
        eq("taken", k.takeClaimable(op), 40 * USD);
        check(60 * USD, 0);
        refuses(K.NothingToClaim.selector);
        vm.prank(address(s));
        k.takeClaimable(op);
    }

    function test_thawingLowersTheRoomEvenBelowWhatWasPaid() public {
        credit(60 * USD);
        thawStake(op, 70 * USD);
        check(0, 60 * USD);
        eq("nothing", credit(1), 0);
        vm.prank(op);
        k.cancelThawStake();
        check(40 * USD, 60 * USD);
        eq("back", credit(50 * USD), 40 * USD);
    }

    // Taking stake out and putting it in again frees no room in the same epoch.
    function test_moreStakeGivesRoomForTheDifferenceOnly() public {
        credit(100 * USD);
        thawStake(op, 100 * USD);
        stake(op, 100 * USD);
        eq("room", k.epochRoom(op), 0);
        stake(op, 5 * USD);
        eq("room", k.epochRoom(op), 5 * USD);
    }

    function testFuzz_neverMoreThanTheStakeInOneEpoch(uint128[8] memory amounts, uint16[8] memory waits) public {
        uint256 epoch = now_() / EPOCH;
        uint256 paid;
        uint256 total;
        for (uint256 i; i < amounts.length; ++i) {
            skipTime(waits[i]);
            if (now_() / EPOCH != epoch) (epoch, paid) = (now_() / EPOCH, 0);
            uint256 amount = bound(amounts[i], 0, 150 * USD);
            uint256 room = 100 * USD - paid;
            uint256 got = credit(amount);
            eq("credited", got, amount < room ? amount : room);
            (paid, total) = (paid + got, total + got);
            check(100 * USD - paid, total);
        }
    }
}
