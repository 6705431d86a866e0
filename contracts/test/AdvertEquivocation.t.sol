// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Proofs} from "./support/Proofs.sol";
import {IFlotillaStake as K} from "../src/interfaces/IFlotillaStake.sol";
import {Advert} from "../src/Messages.sol";

contract AdvertEquivocationTest is Proofs {
    function test_twoAdvertsWithOneNumber() public {
        (Advert memory a, Advert memory b) = (advert(0, 1), advert(0, 1));
        b.outputPerMTok += 1;
        bytes32 offer = hashes.offerHash(a);
        expectSlashed(K.Fault.AdvertEquivocation, offer, address(0), MIN_PENALTY, 0, MIN_PENALTY / 5);
        eq("slashed", proveAdvertEquivocation(a, b), MIN_PENALTY);
        yes("punished", k.punished(evidenceId(K.Fault.AdvertEquivocation, offer)));
        eq("stake", k.slashableStake(op), STAKE - MIN_PENALTY);
        eq("nobody", k.claimable(address(0)), 0);
        eq("bounty", k.claimable(bountyTo), MIN_PENALTY / 5);
        bytes memory err = alreadyPunished(K.Fault.AdvertEquivocation, offer);
        refusesAdvertEquivocation(err, b, a);
        b.perRequest += 1;
        refusesAdvertEquivocation(err, a, b);
    }

    function test_anyTermThatDiffersIsAFault() public {
        for (uint64 seq; seq < 7; ++seq) {
            (Advert memory a, Advert memory b) = (advert(0, seq), advert(0, seq));
            if (seq == 0) b.tokenCounting = "tiktoken";
            if (seq == 1) b.inputPerMTok += 1;
            if (seq == 2) b.outputPerMTok += 1;
            if (seq == 3) b.perRequest += 1;
            if (seq == 4) b.maxContext += 1;
            if (seq == 5) b.validFrom += 1;
            if (seq == 6) b.validTo += 1;
            eq("slashed", proveAdvertEquivocation(a, b), MIN_PENALTY);
        }
    }

    function test_oneAdvertTwiceIsNoFault() public {
        refusesAdvertEquivocation(noFault(), advert(0, 1), advert(0, 1));
    }

    // Another number, node, model, quantization or runtime is another offer.
    function test_otherOffersAreNoFault() public {
        Advert memory a = advert(0, 1);
        for (uint256 i; i < 5; ++i) {
            Advert memory b = advert(0, 1);
            b.perRequest += 1;
            if (i == 0) b.seq += 1;
            if (i == 1) b.node = keccak256("another node");
            if (i == 2) b.model = "another model";
            if (i == 3) b.quantization = "f16";
            if (i == 4) b.runtime = "vllm";
            refusesAdvertEquivocation(noFault(), a, b);
        }
    }

    // Both must be the one operator's word: nobody else's advert, and nobody else's signature.
    function test_advertsOfTwoOperatorsAreNoFault() public {
        (Advert memory a, Advert memory b) = (advert(0, 1), advert(0, 1));
        b.operator = operators[1];
        bytes memory byA = sign(operatorKeys[0], digest(b));
        (bytes memory sa, bytes memory sb) = (signed(a), signed(b));
        refuses(noFault());
        k.proveAdvertEquivocation(a, sa, b, byA, bountyTo);
        refuses(notSigned(1, operators[1]));
        k.proveAdvertEquivocation(a, sa, b, sb, bountyTo);
    }

    function test_bothMustBeSignedByTheOperator() public {
        (Advert memory a, Advert memory b) = (advert(0, 1), advert(0, 1));
        b.perRequest += 1;
        (bytes memory sa, bytes memory sb) = (signed(a), signed(b));
        bytes memory other = sign(operatorKeys[1], digest(a));
        refuses(notSigned(0, operators[1]));
        k.proveAdvertEquivocation(a, other, b, sb, bountyTo);
        refuses(notSigned(0, address(0)));
        k.proveAdvertEquivocation(a, "", b, sb, bountyTo);
        refuses(notSigned(1, address(0)));
        k.proveAdvertEquivocation(a, sa, b, "", bountyTo);
    }
}
