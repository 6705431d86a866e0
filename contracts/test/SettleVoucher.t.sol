// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

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
        vm.expectEmit();
        emit I.Settled(payers[0], op, 10 * USD, 0, 10 * USD);
        eq("first", settle(0, op, 10 * USD), 10 * USD);
        eq("second", settle(0, op, 14 * USD), 4 * USD);
        eq("claimable", s.claimable(op), 14 * USD);
        eq("collected", collectedOf(payers[0], op), 14 * USD);
        eq("balance", balanceOf(payers[0], op), 36 * USD);
    }

    // A replayed or an old voucher pays nothing, silently.
    function test_replayAndOldTotalsPayNothing() public {
        settle(0, op, 10 * USD);
        vm.recordLogs();
        eq("replay", settle(0, op, 10 * USD), 0);
        eq("older", settle(0, op, 9 * USD), 0);
        eq("events", vm.getRecordedLogs().length, 0);
        eq("claimable", s.claimable(op), 10 * USD);
    }

    // Findings 5 and 11: want of escrow clips, and the rest is paid when escrow comes: collected += paid.
    function test_escrowClipsAndTheRestStaysOwed() public {
        vm.expectEmit();
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
        eq("room", s.epochRoom(op), 0);
        skipTime(EPOCH - 1);
        eq("last second", settle(1, op, 90 * USD), 0);
        skipTime(1);
        eq("next epoch", settle(1, op, 90 * USD), 80 * USD);
        eq("room", s.epochRoom(op), 20 * USD);
    }

    function test_withoutStakeNothingIsPaidAndAllStaysOwed() public {
        deposit(payers[0], operators[1], 50 * USD);
        vm.expectEmit();
        emit I.Settled(payers[0], operators[1], 0, 30 * USD, 30 * USD);
        eq("unstaked", settle(0, operators[1], 30 * USD), 0);
        eq("escrow untouched", balanceOf(payers[0], operators[1]), 50 * USD);
        stake(operators[1], 100 * USD);
        eq("later", settle(0, operators[1], 30 * USD), 30 * USD);
    }

    function test_thawingStakeLowersTheCapEvenBelowWhatWasPaid() public {
        deposit(payers[0], op, 400 * USD);
        settle(0, op, 60 * USD);
        vm.prank(op);
        s.thawStake(70 * USD);
        eq("room", s.epochRoom(op), 0);
        eq("nothing", settle(0, op, 90 * USD), 0);
        vm.prank(op);
        s.cancelThawStake();
        eq("back", settle(0, op, 200 * USD), 40 * USD);
    }

    // Finding 12: anyone may send it, only the payee gains.
    function test_onlyThePayeeIsCredited() public {
        settle(0, op, 10 * USD);
        eq("stranger", s.claimable(stranger), 0);
        eq("payer", s.claimable(payers[0]), 0);
        eq("payee", s.claimable(op), 10 * USD);
    }

    // Findings 1 and 2: a payer that pays its own second address can not touch another lane's escrow.
    function test_lanesAreIsolated() public {
        stake(stranger_(), 1000 * USD);
        settle(0, stranger_(), 1000 * USD);
        eq("other lane", balanceOf(payers[0], op), 50 * USD);
        eq("sybil", s.claimable(stranger_()), 0);
    }

    function stranger_() private returns (address sybil) {
        sybil = address(0x5151);
        if (token.balanceOf(sybil) == 0) fund(sybil);
    }

    // Finding 3: the payer is in the signed struct.
    function test_signatureOfAnotherPayerIsRefused() public {
        Voucher memory v = voucher(0, op, 10 * USD);
        bytes memory sig = sign(payerKeys[1], s.voucherDigest(v));
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, payers[1], payers[0]));
        s.settleVoucher(v, sig);
    }

    function testFuzz_everyFieldIsSigned(uint128 total, uint64 count, address payee, uint256 field) public {
        Voucher memory v = voucher(0, op, 10 * USD);
        bytes memory sig = sign(payerKeys[0], s.voucherDigest(v));
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

    // Findings 13 and 14: other chain, other contract, high s, wrong v, wrong length, zero payer.
    function test_signatureForms() public {
        Voucher memory v = voucher(0, op, 10 * USD);
        bytes32 digest = s.voucherDigest(v);
        (uint8 w, bytes32 r, bytes32 low) = vm.sign(payerKeys[0], digest);
        refuse(v, abi.encodePacked(r, bytes32(N - uint256(low)), w == 27 ? uint8(28) : uint8(27)));
        refuse(v, abi.encodePacked(r, low, w - 27));
        refuse(v, abi.encodePacked(r, low));
        refuse(v, "");
        I other = deploy(address(token));
        refuse(v, sign(payerKeys[0], other.voucherDigest(v)));
        Voucher memory nobody = Voucher(address(0), op, 10 * USD, 1);
        refuse(nobody, new bytes(65));
        vm.chainId(1);
        bytes memory elsewhere = sign(payerKeys[0], s.voucherDigest(v));
        vm.chainId(31337);
        refuse(v, elsewhere);
        eq("good one", s.settleVoucher(v, abi.encodePacked(r, low, w)), 10 * USD);
    }

    function refuse(Voucher memory v, bytes memory sig) private {
        vm.expectRevert();
        s.settleVoucher(v, sig);
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
        eq("second", settle(0, o, total), least(owed, escrow - first, staked - first));
    }

    function least(uint256 a, uint256 b, uint256 c) private pure returns (uint256) {
        uint256 ab = a < b ? a : b;
        return ab < c ? ab : c;
    }
}
