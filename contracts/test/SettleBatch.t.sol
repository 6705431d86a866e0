// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {IFlotillaSettlement as I} from "../src/interfaces/IFlotillaSettlement.sol";
import {LaneTotal, SettlementBatch} from "../src/Messages.sol";

contract SettleBatchTest is Fixture {
    function setUp() public override {
        super.setUp();
        for (uint256 i; i < operators.length; ++i) {
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

    function bySelf(SettlementBatch memory b) private returns (uint256) {
        vm.prank(payers[0]);
        return s.settleBatch(b, "");
    }

    function test_settlesLanesAndAnchorsTheRoot() public {
        SettlementBatch memory b = batch(0, 1, three(10 * USD, 70 * USD, 5 * USD));
        vm.expectEmit();
        emit I.Settled(payers[0], operators[0], 10 * USD, 0, 10 * USD);
        vm.expectEmit();
        emit I.Settled(payers[0], operators[1], 50 * USD, 20 * USD, 70 * USD); // escrow ends
        vm.expectEmit();
        emit I.Settled(payers[0], operators[2], 0, 5 * USD, 5 * USD); // no stake
        vm.expectEmit();
        emit I.BatchSettled(payers[0], 1, b.receiptsRoot, 3, 60 * USD);
        eq("paid", bySelf(b), 60 * USD);
        (bytes32 root, uint32 count) = s.batchRoot(payers[0], 1);
        eq("root", root, b.receiptsRoot);
        eq("count", count, 3);
        eq("next", s.nextEpoch(payers[0]), 2);
        eq("other payer", s.nextEpoch(payers[1]), 1);
        eq("claimable", s.claimable(operators[0]), 10 * USD);
    }

    function test_anyoneMayBringASignedBatch() public {
        SettlementBatch memory b = batch(0, 1, three(1, 2, 3));
        bytes memory sig = sign(payerKeys[0], s.batchDigest(b));
        vm.prank(stranger);
        eq("paid", s.settleBatch(b, sig), 3);
    }

    function test_signatureIsNeededAndCoversEveryField() public {
        SettlementBatch memory b = batch(0, 1, three(1, 2, 3));
        bytes memory sig = sign(payerKeys[0], s.batchDigest(b));
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, address(0), payers[0]));
        s.settleBatch(b, "");
        bytes memory others = sign(payerKeys[1], s.batchDigest(b));
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, payers[1], payers[0]));
        s.settleBatch(b, others);
        for (uint256 i; i < 6; ++i) {
            SettlementBatch memory c = batch(0, 1, three(1, 2, 3));
            if (i == 0) c.payer = payers[1];
            if (i == 1) c.epoch = 2;
            if (i == 2) c.receiptCount = 4;
            if (i == 3) c.receiptsRoot = bytes32(uint256(1));
            if (i == 4) c.lanes[1].valueAggregate = 3;
            if (i == 5) c.lanes[2].payee = address(0x3004);
            yes("digest differs", s.batchDigest(c) != s.batchDigest(b));
            vm.expectRevert();
            s.settleBatch(c, sig);
        }
    }

    function test_epochsComeInOrderEachOnce() public {
        bySelf(batch(0, 1, three(1, 2, 3)));
        refuses(abi.encodeWithSelector(I.EpochMismatch.selector, 2, 1));
        bySelf(batch(0, 1, three(1, 2, 3)));
        refuses(abi.encodeWithSelector(I.EpochMismatch.selector, 2, 3));
        bySelf(batch(0, 3, three(1, 2, 3)));
        bySelf(batch(0, 2, three(2, 2, 3)));
        eq("next", s.nextEpoch(payers[0]), 3);
        eq("collected", collectedOf(payers[0], operators[0]), 2);
    }

    function test_lanesMustAscend() public {
        SettlementBatch memory b = batch(0, 1, three(1, 2, 3));
        b.lanes[1].payee = operators[0]; // twice the same
        refuses(abi.encodeWithSelector(I.LanesNotSorted.selector, 1));
        bySelf(b);
        (b.lanes[1].payee, b.lanes[2].payee) = (operators[2], operators[1]);
        refuses(abi.encodeWithSelector(I.LanesNotSorted.selector, 2));
        bySelf(b);
        b.lanes[0].payee = address(0);
        refuses(abi.encodeWithSelector(I.LanesNotSorted.selector, 0));
        bySelf(b);
    }

    function test_emptyBatchesAreRefused() public {
        SettlementBatch memory b = batch(0, 1, three(1, 2, 3));
        b.receiptCount = 0;
        refuses(I.EmptyBatch.selector);
        bySelf(b);
        b = batch(0, 1, three(1, 2, 3));
        b.receiptsRoot = 0;
        refuses(I.EmptyBatch.selector);
        bySelf(b);
        b = batch(0, 1, new LaneTotal[](0));
        refuses(I.EmptyBatch.selector);
        bySelf(b);
    }

    function test_batchAndVoucherShareOneTotal() public {
        bySelf(batch(0, 1, three(10, 0, 0)));
        eq("older voucher", settle(0, operators[0], 10), 0);
        eq("newer voucher", settle(0, operators[0], 15), 5);
        eq("batch behind", bySelf(batch(0, 2, three(12, 0, 0))), 0);
    }
}
