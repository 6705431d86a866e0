// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Fixture} from "./support/Fixture.sol";
import {IFlotillaSettlement as I} from "../src/interfaces/IFlotillaSettlement.sol";
import {Voucher} from "../src/Messages.sol";

contract SettleVoucherTest is Fixture {
    // Order of secp256k1, for high-s signatures.
    uint256 private constant N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    address private op;

    function setUp() public override {
        super.setUp();
        op = operators[0];
        stake(op, 100 * USD);
        deposit(payers[0], op, 50 * USD);
    }

    function test_paysTheNewPartOnly() public {
        vm.expectEmit(address(s));
        emit I.Settled(payers[0], op, 10 * USD, 0, 10 * USD);
        eq("first", settle(0, op, 10 * USD), 10 * USD);
        eq("second", settle(0, op, 14 * USD), 4 * USD);
        eq("claimable", k.claimable(op), 14 * USD);
        eq("collected", collectedOf(payers[0], op), 14 * USD);
        eq("balance", balanceOf(payers[0], op), 36 * USD);
    }

    // What others may be paid does not depend on who sends the voucher.
    function test_thePayeeMaySendItAsWell() public {
        Voucher memory v = voucher(0, op, 10 * USD);
        bytes memory signature = sign(payerKeys[0], digest(v));
        vm.prank(op);
        eq("paid", s.settleVoucher(v, signature), 10 * USD);
    }

    // The payer itself needs its signature too: only a batch may come without.
    function test_thePayerIsAskedForItsSignature() public {
        Voucher memory v = voucher(0, op, 10 * USD);
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, address(0), payers[0]));
        vm.prank(payers[0]);
        s.settleVoucher(v, "");
    }

    // A replayed or an old voucher pays nothing, silently.
    function test_replayAndOldTotalsPayNothing() public {
        settle(0, op, 10 * USD);
        vm.recordLogs();
        eq("replay", settle(0, op, 10 * USD), 0);
        eq("older", settle(0, op, 9 * USD), 0);
        eq("events", vm.getRecordedLogs().length, 0);
        eq("claimable", k.claimable(op), 10 * USD);
    }

    // Want of escrow clips, and the rest is paid when escrow comes: collected += paid.
    function test_escrowClipsAndTheRestStaysOwed() public {
        vm.expectEmit(address(s));
        emit I.Settled(payers[0], op, 50 * USD, 10 * USD, 60 * USD);
        eq("clipped", settle(0, op, 60 * USD), 50 * USD);
        eq("nothing there", settle(0, op, 60 * USD), 0);
        deposit(payers[0], op, 1);
        eq("dust", settle(0, op, 60 * USD), 1);
        deposit(payers[0], op, 20 * USD);
        eq("rest", settle(0, op, 60 * USD), 10 * USD - 1);
        eq("collected", collectedOf(payers[0], op), 60 * USD);
    }

    function test_capClipsPerEpochAcrossPayers() public {
        deposit(payers[0], op, 400 * USD);
        deposit(payers[1], op, 400 * USD);
        eq("up to the cap", settle(0, op, 90 * USD), 90 * USD);
        eq("what is left", settle(1, op, 90 * USD), 10 * USD);
        eq("room", k.epochRoom(op), 0);
        skipTime(EPOCH - 1);
        eq("last second", settle(1, op, 90 * USD), 0);
        skipTime(1);
        eq("next epoch", settle(1, op, 90 * USD), 80 * USD);
        eq("room", k.epochRoom(op), 20 * USD);
    }

    function test_withoutStakeNothingIsPaidAndAllStaysOwed() public {
        deposit(payers[0], operators[1], 50 * USD);
        vm.expectEmit(address(s));
        emit I.Settled(payers[0], operators[1], 0, 30 * USD, 30 * USD);
        eq("unstaked", settle(0, operators[1], 30 * USD), 0);
        eq("escrow untouched", balanceOf(payers[0], operators[1]), 50 * USD);
        stake(operators[1], 100 * USD);
        eq("later", settle(0, operators[1], 30 * USD), 30 * USD);
    }

    function test_thawingStakeLowersTheCapEvenBelowWhatWasPaid() public {
        deposit(payers[0], op, 400 * USD);
        settle(0, op, 60 * USD);
        thawStake(op, 70 * USD);
        eq("room", k.epochRoom(op), 0);
        eq("nothing", settle(0, op, 90 * USD), 0);
        vm.prank(op);
        k.cancelThawStake();
        eq("back", settle(0, op, 200 * USD), 40 * USD);
    }

    // Anyone may send it, only the payee gains.
    function test_onlyThePayeeIsCredited() public {
        settle(0, op, 10 * USD);
        eq("stranger", k.claimable(stranger), 0);
        eq("payer", k.claimable(payers[0]), 0);
        eq("payee", k.claimable(op), 10 * USD);
    }

    // A payer that pays its own second address can not touch another lane's escrow, nor another payer's.
    function test_lanesAreIsolated() public {
        stake(operators[1], 1000 * USD);
        deposit(payers[1], operators[1], 5 * USD);
        eq("paid", settle(0, operators[1], 1000 * USD), 0);
        eq("own lane", balanceOf(payers[0], op), 50 * USD);
        eq("other payer's", balanceOf(payers[1], operators[1]), 5 * USD);
        eq("sybil", k.claimable(operators[1]), 0);
    }

    // The payer is in the signed struct.
    function test_signatureOfAnotherPayerIsRefused() public {
        Voucher memory v = voucher(0, op, 10 * USD);
        bytes memory sig = sign(payerKeys[1], digest(v));
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, payers[1], payers[0]));
        s.settleVoucher(v, sig);
    }

    function testFuzz_everyFieldIsSigned(uint128 total, uint64 count, address payee, uint256 field) public {
        Voucher memory v = voucher(0, op, 10 * USD);
        bytes memory sig = sign(payerKeys[0], digest(v));
        field = bound(field, 0, 2);
        if (field == 0) {
            vm.assume(total != v.valueAggregate);
            v.valueAggregate = total;
        } else if (field == 1) {
            vm.assume(count != v.receiptCount);
            v.receiptCount = count;
        } else {
            vm.assume(payee != v.payee);
            v.payee = payee;
        }
        vm.expectRevert();
        s.settleVoucher(v, sig);
    }

    // High s, v of another convention, the compact form, a cut and an empty signature name nobody.
    function test_malformedSignaturesAreRefused() public {
        Voucher memory v = voucher(0, op, 10 * USD);
        (uint8 w, bytes32 r, bytes32 low) = vm.sign(payerKeys[0], digest(v));
        refuse(v, abi.encodePacked(r, bytes32(N - uint256(low)), w == 27 ? uint8(28) : uint8(27)), address(0));
        refuse(v, abi.encodePacked(r, low, w - 27), address(0));
        refuse(v, abi.encodePacked(r, bytes32(uint256(low) | (uint256(w - 27) << 255))), address(0));
        refuse(v, abi.encodePacked(r, low, w, uint8(0)), address(0));
        refuse(v, new bytes(65), address(0));
        refuse(v, "", address(0));
        eq("good one", s.settleVoucher(v, abi.encodePacked(r, low, w)), 10 * USD);
    }

    // The payer's word of another chain or deployment is somebody else's here: it recovers to another address.
    function test_signaturesForElsewhereAreRefused() public {
        Voucher memory v = voucher(0, op, 10 * USD);
        bytes32 here = domain;
        bytes32 structHash = hashes.hash(v);
        domain = deploy(address(token)).domainSeparator();
        bytes memory signature = sign(payerKeys[0], digest(structHash));
        refuse(v, signature, recover(here, structHash, signature));
        vm.chainId(1);
        domain = s.domainSeparator();
        signature = sign(payerKeys[0], digest(structHash));
        vm.chainId(31337);
        refuse(v, signature, recover(here, structHash, signature));
    }

    function recover(bytes32 domain_, bytes32 structHash, bytes memory signature) private pure returns (address) {
        return ECDSA.recover(MessageHashUtils.toTypedDataHash(domain_, structHash), signature);
    }

    function refuse(Voucher memory v, bytes memory signature, address recovered) private {
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, recovered, v.payer));
        s.settleVoucher(v, signature);
    }

    function test_theLargestTotalIsClipped() public {
        vm.expectEmit(address(s));
        emit I.Settled(payers[0], op, 50 * USD, type(uint128).max - 50 * USD, type(uint128).max);
        eq("paid", settle(0, op, type(uint128).max), 50 * USD);
    }

    function testFuzz_paysTheLeastOfOwedEscrowAndCap(uint128 total, uint128 escrow, uint128 staked, uint128 earlier)
        public
    {
        address o = operators[1];
        escrow = uint128(bound(escrow, 1, FUNDS - 100 * USD));
        staked = uint128(bound(staked, 1, FUNDS));
        earlier = uint128(bound(earlier, 0, FUNDS));
        stake(o, staked);
        deposit(payers[0], o, escrow);
        uint256 first = settle(0, o, earlier);
        eq("first", first, least(earlier, escrow, staked));
        uint256 owed = total > first ? total - first : 0;
        uint256 second = settle(0, o, total);
        eq("second", second, least(owed, escrow - first, staked - first));
        eq("collected", collectedOf(payers[0], o), first + second);
        eq("balance", balanceOf(payers[0], o), escrow - first - second);
        eq("claimable", k.claimable(o), first + second);
    }

    function least(uint256 a, uint256 b, uint256 c) private pure returns (uint256) {
        uint256 ab = a < b ? a : b;
        return ab < c ? ab : c;
    }

    // What is no signature recovers to the zero address, which must not be taken for the payer of that name.
    function test_malformedSignatureOfTheZeroPayerIsRefused() public {
        Voucher memory v = Voucher(address(0), operators[0], 5, 1);
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, address(0), address(0)));
        s.settleVoucher(v, new bytes(65));
    }

    // A key that is bound to nobody signs for nobody, not for the zero address.
    function test_voucherOfTheZeroPayerIsRefused() public {
        Voucher memory v = Voucher(address(0), operators[0], 5, 1);
        bytes memory sig = sign(operatorKeys[1], digest(v));
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, operators[1], address(0)));
        s.settleVoucher(v, sig);
    }
}
