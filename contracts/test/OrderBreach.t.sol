// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Proofs} from "./support/Proofs.sol";
import {IFlotillaStake as K} from "../src/interfaces/IFlotillaStake.sol";
import {Order, Receipt} from "../src/Messages.sol";

contract OrderBreachTest is Proofs {
    Order private o;

    function setUp() public override {
        super.setUp();
        o = order(0, advert(0, 1), 1);
    }

    function atTheLimits() private view returns (Receipt memory r) {
        r = receipt(o);
        (r.inputTokens, r.outputTokens, r.amount) = (o.maxInputTokens, o.maxOutputTokens, o.maxAmount);
        r.servedAt = o.deadline;
    }

    function test_receiptsAtTheLimitsAreNoFault() public {
        refusesOrderBreach(noFault(), receipt(o), o);
        refusesOrderBreach(noFault(), atTheLimits(), o);
    }

    function test_aboveTheAmountOnlyTheDifferenceIsHarm() public {
        Receipt memory r = atTheLimits();
        r.amount += 300_000;
        expectSlashed(K.Fault.OrderBreach, digest(r), payer, 3_000_000, 300_000, 600_000);
        eq("slashed", proveOrderBreach(r, o), 3_000_000);
        yes("punished", k.punished(evidenceId(K.Fault.OrderBreach, digest(r))));
        eq("stake", k.slashableStake(op), STAKE - 3_000_000);
        eq("payer", k.claimable(payer), 300_000);
        eq("bounty", k.claimable(bountyTo), 600_000);
        refusesOrderBreach(alreadyPunished(K.Fault.OrderBreach, digest(r)), r, o);
    }

    // Above another limit or too late nothing may be charged at all.
    function test_aboveAnyOtherLimitAllOfItIsHarm() public {
        for (uint256 i; i < 3; ++i) {
            Receipt memory r = atTheLimits();
            if (i == 0) ++r.inputTokens;
            if (i == 1) ++r.outputTokens;
            if (i == 2) ++r.servedAt;
            proveOrderBreach(r, o);
            eq("harm", k.claimable(payer), (i + 1) * 5000);
            r.amount = 0; // for nothing, nobody is harmed
            refusesOrderBreach(noFault(), r, o);
        }
    }

    function test_receiptMustNameTheOrder() public {
        Receipt memory r = atTheLimits();
        r.amount += 1;
        Order memory other = order(0, advert(0, 1), 2);
        refusesOrderBreach(noFault(), r, other);
    }

    function test_mustBeSignedByThePayee() public {
        Receipt memory r = atTheLimits();
        r.amount += 1;
        bytes memory byPayer = sign(payerKeys[0], digest(r));
        refuses(notSigned(0, payer));
        k.proveOrderBreach(r, byPayer, o, bountyTo);
        refuses(notSigned(0, address(0)));
        k.proveOrderBreach(r, "", o, bountyTo);
    }

    // The same receipt may break its advert too: that is another contradiction with its own penalty.
    function test_otherFaultsOfTheReceiptArePunishedApart() public {
        Receipt memory r = atTheLimits();
        r.amount += 1;
        proveOrderBreach(r, o);
        proveAdvertBreach(r, advert(0, 1));
        eq("two penalties", k.slashableStake(op), STAKE - 2 * uint256(MIN_PENALTY));
    }

    function testFuzz_onlyABrokenLimitIsAFault(uint32 in_, uint32 out_, uint64 served, uint128 amount) public {
        Receipt memory r = receipt(o);
        r.inputTokens = uint32(bound(in_, 0, 1100));
        r.outputTokens = uint32(bound(out_, 0, 1100));
        r.servedAt = uint64(bound(served, o.deadline - 100, o.deadline + 10));
        r.amount = uint128(bound(amount, 0, 6000));
        bool free = r.inputTokens > 1000 || r.outputTokens > 1000 || r.servedAt > o.deadline;
        uint256 due = free ? 0 : 5000;
        if (r.amount <= due) {
            refusesOrderBreach(noFault(), r, o);
        } else {
            proveOrderBreach(r, o);
            eq("harm", k.claimable(payer), r.amount - due);
        }
    }
}
