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

    /// @return made the new contract, or zero when its constructor reverted
    /// @return refusal what it reverted with
    function create(bytes memory creation) internal returns (address made, bytes memory refusal) {
        assembly {
            made := create(0, add(creation, 32), mload(creation))
        }
        if (made != address(0)) return (made, "");
        // Not expectRevert: a create that does not revert as expected only returns zero, and the test would go on.
        assembly {
            refusal := mload(0x40)
            mstore(refusal, returndatasize())
            returndatacopy(add(refusal, 32), 0, returndatasize())
            mstore(0x40, add(refusal, add(32, returndatasize())))
        }
    }

    function refuseCreation(bytes memory creation, bytes memory want) internal {
        (address made, bytes memory refusal) = create(creation);
        eq("made", made, address(0));
        eq("refusal", keccak256(refusal), keccak256(want));
    }
}
