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

    /// @dev A deposit takes exactly its amount from the payer, within what the contract may hold.
    function check_depositTakesItsAmount(address payer, address payee, uint128 amount) public {
        uint256 held = token.balanceOf(address(s));
        (bool ok,) = call(payer, address(s), abi.encodeCall(s.deposit, (payee, amount)));
        vm.assume(ok);
        assert(amount != 0 && token.balanceOf(address(s)) == held + amount && held + amount <= MAX_HELD);
    }

    /// @dev A deposit adds exactly its amount to its lane.
    function check_depositOnlyAdds(address payer, address payee, uint128 amount) public {
        Lane memory a = lane(payer, payee);
        (bool ok,) = call(payer, address(s), abi.encodeCall(s.deposit, (payee, amount)));
        vm.assume(ok);
        Lane memory b = lane(payer, payee);
        assert(b.balance == a.balance + amount && b.collected == a.collected && b.end == a.end);
    }

    /// @dev Nothing of a deposit can leave on an old clock.
    function check_depositFeedsNoThaw(address payer, address payee, uint128 amount) public {
        Lane memory a = lane(payer, payee);
        (bool ok,) = call(payer, address(s), abi.encodeCall(s.deposit, (payee, amount)));
        vm.assume(ok);
        assert(a.end == 0 || lane(payer, payee).thawing == a.thawing);
    }

    /// @dev Nobody but the payer starts, ends or moves the thaw of its lane, whatever is called.
    function check_othersLeaveTheThaw(address from, address payer, address payee) public {
        vm.assume(from != payer);
        uint64 before = lane(payer, payee).end;
        (bool ok,) = call(from, address(s), svm.createCalldata("IFlotillaSettlement"));
        vm.assume(ok);
        assert(lane(payer, payee).end == before);
    }

    /// @dev Whatever anyone but the payer calls, what leaves its escrow is noted as collected.
    function check_othersOnlyCollect(address from, address payer, address payee) public {
        vm.assume(from != payer);
        Lane memory a = lane(payer, payee);
        (bool ok,) = call(from, address(s), svm.createCalldata("IFlotillaSettlement"));
        vm.assume(ok);
        Lane memory b = lane(payer, payee);
        assert(b.balance <= a.balance && b.balance + b.collected == a.balance + a.collected);
    }

    /// @dev What others collect from a lane its payee, and nobody else, is credited with.
    function check_whatIsCollectedIsCredited(address from, address payer, address payee) public {
        vm.assume(from != payer);
        uint256 balance = lane(payer, payee).balance;
        uint256 owed = k.claimable(payee);
        (bool ok,) = call(from, address(s), svm.createCalldata("IFlotillaSettlement"));
        vm.assume(ok);
        uint256 left = lane(payer, payee).balance;
        assert(left == balance || k.claimable(payee) == owed + (balance - left));
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
