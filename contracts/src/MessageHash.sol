// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Advert, Order, Receipt, Voucher, LaneTotal, SettlementBatch, SignerAuthorization} from "./Messages.sol";

/// @title EIP-712 struct hashes of the signed messages, and the leaf rule of the receipt tree
/// @dev Structs of static fields are encoded inline by `abi.encode`, word by word in field order,
/// which is exactly EIP-712's encodeData: no field can be forgotten here without changing the struct.
library MessageHash {
    bytes32 internal constant ADVERT_TYPEHASH = keccak256(
        "Advert(address operator,bytes32 node,string model,string quantization,string runtime,string tokenCounting,uint64 inputPerMTok,uint64 outputPerMTok,uint64 perRequest,uint32 maxContext,uint64 seq,uint64 validFrom,uint64 validTo)"
    );
    bytes32 internal constant ORDER_TYPEHASH = keccak256(
        "Order(address payer,address payee,bytes32 advert,uint32 maxInputTokens,uint32 maxOutputTokens,uint128 maxAmount,bytes32 requestHash,bytes32 decision,bytes32 nonce,uint64 deadline)"
    );
    bytes32 internal constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 request,address payer,address payee,bytes32 advert,uint64 laneSeq,uint32 inputTokens,uint32 outputTokens,uint128 amount,uint64 servedAt,bytes32 requestHash,bytes32 responseHash,bytes32 decision)"
    );
    bytes32 internal constant VOUCHER_TYPEHASH =
        keccak256("Voucher(address payer,address payee,uint128 valueAggregate,uint64 receiptCount)");
    bytes32 internal constant LANE_TOTAL_TYPEHASH = keccak256("LaneTotal(address payee,uint128 valueAggregate)");
    bytes32 internal constant SETTLEMENT_BATCH_TYPEHASH = keccak256(
        "SettlementBatch(address payer,uint64 epoch,uint32 receiptCount,bytes32 receiptsRoot,LaneTotal[] lanes)LaneTotal(address payee,uint128 valueAggregate)"
    );

    bytes32 internal constant SIGNER_AUTHORIZATION_TYPEHASH =
        keccak256("SignerAuthorization(address payer,address signer,uint64 deadline)");

    function hash(Advert calldata a) internal pure returns (bytes32) {
        // Two halves, because one call with fourteen words is too deep for the stack.
        return keccak256(
            bytes.concat(
                abi.encode(
                    ADVERT_TYPEHASH,
                    a.operator,
                    a.node,
                    keccak256(bytes(a.model)),
                    keccak256(bytes(a.quantization)),
                    keccak256(bytes(a.runtime)),
                    keccak256(bytes(a.tokenCounting))
                ),
                abi.encode(a.inputPerMTok, a.outputPerMTok, a.perRequest, a.maxContext, a.seq, a.validFrom, a.validTo)
            )
        );
    }

    function hash(Order calldata o) internal pure returns (bytes32) {
        return keccak256(abi.encode(ORDER_TYPEHASH, o));
    }

    function hash(Receipt calldata r) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECEIPT_TYPEHASH, r));
    }

    function hash(Voucher calldata v) internal pure returns (bytes32) {
        return keccak256(abi.encode(VOUCHER_TYPEHASH, v));
    }

    function hash(SettlementBatch calldata b) internal pure returns (bytes32) {
        bytes32[] memory lanes = new bytes32[](b.lanes.length);
        for (uint256 i; i < lanes.length; ++i) {
            lanes[i] = keccak256(abi.encode(LANE_TOTAL_TYPEHASH, b.lanes[i]));
        }
        return keccak256(
            abi.encode(
                SETTLEMENT_BATCH_TYPEHASH,
                b.payer,
                b.epoch,
                b.receiptCount,
                b.receiptsRoot,
                keccak256(abi.encodePacked(lanes))
            )
        );
    }

    function hash(SignerAuthorization memory s) internal pure returns (bytes32) {
        return keccak256(abi.encode(SIGNER_AUTHORIZATION_TYPEHASH, s));
    }

    /// @notice What an advert is about: the same offer may not have one sequence number twice.
    function offerHash(Advert calldata a) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                a.operator,
                a.node,
                keccak256(bytes(a.model)),
                keccak256(bytes(a.quantization)),
                keccak256(bytes(a.runtime)),
                a.seq
            )
        );
    }

    /// @notice Leaf `index` of a tree of `count` receipts.
    /// @dev Hashed twice, so that an inner node (one hash of 64 bytes) never passes for a leaf; index
    /// and count are inside, so that a proof says where in which size of batch the receipt stands.
    function leaf(uint256 index, uint256 count, bytes32 receiptDigest) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(keccak256(abi.encode(index, count, receiptDigest))));
    }
}
