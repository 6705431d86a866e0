// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Symbolic} from "./Symbolic.sol";
import {Voucher, SettlementBatch, LaneTotal} from "../src/Messages.sol";

/// @dev What a signed total pays. All of it with accounts at any value that their fields can hold.
contract SettlingProperties is Symbolic {
    /// @dev No sum of held tokens passes 2^72-1 in each contract (TokenPull), so this is where accounts can be.
    function reachable(address payer, address payee) private view returns (Lane memory l) {
        l = lane(payer, payee);
        vm.assume(l.balance <= MAX_HELD && k.claimable(payee) <= 2 * MAX_HELD);
    }

    /// @dev The payer's own voucher pays min(new in the total, escrow, epoch room), exactly, and never reverts.
    function check_voucherPaysWhatIsNewAndCovered(address from, Voucher memory v, uint256 time) public {
        at(time);
        bytes memory signature = svm.createBytes(65, "signature");
        address signer = recover(digest(hasher.hash(v)), signature);
        vm.assume(signer == v.payer && signer != address(0));
        Lane memory a = reachable(v.payer, v.payee);
        uint256 room = k.epochRoom(v.payee);
        uint256 owed = k.claimable(v.payee);
        uint256 due = v.valueAggregate > a.collected ? v.valueAggregate - a.collected : 0;
        (bool ok, bytes memory answer) = call(from, address(s), abi.encodeCall(s.settleVoucher, (v, signature)));
        assert(ok);
        uint256 paid = abi.decode(answer, (uint256));
        assert(paid == min(due, min(a.balance, room)));
        Lane memory b = lane(v.payer, v.payee);
        assert(b.balance == a.balance - paid && b.collected == a.collected + paid);
        assert(k.claimable(v.payee) == owed + paid && k.epochRoom(v.payee) == room - paid);
    }

    /// @dev The same voucher again, at any later time, pays only what the first could not.
    function check_replayPaysOnlyTheRest(address payer, address payee, uint128 total, uint256 time, uint256 later) public {
        vm.assume(payer != address(0) && time <= later);
        Lane memory a = reachable(payer, payee);
        at(time);
        uint256 first = settleAsPayer(payer, payee, total);
        at(later);
        uint256 second = settleAsPayer(payer, payee, total);
        uint256 due = total > a.collected ? total - a.collected : 0;
        assert(first + second <= due && first + second <= a.balance);
    }

    /// @dev One batch of one lane by the payer itself: the same path without a signature.
    function settleAsPayer(address payer, address payee, uint128 total) private returns (uint256) {
        LaneTotal[] memory lanes = new LaneTotal[](1);
        lanes[0] = LaneTotal(payee, total);
        SettlementBatch memory b = SettlementBatch(payer, s.nextEpoch(payer), 1, bytes32(uint256(1)), lanes);
        (bool ok, bytes memory answer) = call(payer, address(s), abi.encodeCall(s.settleBatch, (b, "")));
        vm.assume(ok); // not for payee zero
        return abi.decode(answer, (uint256));
    }

    /// @dev A batch counts once, in its turn, and for its own payer.
    function check_batchEpochCountsOnce(address payer, uint64 epoch, uint32 count, bytes32 root, address other) public {
        uint64 next = s.nextEpoch(payer);
        uint64 otherNext = s.nextEpoch(other);
        LaneTotal[] memory lanes = new LaneTotal[](1);
        lanes[0] = LaneTotal(address(1), 0);
        SettlementBatch memory b = SettlementBatch(payer, epoch, count, root, lanes);
        (bool ok,) = call(payer, address(s), abi.encodeCall(s.settleBatch, (b, "")));
        vm.assume(ok);
        assert(epoch == next && count != 0 && root != 0 && s.nextEpoch(payer) == next + 1);
        assert(other == payer || s.nextEpoch(other) == otherNext);
        (ok,) = call(payer, address(s), abi.encodeCall(s.settleBatch, (b, "")));
        assert(!ok);
    }

    /// @dev A claim pays all that was credited, once.
    function check_claimPaysOnce(address account, address to) public {
        vm.assume(account != address(0));
        uint256 owed = k.claimable(account);
        uint256 purse = token.balanceOf(to);
        vm.assume(purse <= MAX_HELD); // balances of a token do not wrap
        (bool ok,) = call(account, address(s), abi.encodeCall(s.claim, (to)));
        vm.assume(ok);
        assert(owed != 0 && k.claimable(account) == 0 && token.balanceOf(to) == purse + owed);
        (ok,) = call(account, address(s), abi.encodeCall(s.claim, (to)));
        assert(!ok);
    }
}
