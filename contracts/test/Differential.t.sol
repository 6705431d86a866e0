// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {Actions} from "./support/Actions.sol";

/// @dev The contract and the reference model do the same on any sequence of actions.
contract DifferentialTest is Base {
    uint256 private constant STEPS = 48;

    /// forge-config: default.fuzz.runs = 128
    function testFuzz_contractAgreesWithModel(uint256 seed) public {
        Actions a = new Actions();
        for (uint256 i; i < STEPS; ++i) {
            a.act(uint256(keccak256(abi.encode(seed, i))));
            a.check();
        }
    }

    /// @dev The random actions are not vacuous: all kinds happen, and payments get clipped.
    function test_everyActionHappens() public {
        Actions a = new Actions();
        for (uint256 i; i < 1500; ++i) {
            a.act(uint256(keccak256(abi.encode("steps", i))));
        }
        a.check();
        for (uint256 kind; kind < 12; ++kind) {
            yes("kind happened at least five times", a.done(kind) >= 5);
        }
        yes("some payments are clipped", a.clipped() >= 20);
    }
}
