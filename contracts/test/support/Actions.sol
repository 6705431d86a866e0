// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {ReferenceModel} from "./ReferenceModel.sol";
import {IFlotillaSettlement as I} from "../../src/interfaces/IFlotillaSettlement.sol";
import {Voucher, LaneTotal, SettlementBatch} from "../../src/Messages.sol";
import {Vm} from "./Vm.sol";

/// @dev Random actions of two payers and three operators, each done to the contract and to the model, and
/// each settlement compared: what it returns and which events it emits. Actions that are not possible
/// now are left out, so that an unexpected revert is a finding. `done` counts what really happened.
contract Actions is Fixture {
    uint256 internal constant KINDS = 12;
    // Amounts are of one size with caps and balances, so that every bound comes to bear.
    uint256 private constant SMALL = 60 * uint256(USD);

    ReferenceModel public model;
    uint256[KINDS] public done;
    uint256 public clipped; // settlements that could not pay all
    uint256 private _now = START; // a handler's warp does not outlive its call

    constructor() {
        setUp();
    }

    function setUp() public override {
        super.setUp();
        model = new ReferenceModel(EPOCH, CAP_BPS);
    }

    modifier inTime(uint256 kind) {
        vm.warp(_now);
        _;
        _now = vm.getBlockTimestamp();
    }

    function pick(uint256 seed) private view returns (address payer, address op, uint256 p) {
        p = seed % payers.length;
        return (payers[p], operators[(seed >> 8) % operators.length], p);
    }

    function doStake(uint256 seed, uint256 amount) public inTime(0) {
        (, address op,) = pick(seed);
        amount = bound(amount, 1, SMALL);
        if (token.balanceOf(op) < amount) return;
        stake(op, uint128(amount));
        model.stake(op, amount);
        ++done[0];
    }

    function doThawStake(uint256 seed, uint256 amount) public inTime(1) {
        (, address op,) = pick(seed);
        (,, uint64 end) = s.stakeOf(op);
        if (end != 0 || model.bonded(op) == 0) return;
        amount = bound(amount, 1, model.bonded(op));
        vm.prank(op);
        s.thawStake(uint128(amount));
        model.thawStake(op, amount);
        ++done[1];
    }

    function doCancelThawStake(uint256 seed) public inTime(2) {
        (, address op,) = pick(seed);
        (,, uint64 end) = s.stakeOf(op);
        if (end == 0) return;
        vm.prank(op);
        s.cancelThawStake();
        model.cancelThawStake(op);
        ++done[2];
    }

    function doWithdrawStake(uint256 seed) public inTime(3) {
        (, address op,) = pick(seed);
        (, uint256 thawing, uint64 end) = s.stakeOf(op);
        if (end == 0 || _now < end) return;
        uint256 before = token.balanceOf(op);
        vm.prank(op);
        s.withdrawStake();
        eq("stake withdrawn", token.balanceOf(op) - before, thawing);
        model.withdrawStake(op);
        ++done[3];
    }

    function doDeposit(uint256 seed, uint256 amount) public inTime(4) {
        (address payer, address op,) = pick(seed);
        amount = bound(amount, 1, SMALL);
        if (token.balanceOf(payer) < amount) return;
        deposit(payer, op, uint128(amount));
        model.deposit(payer, op, amount);
        ++done[4];
    }

    function doDepositMany(uint256 seed, uint256 amount) public inTime(5) {
        (address payer, address op,) = pick(seed);
        amount = bound(amount, 1, SMALL);
        address[] memory payees = new address[](2);
        uint128[] memory amounts = new uint128[](2);
        (payees[0], payees[1]) = (op, operators[(seed >> 16) % operators.length]); // maybe twice the same
        (amounts[0], amounts[1]) = (uint128(amount), uint128(1 + amount / 2));
        if (token.balanceOf(payer) < amount * 2) return;
        vm.prank(payer);
        s.depositMany(payees, amounts);
        for (uint256 i; i < 2; ++i) {
            model.deposit(payer, payees[i], amounts[i]);
        }
        ++done[5];
    }

    function doThaw(uint256 seed, uint256 amount) public inTime(6) {
        (address payer, address op,) = pick(seed);
        (,,, uint64 end) = s.laneOf(payer, op);
        uint256 balance = model.balance(payer, op);
        if (end != 0 || balance == 0) return;
        amount = bound(amount, 1, balance);
        vm.prank(payer);
        s.thaw(op, uint128(amount));
        model.thaw(payer, op, amount);
        ++done[6];
    }

    function doCancelThaw(uint256 seed) public inTime(7) {
        (address payer, address op,) = pick(seed);
        (,,, uint64 end) = s.laneOf(payer, op);
        if (end == 0) return;
        vm.prank(payer);
        s.cancelThaw(op);
        model.thaw(payer, op, 0);
        ++done[7];
    }

    function doWithdraw(uint256 seed) public inTime(8) {
        (address payer, address op,) = pick(seed);
        (,,, uint64 end) = s.laneOf(payer, op);
        if (end == 0 || _now < end) return;
        uint256 before = token.balanceOf(payer);
        vm.prank(payer);
        s.withdraw(op);
        eq("withdrawn", token.balanceOf(payer) - before, model.thawing(payer, op));
        model.withdraw(payer, op);
        ++done[8];
    }

    function doClaim(uint256 seed) public inTime(9) {
        (, address op,) = pick(seed);
        uint256 amount = model.earned(op) - model.claimed(op);
        if (amount == 0) return;
        uint256 before = token.balanceOf(op);
        vm.prank(op);
        s.claim(op);
        eq("claimed", token.balanceOf(op) - before, amount);
        model.claim(op);
        ++done[9];
    }

    function doSettleVoucher(uint256 seed, uint256 total) public inTime(10) {
        (address payer, address op, uint256 p) = pick(seed);
        uint128 t = total_(payer, op, total);
        vm.recordLogs();
        uint256 owed = owedOn(payer, op, t);
        uint256 paid = settle(p, op, t);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        eq("voucher pays", paid, model.settle(payer, op, t, _now));
        eq("voucher events", logs.length, checkSettled(logs, 0, payer, op, t, owed, paid));
        ++done[10];
    }

    function doSettleBatch(uint256 seed, uint256 total) public inTime(11) {
        (address payer,, uint256 p) = pick(seed);
        SettlementBatch memory b = batch(p, s.nextEpoch(payer), lanesOf(payer, seed, total));
        bool direct = seed & (1 << 24) != 0;
        bytes memory sig = direct ? bytes("") : sign(payerKeys[p], s.batchDigest(b));
        uint256[] memory owed = new uint256[](b.lanes.length);
        for (uint256 i; i < owed.length; ++i) {
            owed[i] = owedOn(payer, b.lanes[i].payee, b.lanes[i].valueAggregate);
        }
        vm.recordLogs();
        vm.prank(direct ? payer : stranger);
        uint256 paid = s.settleBatch(b, sig);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 modelPaid;
        uint256 seen;
        for (uint256 i; i < owed.length; ++i) {
            LaneTotal memory lane = b.lanes[i];
            uint256 lanePaid = model.settle(payer, lane.payee, lane.valueAggregate, _now);
            modelPaid += lanePaid;
            seen += checkSettled(logs, seen, payer, lane.payee, lane.valueAggregate, owed[i], lanePaid);
        }
        eq("batch pays", paid, modelPaid);
        eq("batch events", logs.length, seen + 1);
        eq("batch event", logs[seen].topics[0], I.BatchSettled.selector);
        eq("batch event data", keccak256(logs[seen].data), keccak256(abi.encode(b.receiptsRoot, uint256(3), paid)));
        (bytes32 root, uint32 count) = s.batchRoot(payer, b.epoch);
        eq("anchored root", root, b.receiptsRoot);
        eq("anchored count", count, 3);
        ++done[11];
    }

    function doWait(uint256 seconds_) public inTime(0) {
        skipTime(bound(seconds_, 1, seconds_ % 4 == 0 ? STAKE_THAW : EPOCH));
    }

    /// @dev One to three lanes, ascending.
    function lanesOf(address payer, uint256 seed, uint256 total) private view returns (LaneTotal[] memory lanes) {
        uint256 mask = (seed >> 32) % 7 + 1;
        lanes = new LaneTotal[]((mask & 1) + ((mask >> 1) & 1) + (mask >> 2));
        uint256 n;
        for (uint256 i; i < operators.length; ++i) {
            if (mask & (1 << i) == 0) continue;
            uint256 mixed = uint256(keccak256(abi.encode(total, i)));
            lanes[n++] = LaneTotal(operators[i], total_(payer, operators[i], mixed));
        }
    }

    /// @dev Totals a little below, at and above what was collected, and sometimes extreme ones.
    function total_(address payer, address op, uint256 seed) private view returns (uint128) {
        uint256 collected = model.collected(payer, op);
        if (seed % 64 == 0) return type(uint128).max;
        uint256 t = collected + (seed >> 8) % (2 * SMALL);
        return uint128(t > SMALL / 4 ? t - SMALL / 4 : 0);
    }

    function owedOn(address payer, address op, uint256 total) private view returns (uint256) {
        uint256 collected = model.collected(payer, op);
        return total > collected ? total - collected : 0;
    }

    /// @return how many Settled events there must be: one when something was owed
    function checkSettled(
        Vm.Log[] memory logs,
        uint256 i,
        address payer,
        address op,
        uint128 total,
        uint256 owed,
        uint256 paid
    ) private returns (uint256) {
        if (owed == 0) return 0;
        if (paid < owed) ++clipped;
        eq("event", logs[i].topics[0], I.Settled.selector);
        eq("event payer", logs[i].topics[1], bytes32(uint256(uint160(payer))));
        eq("event payee", logs[i].topics[2], bytes32(uint256(uint160(op))));
        eq("event data", keccak256(logs[i].data), keccak256(abi.encode(paid, owed - paid, total)));
        return 1;
    }

    /// @dev Does the action that the seed says.
    function act(uint256 seed) external {
        uint256 kind = seed % 16;
        uint256 who = uint256(keccak256(abi.encode(seed, "who")));
        uint256 amount = uint256(keccak256(abi.encode(seed, "amount")));
        if (kind == 0) doStake(who, amount);
        else if (kind == 1) doThawStake(who, amount);
        else if (kind == 2) doCancelThawStake(who);
        else if (kind == 3) doWithdrawStake(who);
        else if (kind == 4) doDeposit(who, amount);
        else if (kind == 5) doDepositMany(who, amount);
        else if (kind == 6) doThaw(who, amount);
        else if (kind == 7) doCancelThaw(who);
        else if (kind == 8) doWithdraw(who);
        else if (kind == 9) doClaim(who);
        else if (kind <= 11) doSettleVoucher(who, amount);
        else if (kind <= 13) doSettleBatch(who, amount);
        else doWait(amount);
    }

    /// @dev Every field of the contract's state against the model, and the money against the books.
    function check() external {
        vm.warp(_now);
        uint256 held;
        for (uint256 i; i < operators.length; ++i) {
            address op = operators[i];
            (uint256 total, uint256 thawing,) = s.stakeOf(op);
            eq("stake", total, model.bonded(op) + model.stakeThawing(op));
            eq("stake thawing", thawing, model.stakeThawing(op));
            eq("slashable", s.slashableStake(op), total);
            eq("claimable", s.claimable(op), model.earned(op) - model.claimed(op));
            eq("room", s.epochRoom(op), model.room(op, _now));
            held += total + s.claimable(op);
            for (uint256 p; p < payers.length; ++p) {
                held += checkLane(payers[p], op);
            }
        }
        eq("tokens held", token.balanceOf(address(s)), held);
    }

    function checkLane(address payer, address op) private view returns (uint256) {
        (uint256 balance, uint256 collected, uint256 thawing,) = s.laneOf(payer, op);
        eq("balance", balance, model.balance(payer, op));
        eq("collected", collected, model.collected(payer, op));
        eq("thawing", thawing, model.thawing(payer, op));
        return balance;
    }
}
