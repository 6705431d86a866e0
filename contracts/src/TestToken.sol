// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title Play money with the decimals of a dollar stablecoin; anyone may mint
/// @dev Refuses to exist outside the two usual ids of local development chains.
contract TestToken is ERC20 {
    error LocalChainsOnly(uint256 chainId);

    constructor() ERC20("Flotilla Test Dollar", "tUSD") {
        if (block.chainid != 1337 && block.chainid != 31337) revert LocalChainsOnly(block.chainid);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
