// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Taking tokens in: exactly the amount asked for, and never more than accounts are sized for
library TokenPull {
    using SafeERC20 for IERC20;

    /// @dev Fields of 72 bits and more hold every sum of tokens that a contract can hold.
    uint256 internal constant MAX_HELD = type(uint72).max;

    /// @notice The token moved another amount than asked for (fee on transfer, rebasing).
    error TokenAmountMismatch(uint256 expected, uint256 received);
    /// @notice The contract would hold more than the 2^72-1 base units its accounts are sized for.
    error TooManyTokensHeld(uint256 held);

    /// @notice Moves `amount` from the caller to this contract, or reverts.
    function pullExactly(IERC20 token, uint256 amount) internal {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 held = token.balanceOf(address(this));
        if (held - before != amount) revert TokenAmountMismatch(amount, held - before);
        if (held > MAX_HELD) revert TooManyTokensHeld(held);
    }
}
