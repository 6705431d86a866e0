// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Fixture} from "./support/Fixture.sol";
import {IFlotillaSettlement as I} from "../src/interfaces/IFlotillaSettlement.sol";
import {Vm} from "./support/Vm.sol";
import {LaneTotal, SettlementBatch} from "../src/Messages.sol";

contract SettleBatchTest is Fixture {
    function setUp() public override {
        super.setUp();
        for (uint256 i; i < 3; ++i) {
            if (i != 2) stake(operators[i], 100 * USD);
            deposit(payers[0], operators[i], 50 * USD);
        }
    }

    function three(uint128 a, uint128 b, uint128 c) private view returns (LaneTotal[] memory lanes) {
        lanes = new LaneTotal[](3);
        lanes[0] = LaneTotal(operators[0], a);
        lanes[1] = LaneTotal(operators[1], b);
        lanes[2] = LaneTotal(operators[2], c);
    }

    function test_settlesLanesAndAnchorsTheRoot() public {
        SettlementBatch memory b = batch(0, 1, three(10 * USD, 70 * USD, 5 * USD));
        vm.expectEmit(address(s));
        emit I.Settled(payers[0], operators[0], 10 * USD, 0, 10 * USD);
        vm.expectEmit(address(s));
        emit I.Settled(payers[0], operators[1], 50 * USD, 20 * USD, 70 * USD); // escrow ends
        vm.expectEmit(address(s));
        emit I.Settled(payers[0], operators[2], 0, 5 * USD, 5 * USD); // no stake
        vm.expectEmit(address(s));
        emit I.BatchSettled(payers[0], 1, b.receiptsRoot, 3, 60 * USD);
        eq("paid", settleBatch(b), 60 * USD);
        eq("next", s.nextEpoch(payers[0]), 2);
        eq("other payer", s.nextEpoch(payers[1]), 1);
        eq("claimable", k.claimable(operators[0]), 10 * USD);
    }

    function test_anyoneMayBringASignedBatch() public {
        SettlementBatch memory b = batch(0, 1, three(1, 2, 3));
        bytes memory sig = sign(payerKeys[0], digest(b));
        vm.prank(stranger);
        eq("paid", s.settleBatch(b, sig), 3);
    }

    function test_signatureIsNeededAndCoversEveryField() public {
        SettlementBatch memory b = batch(0, 1, three(1, 2, 3));
        bytes memory sig = sign(payerKeys[0], digest(b));
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, address(0), payers[0]));
        s.settleBatch(b, "");
        bytes memory others = sign(payerKeys[1], digest(b));
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, payers[1], payers[0]));
        s.settleBatch(b, others);
        for (uint256 i; i < 6; ++i) {
            SettlementBatch memory c = batch(0, 1, three(1, 2, 3));
            if (i == 0) c.payer = payers[1];
            if (i == 1) c.epoch = 2;
            if (i == 2) c.receiptCount = 4;
            if (i == 3) c.receiptsRoot = bytes32(uint256(1));
            if (i == 4) c.lanes[1].valueAggregate = 3;
            if (i == 5) c.lanes[2].payee = operators[3];
            yes("digest differs", digest(c) != digest(b));
            refuses(abi.encodeWithSelector(I.InvalidSigner.selector, ECDSA.recover(digest(c), sig), c.payer));
            s.settleBatch(c, sig);
        }
    }

    function test_epochsComeInOrderEachOnce() public {
        settleBatch(batch(0, 1, three(1, 2, 3)));
        refuses(abi.encodeWithSelector(I.EpochMismatch.selector, 2, 1));
        settleBatch(batch(0, 1, three(1, 2, 3)));
        refuses(abi.encodeWithSelector(I.EpochMismatch.selector, 2, 3));
        settleBatch(batch(0, 3, three(1, 2, 3)));
        settleBatch(batch(0, 2, three(2, 2, 3)));
        eq("next", s.nextEpoch(payers[0]), 3);
        eq("collected", collectedOf(payers[0], operators[0]), 2);
    }

    function test_lanesMustAscend() public {
        SettlementBatch memory b = batch(0, 1, three(1, 2, 3));
        b.lanes[1].payee = operators[0]; // twice the same
        refuses(abi.encodeWithSelector(I.LanesNotSorted.selector, 1));
        settleBatch(b);
        (b.lanes[1].payee, b.lanes[2].payee) = (operators[2], operators[1]);
        refuses(abi.encodeWithSelector(I.LanesNotSorted.selector, 2));
        settleBatch(b);
        b.lanes[0].payee = address(0);
        refuses(abi.encodeWithSelector(I.LanesNotSorted.selector, 0));
        settleBatch(b);
    }

    function test_anEpochIsNotUsedUpByARefusal() public {
        SettlementBatch memory b = batch(0, 1, three(1, 2, 3));
        b.lanes[1].payee = operators[0];
        refuses(abi.encodeWithSelector(I.LanesNotSorted.selector, 1));
        settleBatch(b);
        eq("next", s.nextEpoch(payers[0]), 1);
        eq("collected", collectedOf(payers[0], operators[0]), 0);
    }

    // A batch that pays nothing still anchors its root and uses its epoch.
    function test_aBatchWithoutNewsIsAnchored() public {
        settleBatch(batch(0, 1, three(1, 2, 0)));
        SettlementBatch memory b = batch(0, 2, three(1, 2, 0));
        vm.recordLogs();
        eq("paid", settleBatch(b), 0);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("events", logs.length, 1);
        eq("event", logs[0].topics[0], I.BatchSettled.selector);
        eq("next", s.nextEpoch(payers[0]), 3);
    }

    function test_oneReceiptAndOneLaneAreEnough() public {
        SettlementBatch memory b = batch(0, 1, lanes1(operators[1], 7));
        b.receiptCount = 1;
        vm.expectEmit(address(s));
        emit I.BatchSettled(payers[0], 1, b.receiptsRoot, 1, 7);
        eq("paid", settleBatch(b), 7);
    }

    // Lanes of one batch share nothing but the payer: each is clipped by itself.
    function testFuzz_aBatchPaysWhatItsVouchersWould(uint128 a, uint128 b, uint128 c) public {
        a = uint128(bound(a, 0, 60 * USD));
        b = uint128(bound(b, 0, 60 * USD));
        c = uint128(bound(c, 0, 60 * USD));
        stake(operators[2], 40 * USD);
        uint256 want = least(a, 50 * USD) + least(b, 50 * USD) + least(c, 40 * USD);
        eq("paid", settleBatch(batch(0, 1, three(a, b, c))), want);
        eq("first", k.claimable(operators[0]), least(a, 50 * USD));
        eq("second", k.claimable(operators[1]), least(b, 50 * USD));
        eq("third", k.claimable(operators[2]), least(c, 40 * USD));
        eq("by voucher, first", settle(0, operators[0], a), 0);
        eq("by voucher, second", settle(0, operators[1], b), 0);
        eq("by voucher, third", settle(0, operators[2], c), 0);
    }

    function least(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function test_emptyBatchesAreRefused() public {
        SettlementBatch memory b = batch(0, 1, three(1, 2, 3));
        b.receiptCount = 0;
        refuses(I.EmptyBatch.selector);
        settleBatch(b);
        b = batch(0, 1, three(1, 2, 3));
        b.receiptsRoot = 0;
        refuses(I.EmptyBatch.selector);
        settleBatch(b);
        b = batch(0, 1, new LaneTotal[](0));
        refuses(I.EmptyBatch.selector);
        settleBatch(b);
    }

    function test_batchAndVoucherShareOneTotal() public {
        settleBatch(batch(0, 1, three(10, 0, 0)));
        eq("older voucher", settle(0, operators[0], 10), 0);
        eq("newer voucher", settle(0, operators[0], 15), 5);
        eq("batch behind", settleBatch(batch(0, 2, three(12, 0, 0))), 0);
    }

    function test_batchOfTheZeroPayerIsRefused() public {
        SettlementBatch memory b = SettlementBatch(address(0), 1, 1, bytes32(uint256(1)), lanes1(operators[0], 5));
        bytes memory sig = sign(operatorKeys[1], digest(b));
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, operators[1], address(0)));
        s.settleBatch(b, sig);
    }
}
