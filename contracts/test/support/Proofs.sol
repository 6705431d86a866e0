// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {IFlotillaStake as K} from "../../src/interfaces/IFlotillaStake.sol";
import {Advert, Order, Receipt} from "../../src/Messages.sol";

/// @dev The four proofs, sent by a stranger with the operator's own signatures; and what a penalty must do.
abstract contract Proofs is Fixture {
    uint256 internal constant STAKE = 1000 * uint256(USD);
    address internal bountyTo = address(0xCAFE);
    address internal op;
    address internal payer;

    function setUp() public virtual override {
        super.setUp();
        (op, payer) = (operators[0], payers[0]);
        stake(op, uint128(STAKE));
    }

    function proveAdvertBreach(Receipt memory r, Advert memory a) internal returns (uint256) {
        return k.proveAdvertBreach(r, signed(r), a, signed(a), bountyTo);
    }

    function proveOrderBreach(Receipt memory r, Order memory o) internal returns (uint256) {
        return k.proveOrderBreach(r, signed(r), o, bountyTo);
    }

    function proveDoubleReceipt(Receipt memory a, Receipt memory b) internal returns (uint256) {
        return k.proveDoubleReceipt(a, signed(a), b, signed(b), bountyTo);
    }

    function proveAdvertEquivocation(Advert memory a, Advert memory b) internal returns (uint256) {
        return k.proveAdvertEquivocation(a, signed(a), b, signed(b), bountyTo);
    }

    function refusesAdvertBreach(bytes memory err, Receipt memory r, Advert memory a) internal {
        (bytes memory sr, bytes memory sa) = (signed(r), signed(a));
        refuses(err);
        k.proveAdvertBreach(r, sr, a, sa, bountyTo);
    }

    function refusesOrderBreach(bytes memory err, Receipt memory r, Order memory o) internal {
        bytes memory sr = signed(r);
        refuses(err);
        k.proveOrderBreach(r, sr, o, bountyTo);
    }

    function refusesDoubleReceipt(bytes memory err, Receipt memory a, Receipt memory b) internal {
        (bytes memory sa, bytes memory sb) = (signed(a), signed(b));
        refuses(err);
        k.proveDoubleReceipt(a, sa, b, sb, bountyTo);
    }

    function refusesAdvertEquivocation(bytes memory err, Advert memory a, Advert memory b) internal {
        (bytes memory sa, bytes memory sb) = (signed(a), signed(b));
        refuses(err);
        k.proveAdvertEquivocation(a, sa, b, sb, bountyTo);
    }

    function noFault() internal pure returns (bytes memory) {
        return abi.encodeWithSelector(K.NoFault.selector);
    }

    function notSigned(uint256 index, address recovered) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(K.NotSignedByOperator.selector, index, recovered);
    }

    function evidenceId(K.Fault fault, bytes32 key) internal pure returns (bytes32) {
        return keccak256(abi.encode(uint256(fault), key));
    }

    function alreadyPunished(K.Fault fault, bytes32 key) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(K.AlreadyPunished.selector, evidenceId(fault, key));
    }

    /// @dev A receipt one base unit above its advert's price, for the order with `nonce`.
    function overcharge(Advert memory a, uint256 nonce) internal view returns (Receipt memory r) {
        r = receipt(order(0, a, nonce));
        r.amount = 601;
    }

    /// @dev The next call must emit exactly this penalty of `op`, for the harm of `payer_`.
    function expectSlashed(K.Fault fault, bytes32 key, address payer_, uint256 amount, uint256 toPayer, uint256 bounty)
        internal
    {
        vm.expectEmit(address(k));
        emit K.Slashed(op, payer_, evidenceId(fault, key), fault, amount, toPayer, bountyTo, bounty);
    }
}
