// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {LaneTotal, SettlementBatch} from "../src/Messages.sol";

contract EvidenceTest is Fixture {
    bytes32 private constant R0 = keccak256("receipt 0");
    bytes32 private constant R1 = keccak256("receipt 1");
    bytes32 private constant R2 = keccak256("receipt 2");

    bytes32[3] private leaves;
    bytes32 private node01;

    function setUp() public override {
        super.setUp();
        bytes32[3] memory digests = [R0, R1, R2];
        for (uint256 i; i < 3; ++i) {
            leaves[i] = keccak256(bytes.concat(keccak256(abi.encode(i, uint256(3), digests[i]))));
        }
        node01 = pair(leaves[0], leaves[1]);
        SettlementBatch memory b = batch(0, 1, lanes1(operators[0], 1));
        b.receiptsRoot = pair(node01, leaves[2]); // the odd third leaf is promoted
        vm.prank(payers[0]);
        s.settleBatch(b, "");
    }

    function pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a));
    }

    function proof1(bytes32 a) private pure returns (bytes32[] memory p) {
        p = new bytes32[](1);
        p[0] = a;
    }

    function proof2(bytes32 a, bytes32 b) private pure returns (bytes32[] memory p) {
        p = new bytes32[](2);
        (p[0], p[1]) = (a, b);
    }

    function test_receiptsOfTheBatchVerify() public view {
        yes("0", s.verifyReceipt(payers[0], 1, 0, R0, proof2(leaves[1], leaves[2])));
        yes("1", s.verifyReceipt(payers[0], 1, 1, R1, proof2(leaves[0], leaves[2])));
        yes("2", s.verifyReceipt(payers[0], 1, 2, R2, proof1(node01)));
    }

    function test_receiptsOutsideTheBatchDoNot() public view {
        bytes32[] memory p = proof2(leaves[1], leaves[2]);
        yes("other receipt", !s.verifyReceipt(payers[0], 1, 0, R1, p));
        yes("other index", !s.verifyReceipt(payers[0], 1, 1, R0, p));
        yes("index beyond the count", !s.verifyReceipt(payers[0], 1, 3, R0, p));
        yes("other epoch", !s.verifyReceipt(payers[0], 2, 0, R0, p));
        yes("other payer", !s.verifyReceipt(payers[1], 1, 0, R0, p));
        yes("short proof", !s.verifyReceipt(payers[0], 1, 0, R0, proof1(leaves[1])));
        yes("no proof", !s.verifyReceipt(payers[0], 1, 0, R0, new bytes32[](0)));
        yes("long proof", !s.verifyReceipt(payers[0], 1, 0, R0, new bytes32[](33)));
        // Finding 16: an inner node is not a leaf.
        yes("inner node", !s.verifyReceipt(payers[0], 1, 0, node01, proof1(leaves[2])));
    }

    function testFuzz_noOtherDigestVerifies(bytes32 digest, uint256 index, bytes32 a, bytes32 b) public view {
        vm.assume(digest != R0 && digest != R1 && digest != R2);
        yes("free proof", !s.verifyReceipt(payers[0], 1, index % 3, digest, proof2(a, b)));
        yes("true siblings", !s.verifyReceipt(payers[0], 1, 0, digest, proof2(leaves[1], leaves[2])));
    }

    function test_proofForASingleReceiptIsEmpty() public {
        SettlementBatch memory b = batch(1, 1, lanes1(operators[0], 1));
        b.receiptCount = 1;
        b.receiptsRoot = keccak256(bytes.concat(keccak256(abi.encode(uint256(0), uint256(1), R0))));
        vm.prank(payers[1]);
        s.settleBatch(b, "");
        yes("single", s.verifyReceipt(payers[1], 1, 0, R0, new bytes32[](0)));
        // The tree's size is in the leaf: the same receipt at the same place of a larger tree is another leaf.
        yes("size", !s.verifyReceipt(payers[0], 1, 0, R0, new bytes32[](0)));
    }

    // A payer can anchor any root; a leaf that claims a place beyond the count still does not count.
    function test_leafBeyondTheCountDoesNotVerify() public {
        SettlementBatch memory b = batch(1, 1, lanes1(operators[0], 1));
        b.receiptCount = 1;
        b.receiptsRoot = keccak256(bytes.concat(keccak256(abi.encode(uint256(1), uint256(1), R0))));
        vm.prank(payers[1]);
        s.settleBatch(b, "");
        yes("beyond", !s.verifyReceipt(payers[1], 1, 1, R0, new bytes32[](0)));
    }
}
