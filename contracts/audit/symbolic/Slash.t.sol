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

    /// @dev A penalty is max(10 x harm, minimum) or all stake; it takes exactly that, bonded stake first.
    function check_penaltyTakesExactlyItself(Receipt memory a, Receipt memory b, address bountyTo) public {
        Evidence memory e = evidence(a, b);
        (uint256 total, uint256 thawing, uint64 end) = k.stakeOf(a.payee);
        vm.assume(thawing <= MAX_HELD);
        (bool ok, uint256 slashed) = prove(e, bountyTo);
        vm.assume(ok);
        uint256 harm = a.amount >= b.amount ? a.amount : b.amount;
        uint256 wanted = 10 * harm > MIN_PENALTY ? 10 * harm : MIN_PENALTY;
        assert(slashed != 0 && slashed == min(wanted, total));
        (uint256 totalAfter, uint256 thawingAfter, uint64 endAfter) = k.stakeOf(a.payee);
        assert(totalAfter == total - slashed && endAfter == end);
        uint256 backing = total - thawing;
        assert(thawingAfter == (slashed <= backing ? thawing : thawing - (slashed - backing)));
    }

    /// @dev Payer and reporter get at most half, the payer no more than its harm; tokens for both go along. So whoever
    /// reports itself, as its own payer too, loses at least half. For stakes and amounts up to 4,294 dollars, where
    /// all three sizes of a penalty occur: solvers are slow at wide products and quotients.
    function check_payerAndReporterGetAtMostHalf(Receipt memory a, Receipt memory b, address payer, address bountyTo)
        public
    {
        Evidence memory e = evidence(a, b);
        vm.assume(a.payer == payer && b.payer == payer && payer != bountyTo);
        vm.assume(a.amount <= type(uint32).max && b.amount <= type(uint32).max);
        (uint256 total, uint256 thawing,) = k.stakeOf(a.payee);
        vm.assume(total <= type(uint32).max && thawing <= total);
        uint256 payerOwed = k.claimable(payer);
        uint256 reporterOwed = k.claimable(bountyTo);
        vm.assume(payerOwed <= 2 * MAX_HELD && reporterOwed <= 2 * MAX_HELD);
        uint256 held = token.balanceOf(address(s));
        vm.assume(held <= 2 * MAX_HELD);
        (bool ok, uint256 slashed) = prove(e, bountyTo);
        vm.assume(ok);
        uint256 toPayer = k.claimable(payer) - payerOwed;
        uint256 bounty = k.claimable(bountyTo) - reporterOwed;
        assert(toPayer <= (a.amount >= b.amount ? a.amount : b.amount));
        assert(2 * (toPayer + bounty) <= slashed);
        assert(token.balanceOf(address(s)) == held + toPayer + bounty);
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
