// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Fixture} from "./support/Fixture.sol";
import {IFlotillaSettlement} from "../src/interfaces/IFlotillaSettlement.sol";
import {Advert, Order, Receipt, Voucher, LaneTotal, SettlementBatch, SignerAuthorization} from "../src/Messages.sol";

/// @dev The contracts agree with vectors/messages.json, which Go is tested against as well.
contract VectorsTest is Fixture {
    /// @dev Puts the contract where the vectors' domain says that it is: its constructor runs there.
    function setUp() public override {
        super.setUp();
        vm.chainId(vm.parseJsonUint(json(), ".domain.chainId"));
        address home = vm.parseJsonAddress(json(), ".domain.contract");
        bytes memory args = abi.encode(token, LANE_THAW, EPOCH, EVIDENCE, STAKE_THAW, MIN_PENALTY);
        vm.etch(home, bytes.concat(vm.getCode("FlotillaSettlement.sol:FlotillaSettlement"), args));
        (bool ok, bytes memory runtime) = home.call("");
        yes("constructed", ok);
        vm.etch(home, runtime);
        use(IFlotillaSettlement(home));
    }

    function json() private pure returns (string memory) {
        return vm.readFile("vectors/messages.json");
    }

    /// @dev Its name is its own in the whole project: forge takes the order of fields from a struct of the same name elsewhere.
    struct SignedVector {
        bytes32 digest;
        address signer;
        bytes signature;
    }

    struct Tree {
        bytes32[] leaves;
        bytes32 root;
        bytes32[][] proofs;
    }

    string private constant AUTHORIZATION = "SignerAuthorization(address payer,address signer,uint64 deadline)";
    string private constant VOUCHER = "Voucher(address payer,address payee,uint128 valueAggregate,uint64 receiptCount)";
    string private constant BATCH =
        "SettlementBatch(address payer,uint64 epoch,uint32 receiptCount,bytes32 receiptsRoot,LaneTotal[] lanes)LaneTotal(address payee,uint128 valueAggregate)";
    string private constant ADVERT =
        "Advert(address operator,bytes32 node,string model,string quantization,string runtime,string tokenCounting,uint64 inputPerMTok,uint64 outputPerMTok,uint64 perRequest,uint32 maxContext,uint64 seq,uint64 validFrom,uint64 validTo)";
    string private constant ORDER =
        "Order(address payer,address payee,bytes32 advert,uint32 maxInputTokens,uint32 maxOutputTokens,uint128 maxAmount,bytes32 requestHash,bytes32 decision,bytes32 nonce,uint64 deadline)";
    string private constant RECEIPT =
        "Receipt(bytes32 request,address payer,address payee,bytes32 advert,uint64 laneSeq,uint32 inputTokens,uint32 outputTokens,uint128 amount,uint64 servedAt,bytes32 requestHash,bytes32 responseHash,bytes32 decision)";

    /// @dev The digests and signatures beside a list of messages.
    function signedOf(string memory list) private pure returns (SignedVector[] memory all) {
        bytes memory raw =
            vm.parseJsonTypeArray(json(), list, "SignedVector(bytes32 digest,address signer,bytes signature)");
        all = abi.decode(raw, (SignedVector[]));
        yes("at least 20 vectors", all.length >= 20);
    }

    function check(SignedVector memory want, bytes32 digest) private pure {
        eq("digest", digest, want.digest);
        (bytes32 r, bytes32 ss) = abi.decode(want.signature, (bytes32, bytes32));
        eq("signer", ecrecover(digest, uint8(want.signature[64]), r, ss), want.signer);
    }

    function test_adverts() public view {
        SignedVector[] memory want = signedOf(".adverts");
        Advert[] memory all = abi.decode(vm.parseJsonTypeArray(json(), ".adverts", ADVERT), (Advert[]));
        for (uint256 i; i < all.length; ++i) {
            check(want[i], digest(all[i]));
        }
    }

    function test_orders() public view {
        SignedVector[] memory want = signedOf(".orders");
        Order[] memory all = abi.decode(vm.parseJsonTypeArray(json(), ".orders", ORDER), (Order[]));
        for (uint256 i; i < all.length; ++i) {
            check(want[i], digest(all[i]));
        }
    }

    function test_receipts() public view {
        SignedVector[] memory want = signedOf(".receipts");
        Receipt[] memory all = abi.decode(vm.parseJsonTypeArray(json(), ".receipts", RECEIPT), (Receipt[]));
        for (uint256 i; i < all.length; ++i) {
            check(want[i], digest(all[i]));
        }
    }

    function test_vouchers() public {
        SignedVector[] memory want = signedOf(".vouchers");
        Voucher[] memory all = abi.decode(vm.parseJsonTypeArray(json(), ".vouchers", VOUCHER), (Voucher[]));
        for (uint256 i; i < all.length; ++i) {
            check(want[i], digest(all[i]));
            s.settleVoucher(all[i], want[i].signature); // is accepted
        }
    }

    function test_batches() public view {
        SignedVector[] memory want = signedOf(".batches");
        SettlementBatch[] memory all = abi.decode(vm.parseJsonTypeArray(json(), ".batches", BATCH), (SettlementBatch[]));
        for (uint256 i; i < all.length; ++i) {
            check(want[i], digest(all[i]));
        }
    }

    function test_signerAuthorizations() public {
        SignedVector[] memory want = signedOf(".signerAuthorizations");
        bytes memory raw = vm.parseJsonTypeArray(json(), ".signerAuthorizations", AUTHORIZATION);
        SignerAuthorization[] memory all = abi.decode(raw, (SignerAuthorization[]));
        uint256 accepted;
        for (uint256 i; i < all.length; ++i) {
            check(want[i], digest(all[i]));
            if (all[i].signer != want[i].signer || all[i].deadline < now_()) continue;
            vm.prank(all[i].payer);
            s.authorizeSigner(all[i].signer, all[i].deadline, want[i].signature);
            ++accepted;
        }
        yes("some are in time", accepted != 0);
    }

    function test_trees() public view {
        bytes memory raw =
            vm.parseJsonTypeArray(json(), ".trees", "Tree(bytes32[] leaves,bytes32 root,bytes32[][] proofs)");
        Tree[] memory all = abi.decode(raw, (Tree[]));
        yes("at least 20 trees", all.length >= 20);
        for (uint256 i; i < all.length; ++i) {
            Tree memory t = all[i];
            uint256 count = t.leaves.length; // the digests of the receipts
            for (uint256 j; j < count; ++j) {
                yes("proof", MerkleProof.verify(t.proofs[j], t.root, hashes.leaf(j, count, t.leaves[j])));
                bytes32 elsewhere = hashes.leaf(j ^ 1, count, t.leaves[j]);
                yes("other index", !MerkleProof.verify(t.proofs[j], t.root, elsewhere));
            }
        }
    }
}
