// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @dev Keeps 1% of every transfer.
contract FeeToken is ERC20("Fee", "FEE") {
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = from == address(0) ? 0 : amount / 100;
        if (fee != 0) super._update(from, address(this), fee);
        super._update(from, to, amount - fee);
    }
}

/// @dev Adds one unit to every transfer.
contract GenerousToken is ERC20("Generous", "GEN") {
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0)) super._update(address(0), to, 1);
    }
}

/// @dev Calls back into a contract in the middle of each transfer, and passes its refusal on.
contract ReentrantToken is ERC20("Reentrant", "RE") {
    address private _victim;
    bytes private _call;

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function arm(address victim, bytes calldata call_) external {
        (_victim, _call) = (victim, call_);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (_victim == address(0)) return;
        (bool ok, bytes memory out) = _victim.call(_call);
        if (!ok) {
            assembly {
                revert(add(out, 32), mload(out))
            }
        }
    }
}

/// @dev A token whose units are not millionths.
contract OddDecimalsToken is ERC20("Odd", "ODD") {}

/// @dev Moves tokens only into the places it is told; elsewhere it keeps them, and says true or false without reverting.
contract SilentToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => bool) private _moves;
    bool private _false;

    function decimals() external pure returns (uint8) {
        return 6;
    }

    function answerFalse(bool on) external {
        _false = on;
    }

    function moveFor(address place) external {
        _moves[place] = true;
    }

    function transfer(address, uint256) external view returns (bool) {
        return !_false;
    }

    function transferFrom(address, address to, uint256 amount) external returns (bool) {
        if (_moves[to]) balanceOf[to] += amount;
        return !_false;
    }
}
