// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Hashes as Hashing} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Proofs} from "./support/Proofs.sol";
import {Vm} from "./support/Vm.sol";
import {FeeToken, SilentToken} from "./support/BadTokens.sol";
import {IFlotillaSettlement as I} from "../src/interfaces/IFlotillaSettlement.sol";
import {IFlotillaStake as K} from "../src/interfaces/IFlotillaStake.sol";
import {Advert, Order, Receipt, Voucher, SettlementBatch, SignerAuthorization} from "../src/Messages.sol";
import {TokenPull} from "../src/TokenPull.sol";

/// @dev What auditors found in contracts like these, one test a finding.
/// docs/settlement.md says where each was found.
contract RegressionsTest is Proofs {
    uint256 private constant N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141; // order of secp256k1
    uint256 private constant SIGNER = uint256(keccak256("signer"));

    // 1: a payer sent its own escrow to itself through a service of its own, and the honest provider went unpaid.
    function test_finding01_payerCannotRecycleItsEscrow() public {
        deposit(payer, op, 50 * USD);
        address sybil = operators[1];
        stake(sybil, 1000 * USD);
        eq("sybil", settle(0, sybil, 50 * USD), 0);
        eq("payer as payee", settle(0, payer, 50 * USD), 0);
        eq("honest operator", settle(0, op, 50 * USD), 50 * USD);
    }

    // 2: a limit shared by all payees was used up by the payer paying itself.
    function test_finding02_nothingIsSharedBetweenPayees() public {
        deposit(payer, op, 50 * USD);
        deposit(payer, payer, 70 * USD);
        stake(payer, 1000 * USD);
        eq("itself", settle(0, payer, 1000 * USD), 70 * USD);
        eq("room of the operator", k.epochRoom(op), STAKE);
        eq("honest operator", settle(0, op, 50 * USD), 50 * USD);
    }

    // 3: one voucher was collected from two payers after its signer had moved from one to the other.
    function test_finding03_voucherOfAMovedSignerPaysOnce() public {
        address signer = authorize(payers[0], SIGNER);
        deposit(payers[0], op, 10 * USD);
        deposit(payers[1], op, 10 * USD);
        Voucher memory v = voucher(0, op, 10 * USD);
        bytes memory signature = sign(SIGNER, digest(v));
        s.settleVoucher(v, signature);
        vm.prank(payers[0]);
        s.thawSigner(signer);
        skipTime(LANE_THAW);
        bytes memory proof = sign(SIGNER, digest(SignerAuthorization(payers[1], signer, now_())));
        refuses(abi.encodeWithSelector(I.SignerAlreadyBound.selector, signer, payers[0]));
        vm.prank(payers[1]);
        s.authorizeSigner(signer, now_(), proof);
        v.payer = payers[1];
        address other = ECDSA.recover(digest(v), signature);
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, other, payers[1]));
        s.settleVoucher(v, signature);
    }

    // 4: fields were missing from struct hashes, and type hashes were of other types, four times in one project.
    function test_finding04_everyFieldIsInTheStructHash() public view {
        Advert memory a = advert(0, 1);
        Order memory o = order(0, a, 1);
        everyWordCounts(abi.encode(o), 10, this.orderHash);
        everyWordCounts(abi.encode(receipt(o)), 12, this.receiptHash);
        everyWordCounts(abi.encode(voucher(0, op, 5)), 4, this.voucherHash);
        everyWordCounts(abi.encode(SignerAuthorization(payer, op, 9)), 3, this.authorizationHash);
        everyWordCounts(abi.encode([1, 2, 3, 4, 5, 6, 7, 8, 9]), 9, this.advertHash);
        everyWordCounts(abi.encode(uint64(1), uint32(3), bytes32("r"), op, uint128(5)), 5, this.batchHash);
        bytes32[4] memory texts;
        for (uint256 i; i < 4; ++i) {
            Advert memory b = advert(0, 1);
            if (i == 0) b.model = "x";
            if (i == 1) b.quantization = "x";
            if (i == 2) b.runtime = "x";
            if (i == 3) b.tokenCounting = "x";
            texts[i] = hashes.hash(b);
            yes("text", texts[i] != hashes.hash(a));
            for (uint256 j; j < i; ++j) {
                yes("texts differ", texts[i] != texts[j]);
            }
        }
    }

    /// @dev Adding one to any word of a message changes its hash, and no two such changes give one hash.
    function everyWordCounts(
        bytes memory message,
        uint256 words,
        function(bytes memory) external view returns (bytes32) hash
    ) private view {
        eq("words", message.length, 32 * words);
        bytes32[] memory seen = new bytes32[](words + 1);
        seen[words] = hash(message);
        for (uint256 i; i < words; ++i) {
            bytes memory changed = bytes.concat(message);
            assembly {
                let word := add(add(changed, 32), mul(i, 32))
                mstore(word, add(mload(word), 1))
            }
            seen[i] = hash(changed);
            for (uint256 j = i + 1; j <= words; ++j) {
                yes("before this word", seen[j] != seen[i]);
            }
            for (uint256 j; j < i; ++j) {
                yes("after this word", seen[j] != seen[i]);
            }
        }
    }

    function orderHash(bytes memory m) external view returns (bytes32) {
        return hashes.hash(abi.decode(m, (Order)));
    }

    function receiptHash(bytes memory m) external view returns (bytes32) {
        return hashes.hash(abi.decode(m, (Receipt)));
    }

    function voucherHash(bytes memory m) external view returns (bytes32) {
        return hashes.hash(abi.decode(m, (Voucher)));
    }

    function authorizationHash(bytes memory m) external view returns (bytes32) {
        return hashes.hash(abi.decode(m, (SignerAuthorization)));
    }

    function advertHash(bytes memory m) external view returns (bytes32) {
        uint64[9] memory w = abi.decode(m, (uint64[9]));
        Advert memory a = advert(0, 1);
        (a.operator, a.node) = (address(uint160(w[0])), bytes32(uint256(w[1])));
        (a.inputPerMTok, a.outputPerMTok, a.perRequest) = (w[2], w[3], w[4]);
        (a.maxContext, a.seq, a.validFrom, a.validTo) = (uint32(w[5]), w[6], w[7], w[8]);
        return hashes.hash(a);
    }

    function batchHash(bytes memory m) external view returns (bytes32) {
        (uint64 epoch, uint32 count, bytes32 root, address payee, uint128 total) =
            abi.decode(m, (uint64, uint32, bytes32, address, uint128));
        return hashes.hash(SettlementBatch(payer, epoch, count, root, lanes1(payee, total)));
    }

    // 5: one huge voucher needed more stake than there was, and could not be collected at all.
    function test_finding05_hugeVoucherIsPaidInParts() public {
        deposit(payer, op, 5000 * USD);
        for (uint256 i; i < 5; ++i) {
            eq("part", settle(0, op, 4500 * USD), i < 4 ? 1000 * USD : 500 * USD);
            skipTime(EPOCH);
        }
        eq("all", k.claimable(op), 4500 * USD);
    }

    // 6: a penalty above the stake reverted, and a withdrawal in front of the proof escaped it.
    function test_finding06_penaltyIsClippedAndReachesThawingStake() public {
        Advert memory a = advert(0, 1);
        Receipt memory r = overcharge(a, 1);
        r.amount += uint128(STAKE);
        thawStake(op, uint128(STAKE));
        refuses(abi.encodeWithSelector(K.StillThawing.selector, now_() + STAKE_THAW));
        vm.prank(op);
        k.withdrawStake();
        eq("all of it", proveAdvertBreach(r, a), STAKE);
        eq("left", k.slashableStake(op), 0);
    }

    // 7: now + period overflowed 64 bits, and the thaw ended at once.
    function test_finding07_thawEndsCannotOverflow() public {
        bytes memory creation = bytes.concat(
            vm.getCode("FlotillaSettlement.sol:FlotillaSettlement"),
            abi.encode(token, type(uint64).max, EPOCH, EVIDENCE, type(uint64).max, MIN_PENALTY)
        );
        refuseCreation(creation, abi.encodeWithSelector(I.InvalidParameter.selector, bytes32("laneThawSeconds")));
        // The longest that is allowed, at the end of the fourth century from now.
        I old = I(
            vm.deployCode(
                "FlotillaSettlement.sol:FlotillaSettlement",
                abi.encode(token, 3650 days, EPOCH, EVIDENCE, 3650 days, MIN_PENALTY)
            )
        );
        use(old);
        fund(op);
        fund(payer);
        skipTime(146_000 days);
        stake(op, 1);
        deposit(payer, op, 1);
        thawStake(op, 1);
        vm.prank(payer);
        s.thaw(op, 1);
        (,, uint64 end) = k.stakeOf(op);
        eq("stake", end, now_() + 3650 days);
        (,,, end) = s.laneOf(payer, op);
        eq("lane", end, now_() + 3650 days);
    }

    // 8: stake thawed as long as disputes could be brought, so evidence came minutes too late.
    function test_finding08_stakeOutlastsTheEvidenceWindow() public {
        deposit(payer, op, 10 * USD);
        settle(0, op, 10 * USD); // the last payout that this stake backs
        thawStake(op, uint128(STAKE));
        eq("backs nothing more", k.epochRoom(op), 0);
        skipTime(EVIDENCE + 2 * EPOCH);
        refuses(abi.encodeWithSelector(K.StillThawing.selector, START + STAKE_THAW));
        vm.prank(op);
        k.withdrawStake();
        Advert memory a = advert(0, 1);
        eq("slashed", proveAdvertBreach(overcharge(a, 1), a), MIN_PENALTY);
    }

    // 9: new deposits left on an old clock, and a second thaw silently reset the first.
    function test_finding09_newMoneyHasNoOldClock() public {
        deposit(payer, op, 10 * USD);
        vm.prank(payer);
        s.thaw(op, 10 * USD);
        refuses(abi.encodeWithSelector(I.AlreadyThawing.selector, START + LANE_THAW));
        vm.prank(payer);
        s.thaw(op, 1);
        settle(0, op, 8 * USD);
        deposit(payer, op, 20 * USD);
        skipTime(LANE_THAW);
        vm.prank(payer);
        s.withdraw(op);
        eq("stays", balanceOf(payer, op), 20 * USD);
    }

    // 10: a signer was revoked before what it had signed could be collected.
    function test_finding10_revokedSignersVouchersHaveALaneThawToSettle() public {
        address signer = authorize(payer, SIGNER);
        deposit(payer, op, 10 * USD);
        Voucher memory v = voucher(0, op, 10 * USD);
        bytes memory signature = sign(SIGNER, digest(v));
        vm.prank(payer);
        s.thawSigner(signer);
        vm.prank(payer);
        s.thaw(op, 10 * USD);
        (, uint64 signerEnd) = s.signerOf(signer);
        (uint256 available,, uint64 laneEnd) = s.cover(payer, op);
        eq("the operator sees the signer's end", signerEnd, START + LANE_THAW);
        eq("and the lane's", laneEnd, START + LANE_THAW);
        eq("and that nothing sure is left", available, 0);
        skipTime(LANE_THAW - 1);
        eq("paid", s.settleVoucher(v, signature), 10 * USD);
    }

    // 11: a deposit of one unit in front of a ticket made it pay one unit and burned the rest.
    function test_finding11_dustInFrontBurnsNothing() public {
        deposit(payer, op, 1);
        eq("dust", settle(0, op, 10 * USD), 1);
        deposit(payer, op, 10 * USD);
        eq("rest", settle(0, op, 10 * USD), 10 * USD - 1);
    }

    // 12: anyone could collect what was another's, to a place of the caller's choice.
    function test_finding12_settlingCreditsThePayeeOnly() public {
        deposit(payer, op, 10 * USD);
        settle(0, op, 10 * USD); // sent by the stranger
        eq("payee", k.claimable(op), 10 * USD);
        refuses(K.NothingToClaim.selector);
        claim(stranger, stranger);
        claim(op, op);
        eq("payee's", token.balanceOf(op), FUNDS - STAKE + 10 * USD);
    }

    // 13: digests without chain id or contract were good on every chain and for every deployment.
    function test_finding13_digestsAreForOneChainAndOneContract() public {
        Voucher memory v = voucher(0, op, 1);
        bytes32 here = digest(v);
        vm.chainId(1);
        yes("another chain", s.domainSeparator() != domain);
        vm.chainId(31337);
        use(deploy(address(token)));
        yes("another contract", digest(v) != here);
        bytes memory signature = sign(payerKeys[0], here);
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, ECDSA.recover(digest(v), signature), payer));
        s.settleVoucher(v, signature);
    }

    // 14: raw ecrecover took high s and the zero address; refunds were counted and not written back.
    function test_finding14_highSAndZeroSignersAreRefusedAndPartsAreWrittenBack() public {
        deposit(payer, op, 10 * USD);
        Voucher memory v = voucher(0, op, 4 * USD);
        (uint8 w, bytes32 r, bytes32 low) = vm.sign(payerKeys[0], digest(v));
        bytes memory high = abi.encodePacked(r, bytes32(N - uint256(low)), w == 27 ? uint8(28) : uint8(27));
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, address(0), payer));
        s.settleVoucher(v, high);
        Advert memory a = advert(0, 1);
        Receipt memory breach = overcharge(a, 1);
        (w, r, low) = vm.sign(operatorKeys[0], digest(breach));
        high = abi.encodePacked(r, bytes32(N - uint256(low)), w == 27 ? uint8(28) : uint8(27));
        bytes memory sa = signed(a);
        refuses(notSigned(0, address(0)));
        k.proveAdvertBreach(breach, high, a, sa, bountyTo);
        eq("first part", settle(0, op, 4 * USD), 4 * USD);
        eq("balance", balanceOf(payer, op), 6 * USD);
        eq("second part", settle(0, op, 20 * USD), 6 * USD);
        eq("balance after", balanceOf(payer, op), 0);
    }

    // 15: signatures were used as identifiers, although one message has many valid ones.
    function test_finding15_idsAreDigestsAndNotSignatures() public {
        Advert memory a = advert(0, 1);
        Receipt memory r = overcharge(a, 1);
        (bytes memory one, bytes memory other) = (signed(r), signedAnew(operatorKeys[0], digest(r)));
        yes("both are valid", ECDSA.recover(digest(r), other) == op && keccak256(one) != keccak256(other));
        bytes memory sa = signed(a);
        refuses(noFault());
        k.proveDoubleReceipt(r, one, r, other, bountyTo);
        k.proveAdvertBreach(r, one, a, sa, bountyTo);
        refuses(alreadyPunished(K.Fault.AdvertBreach, digest(r)));
        k.proveAdvertBreach(r, other, a, sa, bountyTo);
    }

    /// @dev A second valid signature: s = (digest + r * key) / nonce, with a nonce of our own.
    function signedAnew(uint256 key, bytes32 digest_) private returns (bytes memory) {
        uint256 nonce = uint256(keccak256("a nonce"));
        Vm.Wallet memory point = vm.createWallet(nonce);
        uint256 r = point.publicKeyX % N;
        uint256 ss = mulmod(Math.invModPrime(nonce, N), addmod(uint256(digest_) % N, mulmod(r, key, N), N), N);
        bool odd = point.publicKeyY % 2 == 1;
        if (ss > N / 2) (ss, odd) = (N - ss, !odd);
        return abi.encodePacked(r, ss, odd ? uint8(28) : uint8(27));
    }

    // 16: inner nodes of the tree and its padding passed for leaves.
    function test_finding16_innerNodesAndPaddingAreNoLeaves() public view {
        bytes32[] memory leaves = new bytes32[](3);
        for (uint256 i; i < 3; ++i) {
            leaves[i] = hashes.leaf(i, 3, bytes32(i + 100));
        }
        bytes32 inner = Hashing.commutativeKeccak256(leaves[0], leaves[1]);
        bytes32 root = Hashing.commutativeKeccak256(inner, leaves[2]); // the odd third leaf is promoted
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = inner;
        yes("a receipt", MerkleProof.verify(proof, root, hashes.leaf(2, 3, bytes32(uint256(102)))));
        yes("another place", !MerkleProof.verify(proof, root, hashes.leaf(1, 3, bytes32(uint256(102)))));
        yes("beyond the count", !MerkleProof.verify(proof, root, hashes.leaf(3, 3, bytes32(uint256(102)))));
        yes("another count", !MerkleProof.verify(proof, root, hashes.leaf(2, 4, bytes32(uint256(102)))));
        yes("nothing", !MerkleProof.verify(proof, root, hashes.leaf(2, 3, bytes32(0))));
        proof[0] = leaves[2];
        yes("the node itself is in the tree", MerkleProof.verify(proof, root, inner));
        for (uint256 i; i < 3; ++i) {
            yes("but as no receipt", !MerkleProof.verify(proof, root, hashes.leaf(i, 3, inner)));
        }
        yes("nor the root", !MerkleProof.verify(new bytes32[](0), root, hashes.leaf(0, 1, root)));
    }

    // 17: a wrong root could be paid out before anybody could take it back.
    function test_finding17_wrongRootMovesNoMoney() public {
        deposit(payer, op, 10 * USD);
        SettlementBatch memory b = batch(0, 1, lanes1(op, 4 * USD));
        (b.receiptsRoot, b.receiptCount) = (keccak256("a million receipts"), 1_000_000);
        eq("what the lane says", settleBatch(b), 4 * USD);
        eq("nothing more", token.balanceOf(address(s)), 10 * USD);
        eq("next one is not in its way", settleBatch(batch(0, 2, lanes1(op, 5 * USD))), 1 * USD);
    }

    // 18: only the first offence could be punished, because the dispute's id left out what it was about.
    function test_finding18_everyOffenceOnceAndNoneTwice() public {
        Advert memory a = advert(0, 1);
        for (uint256 nonce; nonce < 3; ++nonce) {
            Receipt memory r = overcharge(a, nonce);
            proveAdvertBreach(r, a);
            refusesAdvertBreach(alreadyPunished(K.Fault.AdvertBreach, digest(r)), r, a);
            Receipt memory again = overcharge(a, nonce);
            again.laneSeq = 2;
            proveDoubleReceipt(r, again);
            again.laneSeq = 3; // a third receipt for the same request
            refusesDoubleReceipt(alreadyPunished(K.Fault.DoubleReceipt, keccak256(abi.encode(op, r.request))), r, again);
        }
        eq("six penalties", k.slashableStake(op), STAKE - 6 * uint256(MIN_PENALTY));
    }

    // 19: a counter derived from others leaked. Here every token is in one account, after whatever happens.
    function test_finding19_theBooksAddUpToTheTokens() public {
        deposit(payer, op, 50 * USD);
        settle(0, op, 30 * USD);
        vm.prank(payer);
        s.thaw(op, 15 * USD);
        settle(0, op, 40 * USD);
        Advert memory a = advert(0, 1);
        proveAdvertBreach(overcharge(a, 1), a);
        claim(op, op);
        skipTime(LANE_THAW);
        vm.prank(payer);
        s.withdraw(op);
        uint256 credited = k.claimable(op) + k.claimable(payer) + k.claimable(bountyTo);
        eq("settlement", token.balanceOf(address(s)), balanceOf(payer, op) + credited);
        uint256 burned = MIN_PENALTY - 1 - MIN_PENALTY / 5;
        eq("stake", token.balanceOf(address(k)), k.slashableStake(op) + burned);
    }

    // 20: an operator that reported itself got its stake back without the thaw.
    function testFuzz_finding20_selfReportCostsMoreThanThawing(uint128 staked, uint128 harm, bool asReporter) public {
        op = operators[1];
        staked = uint128(bound(staked, 1, STAKE));
        harm = uint128(bound(harm, 1, 2 * STAKE));
        stake(op, staked);
        Advert memory a = advert(1, 1);
        Order memory o = order(0, a, 1);
        o.payer = vm.addr(SIGNER); // the operator's other address
        Receipt memory r = receipt(o);
        r.amount = 600 + harm;
        bountyTo = asReporter ? op : o.payer;
        if (asReporter) r.payer = op; // payer, reporter and operator in one
        uint256 lost = proveAdvertBreach(r, a);
        uint256 back = k.claimable(op) + k.claimable(o.payer);
        yes("at most half comes back", back <= lost / 2);
        eq("the rest of the stake still thaws", k.slashableStake(op), staked - lost);
    }

    // 21: tokens that return false, and tokens that keep a fee, left the books short.
    function test_finding21_tokensThatMoveLessAreRefused() public {
        FeeToken fee = new FeeToken();
        use(deploy(address(fee)));
        fee.mint(op, 100);
        vm.prank(op);
        fee.approve(address(k), 100);
        refuses(abi.encodeWithSelector(TokenPull.TokenAmountMismatch.selector, 100, 99));
        stake(op, 100);
        SilentToken silent = new SilentToken();
        silent.answerFalse(true);
        use(deploy(address(silent)));
        refuses(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(silent)));
        deposit(payer, op, 100);
    }
}
