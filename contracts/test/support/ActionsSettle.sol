// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ActionsBase, Kind} from "./ActionsBase.sol";
import {Voucher, LaneTotal, SettlementBatch, SignerAuthorization} from "../../src/Messages.sol";

/// @dev Actions on what payers owe: who may sign for them, vouchers and batches.
abstract contract ActionsSettle is ActionsBase {
    uint256 internal constant SIGNERS = 16;

    uint256[SIGNERS] internal signerKeys;
    address[SIGNERS] internal signers;
    /// @dev The largest total on a lane that the payer has signed, itself or through a signer of its own.
    mapping(address payer => mapping(address payee => uint256)) public mostSigned;

    function setUp() public virtual override {
        super.setUp();
        for (uint256 i; i < SIGNERS; ++i) {
            signerKeys[i] = uint256(keccak256(abi.encode("signer", i)));
            signers[i] = vm.addr(signerKeys[i]);
        }
    }

    // ----------------------------------------------------------------- signers

    function doAuthorizeSigner(uint256 who, uint256 seed) public inTime {
        address payer = payers[who % 5];
        uint256 i = (who >> 8) % SIGNERS;
        for (uint256 n; n < SIGNERS && who % 4 != 0 && model.payerOf(signers[i]) != address(0); ++n) {
            i = (i + 1) % SIGNERS;
        }
        address signer = signers[i];
        uint64 deadline = now_() + uint64(seed % 4) * 1 hours;
        if (seed % 16 == 0) deadline = now_() - 1;
        address consented = seed % 16 == 1 ? payers[(who % 5 + 1) % 5] : payer; // maybe to another payer
        bytes32 toSign = digest(SignerAuthorization(consented, signer, deadline));
        bytes memory proof = maybeSigned(signerKeys[i], toSign, mix(seed, "proof"));
        address by = recovered(digest(SignerAuthorization(payer, signer, deadline)), proof);
        bytes memory twin = abi.encodeCall(model.authorizeSigner, (payer, signer, deadline, by));
        both(Kind.AuthorizeSigner, payer, payer, abi.encodeCall(s.authorizeSigner, (signer, deadline, proof)), twin);
    }

    function doThawSigner(uint256 who, uint256 seed) public inTime {
        (address payer, address signer) = bound_(who, false);
        maybeWaitFor(model.signerThawEnd(signer), seed);
        bytes memory twin = abi.encodeCall(model.thawSigner, (payer, signer));
        both(Kind.ThawSigner, payer, payer, abi.encodeCall(s.thawSigner, (signer)), twin);
    }

    function doCancelThawSigner(uint256 who, uint256 seed) public inTime {
        (address payer, address signer) = bound_(who, true);
        if (seed % 4 == 0) maybeWaitFor(model.signerThawEnd(signer), seed >> 8);
        bytes memory twin = abi.encodeCall(model.cancelThawSigner, (payer, signer));
        both(Kind.CancelThawSigner, payer, payer, abi.encodeCall(s.cancelThawSigner, (signer)), twin);
    }

    /// @dev Mostly a signer that thaws, or does not, with its payer; sometimes with another payer.
    function bound_(uint256 who, bool thaws) private view returns (address payer, address signer) {
        for (uint256 n; n < SIGNERS; ++n) {
            signer = signers[((who >> 8) % SIGNERS + n) % SIGNERS];
            payer = model.payerOf(signer);
            if (who % 16 == 0) break;
            if (thaws == (model.signerThawEnd(signer) > now_()) && model.counts(signer, payer)) break;
        }
        if (who % 8 == 1 || payer == address(0)) payer = payers[(who >> 16) % 5];
    }

    // -------------------------------------------------------------- settlement

    function doSettleVoucher(uint256 who, uint256 seed) public inTime {
        (uint256 p, address payee) = (who % 5, operators[(who >> 8) % 5]);
        Voucher memory v = Voucher(payers[p], payee, total(payers[p], payee, seed), uint64(seed % 7));
        (bytes memory signature, address by) = signedFor(p, digest(v), mix(who, "key"));
        noteSigned(v.payer, by, v.payee, v.valueAggregate);
        address from = anyActor(who >> 16);
        bytes memory twin = abi.encodeCall(model.settleVoucher, (from, v, by));
        both(Kind.SettleVoucher, from, v.payer, abi.encodeCall(s.settleVoucher, (v, signature)), twin);
    }

    function doSettleBatch(uint256 who, uint256 seed) public inTime {
        uint256 p = who % 5;
        SettlementBatch memory b = SettlementBatch(
            payers[p], s.nextEpoch(payers[p]), uint32(1 + seed % 9), keccak256(abi.encode(seed)), lanesOf(p, seed)
        );
        spoil(b, seed >> 16);
        (bytes memory signature, address by) = signedFor(p, digest(b), mix(who, "key"));
        address from = anyActor(who >> 16);
        if (who % 3 == 0) (from, signature, by) = (b.payer, bytes(""), b.payer); // needs no signature
        for (uint256 i; i < b.lanes.length; ++i) {
            noteSigned(b.payer, from == b.payer ? from : by, b.lanes[i].payee, b.lanes[i].valueAggregate);
        }
        bytes memory twin = abi.encodeCall(model.settleBatch, (from, b, by));
        both(Kind.SettleBatch, from, b.payer, abi.encodeCall(s.settleBatch, (b, signature)), twin);
    }

    /// @dev Now and then a batch that must be refused.
    function spoil(SettlementBatch memory b, uint256 seed) private pure {
        uint256 way = seed % 32;
        if (way == 0) ++b.epoch;
        if (way == 1) --b.epoch;
        if (way == 2) b.receiptCount = 0;
        if (way == 3) b.receiptsRoot = 0;
        if (way == 4) b.lanes = new LaneTotal[](0);
        if (way == 5) b.lanes[0].payee = address(0);
        if (way == 6) b.lanes[b.lanes.length - 1].payee = b.lanes[0].payee; // twice one payee, or just one lane
        if (way == 7) (b.lanes[0], b.lanes[b.lanes.length - 1]) = (b.lanes[b.lanes.length - 1], b.lanes[0]);
    }

    /// @dev One to five lanes, ascending.
    function lanesOf(uint256 p, uint256 seed) private view returns (LaneTotal[] memory lanes) {
        uint256 mask = (seed >> 32) % 31 + 1;
        lanes = new LaneTotal[](5);
        uint256 n;
        for (uint256 i; i < 5; ++i) {
            if (mask & (1 << i) == 0) continue;
            lanes[n++] = LaneTotal(operators[i], total(payers[p], operators[i], seed >> (40 + 32 * i)));
        }
        assembly ("memory-safe") {
            mstore(lanes, n)
        }
    }

    /// @dev A total a little below, at or above what was collected; sometimes the largest that there is.
    function total(address payer, address payee, uint256 seed) private view returns (uint128) {
        uint256 collected = model.collected(payer, payee);
        if (seed % 64 == 0) return type(uint128).max;
        if (seed % 64 == 1) return uint128(collected);
        if (seed % 64 == 2) return uint128(collected + 1);
        uint256 above = collected + (seed >> 8) % unit;
        return uint128(above > unit / 8 ? above - unit / 8 : 0);
    }

    /// @dev Signed by the payer or one of its signers; now and then by a signer of another or of nobody. Before
    /// a word of a thawing signer, time may pass until just before or just after the word is void.
    function signedFor(uint256 p, bytes32 digest_, uint256 seed) private returns (bytes memory signature, address by) {
        uint256 key = payerKeys[p];
        uint256 first = (seed >> 8) % SIGNERS;
        for (uint256 n; n < SIGNERS && seed % 2 == 0; ++n) {
            uint256 i = (first + n) % SIGNERS;
            if (model.payerOf(signers[i]) != payers[p] && seed % 16 != 0) continue;
            key = signerKeys[i];
            maybeWaitFor(model.signerThawEnd(signers[i]), seed >> 16);
            break;
        }
        signature = maybeSigned(key, digest_, mix(seed, "signature"));
        by = recovered(digest_, signature);
    }

    function noteSigned(address payer, address by, address payee, uint256 value) private {
        bool counts = by == payer || (by != address(0) && model.counts(by, payer));
        if (counts && value > mostSigned[payer][payee]) mostSigned[payer][payee] = value;
    }
}
