// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {Actions} from "./support/Actions.sol";
import {ActionsBase} from "./support/ActionsBase.sol";
import {ActionsChecked as A} from "./support/ActionsChecked.sol";
import {ActionsEscrow as E} from "./support/ActionsEscrow.sol";
import {ActionsFaults as F} from "./support/ActionsFaults.sol";
import {ActionsSettle as T} from "./support/ActionsSettle.sol";

/// @dev Forge calls the actions in orders and with values of its own choosing, and all invariants hold after each
/// call (see ActionsChecked). One function checks them all: each invariant function would be a campaign of its own.
///   I1  tokens held = escrow + claimable, and stake + burned, and gifts
///   I2  every stored total is the sum of what the events say
///   I3  collected <= the most that the payer has signed
///   I4  collected never falls
///   I5  paid to a payee = collected over its lanes
///   I6  paid in an epoch <= the stake that backs payouts, when it is paid
///   I7  staked = stake + withdrawn + slashed; payer and reporter get at most half
///   I8  one penalty for a piece of evidence
///   I9  thawing <= balance; a thaw's end is set once, a full thaw ahead, and nothing leaves before
///   I10 the order of vouchers, and their repetition, changes nothing (below)
///   I11 a batch is its vouchers (below)
///   I12 only deposits and stakes bring tokens in; only withdrawals and claims take them out
///   I13 an honest operator is never slashed, whatever others make of its messages
///   I14 an action costs only its sender, the payer who signed, or the operator who contradicted itself
///   I15 a gift to the contracts changes nobody's account
///   I16 every kind of action succeeds in 1 % of its calls (invariants.sh, over the whole campaign)
///   I17 what was paid in an epoch stays backed by slashable stake for a stake thaw, or was slashed
/// Forge stops at the first revert, so a result that the model does not predict is a finding too.
contract InvariantsTest is Base {
    string private constant SCORES = "cache/invariant-scores.txt";
    A private _actions;

    function setUp() public {
        _actions = new A();
        target(address(_actions));
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[23] memory all = [
            E.doStake.selector,
            E.doThawStake.selector,
            E.doCancelThawStake.selector,
            E.doWithdrawStake.selector,
            E.doDeposit.selector,
            E.doDepositMany.selector,
            E.doThaw.selector,
            E.doCancelThaw.selector,
            E.doWithdraw.selector,
            E.doClaim.selector,
            E.doDonate.selector,
            E.doTrespass.selector,
            E.doWait.selector,
            T.doAuthorizeSigner.selector,
            T.doThawSigner.selector,
            T.doCancelThawSigner.selector,
            T.doSettleVoucher.selector,
            T.doSettleBatch.selector,
            F.doProveAdvertBreach.selector,
            F.doProveOrderBreach.selector,
            F.doProveDoubleReceipt.selector,
            F.doProveAdvertEquivocation.selector,
            F.doAccuse.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_actions), new bytes4[](all.length));
        for (uint256 i; i < all.length; ++i) {
            targets[0].selectors[i] = all[i];
        }
    }

    function invariant_all() public {
        _actions.checkState();
    }

    /// @dev Adds the run's successes to the file that invariants.sh reads.
    function afterInvariant() public {
        vm.writeLine(SCORES, _actions.score());
    }
}
