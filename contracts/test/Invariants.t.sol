// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {Actions} from "./support/Actions.sol";

/// @dev Forge calls the actions in orders and with values of its own choosing. After each call the books
/// balance (tokens held = stakes + lanes + claimable), and all state is what the model says. Forge stops
/// at the first revert, so a refusal that the actions do not expect is a finding too.
contract InvariantsTest is Base {
    Actions private _actions;

    function setUp() public {
        _actions = new Actions();
        target(address(_actions));
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](13);
        selectors[0] = Actions.doStake.selector;
        selectors[1] = Actions.doThawStake.selector;
        selectors[2] = Actions.doCancelThawStake.selector;
        selectors[3] = Actions.doWithdrawStake.selector;
        selectors[4] = Actions.doDeposit.selector;
        selectors[5] = Actions.doDepositMany.selector;
        selectors[6] = Actions.doThaw.selector;
        selectors[7] = Actions.doCancelThaw.selector;
        selectors[8] = Actions.doWithdraw.selector;
        selectors[9] = Actions.doClaim.selector;
        selectors[10] = Actions.doSettleVoucher.selector;
        selectors[11] = Actions.doSettleBatch.selector;
        selectors[12] = Actions.doWait.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_actions), selectors);
    }

    function invariant_booksBalanceAndAgreeWithTheModel() public {
        _actions.check();
    }

    /// @dev A run in which next to nothing happened would prove nothing.
    function afterInvariant() public view {
        uint256 happened;
        for (uint256 kind; kind < 12; ++kind) {
            happened += _actions.done(kind);
        }
        yes("a quarter of the calls had an effect", happened >= 16);
    }
}
