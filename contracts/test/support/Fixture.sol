// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IFlotillaSettlement} from "../../src/interfaces/IFlotillaSettlement.sol";
import {Voucher, LaneTotal, SettlementBatch} from "../../src/Messages.sol";

interface IMintable is IERC20 {
    function mint(address to, uint256 amount) external;
    function decimals() external view returns (uint8);
}

/// @dev A contract with two funded payers and three funded operators, sorted by address.
abstract contract Fixture is Base {
    uint64 internal constant EPOCH = 1 days;
    uint64 internal constant STAKE_THAW = 14 days;
    uint64 internal constant LANE_THAW = 7 days;
    uint32 internal constant CAP_BPS = 10_000;
    uint128 internal constant USD = 1e6;
    uint256 internal constant START = 20_000 * uint256(EPOCH); // the first second of an epoch
    uint256 internal constant FUNDS = 1_000_000 * uint256(USD);

    IMintable internal token;
    IFlotillaSettlement internal s;
    uint256[2] internal payerKeys;
    address[2] internal payers;
    address[3] internal operators;
    address internal stranger = address(0xBEEF);

    function setUp() public virtual {
        vm.warp(START);
        token = IMintable(vm.deployCode("TestToken.sol:TestToken"));
        s = deploy(address(token));
        for (uint256 i; i < payers.length; ++i) {
            payerKeys[i] = uint256(keccak256(abi.encode("payer", i)));
            payers[i] = vm.addr(payerKeys[i]);
            fund(payers[i]);
        }
        operators = [address(0x1001), address(0x2002), address(0x3003)];
        for (uint256 i; i < operators.length; ++i) {
            fund(operators[i]);
        }
    }

    /// @dev From the artifact: with `new`, the compiler would optimise the contract again in each test.
    function deploy(address token_) internal returns (IFlotillaSettlement) {
        bytes memory args = abi.encode(token_, EPOCH, STAKE_THAW, LANE_THAW, CAP_BPS);
        return IFlotillaSettlement(vm.deployCode("FlotillaSettlement.sol:FlotillaSettlement", args));
    }

    function fund(address who) internal {
        token.mint(who, FUNDS);
        vm.prank(who);
        token.approve(address(s), type(uint256).max);
    }

    function stake(address operator, uint128 amount) internal {
        vm.prank(operator);
        s.stake(amount);
    }

    function deposit(address payer, address payee, uint128 amount) internal {
        vm.prank(payer);
        s.deposit(payee, amount);
    }

    function skipTime(uint256 seconds_) internal {
        vm.warp(vm.getBlockTimestamp() + seconds_); // block.timestamp may be cached by the optimizer
    }

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 ss) = vm.sign(key, digest);
        return abi.encodePacked(r, ss, v);
    }

    function voucher(uint256 payer, address payee, uint128 total) internal view returns (Voucher memory) {
        return Voucher(payers[payer], payee, total, 7);
    }

    /// @dev The payer's own signature, sent by a stranger.
    function settle(uint256 payer, address payee, uint128 total) internal returns (uint256) {
        Voucher memory v = voucher(payer, payee, total);
        bytes memory sig = sign(payerKeys[payer], s.voucherDigest(v));
        vm.prank(stranger);
        return s.settleVoucher(v, sig);
    }

    function lanes1(address payee, uint128 total) internal pure returns (LaneTotal[] memory lanes) {
        lanes = new LaneTotal[](1);
        lanes[0] = LaneTotal(payee, total);
    }

    function batch(uint256 payer, uint64 epoch, LaneTotal[] memory lanes)
        internal
        view
        returns (SettlementBatch memory)
    {
        return SettlementBatch(payers[payer], epoch, 3, keccak256(abi.encode("root", payer, epoch)), lanes);
    }

    function balanceOf(address payer, address payee) internal view returns (uint256 balance) {
        (balance,,,) = s.laneOf(payer, payee);
    }

    function collectedOf(address payer, address payee) internal view returns (uint256 collected) {
        (, collected,,) = s.laneOf(payer, payee);
    }

    function refuses(bytes4 selector) internal {
        vm.expectRevert(selector);
    }

    function refuses(bytes memory err) internal {
        vm.expectRevert(err);
    }
}
