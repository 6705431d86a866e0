// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IFlotillaStake as K} from "../src/interfaces/IFlotillaStake.sol";
import {TokenPull} from "../src/TokenPull.sol";

contract StakeTest is Fixture {
    address private op;

    function setUp() public override {
        super.setUp();
        op = operators[0];
    }

    function checkStake(uint256 total, uint256 thawing, uint64 end) private view {
        (uint256 gotTotal, uint256 gotThawing, uint64 gotEnd) = k.stakeOf(op);
        eq("total", gotTotal, total);
        eq("thawing", gotThawing, thawing);
        eq("thawEnd", gotEnd, end);
        eq("slashable", k.slashableStake(op), total);
        eq("room", k.epochRoom(op), total - thawing);
    }

    function cancelThaw() private {
        vm.prank(op);
        k.cancelThawStake();
    }

    function withdraw() private {
        vm.prank(op);
        k.withdrawStake();
    }

    function test_stakeAddsUpAndMovesTokens() public {
        vm.expectEmit(address(k));
        emit K.Staked(op, 5 * USD, 5 * USD);
        stake(op, 5 * USD);
        vm.expectEmit(address(k));
        emit K.Staked(op, 2 * USD, 7 * USD);
        stake(op, 2 * USD);
        checkStake(7 * USD, 0, 0);
        eq("held", token.balanceOf(address(k)), 7 * USD);
        eq("paid", token.balanceOf(op), FUNDS - 7 * USD);
        eq("nobody else's", k.slashableStake(operators[1]), 0);
    }

    function test_thawStopsBackingButStaysSlashable() public {
        stake(op, 10 * USD);
        vm.expectEmit(address(k));
        emit K.StakeThawStarted(op, 4 * USD, uint64(START) + STAKE_THAW);
        thawStake(op, 4 * USD);
        checkStake(10 * USD, 4 * USD, uint64(START) + STAKE_THAW);
        eq("room", k.epochRoom(op), 6 * USD);
    }

    function test_withdrawOnlyAtTheEndOfTheThaw() public {
        stake(op, 10 * USD);
        thawStake(op, 4 * USD);
        skipTime(STAKE_THAW - 1);
        refuses(abi.encodeWithSelector(K.StillThawing.selector, START + STAKE_THAW));
        withdraw();
        skipTime(1);
        vm.expectEmit(address(k));
        emit K.StakeWithdrawn(op, 4 * USD);
        withdraw();
        checkStake(6 * USD, 0, 0);
        eq("tokens", token.balanceOf(op), FUNDS - 6 * USD);
        refuses(K.NothingThawing.selector);
        withdraw();
    }

    // A second thaw must not reset the clock of the first, and new stake must not inherit it.
    function test_secondThawIsRefusedAndNewStakeDoesNotThaw() public {
        stake(op, 10 * USD);
        thawStake(op, 4 * USD);
        skipTime(STAKE_THAW); // also when it is over but not yet withdrawn
        refuses(abi.encodeWithSelector(K.AlreadyThawing.selector, START + STAKE_THAW));
        thawStake(op, 1);
        stake(op, 5 * USD);
        withdraw();
        checkStake(11 * USD, 0, 0);
    }

    function test_newThawAfterAWithdrawalHasItsOwnClock() public {
        stake(op, 10 * USD);
        thawStake(op, 4 * USD);
        skipTime(STAKE_THAW);
        withdraw();
        thawStake(op, 6 * USD);
        checkStake(6 * USD, 6 * USD, uint64(START) + 2 * STAKE_THAW);
    }

    function test_cancelPutsStakeBackToWork() public {
        refuses(K.NothingThawing.selector);
        cancelThaw();
        stake(op, 10 * USD);
        thawStake(op, 4 * USD);
        skipTime(STAKE_THAW); // also after the end, while it is not withdrawn
        vm.expectEmit(address(k));
        emit K.StakeThawCancelled(op, 4 * USD);
        cancelThaw();
        checkStake(10 * USD, 0, 0);
        refuses(K.NothingThawing.selector);
        withdraw();
        eq("tokens", token.balanceOf(op), FUNDS - 10 * USD);
    }

    function test_refusals() public {
        refuses(K.ZeroAmount.selector);
        stake(op, 0);
        stake(op, 3);
        refuses(K.ZeroAmount.selector);
        thawStake(op, 0);
        refuses(abi.encodeWithSelector(K.InsufficientStake.selector, 3, 4));
        thawStake(op, 4);
        thawStake(op, 2);
        refuses(abi.encodeWithSelector(K.AlreadyThawing.selector, START + STAKE_THAW));
        thawStake(op, 2); // although there is too little as well
        cancelThaw();
        thawStake(op, 3);
        checkStake(3, 3, uint64(START) + STAKE_THAW);
    }

    function test_stakeFitsItsField() public {
        uint128 most = type(uint72).max;
        token.mint(op, type(uint128).max);
        refuses(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 72, most + 1));
        stake(op, most + 1);
        stake(op, most);
        checkStake(most, 0, 0);
        refuses(abi.encodeWithSignature("Panic(uint256)", 0x11));
        stake(op, 1);
        refuses(abi.encodeWithSelector(TokenPull.TooManyTokensHeld.selector, uint256(most) + 1));
        stake(operators[1], 1);
    }

    function testFuzz_stakeThawWithdrawGivesAllBack(uint128 a, uint128 b, uint128 wait) public {
        a = uint128(bound(a, 1, FUNDS));
        b = uint128(bound(b, 1, a));
        stake(op, a);
        thawStake(op, b);
        skipTime(bound(wait, STAKE_THAW, 1000 days));
        withdraw();
        checkStake(a - b, 0, 0);
        eq("tokens", token.balanceOf(op), FUNDS - a + b);
    }

    function testFuzz_stakeNeverLeavesEarly(uint128 a, uint64 wait) public {
        a = uint128(bound(a, 1, FUNDS));
        wait = uint64(bound(wait, 0, STAKE_THAW - 1));
        stake(op, a);
        thawStake(op, a);
        skipTime(wait);
        refuses(abi.encodeWithSelector(K.StillThawing.selector, START + STAKE_THAW));
        withdraw();
    }
}
