// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {IFlotillaSettlement as I} from "../src/interfaces/IFlotillaSettlement.sol";

/// @dev Tests for mutants that the other tests let live (see audit/mutants.txt).
contract MutantsTest is Fixture {
    uint64 private constant LONG = 3650 days + 1;

    /// @dev Looks at the answer of the creation itself: after vm.expectRevert, forge 1.7.1 takes a raw `create` that
    /// succeeds for one that reverted, so a test built on it cannot fail.
    function refused(bytes32 name, bytes memory args) private {
        bytes memory creation = bytes.concat(vm.getCode("FlotillaSettlement.sol:FlotillaSettlement"), args);
        address made;
        bytes memory answer;
        assembly ("memory-safe") {
            made := create(0, add(creation, 32), mload(creation))
            answer := mload(0x40)
            mstore(answer, returndatasize())
            returndatacopy(add(answer, 32), 0, returndatasize())
            mstore(0x40, and(add(add(answer, returndatasize()), 63), not(31)))
        }
        eq("made", made, address(0));
        eq("answer", keccak256(answer), keccak256(abi.encodeWithSelector(I.InvalidParameter.selector, name)));
    }

    function test_parametersOutOfRangeAreRefused() public {
        address t = address(token);
        refused("token", abi.encode(stranger, LANE_THAW, EPOCH, EVIDENCE, STAKE_THAW, MIN_PENALTY));
        refused("laneThawSeconds", abi.encode(t, 0, EPOCH, EVIDENCE, STAKE_THAW, MIN_PENALTY));
        refused("laneThawSeconds", abi.encode(t, LONG, EPOCH, EVIDENCE, STAKE_THAW, MIN_PENALTY));
        refused("epochSeconds", abi.encode(t, LANE_THAW, 0, EVIDENCE, STAKE_THAW, MIN_PENALTY));
        refused("epochSeconds", abi.encode(t, LANE_THAW, LONG, EVIDENCE, STAKE_THAW, MIN_PENALTY));
        refused("evidenceSeconds", abi.encode(t, LANE_THAW, EPOCH, 0, STAKE_THAW, MIN_PENALTY));
        refused("evidenceSeconds", abi.encode(t, LANE_THAW, EPOCH, LONG, STAKE_THAW, MIN_PENALTY));
        uint64 short = EVIDENCE + 2 * EPOCH - 1;
        refused("stakeThawSeconds", abi.encode(t, LANE_THAW, EPOCH, EVIDENCE, short, MIN_PENALTY));
        refused("stakeThawSeconds", abi.encode(t, LANE_THAW, EPOCH, EVIDENCE, EVIDENCE + EPOCH, MIN_PENALTY));
        refused("stakeThawSeconds", abi.encode(t, LANE_THAW, EPOCH, EVIDENCE, LONG, MIN_PENALTY));
        refused("minPenalty", abi.encode(t, LANE_THAW, EPOCH, EVIDENCE, STAKE_THAW, 0));
    }
}
