// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Symbolic} from "./Symbolic.sol";

/// @dev Escrow: what a payer can take back, and when.
contract LanesProperties is Symbolic {
    /// @dev Whatever anyone calls, a running thaw keeps its clock or ends, and a new one runs the whole period.
    function check_thawIsNeverShortened(address from, address payer, address payee, uint256 time) public {
        at(time);
        uint64 before = lane(payer, payee).end;
        (bool ok,) = call(from, address(s), svm.createCalldata("IFlotillaSettlement"));
        vm.assume(ok);
        uint64 end = lane(payer, payee).end;
        assert(end == before || end == 0 || (before == 0 && end == time + LANE_THAW));
    }

    /// @dev Before the thaw has ended nothing is withdrawn; then exactly what thawed and is left, once.
    function check_withdrawPaysOnlyWhatThawed(address payer, address payee, uint256 time) public {
        at(time);
        vm.assume(payer != address(s));
        Lane memory a = lane(payer, payee);
        uint256 purse = token.balanceOf(payer);
        vm.assume(purse <= MAX_HELD); // balances of a token do not wrap
        (bool ok,) = call(payer, address(s), abi.encodeCall(s.withdraw, (payee)));
        vm.assume(ok);
        assert(a.end != 0 && time >= a.end);
        Lane memory b = lane(payer, payee);
        assert(b.balance == a.balance - a.thawing && b.collected == a.collected && b.end == 0);
        assert(token.balanceOf(payer) == purse + a.thawing);
        (ok,) = call(payer, address(s), abi.encodeCall(s.withdraw, (payee)));
        assert(!ok);
    }

    /// @dev A deposit adds exactly its amount, and nothing of it can leave on an old clock.
    function check_depositOnlyAdds(address payer, address payee, uint128 amount) public {
        Lane memory a = lane(payer, payee);
        uint256 held = token.balanceOf(address(s));
        (bool ok,) = call(payer, address(s), abi.encodeCall(s.deposit, (payee, amount)));
        vm.assume(ok);
        assert(amount != 0 && token.balanceOf(address(s)) == held + amount && held + amount <= MAX_HELD);
        Lane memory b = lane(payer, payee);
        assert(b.balance == a.balance + amount && b.collected == a.collected && b.end == a.end);
        assert(a.end == 0 || b.thawing == a.thawing);
    }

    /// @dev Nobody but the payer itself and its payee's settling touches a lane's escrow, whatever is called.
    function check_othersCannotTouchALane(address from, address payer, address payee) public {
        vm.assume(from != payer);
        Lane memory a = lane(payer, payee);
        uint256 owed = k.claimable(payee);
        (bool ok,) = call(from, address(s), svm.createCalldata("IFlotillaSettlement"));
        vm.assume(ok);
        Lane memory b = lane(payer, payee);
        assert(b.balance <= a.balance && b.end == a.end);
        assert(b.balance + b.collected == a.balance + a.collected);
        assert(b.balance == a.balance || k.claimable(payee) == owed + (a.balance - b.balance));
    }

    /// @dev A thaw can never exceed the lane, moves no money, and cannot be started twice.
    function check_thawMovesNothing(address payer, address payee, uint128 amount, uint256 time) public {
        at(time);
        Lane memory a = lane(payer, payee);
        (bool ok,) = call(payer, address(s), abi.encodeCall(s.thaw, (payee, amount)));
        vm.assume(ok);
        assert(a.end == 0 && amount != 0 && amount <= a.balance);
        Lane memory b = lane(payer, payee);
        assert(b.balance == a.balance && b.collected == a.collected);
        assert(b.thawing == amount && b.end == time + LANE_THAW);
    }
}
