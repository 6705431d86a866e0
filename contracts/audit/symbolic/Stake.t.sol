// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Symbolic} from "./Symbolic.sol";

/// @dev Stake: what backs payouts, and when it can leave.
contract StakeProperties is Symbolic {
    /// @dev Whatever anyone calls, a stake thaw keeps its clock or ends, and a new one runs the whole period.
    function check_stakeThawIsNeverShortened(address from, address operator, uint256 time, uint8 which, uint128 amount)
        public
    {
        at(time);
        (,, uint64 before) = k.stakeOf(operator);
        (bool ok,) = call(from, address(k), any(which, amount));
        vm.assume(ok);
        (,, uint64 end) = k.stakeOf(operator);
        assert(end == before || end == 0 || (before == 0 && end == time + STAKE_THAW));
    }

    /// @dev Stake leaves only after its thaw, exactly the thawed part, once.
    function check_stakeLeavesOnlyAfterItsThaw(address operator, uint256 time) public {
        at(time);
        vm.assume(operator != address(k));
        (uint256 total, uint256 thawing, uint64 end) = k.stakeOf(operator);
        uint256 purse = token.balanceOf(operator);
        vm.assume(purse <= MAX_HELD && thawing <= MAX_HELD); // balances of a token do not wrap
        (bool ok,) = call(operator, address(k), abi.encodeCall(k.withdrawStake, ()));
        vm.assume(ok);
        assert(end != 0 && time >= end);
        (uint256 left, uint256 thawingLeft, uint64 endLeft) = k.stakeOf(operator);
        assert(left == total - thawing && thawingLeft == 0 && endLeft == 0);
        assert(token.balanceOf(operator) == purse + thawing);
        (ok,) = call(operator, address(k), abi.encodeCall(k.withdrawStake, ()));
        assert(!ok);
    }

    /// @dev Thawing takes stake out of what backs payouts at once, and out of nothing else.
    function check_thawingStakeStopsBacking(address operator, uint128 amount, uint256 time) public {
        at(time);
        (uint256 total, uint256 thawing, uint64 end) = k.stakeOf(operator);
        vm.assume(end != 0 || thawing == 0); // nothing thaws without a clock: withdraw and cancel delete both
        uint256 backing = total - thawing;
        (bool ok,) = call(operator, address(k), abi.encodeCall(k.thawStake, (amount)));
        vm.assume(ok);
        assert(end == 0 && amount != 0 && amount <= backing);
        (uint256 totalAfter, uint256 thawingAfter,) = k.stakeOf(operator);
        assert(totalAfter == total && thawingAfter == amount && k.epochRoom(operator) <= backing - amount);
    }

    /// @dev Nobody but the settlement contract credits anything or takes what can be claimed.
    function check_onlySettlementCredits(address from, address account, address other, uint128 amount, uint8 which)
        public
    {
        vm.assume(from != address(s));
        (bool ok,) = call(from, address(k), abi.encodeCall(k.credit, (account, amount)));
        assert(!ok);
        (ok,) = call(from, address(k), abi.encodeCall(k.takeClaimable, (account)));
        assert(!ok);
        uint256 owed = k.claimable(other);
        (ok,) = call(from, address(k), any(which, amount));
        assert(k.claimable(other) == owed);
    }

    /// @dev A credit never reverts, at any value and time; in an epoch it pays exactly what stake is left for it.
    function check_creditStaysWithinStake(address operator, uint256 amount, uint256 time) public {
        at(time);
        uint256 owed = k.claimable(operator);
        vm.assume(owed <= 2 * MAX_HELD); // what both contracts can hold
        uint256 backing = bonded(operator);
        uint256 room = k.epochRoom(operator);
        assert(room <= backing);
        (bool ok, bytes memory answer) = call(address(s), address(k), abi.encodeCall(k.credit, (operator, amount)));
        assert(ok);
        uint256 paid = abi.decode(answer, (uint256));
        assert(paid == min(amount, room) && k.claimable(operator) == owed + paid);
        assert(k.epochRoom(operator) == room - paid && bonded(operator) == backing);
    }

    /// @dev Two credits in one epoch never pay more than the stake, and the next epoch has all of it again.
    function check_epochCapCountsAllPayments(address operator, uint256 x, uint256 y, uint256 time, uint256 later) public {
        vm.assume(time <= later && later < 2 ** 32 * uint256(EPOCH)); // epochs fit their field for ten million years
        at(time);
        vm.assume(k.claimable(operator) <= 2 * MAX_HELD);
        uint256 backing = bonded(operator);
        (, bytes memory first) = call(address(s), address(k), abi.encodeCall(k.credit, (operator, x)));
        at(later);
        (, bytes memory second) = call(address(s), address(k), abi.encodeCall(k.credit, (operator, y)));
        uint256 a = abi.decode(first, (uint256));
        uint256 b = abi.decode(second, (uint256));
        if (time / EPOCH == later / EPOCH) assert(a + b <= backing);
        else if (a != 0) assert(b == min(y, backing));
    }

    /// @dev What is staked is what came in, and bonded stake fits its field.
    function check_stakeAddsWhatCameIn(address operator, uint128 amount) public {
        (uint256 total, uint256 thawing, uint64 end) = k.stakeOf(operator);
        uint256 held = token.balanceOf(address(k));
        (bool ok,) = call(operator, address(k), abi.encodeCall(k.stake, (amount)));
        vm.assume(ok);
        (uint256 totalAfter, uint256 thawingAfter, uint64 endAfter) = k.stakeOf(operator);
        assert(amount != 0 && totalAfter == total + amount && thawingAfter == thawing && endAfter == end);
        assert(token.balanceOf(address(k)) == held + amount && held + amount <= MAX_HELD);
    }

    /// @dev Any call but the proofs, which Slash.t.sol is about.
    function any(uint8 which, uint128 amount) private view returns (bytes memory) {
        if (which == 0) return abi.encodeCall(k.stake, (amount));
        if (which == 1) return abi.encodeCall(k.thawStake, (amount));
        if (which == 2) return abi.encodeCall(k.cancelThawStake, ());
        return abi.encodeCall(k.withdrawStake, ());
    }
}
