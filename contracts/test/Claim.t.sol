// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {IFlotillaSettlement as I} from "../src/interfaces/IFlotillaSettlement.sol";

contract ClaimTest is Fixture {
    address private op;

    function setUp() public override {
        super.setUp();
        op = operators[0];
        stake(op, 100 * USD);
        deposit(payers[0], op, 50 * USD);
        settle(0, op, 30 * USD);
    }

    function test_claimPaysAllToTheGivenAddress() public {
        vm.expectEmit();
        emit I.Claimed(op, stranger, 30 * USD);
        vm.prank(op);
        s.claim(stranger);
        eq("tokens", token.balanceOf(stranger), 30 * USD);
        eq("claimable", s.claimable(op), 0);
        refuses(I.NothingToClaim.selector);
        vm.prank(op);
        s.claim(stranger);
    }

    function test_claimDoesNotFreeRoomInTheEpoch() public {
        deposit(payers[0], op, 100 * USD);
        vm.prank(op);
        s.claim(op);
        eq("rest of the cap", settle(0, op, 150 * USD), 70 * USD);
    }

    function test_refusals() public {
        refuses(I.NothingToClaim.selector);
        vm.prank(stranger);
        s.claim(stranger);
        refuses(abi.encodeWithSelector(I.InvalidRecipient.selector, address(0)));
        vm.prank(op);
        s.claim(address(0));
        refuses(abi.encodeWithSelector(I.InvalidRecipient.selector, address(s)));
        vm.prank(op);
        s.claim(address(s));
    }
}
