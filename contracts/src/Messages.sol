// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// The signed messages of Flotilla. The order of the fields is the order of the EIP-712 type, so a
// change here is a change of the protocol: new domain version, new deployment.
// Amounts are base units of the settlement token (6 decimals: 1 unit = 1e-6 USD); times are unix seconds.

/// @notice An operator's binding price for one model on one node. Signed by the operator.
struct Advert {
    address operator; // who is paid and whose stake stands behind the promise
    bytes32 node; // keccak256 of the libp2p peer id bytes
    string model; // canonical model id
    string quantization;
    string runtime;
    string tokenCounting; // rule by which tokens are counted
    uint64 inputPerMTok; // base units per 1,000,000 input tokens
    uint64 outputPerMTok; // base units per 1,000,000 output tokens
    uint64 perRequest; // flat base units per request
    uint32 maxContext; // tokens
    uint64 seq; // strictly increasing per operator and node
    uint64 validFrom;
    uint64 validTo;
}

/// @notice Authorises one request up to `maxAmount`. Signed by the payer (gateway).
struct Order {
    address payer;
    address payee;
    bytes32 advert; // digest of the advert whose prices apply
    uint32 maxInputTokens;
    uint32 maxOutputTokens;
    uint128 maxAmount;
    bytes32 requestHash; // keccak256(salt || body)
    bytes32 decision; // digest of the routing decision
    bytes32 nonce;
    uint64 deadline;
}

/// @notice What was served and what it costs. Signed by the operator, countersigned by the payer.
struct Receipt {
    bytes32 request; // digest of the order
    address payer;
    address payee;
    bytes32 advert;
    uint64 laneSeq; // the operator's running number on this lane; 0 when the payer issued it
    uint32 inputTokens;
    uint32 outputTokens;
    uint128 amount;
    uint64 servedAt;
    bytes32 requestHash;
    bytes32 responseHash;
    bytes32 decision;
}

/// @notice The running total a payer owes a payee: the only message that moves money. Signed by the payer.
struct Voucher {
    address payer;
    address payee;
    uint128 valueAggregate; // total ever owed on the lane, paid or not
    uint64 receiptCount;
}

/// @notice One lane of a batch: the same running total as in a voucher.
struct LaneTotal {
    address payee;
    uint128 valueAggregate;
}

/// @notice Many lanes settled under one signature, with the Merkle root of the receipts behind them.
struct SettlementBatch {
    address payer;
    uint64 epoch; // 1, 2, 3, ... per payer, without gaps
    uint32 receiptCount;
    bytes32 receiptsRoot;
    LaneTotal[] lanes; // strictly ascending by payee
}

/// @notice A key's consent to sign vouchers and batches for a payer. Signed by the signer.
struct SignerAuthorization {
    address payer;
    address signer;
    uint64 deadline; // the payer must bring it on chain by then
}
