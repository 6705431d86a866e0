// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {IFlotillaSettlement as I} from "../src/interfaces/IFlotillaSettlement.sol";

contract StakeTest is Fixture {
    address private op;

    function setUp() public override {
        super.setUp();
        op = operators[0];
    }

    function checkStake(uint256 total, uint256 thawing, uint64 end) private view {
        (uint256 gotTotal, uint256 gotThawing, uint64 gotEnd) = s.stakeOf(op);
        eq("total", gotTotal, total);
        eq("thawing", gotThawing, thawing);
        eq("thawEnd", gotEnd, end);
        eq("slashable", s.slashableStake(op), total);
    }

    function test_stakeAddsUpAndMovesTokens() public {
        vm.expectEmit();
        emit I.Staked(op, 5 * USD, 5 * USD);
        stake(op, 5 * USD);
        vm.expectEmit();
        emit I.Staked(op, 2 * USD, 7 * USD);
        stake(op, 2 * USD);
        checkStake(7 * USD, 0, 0);
        eq("held", token.balanceOf(address(s)), 7 * USD);
        eq("room", s.epochRoom(op), 7 * USD);
    }

    function test_thawStopsBackingButStaysSlashable() public {
        stake(op, 10 * USD);
        vm.expectEmit();
        emit I.StakeThawStarted(op, 4 * USD, uint64(START) + STAKE_THAW);
        vm.prank(op);
        s.thawStake(4 * USD);
        checkStake(10 * USD, 4 * USD, uint64(START) + STAKE_THAW);
        eq("room", s.epochRoom(op), 6 * USD);
    }

    function test_withdrawOnlyAtTheEndOfTheThaw() public {
        stake(op, 10 * USD);
        vm.prank(op);
        s.thawStake(4 * USD);
        skipTime(STAKE_THAW - 1);
        refuses(abi.encodeWithSelector(I.StillThawing.selector, START + STAKE_THAW));
        vm.prank(op);
        s.withdrawStake();
        skipTime(1);
        vm.expectEmit();
        emit I.StakeWithdrawn(op, 4 * USD);
        vm.prank(op);
        s.withdrawStake();
        checkStake(6 * USD, 0, 0);
        eq("tokens", token.balanceOf(op), FUNDS - 6 * USD);
        refuses(I.NothingThawing.selector);
        vm.prank(op);
        s.withdrawStake();
    }

    // Finding 9: a second thaw must not reset the clock of the first, new stake not inherit it.
    function test_secondThawIsRefusedAndNewStakeDoesNotThaw() public {
        stake(op, 10 * USD);
        vm.prank(op);
        s.thawStake(4 * USD);
        refuses(abi.encodeWithSelector(I.AlreadyThawing.selector, START + STAKE_THAW));
        vm.prank(op);
        s.thawStake(1);
        stake(op, 5 * USD);
        skipTime(STAKE_THAW);
        vm.prank(op);
        s.withdrawStake();
        checkStake(11 * USD, 0, 0);
    }

    function test_cancelPutsStakeBackToWork() public {
        refuses(I.NothingThawing.selector);
        vm.prank(op);
        s.cancelThawStake();
        stake(op, 10 * USD);
        vm.prank(op);
        s.thawStake(4 * USD);
        vm.expectEmit();
        emit I.StakeThawCancelled(op, 4 * USD);
        vm.prank(op);
        s.cancelThawStake();
        checkStake(10 * USD, 0, 0);
        eq("room", s.epochRoom(op), 10 * USD);
    }

    function test_refusals() public {
        refuses(I.ZeroAmount.selector);
        stake(op, 0);
        refuses(I.ZeroAmount.selector);
        vm.prank(op);
        s.thawStake(0);
        stake(op, 3);
        refuses(abi.encodeWithSelector(I.InsufficientStake.selector, 3, 4));
        vm.prank(op);
        s.thawStake(4);
        refuses(abi.encodeWithSelector(I.TooManyTokensHeld.selector, uint256(type(uint72).max) + 1));
        stake(op, uint128(type(uint72).max) + 1);
    }

    function test_heldTokensAreBounded() public {
        address whale = address(0x77);
        token.mint(whale, type(uint128).max);
        vm.prank(whale);
        token.approve(address(s), type(uint256).max);
        stake(whale, type(uint72).max);
        refuses(abi.encodeWithSelector(I.TooManyTokensHeld.selector, uint256(type(uint72).max) + 1));
        deposit(payers[0], op, 1);
    }

    function testFuzz_stakeThawWithdrawGivesAllBack(uint128 a, uint128 b, uint128 wait) public {
        a = uint128(bound(a, 1, FUNDS));
        b = uint128(bound(b, 1, a));
        stake(op, a);
        vm.prank(op);
        s.thawStake(b);
        skipTime(bound(wait, STAKE_THAW, 1000 days));
        vm.prank(op);
        s.withdrawStake();
        checkStake(a - b, 0, 0);
        eq("tokens", token.balanceOf(op), FUNDS - a + b);
    }
}
