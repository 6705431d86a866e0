// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {IFlotillaSettlement as I} from "../src/interfaces/IFlotillaSettlement.sol";

contract EscrowTest is Fixture {
    address private payer;
    address private op;

    function setUp() public override {
        super.setUp();
        (payer, op) = (payers[0], operators[0]);
    }

    function checkLane(uint256 balance, uint256 collected, uint256 thawing, uint64 end) private view {
        (uint256 b, uint256 c, uint256 t, uint64 e) = s.laneOf(payer, op);
        eq("balance", b, balance);
        eq("collected", c, collected);
        eq("thawing", t, thawing);
        eq("thawEnd", e, end);
        (b, c, e) = s.cover(payer, op);
        eq("cover", b, balance - thawing);
        eq("cover collected", c, collected);
        eq("cover thawEnd", e, end);
    }

    function thaw(uint128 amount) private {
        vm.prank(payer);
        s.thaw(op, amount);
    }

    function withdraw() private {
        vm.prank(payer);
        s.withdraw(op);
    }

    function test_depositIsKeptPerLane() public {
        vm.expectEmit(address(s));
        emit I.Deposited(payer, op, 5 * USD);
        deposit(payer, op, 5 * USD);
        deposit(payer, op, 1 * USD);
        deposit(payer, operators[1], 2 * USD);
        checkLane(6 * USD, 0, 0, 0);
        eq("other payee", balanceOf(payer, operators[1]), 2 * USD);
        eq("paid", token.balanceOf(payer), FUNDS - 8 * USD);
        eq("other payer", balanceOf(payers[1], op), 0);
        eq("held", token.balanceOf(address(s)), 8 * USD);
    }

    function test_depositManyIsOneTransfer() public {
        address[] memory payees = new address[](3);
        uint128[] memory amounts = new uint128[](3);
        // The third names the first payee again: its amounts add up.
        (payees[0], payees[1], payees[2]) = (op, operators[1], op);
        (amounts[0], amounts[1], amounts[2]) = (1 * USD, 2 * USD, 4 * USD);
        for (uint256 i; i < 3; ++i) {
            vm.expectEmit(address(s));
            emit I.Deposited(payer, payees[i], amounts[i]);
        }
        vm.expectCall(address(token), abi.encodeCall(token.transferFrom, (payer, address(s), 7 * uint256(USD))), 1);
        vm.prank(payer);
        s.depositMany(payees, amounts);
        checkLane(5 * USD, 0, 0, 0);
        eq("second", balanceOf(payer, operators[1]), 2 * USD);
        eq("held", token.balanceOf(address(s)), 7 * USD);
    }

    function test_depositRefusals() public {
        refuses(I.ZeroAmount.selector);
        deposit(payer, op, 0);
        refuses(abi.encodeWithSelector(I.InvalidRecipient.selector, address(0)));
        deposit(payer, address(0), 1);
        refuses(abi.encodeWithSelector(I.InvalidRecipient.selector, address(s)));
        deposit(payer, address(s), 1);
        address[] memory payees = new address[](2);
        (payees[0], payees[1]) = (op, operators[1]);
        uint128[] memory amounts = new uint128[](1);
        amounts[0] = 5;
        refuses(abi.encodeWithSelector(I.LengthMismatch.selector, 2, 1));
        vm.prank(payer);
        s.depositMany(payees, amounts);
        refuses(abi.encodeWithSelector(I.LengthMismatch.selector, 1, 2));
        vm.prank(payer);
        s.depositMany(new address[](1), new uint128[](2));
        amounts = new uint128[](2);
        amounts[0] = 5;
        refuses(I.ZeroAmount.selector); // one of the lanes
        vm.prank(payer);
        s.depositMany(payees, amounts);
        amounts[1] = 5;
        payees[1] = address(s);
        refuses(abi.encodeWithSelector(I.InvalidRecipient.selector, address(s)));
        vm.prank(payer);
        s.depositMany(payees, amounts);
        refuses(I.ZeroAmount.selector);
        vm.prank(payer);
        s.depositMany(new address[](0), new uint128[](0));
    }

    function test_thawAndWithdraw() public {
        deposit(payer, op, 10 * USD);
        vm.expectEmit(address(s));
        emit I.ThawStarted(payer, op, 4 * USD, uint64(START) + LANE_THAW);
        thaw(4 * USD);
        checkLane(10 * USD, 0, 4 * USD, uint64(START) + LANE_THAW);
        skipTime(LANE_THAW - 1);
        refuses(abi.encodeWithSelector(I.StillThawing.selector, START + LANE_THAW));
        withdraw();
        skipTime(1);
        vm.expectEmit(address(s));
        emit I.Withdrawn(payer, op, 4 * USD);
        withdraw();
        checkLane(6 * USD, 0, 0, 0);
        eq("tokens", token.balanceOf(payer), FUNDS - 6 * USD);
        refuses(I.NothingThawing.selector);
        withdraw();
    }

    function test_cancelThaw() public {
        deposit(payer, op, 10 * USD);
        thaw(4 * USD);
        vm.expectEmit(address(s));
        emit I.ThawCancelled(payer, op);
        vm.prank(payer);
        s.cancelThaw(op);
        checkLane(10 * USD, 0, 0, 0);
        refuses(I.NothingThawing.selector);
        vm.prank(payer);
        s.cancelThaw(op);
    }

    function test_thawRefusals() public {
        refuses(I.ZeroAmount.selector);
        thaw(0);
        deposit(payer, op, 3);
        refuses(abi.encodeWithSelector(I.InsufficientBalance.selector, 3, 4));
        thaw(4);
        thaw(2);
        skipTime(LANE_THAW); // also when it is over but not yet withdrawn
        refuses(abi.encodeWithSelector(I.AlreadyThawing.selector, START + LANE_THAW));
        thaw(1);
        checkLane(3, 0, 2, uint64(START) + LANE_THAW);
    }

    function test_allOfALaneMayThaw() public {
        deposit(payer, op, 3);
        thaw(3);
        checkLane(3, 0, 3, uint64(START) + LANE_THAW);
    }

    function test_withdrawNeedsAThaw() public {
        deposit(payer, op, 3);
        refuses(I.NothingThawing.selector);
        withdraw();
    }

    // Each lane has a thaw of its own.
    function test_thawOfOneLaneLeavesTheOthers() public {
        deposit(payer, op, 10 * USD);
        deposit(payer, operators[1], 10 * USD);
        deposit(payers[1], op, 10 * USD);
        thaw(10 * USD);
        skipTime(LANE_THAW);
        withdraw();
        eq("other payee", balanceOf(payer, operators[1]), 10 * USD);
        eq("other payer", balanceOf(payers[1], op), 10 * USD);
        refuses(I.NothingThawing.selector);
        vm.prank(payers[1]);
        s.withdraw(op);
    }

    // A thaw that fits the balance is not cut by a deposit, and none is made up by one.
    function test_depositLeavesAThawThatFits() public {
        deposit(payer, op, 10 * USD);
        thaw(4 * USD);
        deposit(payer, op, 1 * USD);
        checkLane(11 * USD, 0, 4 * USD, uint64(START) + LANE_THAW);
    }

    function test_laneFitsItsField() public {
        address[] memory payees = new address[](2);
        uint128[] memory amounts = new uint128[](2);
        (payees[0], payees[1]) = (op, op);
        (amounts[0], amounts[1]) = (type(uint128).max, 1);
        refuses(abi.encodeWithSignature("Panic(uint256)", 0x11));
        vm.prank(payer);
        s.depositMany(payees, amounts);
    }

    // Thawing money can be collected, and a deposit after that must not leave on the old clock.
    function test_depositDoesNotInheritTheThaw() public {
        stake(op, 100 * USD);
        deposit(payer, op, 10 * USD);
        thaw(10 * USD);
        settle(0, op, 8 * USD);
        checkLane(2 * USD, 8 * USD, 2 * USD, uint64(START) + LANE_THAW);
        deposit(payer, op, 20 * USD);
        checkLane(22 * USD, 8 * USD, 2 * USD, uint64(START) + LANE_THAW);
        skipTime(LANE_THAW);
        withdraw();
        checkLane(20 * USD, 8 * USD, 0, 0);
    }

    function test_thawingEscrowPaysVouchersUntilItIsWithdrawn() public {
        stake(op, 100 * USD);
        deposit(payer, op, 10 * USD);
        thaw(10 * USD);
        skipTime(LANE_THAW + 1);
        eq("late", settle(0, op, 4 * USD), 4 * USD);
        vm.expectEmit(address(s));
        emit I.Withdrawn(payer, op, 6 * USD);
        withdraw();
        checkLane(0, 4 * USD, 0, 0);
    }

    function test_withdrawPaysWhatVouchersLeft() public {
        stake(op, 100 * USD);
        deposit(payer, op, 10 * USD);
        thaw(10 * USD);
        settle(0, op, 10 * USD);
        skipTime(LANE_THAW);
        vm.expectEmit(address(s));
        emit I.Withdrawn(payer, op, 0);
        withdraw();
        checkLane(0, 10 * USD, 0, 0);
        eq("tokens", token.balanceOf(payer), FUNDS - 10 * USD);
    }

    function testFuzz_thawNeverTakesMoreThanBalance(uint128 put, uint128 out, uint128 paid, uint128 more) public {
        put = uint128(bound(put, 1, FUNDS / 2));
        out = uint128(bound(out, 1, put));
        paid = uint128(bound(paid, 0, put));
        more = uint128(bound(more, 1, FUNDS / 2));
        stake(op, uint128(FUNDS));
        deposit(payer, op, put);
        thaw(out);
        settle(0, op, paid);
        deposit(payer, op, more);
        skipTime(LANE_THAW);
        uint256 before = token.balanceOf(payer);
        withdraw();
        uint256 left = put - paid;
        eq("withdrawn", token.balanceOf(payer) - before, out < left ? out : left);
        yes("new money stays", balanceOf(payer, op) >= more);
    }
}
