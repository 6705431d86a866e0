// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Fixture} from "./support/Fixture.sol";
import {IFlotillaSettlement as I} from "../src/interfaces/IFlotillaSettlement.sol";
import {SettlementBatch, SignerAuthorization, Voucher} from "../src/Messages.sol";

contract SignersTest is Fixture {
    uint256 private constant KEY = uint256(keccak256("signer"));
    uint64 private constant END = uint64(START) + LANE_THAW;

    address private op;
    address private payer;
    address private signer;

    function setUp() public override {
        super.setUp();
        (op, payer, signer) = (operators[0], payers[0], vm.addr(KEY));
        stake(op, 100 * USD);
        deposit(payer, op, 50 * USD);
    }

    function thaw() private {
        vm.prank(payer);
        s.thawSigner(signer);
    }

    function cancelThaw() private {
        vm.prank(payer);
        s.cancelThawSigner(signer);
    }

    function checkSigner(address boundTo, uint64 thawEnd) private view {
        (address gotPayer, uint64 gotEnd) = s.signerOf(signer);
        eq("payer", gotPayer, boundTo);
        eq("thawEnd", gotEnd, thawEnd);
    }

    /// @dev A voucher of `payer` that the signer signed.
    function bySigner(uint128 total) private view returns (Voucher memory v, bytes memory signature) {
        v = voucher(0, op, total);
        signature = sign(KEY, digest(v));
    }

    function settleBySigner(uint128 total) private returns (uint256) {
        (Voucher memory v, bytes memory signature) = bySigner(total);
        return s.settleVoucher(v, signature);
    }

    function refusesVoucher(uint128 total) private {
        (Voucher memory v, bytes memory signature) = bySigner(total);
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, signer, payer));
        s.settleVoucher(v, signature);
    }

    // --------------------------------------------------------------- authorize

    function test_authorizedSignerSignsVouchersAndBatches() public {
        refusesVoucher(1);
        vm.expectEmit(address(s));
        emit I.SignerAuthorized(payer, signer);
        authorize(payer, KEY);
        checkSigner(payer, 0);
        eq("voucher", settleBySigner(1 * USD), 1 * USD);
        SettlementBatch memory b = batch(0, 1, lanes1(op, 3 * USD));
        bytes memory signature = sign(KEY, digest(b));
        vm.prank(stranger);
        eq("batch", s.settleBatch(b, signature), 2 * USD);
        eq("the payer itself", settle(0, op, 4 * USD), 1 * USD);
    }

    // A signer's address is no payer: its own batch needs a signature of a payer.
    function test_signerCannotSendABatchUnsigned() public {
        authorize(payer, KEY);
        SettlementBatch memory b = batch(0, 1, lanes1(op, 3 * USD));
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, address(0), payer));
        vm.prank(signer);
        s.settleBatch(b, "");
    }

    function test_signerCountsForItsPayerOnly() public {
        authorize(payers[1], KEY);
        refusesVoucher(1);
    }

    function test_authorizationHasADeadline() public {
        uint64 deadline = now_();
        bytes memory proof = sign(KEY, digest(SignerAuthorization(payer, signer, deadline)));
        skipTime(1);
        refuses(abi.encodeWithSelector(I.AuthorizationExpired.selector, deadline));
        vm.prank(payer);
        s.authorizeSigner(signer, deadline, proof);
        vm.warp(deadline); // its last second
        vm.prank(payer);
        s.authorizeSigner(signer, deadline, proof);
        checkSigner(payer, 0);
    }

    function test_signerMustConsentToThisPayerAndDeadline() public {
        uint64 deadline = now_() + 10;
        SignerAuthorization memory a = SignerAuthorization(payer, signer, deadline);
        refusesProof(deadline, sign(KEY, digest(SignerAuthorization(payers[1], signer, deadline))));
        refusesProof(deadline, sign(KEY, digest(SignerAuthorization(payer, payer, deadline))));
        refusesProof(deadline, sign(KEY, digest(SignerAuthorization(payer, signer, deadline + 1))));
        refusesProof(deadline, sign(payerKeys[0], digest(a)));
        bytes memory elsewhere = sign(KEY, keccak256(abi.encodePacked(hex"1901", bytes32(0), hashes.hash(a))));
        refusesProof(deadline, elsewhere);
        checkSigner(address(0), 0);
    }

    function refusesProof(uint64 deadline, bytes memory proof) private {
        address recovered = ECDSA.recover(digest(SignerAuthorization(payer, signer, deadline)), proof);
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, recovered, signer));
        vm.prank(payer);
        s.authorizeSigner(signer, deadline, proof);
    }

    // Recovering nothing must not bind the zero address.
    function test_malformedConsentIsRefused() public {
        uint64 deadline = now_();
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, address(0), signer));
        vm.prank(payer);
        s.authorizeSigner(signer, deadline, "");
        refuses(abi.encodeWithSelector(I.InvalidSigner.selector, address(0), address(0)));
        vm.prank(payer);
        s.authorizeSigner(address(0), deadline, new bytes(65));
    }

    function test_signerIsBoundOnce() public {
        authorize(payer, KEY);
        uint64 deadline = now_();
        bytes memory err = abi.encodeWithSelector(I.SignerAlreadyBound.selector, signer, payer);
        for (uint256 i; i < 2; ++i) {
            bytes memory proof = sign(KEY, digest(SignerAuthorization(payers[i], signer, deadline)));
            refuses(err);
            vm.prank(payers[i]);
            s.authorizeSigner(signer, deadline, proof);
        }
    }

    // ------------------------------------------------------------------ revoke

    function test_thawingSignerCountsUntilTheEndAndNeverAfter() public {
        authorize(payer, KEY);
        vm.expectEmit(address(s));
        emit I.SignerThawStarted(payer, signer, END);
        thaw();
        checkSigner(payer, END);
        skipTime(LANE_THAW - 1);
        eq("last second", settleBySigner(1 * USD), 1 * USD);
        skipTime(1);
        refusesVoucher(2 * USD);
        checkSigner(payer, END);
        eq("the payer still counts", settle(0, op, 2 * USD), 1 * USD);
    }

    function test_cancelKeepsTheSigner() public {
        authorize(payer, KEY);
        thaw();
        skipTime(LANE_THAW - 1);
        vm.expectEmit(address(s));
        emit I.SignerThawCancelled(payer, signer);
        cancelThaw();
        checkSigner(payer, 0);
        skipTime(10 * LANE_THAW);
        eq("counts", settleBySigner(1 * USD), 1 * USD);
        thaw();
        checkSigner(payer, now_() + LANE_THAW);
    }

    function test_secondThawDoesNotResetTheClock() public {
        authorize(payer, KEY);
        thaw();
        skipTime(1);
        refuses(abi.encodeWithSelector(I.AlreadyThawing.selector, END));
        thaw();
        checkSigner(payer, END);
    }

    function test_cancelNeedsAThaw() public {
        authorize(payer, KEY);
        refuses(I.NothingThawing.selector);
        cancelThaw();
    }

    function test_revokedSignerIsGoneForEver() public {
        authorize(payer, KEY);
        thaw();
        skipTime(LANE_THAW);
        bytes memory gone = abi.encodeWithSelector(I.NotYourSigner.selector, signer);
        refuses(gone);
        cancelThaw();
        refuses(gone);
        thaw();
        uint64 deadline = now_();
        bytes memory proof = sign(KEY, digest(SignerAuthorization(payer, signer, deadline)));
        refuses(abi.encodeWithSelector(I.SignerAlreadyBound.selector, signer, payer));
        vm.prank(payer);
        s.authorizeSigner(signer, deadline, proof);
    }

    function test_onlyItsPayerThawsASigner() public {
        bytes memory notYours = abi.encodeWithSelector(I.NotYourSigner.selector, signer);
        refuses(notYours);
        thaw(); // bound to nobody
        authorize(payer, KEY);
        address[2] memory others = [payers[1], signer];
        for (uint256 i; i < 2; ++i) {
            refuses(notYours);
            vm.prank(others[i]);
            s.thawSigner(signer);
        }
        thaw();
        for (uint256 i; i < 2; ++i) {
            refuses(notYours);
            vm.prank(others[i]);
            s.cancelThawSigner(signer);
        }
        checkSigner(payer, END);
    }

    // A payer's own key can be bound like any other; it counts for the payer itself also after that.
    function test_ownKeyOutlivesItsBinding() public {
        authorize(payer, payerKeys[0]);
        vm.prank(payer);
        s.thawSigner(payer);
        skipTime(LANE_THAW);
        eq("own word", settle(0, op, 1 * USD), 1 * USD);
    }

    function testFuzz_aSignerCountsExactlyBeforeItsThawEnds(uint64 wait) public {
        wait = uint64(bound(wait, 0, 2 * LANE_THAW));
        authorize(payer, KEY);
        thaw();
        skipTime(wait);
        if (wait < LANE_THAW) eq("paid", settleBySigner(1 * USD), 1 * USD);
        else refusesVoucher(1 * USD);
    }
}
