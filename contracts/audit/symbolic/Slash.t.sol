// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Symbolic} from "./Symbolic.sol";
import {Receipt} from "../src/Messages.sol";

/// @dev Penalties, by way of double receipts: all four proofs end in the same function.
contract SlashProperties is Symbolic {
    struct Evidence {
        Receipt a;
        Receipt b;
        bytes signatureA;
        bytes signatureB;
    }

    function evidence(Receipt memory a, Receipt memory b) private pure returns (Evidence memory e) {
        (e.a, e.b) = (a, b);
        e.signatureA = svm.createBytes(65, "signatureA");
        e.signatureB = svm.createBytes(65, "signatureB");
    }

    function prove(Evidence memory e, address bountyTo) private returns (bool ok, uint256 slashed) {
        bytes memory data = abi.encodeCall(k.proveDoubleReceipt, (e.a, e.signatureA, e.b, e.signatureB, bountyTo));
        bytes memory answer;
        (ok, answer) = call(address(0xCAFE), address(k), data);
        if (ok) slashed = abi.decode(answer, (uint256));
    }

    /// @dev Nobody loses stake without two different receipts for one request, both signed by itself.
    function check_onlyOwnContradictionsCost(Receipt memory a, Receipt memory b, address bountyTo) public {
        Evidence memory e = evidence(a, b);
        (bool ok,) = prove(e, bountyTo);
        vm.assume(ok);
        bytes32 hashA = hasher.hash(a);
        bytes32 hashB = hasher.hash(b);
        assert(a.payee == b.payee && a.request == b.request && hashA != hashB && bountyTo != address(0));
        assert(a.payee != address(0));
        assert(recover(digest(hashA), e.signatureA) == a.payee && recover(digest(hashB), e.signatureB) == a.payee);
    }

    /// @dev For amounts up to 4,294 dollars, where all sizes of a penalty occur: solvers are slow at wide products.
    function small(Evidence memory e) private pure {
        vm.assume(e.a.amount <= type(uint32).max && e.b.amount <= type(uint32).max);
    }

    function larger(Receipt memory a, Receipt memory b) private pure returns (uint256) {
        return a.amount >= b.amount ? a.amount : b.amount;
    }

    /// @dev A penalty is max(10 x harm, minimum), or all stake when that is less.
    function check_penaltyHasItsSize(Receipt memory a, Receipt memory b, address bountyTo) public {
        Evidence memory e = evidence(a, b);
        (uint256 total, uint256 thawing,) = k.stakeOf(a.payee);
        vm.assume(thawing <= MAX_HELD);
        (bool ok, uint256 slashed) = prove(e, bountyTo);
        vm.assume(ok);
        uint256 wanted = 10 * larger(a, b) > MIN_PENALTY ? 10 * larger(a, b) : MIN_PENALTY;
        assert(slashed != 0 && slashed == min(wanted, total));
    }

    /// @dev The stake falls by exactly the penalty, and its thaw keeps its clock.
    function check_penaltyTakesExactlyItself(Receipt memory a, Receipt memory b, address bountyTo) public {
        Evidence memory e = evidence(a, b);
        small(e);
        (uint256 total, uint256 thawing, uint64 end) = k.stakeOf(a.payee);
        vm.assume(thawing <= MAX_HELD);
        (bool ok, uint256 slashed) = prove(e, bountyTo);
        vm.assume(ok);
        (uint256 left,, uint64 endAfter) = k.stakeOf(a.payee);
        assert(left == total - slashed && endAfter == end);
    }

    /// @dev Bonded stake goes first: thawing stake is touched only when no bonded stake is left.
    function check_penaltyTakesBondedStakeFirst(Receipt memory a, Receipt memory b, address bountyTo) public {
        Evidence memory e = evidence(a, b);
        (, uint256 thawing,) = k.stakeOf(a.payee);
        vm.assume(thawing <= MAX_HELD);
        (bool ok,) = prove(e, bountyTo);
        vm.assume(ok);
        (uint256 left, uint256 thawingLeft,) = k.stakeOf(a.payee);
        assert(thawingLeft == thawing || (thawingLeft < thawing && left == thawingLeft));
    }

    /// @dev The payer gets no more than its harm.
    function check_payerGetsAtMostItsHarm(Receipt memory a, Receipt memory b, address bountyTo) public {
        Evidence memory e = evidence(a, b);
        vm.assume(a.payer == b.payer && a.payer != bountyTo);
        uint256 owed = k.claimable(a.payer);
        vm.assume(owed <= 2 * MAX_HELD);
        (uint256 total, uint256 thawing,) = k.stakeOf(a.payee);
        vm.assume(thawing <= MAX_HELD && total <= MAX_HELD);
        (bool ok,) = prove(e, bountyTo);
        vm.assume(ok);
        assert(k.claimable(a.payer) - owed <= larger(a, b));
    }

    /// @dev At least half of a penalty stays behind, burned, so whoever reports itself, as its own payer too, loses that.
    function check_atLeastHalfIsBurned(Receipt memory a, Receipt memory b, address bountyTo) public {
        Evidence memory e = evidence(a, b);
        small(e);
        uint256 held = token.balanceOf(address(s));
        vm.assume(held <= 2 * MAX_HELD);
        (bool ok, uint256 slashed) = prove(e, bountyTo);
        vm.assume(ok);
        assert(token.balanceOf(address(s)) - held <= slashed / 2);
    }

    /// @dev For what payer and reporter are credited with, tokens go along: no more and no less.
    function check_penaltyCreditsHaveTokens(Receipt memory a, Receipt memory b, address bountyTo) public {
        Evidence memory e = evidence(a, b);
        small(e);
        vm.assume(a.payer == b.payer && a.payer != bountyTo);
        uint256 held = token.balanceOf(address(s));
        uint256 payerOwed = k.claimable(a.payer);
        uint256 reporterOwed = k.claimable(bountyTo);
        vm.assume(held <= 2 * MAX_HELD && payerOwed <= 2 * MAX_HELD && reporterOwed <= 2 * MAX_HELD);
        (, uint256 thawing,) = k.stakeOf(a.payee);
        vm.assume(thawing <= MAX_HELD);
        (bool ok,) = prove(e, bountyTo);
        vm.assume(ok);
        uint256 credited = k.claimable(a.payer) - payerOwed + (k.claimable(bountyTo) - reporterOwed);
        assert(token.balanceOf(address(s)) - held == credited);
    }

    /// @dev Evidence is punished once: neither again, nor in the other order, nor for another reporter.
    function check_evidenceIsPunishedOnce(Receipt memory a, Receipt memory b, address x, address y, bool swap) public {
        Evidence memory e = evidence(a, b);
        (bool ok,) = prove(e, x);
        vm.assume(ok);
        if (swap) (e.a, e.b, e.signatureA, e.signatureB) = (e.b, e.a, e.signatureB, e.signatureA);
        (ok,) = prove(e, y);
        assert(!ok);
    }

    /// @dev Nobody else loses anything to a penalty.
    function check_penaltyTouchesNobodyElse(Receipt memory a, Receipt memory b, address bountyTo, address other) public {
        Evidence memory e = evidence(a, b);
        vm.assume(other != a.payee);
        (uint256 total, uint256 thawing, uint64 end) = k.stakeOf(other);
        uint256 owed = k.claimable(other);
        vm.assume(owed <= 2 * MAX_HELD);
        (bool ok,) = prove(e, bountyTo);
        vm.assume(ok);
        (uint256 totalAfter, uint256 thawingAfter, uint64 endAfter) = k.stakeOf(other);
        assert(totalAfter == total && thawingAfter == thawing && endAfter == end && k.claimable(other) >= owed);
    }
}
