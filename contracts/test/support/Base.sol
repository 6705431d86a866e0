// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @dev The base of all tests: assertions that say what was compared, and invariant targets.
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool public constant IS_TEST = true;
    address[] private _targets;

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    error NotEqual(string what, uint256 got, uint256 want);
    error NotEqualBytes32(string what, bytes32 got, bytes32 want);
    error NotTrue(string what);

    function targetContracts() external view returns (address[] memory) {
        return _targets;
    }

    function target(address a) internal {
        _targets.push(a);
    }

    function eq(string memory what, uint256 got, uint256 want) internal pure {
        if (got != want) revert NotEqual(what, got, want);
    }

    function eq(string memory what, bytes32 got, bytes32 want) internal pure {
        if (got != want) revert NotEqualBytes32(what, got, want);
    }

    function eq(string memory what, address got, address want) internal pure {
        eq(what, uint256(uint160(got)), uint256(uint160(want)));
    }

    function yes(string memory what, bool ok) internal pure {
        if (!ok) revert NotTrue(what);
    }

    /// @dev Maps x into [low, high]; the ends come up often.
    function bound(uint256 x, uint256 low, uint256 high) internal pure returns (uint256) {
        if (x >= low && x <= high) return x;
        if (x > type(uint256).max - 4) return high - (type(uint256).max - x) % (high - low + 1);
        return low + x % (high - low + 1);
    }
}
