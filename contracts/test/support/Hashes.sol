// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Advert, Order, Receipt, Voucher, SettlementBatch, SignerAuthorization} from "../../src/Messages.sol";
import {MessageHash} from "../../src/MessageHash.sol";

/// @dev What the contracts compute inside: they offer no views of it, because nobody on chain needs them.
contract Hashes {
    function hash(Advert calldata a) external pure returns (bytes32) {
        return MessageHash.hash(a);
    }

    function hash(Order calldata o) external pure returns (bytes32) {
        return MessageHash.hash(o);
    }

    function hash(Receipt calldata r) external pure returns (bytes32) {
        return MessageHash.hash(r);
    }

    function hash(Voucher calldata v) external pure returns (bytes32) {
        return MessageHash.hash(v);
    }

    function hash(SettlementBatch calldata b) external pure returns (bytes32) {
        return MessageHash.hash(b);
    }

    function hash(SignerAuthorization calldata a) external pure returns (bytes32) {
        return MessageHash.hash(a);
    }

    function offerHash(Advert calldata a) external pure returns (bytes32) {
        return MessageHash.offerHash(a);
    }

    function leaf(uint256 index, uint256 count, bytes32 receiptDigest) external pure returns (bytes32) {
        return MessageHash.leaf(index, count, receiptDigest);
    }
}
