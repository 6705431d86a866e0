// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {LaneTotal} from "../src/Messages.sol";

/// @dev Invariants I10 and I11 (see Invariants.t.sol): two ways to bring the same totals, each from one snapshot.
contract SettleOrderTest is Fixture {
    uint256 private constant VOUCHERS = 12;

    /// @dev I10: where escrow and stake suffice, the order of vouchers and their repetition change nothing.
    /// forge-config: default.fuzz.runs = 128
    function testFuzz_orderAndRepetitionChangeNothing(uint256 seed) public {
        fundLanes(1000 * USD, 10_000 * USD);
        uint256 start = vm.snapshotState();
        for (uint256 i; i < VOUCHERS; ++i) {
            settleNth(i, seed);
        }
        bytes32 inOrder = state();
        vm.revertToState(start);
        uint256 first = seed % VOUCHERS;
        for (uint256 i; i < 2 * VOUCHERS; ++i) {
            settleNth((first + 5 * i) % VOUCHERS, seed); // 5 and 12 have no common factor: all of them, twice
        }
        eq("state", state(), inOrder);
    }

    /// @dev I11: a batch does what the vouchers of its lanes do, also where escrow or stake end first.
    /// forge-config: default.fuzz.runs = 128
    function testFuzz_batchIsItsVouchers(uint256 seed) public {
        fundLanes(uint128(bound(seed, 1, 100 * USD)), uint128(bound(seed >> 128, 1, 100 * USD)));
        LaneTotal[] memory lanes = new LaneTotal[](5);
        for (uint256 o; o < 5; ++o) {
            lanes[o] = LaneTotal(operators[o], totalOf(o, seed, 150 * USD));
        }
        uint256 start = vm.snapshotState();
        uint256 paid = settleBatch(batch(0, 1, lanes));
        bytes32 batched = state();
        vm.revertToState(start);
        for (uint256 o = 5; o != 0; --o) {
            paid -= settle(0, operators[o - 1], lanes[o - 1].valueAggregate);
        }
        eq("state", state(), batched);
        eq("paid more by the batch", paid, 0);
    }

    function fundLanes(uint128 escrow, uint128 staked) private {
        for (uint256 o; o < 5; ++o) {
            stake(operators[o], staked);
            for (uint256 p; p < 2; ++p) {
                deposit(payers[p], operators[o], escrow);
            }
        }
    }

    function settleNth(uint256 i, uint256 seed) private {
        settle(i % 2, operators[i % 5], totalOf(i, seed, 1000 * USD));
    }

    function totalOf(uint256 i, uint256 seed, uint128 most) private pure returns (uint128) {
        return uint128(uint256(keccak256(abi.encode(seed, i))) % (most + 1));
    }

    function state() private view returns (bytes32 hash) {
        for (uint256 o; o < 5; ++o) {
            address op = operators[o];
            hash = keccak256(abi.encode(hash, k.claimable(op), k.epochRoom(op)));
            for (uint256 p; p < 2; ++p) {
                hash = keccak256(abi.encode(hash, balanceOf(payers[p], op), collectedOf(payers[p], op)));
            }
        }
    }
}
