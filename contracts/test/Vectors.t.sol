// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {IFlotillaSettlement} from "../src/interfaces/IFlotillaSettlement.sol";
import {Advert, Order, Receipt, Voucher, LaneTotal, SettlementBatch} from "../src/Messages.sol";

/// @dev The contract agrees with vectors/messages.json, which Go is tested against as well.
contract VectorsTest is Fixture {
    string private json;

    function setUp() public override {
        super.setUp();
        json = vm.readFile("vectors/messages.json");
        // Put the contract where the vectors' domain says that it is.
        address at = vm.parseJsonAddress(json, ".domain.contract");
        vm.etch(at, address(s).code);
        vm.chainId(vm.parseJsonUint(json, ".domain.chainId"));
        s = IFlotillaSettlement(at);
    }

    function path(string memory list, uint256 i) private pure returns (string memory) {
        return string.concat(".", list, "[", vm.toString(i), "]");
    }

    function num(string memory at, string memory field) private view returns (uint256) {
        return vm.parseJsonUint(json, string.concat(at, ".", field));
    }

    function addr(string memory at, string memory field) private view returns (address) {
        return vm.parseJsonAddress(json, string.concat(at, ".", field));
    }

    function word(string memory at, string memory field) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(at, ".", field));
    }

    function text(string memory at, string memory field) private view returns (string memory) {
        return vm.parseJsonString(json, string.concat(at, ".", field));
    }

    function check(string memory at, bytes32 digest) private view {
        eq(at, digest, word(at, "digest"));
        bytes memory sig = vm.parseJsonBytes(json, string.concat(at, ".signature"));
        (bytes32 r, bytes32 ss) = abi.decode(sig, (bytes32, bytes32));
        eq(at, ecrecover(digest, uint8(sig[64]), r, ss), addr(at, "signer"));
    }

    function count(string memory list) private view returns (uint256 n) {
        while (vm.keyExistsJson(json, path(list, n))) ++n;
        yes("at least 20 vectors", n >= 20);
    }

    function test_adverts() public view {
        uint256 n = count("adverts");
        for (uint256 i; i < n; ++i) {
            string memory at = path("adverts", i);
            Advert memory a;
            (a.operator, a.node, a.model) = (addr(at, "operator"), word(at, "node"), text(at, "model"));
            (a.quantization, a.runtime) = (text(at, "quantization"), text(at, "runtime"));
            a.tokenCounting = text(at, "tokenCounting");
            (a.inputPerMTok, a.outputPerMTok) = (uint64(num(at, "inputPerMTok")), uint64(num(at, "outputPerMTok")));
            (a.perRequest, a.maxContext) = (uint64(num(at, "perRequest")), uint32(num(at, "maxContext")));
            (a.seq, a.validFrom) = (uint64(num(at, "seq")), uint64(num(at, "validFrom")));
            a.validTo = uint64(num(at, "validTo"));
            check(at, s.advertDigest(a));
        }
    }

    function test_orders() public view {
        uint256 n = count("orders");
        for (uint256 i; i < n; ++i) {
            string memory at = path("orders", i);
            Order memory o;
            (o.payer, o.payee, o.advert) = (addr(at, "payer"), addr(at, "payee"), word(at, "advert"));
            o.maxInputTokens = uint32(num(at, "maxInputTokens"));
            o.maxOutputTokens = uint32(num(at, "maxOutputTokens"));
            (o.maxAmount, o.requestHash) = (uint128(num(at, "maxAmount")), word(at, "requestHash"));
            (o.decision, o.nonce) = (word(at, "decision"), word(at, "nonce"));
            o.deadline = uint64(num(at, "deadline"));
            check(at, s.orderDigest(o));
        }
    }

    function test_receipts() public view {
        uint256 n = count("receipts");
        for (uint256 i; i < n; ++i) {
            string memory at = path("receipts", i);
            Receipt memory r;
            (r.request, r.payer, r.payee) = (word(at, "request"), addr(at, "payer"), addr(at, "payee"));
            (r.advert, r.laneSeq) = (word(at, "advert"), uint64(num(at, "laneSeq")));
            (r.inputTokens, r.outputTokens) = (uint32(num(at, "inputTokens")), uint32(num(at, "outputTokens")));
            (r.amount, r.servedAt) = (uint128(num(at, "amount")), uint64(num(at, "servedAt")));
            (r.requestHash, r.responseHash) = (word(at, "requestHash"), word(at, "responseHash"));
            r.decision = word(at, "decision");
            check(at, s.receiptDigest(r));
        }
    }

    function test_vouchers() public {
        uint256 n = count("vouchers");
        for (uint256 i; i < n; ++i) {
            string memory at = path("vouchers", i);
            Voucher memory v = Voucher(
                addr(at, "payer"),
                addr(at, "payee"),
                uint128(num(at, "valueAggregate")),
                uint64(num(at, "receiptCount"))
            );
            check(at, s.voucherDigest(v));
            s.settleVoucher(v, vm.parseJsonBytes(json, string.concat(at, ".signature"))); // is accepted
        }
    }

    function test_batches() public view {
        uint256 n = count("batches");
        for (uint256 i; i < n; ++i) {
            string memory at = path("batches", i);
            uint256 lanes;
            while (vm.keyExistsJson(json, string.concat(at, path("lanes", lanes)))) ++lanes;
            SettlementBatch memory b = SettlementBatch(
                addr(at, "payer"),
                uint64(num(at, "epoch")),
                uint32(num(at, "receiptCount")),
                word(at, "receiptsRoot"),
                new LaneTotal[](lanes)
            );
            for (uint256 j; j < lanes; ++j) {
                string memory lane = string.concat(at, path("lanes", j));
                b.lanes[j] = LaneTotal(addr(lane, "payee"), uint128(num(lane, "valueAggregate")));
            }
            check(at, s.batchDigest(b));
        }
    }

    function test_trees() public {
        uint256 n = count("trees");
        for (uint256 i; i < n; ++i) {
            string memory at = path("trees", i);
            bytes32[] memory leaves = vm.parseJsonBytes32Array(json, string.concat(at, ".leaves"));
            SettlementBatch memory b = batch(0, uint64(i + 1), lanes1(operators[0], 1));
            (b.receiptCount, b.receiptsRoot) = (uint32(leaves.length), word(at, "root"));
            vm.prank(payers[0]);
            s.settleBatch(b, "");
            for (uint256 j; j < leaves.length; ++j) {
                bytes32[] memory proof = vm.parseJsonBytes32Array(json, string.concat(at, path("proofs", j)));
                yes(at, s.verifyReceipt(payers[0], uint64(i + 1), j, leaves[j], proof));
                yes("other index", !s.verifyReceipt(payers[0], uint64(i + 1), j ^ 1, leaves[j], proof));
            }
        }
    }
}
