// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Proofs} from "./support/Proofs.sol";
import {IFlotillaStake as K} from "../src/interfaces/IFlotillaStake.sol";
import {Advert, Receipt} from "../src/Messages.sol";

contract AdvertBreachTest is Proofs {
    function test_honestReceiptsAreNoFault() public {
        Advert memory a = advert(0, 1);
        Receipt memory r = receipt(order(0, a, 1));
        refusesAdvertBreach(noFault(), r, a);
        r.amount = 0;
        refusesAdvertBreach(noFault(), r, a);
    }

    function test_oneUnitTooMuchIsABreach() public {
        Advert memory a = advert(0, 1);
        Receipt memory r = overcharge(a, 1);
        expectSlashed(K.Fault.AdvertBreach, digest(r), payer, MIN_PENALTY, 1, MIN_PENALTY / 5);
        eq("slashed", proveAdvertBreach(r, a), MIN_PENALTY);
        yes("punished", k.punished(evidenceId(K.Fault.AdvertBreach, digest(r))));
        eq("stake", k.slashableStake(op), STAKE - MIN_PENALTY);
        eq("payer", k.claimable(payer), 1);
        eq("bounty", k.claimable(bountyTo), MIN_PENALTY / 5);
    }

    // The parts are added up and rounded up once; the flat part is not rounded.
    function test_priceRoundsUp() public {
        Advert memory a = advert(0, 1);
        (a.inputPerMTok, a.outputPerMTok, a.perRequest) = (1, 999_999, 7);
        Receipt memory r = receipt(order(0, a, 1));
        (r.inputTokens, r.outputTokens) = (1, 1); // exactly 1 + 7
        r.amount = 8;
        refusesAdvertBreach(noFault(), r, a);
        r.outputTokens = 0; // 0.000001 + 7
        refusesAdvertBreach(noFault(), r, a);
        (r.inputTokens, r.outputTokens) = (2, 1); // 1.000001 + 7
        r.amount = 9;
        refusesAdvertBreach(noFault(), r, a);
        r.amount = 10;
        proveAdvertBreach(r, a);
        eq("harm", k.claimable(payer), 1);
    }

    function test_theLargestPriceDoesNotOverflow() public {
        Advert memory a = advert(0, 1);
        uint64 most = type(uint64).max;
        (a.inputPerMTok, a.outputPerMTok, a.perRequest) = (most, most, most);
        Receipt memory r = receipt(order(0, a, 1));
        (r.inputTokens, r.outputTokens) = (type(uint32).max, type(uint32).max);
        r.amount = uint128(price(most, most, most, type(uint32).max, type(uint32).max));
        refusesAdvertBreach(noFault(), r, a);
        r.amount += 1;
        eq("slashed", proveAdvertBreach(r, a), MIN_PENALTY);
        r.amount = type(uint128).max;
        eq("all of it", proveAdvertBreach(r, a), STAKE - MIN_PENALTY);
    }

    function price(uint256 input, uint256 output, uint256 flat, uint256 in_, uint256 out_)
        private
        pure
        returns (uint256)
    {
        uint256 tokens = input * in_ + output * out_;
        return tokens / 1e6 + (tokens % 1e6 == 0 ? 0 : 1) + flat;
    }

    function testFuzz_anyPriceIsHeldToTheUnit(uint64[3] memory prices, uint32 in_, uint32 out_, uint64 more) public {
        Advert memory a = advert(0, 1);
        (a.inputPerMTok, a.outputPerMTok, a.perRequest) = (prices[0], prices[1], prices[2]);
        Receipt memory r = receipt(order(0, a, 1));
        (r.inputTokens, r.outputTokens) = (in_, out_);
        r.amount = uint128(price(prices[0], prices[1], prices[2], in_, out_));
        refusesAdvertBreach(noFault(), r, a);
        r.amount += uint128(bound(more, 1, STAKE));
        proveAdvertBreach(r, a);
        uint256 harm = bound(more, 1, STAKE);
        eq("harm", k.claimable(payer), harm < STAKE / 2 ? harm : STAKE / 2);
    }

    // Outside the validity nothing may be charged at all, so all of it is harm. Both ends are inside.
    function test_servedOutsideTheValidity() public {
        Advert memory a = advert(0, 1);
        Receipt memory r = receipt(order(0, a, 1));
        r.servedAt = a.validFrom;
        refusesAdvertBreach(noFault(), r, a);
        r.servedAt = a.validTo;
        refusesAdvertBreach(noFault(), r, a);
        r.servedAt = a.validTo + 1;
        proveAdvertBreach(r, a);
        eq("harm", k.claimable(payer), 600);
        r.servedAt = a.validFrom - 1;
        proveAdvertBreach(r, a);
        eq("both", k.claimable(payer), 1200);
        r.amount = 0; // served for nothing: nobody is harmed
        refusesAdvertBreach(noFault(), r, a);
    }

    function test_receiptMustNameTheAdvert() public {
        Advert memory a = advert(0, 1);
        Receipt memory r = overcharge(a, 1);
        refusesAdvertBreach(noFault(), r, advert(0, 2));
        r.advert = keccak256("another");
        refusesAdvertBreach(noFault(), r, a);
    }

    // A signature under somebody else's advert makes nobody its operator: prices that are not one's own bind nobody.
    function test_advertMustBeTheOperatorsOwn() public {
        Advert memory a = advert(1, 1);
        Receipt memory r = overcharge(a, 1); // payee: operator 1
        r.payee = op;
        bytes memory byOp = sign(operatorKeys[0], digest(a));
        bytes memory sr = signed(r);
        refuses(noFault());
        k.proveAdvertBreach(r, sr, a, byOp, bountyTo);
    }

    function test_bothMustBeSignedByThePayee() public {
        Advert memory a = advert(0, 1);
        Receipt memory r = overcharge(a, 1);
        (bytes memory sr, bytes memory sa) = (signed(r), signed(a));
        bytes memory other = sign(operatorKeys[1], digest(r));
        refuses(notSigned(0, operators[1]));
        k.proveAdvertBreach(r, other, a, sa, bountyTo);
        refuses(notSigned(0, address(0)));
        k.proveAdvertBreach(r, "", a, sa, bountyTo);
        refuses(notSigned(1, ECDSA.recover(digest(a), sr)));
        k.proveAdvertBreach(r, sr, a, sr, bountyTo);
        refuses(notSigned(1, address(0)));
        k.proveAdvertBreach(r, sr, a, new bytes(65), bountyTo);
    }

    // A malformed signature recovers to zero, which must not make the zero address the signer of anything.
    function test_zeroOperatorSignsNothing() public {
        Advert memory a;
        Receipt memory r;
        r.advert = digest(a);
        r.amount = 1;
        refuses(notSigned(0, address(0)));
        k.proveAdvertBreach(r, new bytes(65), a, new bytes(65), bountyTo);
    }

    function test_oneReceiptIsPunishedOnceForThis() public {
        Advert memory a = advert(0, 1);
        Receipt memory r = overcharge(a, 1);
        proveAdvertBreach(r, a);
        refusesAdvertBreach(alreadyPunished(K.Fault.AdvertBreach, digest(r)), r, a);
        proveAdvertBreach(overcharge(a, 2), a);
        eq("two penalties", k.slashableStake(op), STAKE - 2 * uint256(MIN_PENALTY));
    }
}
