// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ActionsBase, Kind} from "./ActionsBase.sol";

/// @dev Actions on one's own money: stake, escrow, claims, and gifts to the contracts.
abstract contract ActionsEscrow is ActionsBase {
    // ------------------------------------------------------------------- stake

    function doStake(uint256 who, uint256 seed) public inTime {
        address op = operators[who % 5];
        uint128 amount = amountUpTo(unit, seed);
        both(Kind.Stake, op, op, abi.encodeCall(k.stake, (amount)), abi.encodeCall(model.stake, (op, amount)));
    }

    function doThawStake(uint256 who, uint256 seed) public inTime {
        address op = staker(who, false);
        uint128 amount = amountUpTo(model.bonded(op), seed);
        bytes memory twin = abi.encodeCall(model.thawStake, (op, amount));
        both(Kind.ThawStake, op, op, abi.encodeCall(k.thawStake, (amount)), twin);
    }

    function doCancelThawStake(uint256 who) public inTime {
        address op = staker(who, true);
        bytes memory twin = abi.encodeCall(model.cancelThawStake, (op));
        both(Kind.CancelThawStake, op, op, abi.encodeCall(k.cancelThawStake, ()), twin);
    }

    function doWithdrawStake(uint256 who, uint256 seed) public inTime {
        address op = staker(who, true);
        maybeWaitFor(model.stakeThawEnd(op), seed);
        bytes memory twin = abi.encodeCall(model.withdrawStake, (op));
        both(Kind.WithdrawStake, op, op, abi.encodeCall(k.withdrawStake, ()), twin);
    }

    /// @dev Mostly an operator whose stake thaws, or does not, when there is one.
    function staker(uint256 who, bool thaws) private view returns (address op) {
        for (uint256 i; i < 5; ++i) {
            op = operators[(who % 5 + i) % 5];
            if (who % 16 == 0) return op;
            if (thaws == (model.stakeThawEnd(op) != 0) && (thaws || model.bonded(op) != 0)) return op;
        }
    }

    // ------------------------------------------------------------------ escrow

    function doDeposit(uint256 who, uint256 seed) public inTime {
        address payer = payers[who % 5];
        (address payee, uint128 amount) = (payeeFor(who >> 8), amountUpTo(unit / 2, seed));
        bytes memory twin = abi.encodeCall(model.deposit, (payer, payee, amount));
        both(Kind.Deposit, payer, payer, abi.encodeCall(s.deposit, (payee, amount)), twin);
    }

    function doDepositMany(uint256 who, uint256 seed) public inTime {
        address payer = payers[who % 5];
        uint256 n = seed % 4; // maybe none, maybe one payee twice
        address[] memory payees = new address[](n);
        uint128[] memory amounts = new uint128[](seed % 32 == 31 ? n + 1 : n);
        for (uint256 i; i < n; ++i) {
            payees[i] = payeeFor(who >> (8 * (i + 1)));
            amounts[i] = amountUpTo(unit / 2, mix(seed, "amount") >> (32 * i));
        }
        bytes memory twin = abi.encodeCall(model.depositMany, (payer, payees, amounts));
        both(Kind.DepositMany, payer, payer, abi.encodeCall(s.depositMany, (payees, amounts)), twin);
    }

    function payeeFor(uint256 seed) private view returns (address) {
        if (seed % 64 == 0) return address(0);
        if (seed % 64 == 1) return address(s);
        return operators[seed % 5];
    }

    function doThaw(uint256 who, uint256 seed) public inTime {
        (address payer, address payee) = lane(who, false);
        uint128 amount = amountUpTo(model.balance(payer, payee), seed);
        bytes memory twin = abi.encodeCall(model.thaw, (payer, payee, amount));
        both(Kind.Thaw, payer, payer, abi.encodeCall(s.thaw, (payee, amount)), twin);
    }

    function doCancelThaw(uint256 who) public inTime {
        (address payer, address payee) = lane(who, true);
        bytes memory twin = abi.encodeCall(model.cancelThaw, (payer, payee));
        both(Kind.CancelThaw, payer, payer, abi.encodeCall(s.cancelThaw, (payee)), twin);
    }

    function doWithdraw(uint256 who, uint256 seed) public inTime {
        (address payer, address payee) = lane(who, true);
        maybeWaitFor(model.thawEnd(payer, payee), seed);
        bytes memory twin = abi.encodeCall(model.withdraw, (payer, payee));
        both(Kind.Withdraw, payer, payer, abi.encodeCall(s.withdraw, (payee)), twin);
    }

    /// @dev Mostly a lane that thaws, or one that holds something and does not, when there is one.
    function lane(uint256 who, bool thaws) private view returns (address payer, address payee) {
        for (uint256 i; i < 25; ++i) {
            uint256 place = (who % 25 + i) % 25;
            (payer, payee) = (payers[place / 5], operators[place % 5]);
            if (who % 16 == 0) break;
            if (thaws == (model.thawEnd(payer, payee) != 0) && (thaws || model.balance(payer, payee) != 0)) break;
        }
    }

    function doClaim(uint256 who, uint256 seed) public inTime {
        address from = anyActor(who);
        for (uint256 i; i < 11 && who % 16 != 0 && model.claimable(from) == 0; ++i) {
            from = anyActor(who % 11 + i);
        }
        address to = seed % 4 == 0 ? anyActor(seed >> 8) : from;
        if (seed % 32 == 1) to = address(0);
        if (seed % 32 == 2) to = address(s);
        if (seed % 32 == 3) to = address(k); // whoever asks for that gives it away
        both(Kind.Claim, from, from, abi.encodeCall(s.claim, (to)), abi.encodeCall(model.claim, (from, to)));
    }

    // ------------------------------------------------------------ mischief, time

    /// @dev Tokens sent without a deposit belong to nobody and change nothing but the contract's balance.
    function doDonate(uint256 who, uint256 seed) public inTime {
        address from = anyActor(who);
        address to = seed % 2 == 0 ? address(s) : address(k);
        uint256 amount = 1 + (seed >> 8) % (unit / 64);
        vm.prank(from);
        token.transfer(to, amount);
        model.transfer(from, to, amount);
        ++tried[uint256(Kind.Donate)];
        ++done[uint256(Kind.Donate)];
        donated(to, amount);
    }

    function donated(address to, uint256 amount) internal virtual {}

    function doTrespass(uint256 who, uint256 seed) public inTime {
        address from = anyActor(who);
        address account = anyActor(seed);
        bytes memory credit = abi.encodeCall(k.credit, (account, seed));
        both(Kind.Trespass, from, from, credit, abi.encodeCall(model.credit, (from, account, seed)));
        bytes memory take = abi.encodeCall(k.takeClaimable, (account));
        both(Kind.Trespass, from, from, take, abi.encodeCall(model.takeClaimable, (from, account)));
    }

    function doWait(uint256 seed) public inTime {
        skipTime(1 + (seed >> 8) % (seed % 4 == 0 ? STAKE_THAW : EPOCH));
    }
}
