// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {LaneTotal, SettlementBatch, Voucher} from "../src/Messages.sol";

/// @dev Gas of whole transactions (run with --isolate: 21,000 + calldata + execution), written to
/// snapshots/Gas.json. test.sh fails when a figure changes; commit the file when it should.
contract GasTest is Fixture {
    string private constant GROUP = "Gas";

    function operator(uint256 i) private pure returns (address) {
        return address(uint160(0x10000 + i));
    }

    function lanes(uint256 n, uint128 total) private pure returns (LaneTotal[] memory out) {
        out = new LaneTotal[](n);
        for (uint256 i; i < n; ++i) {
            out[i] = LaneTotal(operator(i), total);
        }
    }

    /// @dev n staked operators with escrow; each has been paid before, so that its slots are warm in the
    /// sense of the state (not zero), as they are all the time but the first.
    function prepare(uint256 n) private {
        address[] memory payees = new address[](n);
        uint128[] memory amounts = new uint128[](n);
        for (uint256 i; i < n; ++i) {
            (payees[i], amounts[i]) = (operator(i), 100 * USD);
            fund(operator(i));
            stake(operator(i), 100 * USD);
        }
        vm.prank(payers[0]);
        s.depositMany(payees, amounts);
        snapshot(string.concat("depositMany", label(n)));
        SettlementBatch memory b = batch(0, 1, lanes(n, 1));
        vm.prank(payers[0]);
        s.settleBatch(b, "");
        snapshot(string.concat("settleBatch", label(n), "_firstTime"));
    }

    function label(uint256 n) private pure returns (string memory) {
        return n == 1 ? "_001" : n == 10 ? "_010" : "_100";
    }

    function snapshot(string memory name) private {
        vm.snapshotGasLastCall(GROUP, name);
    }

    function settleBatches(uint256 n) private {
        prepare(n);
        SettlementBatch memory b = batch(0, 2, lanes(n, 2 * USD));
        vm.prank(payers[0]);
        s.settleBatch(b, "");
        snapshot(string.concat("settleBatch", label(n)));
        b = batch(0, 3, lanes(n, 3 * USD));
        bytes memory sig = sign(payerKeys[0], s.batchDigest(b));
        vm.prank(stranger);
        s.settleBatch(b, sig);
        snapshot(string.concat("settleBatch", label(n), "_signed"));
    }

    function test_settleBatch1() public {
        settleBatches(1);
    }

    function test_settleBatch10() public {
        settleBatches(10);
    }

    function test_settleBatch100() public {
        settleBatches(100);
    }

    function test_settleVoucher() public {
        prepare(1);
        Voucher memory v = Voucher(payers[0], operator(0), 2 * USD, 7);
        bytes memory sig = sign(payerKeys[0], s.voucherDigest(v));
        vm.prank(operator(0));
        s.settleVoucher(v, sig);
        snapshot("settleVoucher");
        vm.prank(operator(0));
        s.claim(operator(0));
        snapshot("claim");
    }

    function test_stakeAndEscrow() public {
        address op = operators[0];
        stake(op, USD);
        snapshot("stake_firstTime");
        stake(op, USD);
        snapshot("stake");
        vm.prank(op);
        s.thawStake(USD);
        snapshot("thawStake");
        skipTime(STAKE_THAW);
        vm.prank(op);
        s.withdrawStake();
        snapshot("withdrawStake");
        deposit(payers[0], op, USD);
        snapshot("deposit_firstTime");
        deposit(payers[0], op, USD);
        snapshot("deposit");
        vm.prank(payers[0]);
        s.thaw(op, USD);
        snapshot("thaw");
        skipTime(LANE_THAW);
        vm.prank(payers[0]);
        s.withdraw(op);
        snapshot("withdraw");
    }
}
