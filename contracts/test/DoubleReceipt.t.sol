// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Proofs} from "./support/Proofs.sol";
import {IFlotillaStake as K} from "../src/interfaces/IFlotillaStake.sol";
import {Receipt} from "../src/Messages.sol";

contract DoubleReceiptTest is Proofs {
    function first() private view returns (Receipt memory) {
        return receipt(order(0, advert(0, 1), 1));
    }

    /// @dev The same request again, with another lane number and amount.
    function second(uint128 amount) private view returns (Receipt memory r) {
        r = first();
        (r.laneSeq, r.amount) = (2, amount);
    }

    function key(Receipt memory r) private pure returns (bytes32) {
        return keccak256(abi.encode(r.payee, r.request));
    }

    function test_twoReceiptsForOneRequest() public {
        (Receipt memory a, Receipt memory b) = (first(), second(400_000));
        expectSlashed(K.Fault.DoubleReceipt, key(a), payer, 4_000_000, 400_000, 800_000);
        eq("slashed", proveDoubleReceipt(a, b), 4_000_000);
        yes("punished", k.punished(evidenceId(K.Fault.DoubleReceipt, key(a))));
        eq("stake", k.slashableStake(op), STAKE - 4_000_000);
        eq("payer", k.claimable(payer), 400_000);
        eq("bounty", k.claimable(bountyTo), 800_000);
    }

    // The larger amount counts, and goes to that receipt's payer, whichever stands first.
    function test_theDearerReceiptsPayerIsRepaid() public {
        for (uint256 i; i < 2; ++i) {
            Receipt memory a = receipt(order(0, advert(0, 1), i));
            Receipt memory b = receipt(order(0, advert(0, 1), i));
            (b.payer, b.amount) = (payers[1], 700);
            if (i == 0) proveDoubleReceipt(a, b);
            else proveDoubleReceipt(b, a);
            eq("dearer", k.claimable(payers[1]), (i + 1) * 700);
            eq("cheaper", k.claimable(payer), 0);
        }
    }

    function test_equalAmountsGoToTheFirst() public {
        (Receipt memory a, Receipt memory b) = (first(), second(600));
        b.payer = payers[1];
        proveDoubleReceipt(a, b);
        eq("first", k.claimable(payer), 600);
        eq("second", k.claimable(payers[1]), 0);
    }

    function test_oneRequestIsPunishedOnce() public {
        proveDoubleReceipt(first(), second(700));
        bytes memory err = alreadyPunished(K.Fault.DoubleReceipt, key(first()));
        refusesDoubleReceipt(err, first(), second(800));
        refusesDoubleReceipt(err, second(700), first());
    }

    function test_oneReceiptTwiceIsNoFault() public {
        refusesDoubleReceipt(noFault(), first(), first());
    }

    function test_otherRequestsAreNoFault() public {
        Receipt memory b = receipt(order(0, advert(0, 1), 2));
        refusesDoubleReceipt(noFault(), first(), b);
    }

    // Two operators may both have served a request, for instance after a retry. Both must be the same one's word.
    function test_receiptsOfTwoOperatorsAreNoFault() public {
        (Receipt memory a, Receipt memory b) = (first(), second(700));
        b.payee = operators[1];
        bytes memory byA = sign(operatorKeys[0], digest(b));
        bytes memory sa = signed(a);
        refuses(noFault());
        k.proveDoubleReceipt(a, sa, b, byA, bountyTo);
        bytes memory byB = signed(b);
        refuses(notSigned(1, operators[1]));
        k.proveDoubleReceipt(a, sa, b, byB, bountyTo);
    }

    function test_bothMustBeSignedByThePayee() public {
        (Receipt memory a, Receipt memory b) = (first(), second(700));
        (bytes memory sa, bytes memory sb) = (signed(a), signed(b));
        bytes memory byPayer = sign(payerKeys[0], digest(a));
        refuses(notSigned(0, payer));
        k.proveDoubleReceipt(a, byPayer, b, sb, bountyTo);
        refuses(notSigned(0, address(0)));
        k.proveDoubleReceipt(a, "", b, sb, bountyTo);
        byPayer = sign(payerKeys[0], digest(b));
        refuses(notSigned(1, payer));
        k.proveDoubleReceipt(a, sa, b, byPayer, bountyTo);
        refuses(notSigned(1, address(0)));
        k.proveDoubleReceipt(a, sa, b, "", bountyTo);
    }

    function testFuzz_anyDifferenceIsADoubleReceipt(Receipt memory b) public {
        Receipt memory a = first();
        (b.request, b.payee) = (a.request, a.payee);
        vm.assume(digest(a) != digest(b));
        proveDoubleReceipt(a, b);
        uint256 harm = a.amount >= b.amount ? a.amount : b.amount;
        uint256 penalty = 10 * harm > MIN_PENALTY ? 10 * harm : MIN_PENALTY;
        if (penalty > STAKE) penalty = STAKE;
        eq("stake", k.slashableStake(op), STAKE - penalty);
    }
}
