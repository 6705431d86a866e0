// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {FeeToken, GenerousToken, ReentrantToken, SilentToken} from "./support/BadTokens.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IFlotillaStake} from "../src/interfaces/IFlotillaStake.sol";
import {Advert, Order, Receipt} from "../src/Messages.sol";
import {TokenPull} from "../src/TokenPull.sol";

/// @dev Tokens that do not do what they are asked, or do more.
contract TokensTest is Fixture {
    address private op;
    address private payer;

    function setUp() public override {
        super.setUp();
        (op, payer) = (operators[0], payers[0]);
    }

    function test_heldTokensAreBounded() public {
        uint256 most = type(uint72).max;
        token.mint(payer, type(uint128).max);
        deposit(payer, op, uint128(most));
        eq("held", token.balanceOf(address(s)), most);
        refuses(abi.encodeWithSelector(TokenPull.TooManyTokensHeld.selector, most + 1));
        deposit(payers[1], op, 1);
    }

    function test_feeOnTransferIsRefused() public {
        FeeToken bad = new FeeToken();
        use(deploy(address(bad)));
        bad.mint(payer, 1000);
        vm.prank(payer);
        bad.approve(address(s), 1000);
        vm.prank(payer);
        bad.approve(address(k), 1000);
        bytes memory err = abi.encodeWithSelector(TokenPull.TokenAmountMismatch.selector, 100, 99);
        refuses(err);
        deposit(payer, op, 100);
        refuses(err);
        vm.prank(payer);
        s.depositMany(many(op), amounts(100));
        refuses(err);
        stake(payer, 100);
    }

    // Money that nobody deposited belongs to no account.
    function test_moreThanAskedForIsRefused() public {
        GenerousToken bad = new GenerousToken();
        use(deploy(address(bad)));
        bad.mint(payer, 1000);
        vm.prank(payer);
        bad.approve(address(s), 1000);
        refuses(abi.encodeWithSelector(TokenPull.TokenAmountMismatch.selector, 100, 101));
        deposit(payer, op, 100);
    }

    // A token that says false instead of reverting, and one that says nothing and moves nothing.
    function test_falseAndSilenceAreNotSuccess() public {
        SilentToken bad = new SilentToken();
        use(deploy(address(bad)));
        bytes memory failed = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(bad));
        bad.answerFalse(true);
        refuses(failed);
        deposit(payer, op, 100);
        refuses(failed);
        stake(op, 100);
        bad.answerFalse(false);
        bytes memory nothing = abi.encodeWithSelector(TokenPull.TokenAmountMismatch.selector, 100, 0);
        refuses(nothing);
        deposit(payer, op, 100);
        refuses(nothing);
        stake(op, 100);
    }

    function test_falseOnTheWayOutIsNotSuccess() public {
        SilentToken bad = new SilentToken();
        use(deploy(address(bad)));
        bad.moveFor(address(s));
        bad.moveFor(address(k));
        stake(op, 100);
        deposit(payer, op, 100);
        settle(0, op, 50);
        thawStake(op, 100);
        vm.prank(payer);
        s.thaw(op, 50);
        skipTime(STAKE_THAW);
        bad.answerFalse(true);
        bytes memory failed = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(bad));
        refuses(failed);
        claim(op, op);
        refuses(failed);
        vm.prank(payer);
        s.withdraw(op);
        refuses(failed);
        vm.prank(op);
        k.withdrawStake();
        Advert memory a = advert(0, 1);
        refusesProof(failed, a);
    }

    function refusesProof(bytes memory err, Advert memory a) private {
        Receipt memory r = receipt(order(0, a, 1));
        r.amount = 601;
        (bytes memory sr, bytes memory sa) = (signed(r), signed(a));
        refuses(err);
        k.proveAdvertBreach(r, sr, a, sa, stranger);
    }

    // ---------------------------------------------------------------- reentry

    function reentrant() private returns (ReentrantToken bad) {
        bad = new ReentrantToken();
        use(deploy(address(bad)));
        for (uint256 i; i < 2; ++i) {
            address who = i == 0 ? op : payer;
            bad.mint(who, 1000);
            vm.prank(who);
            bad.approve(address(s), 1000);
            vm.prank(who);
            bad.approve(address(k), 1000);
        }
        stake(op, 100);
        deposit(payer, op, 100);
        settle(0, op, 50);
    }

    function test_everyFunctionOfSettlementThatMovesTokensIsGuarded() public {
        ReentrantToken bad = reentrant();
        bytes[4] memory calls = [
            abi.encodeCall(s.deposit, (op, 1)),
            abi.encodeCall(s.depositMany, (many(op), amounts(1))),
            abi.encodeCall(s.withdraw, (op)),
            abi.encodeCall(s.claim, (op))
        ];
        vm.prank(payer);
        s.thaw(op, 10);
        skipTime(LANE_THAW);
        for (uint256 i; i < calls.length; ++i) {
            bad.arm(address(s), calls[i]);
            refuses(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
            deposit(payer, op, 1);
            refuses(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
            vm.prank(payer);
            s.depositMany(many(op), amounts(1));
            refuses(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
            vm.prank(payer);
            s.withdraw(op);
            refuses(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
            claim(op, op);
        }
    }

    function test_everyFunctionOfStakeThatMovesTokensIsGuarded() public {
        ReentrantToken bad = reentrant();
        thawStake(op, 10);
        skipTime(STAKE_THAW);
        Advert memory a;
        Receipt memory r;
        Order memory o;
        bytes[6] memory calls = [
            abi.encodeCall(k.stake, (1)),
            abi.encodeCall(k.withdrawStake, ()),
            abi.encodeCall(k.proveAdvertBreach, (r, "", a, "", op)),
            abi.encodeCall(k.proveOrderBreach, (r, "", o, op)),
            abi.encodeCall(k.proveDoubleReceipt, (r, "", r, "", op)),
            abi.encodeCall(k.proveAdvertEquivocation, (a, "", a, "", op))
        ];
        a = advert(0, 1);
        for (uint256 i; i < calls.length; ++i) {
            bad.arm(address(k), calls[i]);
            bytes memory err = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
            refuses(err);
            stake(op, 1);
            refuses(err);
            vm.prank(op);
            k.withdrawStake();
            refusesProof(err, a);
        }
    }

    function many(address payee) private pure returns (address[] memory payees) {
        payees = new address[](1);
        payees[0] = payee;
    }

    function amounts(uint128 amount) private pure returns (uint128[] memory all) {
        all = new uint128[](1);
        all[0] = amount;
    }
}
