// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Actions} from "./Actions.sol";
import {Kind} from "./ActionsBase.sol";
import {Vm} from "./Vm.sol";
import {IFlotillaSettlement as S} from "../../src/interfaces/IFlotillaSettlement.sol";
import {IFlotillaStake as K} from "../../src/interfaces/IFlotillaStake.sol";

/// @dev The actions with books of their own: sums of what the contracts said in events. The invariants hold
/// these and what the contracts' views say against each other; the model has no part in them.
/// Those about one step (I4, I6, I8, I9, I12, I14, I15) are checked in the step, the others by `checkState`.
contract ActionsChecked is Actions {
    uint256 private constant PEOPLE = 11; // payers, operators and the stranger, as `anyActor` numbers them

    /// @dev What the events say about one operator's stake.
    struct StakeBook {
        uint256 staked;
        uint256 withdrawn;
        uint256 slashed;
        uint256 paid;
        uint256 thawStarted;
        uint256[] payoutEpochs;
    }

    struct LaneBook {
        uint256 deposited;
        uint256 withdrawn;
        uint256 paid;
        uint256 thawStarted;
    }

    /// @dev What an operator was paid in one epoch.
    struct Payout {
        uint256 paid;
        uint256 lastAt;
        uint256 slashedBefore;
    }

    mapping(address operator => StakeBook) private _stakes;
    mapping(address payer => mapping(address payee => LaneBook)) private _lanes;
    mapping(address operator => mapping(uint256 epoch => Payout)) private _payouts;
    mapping(bytes32 evidenceId => bool) private _seen;
    mapping(address contract_ => uint256) private _given; // donations
    uint256 private _credited; // to claimable accounts, ever
    uint256 private _claimed;
    uint256 private _burned;

    // The state after the last step.
    uint256[PEOPLE] private _wealth;
    uint256[25] private _collected;
    uint64[25] private _laneEnds;
    uint64[5] private _stakeEnds;
    uint256 private _held;

    constructor() Actions(false) {}

    // -------------------------------------------------------------------- books

    function observe(Kind kind, address from, address subject, Vm.Log[] memory logs) internal override {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(token)) enter(logs[i]);
        }
        checkHoldings(kind);
        checkWealth(from, subject, checkLaneSteps(kind));
        checkStakeSteps(kind);
    }

    function enter(Vm.Log memory log) private {
        bytes32 topic = log.topics[0];
        address a = addressOf(log.topics[1]);
        address b = log.topics.length > 2 ? addressOf(log.topics[2]) : address(0);
        if (topic == S.Deposited.selector) {
            _lanes[a][b].deposited += abi.decode(log.data, (uint256));
        } else if (topic == S.ThawStarted.selector) {
            _lanes[a][b].thawStarted = now_();
        } else if (topic == S.Withdrawn.selector) {
            enterWithdrawn(_lanes[a][b], abi.decode(log.data, (uint256)));
        } else if (topic == S.Settled.selector) {
            enterSettled(a, b, log.data);
        } else if (topic == S.Claimed.selector) {
            enterClaimed(b, abi.decode(log.data, (uint256)));
        } else if (topic == K.StakeThawStarted.selector) {
            _stakes[a].thawStarted = now_();
        } else if (topic == K.StakeWithdrawn.selector) {
            enterStakeWithdrawn(_stakes[a], abi.decode(log.data, (uint256)));
        } else if (topic == K.Slashed.selector) {
            enterSlashed(a, log);
        } else if (topic == K.Staked.selector) {
            (uint256 amount,) = abi.decode(log.data, (uint256, uint256));
            _stakes[a].staked += amount;
        }
    }

    function enterWithdrawn(LaneBook storage lane, uint256 amount) private {
        yes("I9: escrow leaves a full thaw after its start", now_() >= lane.thawStarted + LANE_THAW);
        lane.withdrawn += amount;
    }

    function enterStakeWithdrawn(StakeBook storage book, uint256 amount) private {
        yes("I9: stake leaves a full thaw after its start", now_() >= book.thawStarted + STAKE_THAW);
        book.withdrawn += amount;
    }

    function enterClaimed(address to, uint256 amount) private {
        _claimed += amount;
        if (to == address(k)) _given[to] += amount;
    }

    function enterSettled(address payer, address payee, bytes memory data) private {
        (uint256 paid,,) = abi.decode(data, (uint256, uint256, uint128));
        if (paid == 0) return;
        StakeBook storage book = _stakes[payee];
        _lanes[payer][payee].paid += paid;
        (book.paid, _credited) = (book.paid + paid, _credited + paid);
        uint256 epoch = now_() / EPOCH;
        Payout storage payout = _payouts[payee][epoch];
        if (payout.paid == 0) book.payoutEpochs.push(epoch);
        payout.paid += paid;
        (payout.lastAt, payout.slashedBefore) = (now_(), book.slashed);
        (uint256 total, uint256 thawing,) = k.stakeOf(payee);
        yes("I6: paid in an epoch <= stake that backs it when it is paid", payout.paid <= total - thawing);
    }

    function enterSlashed(address operator, Vm.Log memory log) private {
        (, uint256 amount, uint256 toPayer,, uint256 bounty) =
            abi.decode(log.data, (uint8, uint256, uint256, address, uint256));
        yes("I8: one penalty for a piece of evidence", !_seen[log.topics[3]] && k.punished(log.topics[3]));
        _seen[log.topics[3]] = true;
        yes("I7: payer and reporter get at most half", toPayer + bounty <= amount / 2);
        _stakes[operator].slashed += amount;
        _credited += toPayer + bounty;
        _burned += amount - toPayer - bounty;
    }

    /// @dev I15: a gift changes nothing but the balance of the contract that it went to.
    function donated(address to, uint256 amount) internal override {
        this.check(); // all accounts are still what the model says, which knows nothing of gifts
        _given[to] += amount;
        _held += amount;
        for (uint256 i; i < PEOPLE; ++i) {
            address person = anyActor(i);
            uint256 rest = i < 5 ? escrowOf(person) : 0;
            eq(
                "I15: a gift changes nobody's account",
                k.slashableStake(person) + k.claimable(person) + rest,
                _wealth[i]
            );
        }
    }

    // ------------------------------------------------------------------- a step

    /// @dev I12: only deposits and stakes bring tokens in, and only withdrawals and claims take any out.
    function checkHoldings(Kind kind) private {
        uint256 held = token.balanceOf(address(s)) + token.balanceOf(address(k));
        bool brings = kind == Kind.Stake || kind == Kind.Deposit || kind == Kind.DepositMany;
        bool takes = kind == Kind.WithdrawStake || kind == Kind.Withdraw || kind == Kind.Claim;
        yes("I12: tokens come in by deposit and stake only", held <= _held || brings);
        yes("I12: tokens leave by withdrawal and claim only", held >= _held || takes);
        _held = held;
    }

    /// @dev I14: an action costs nobody anything but its sender and its subject, which are the payer whose
    /// signature is settled and the operator whose signatures are proof.
    function checkWealth(address from, address subject, uint256[5] memory escrow) private {
        for (uint256 i; i < PEOPLE; ++i) {
            address person = anyActor(i);
            uint256 wealth = k.slashableStake(person) + k.claimable(person) + (i < 5 ? escrow[i] : 0);
            if (wealth == _wealth[i]) continue;
            yes("I14: nobody else loses", wealth > _wealth[i] || person == from || person == subject);
            _wealth[i] = wealth;
        }
    }

    function escrowOf(address payer) private view returns (uint256 sum) {
        for (uint256 o; o < 5; ++o) {
            (uint256 balance,,,) = s.laneOf(payer, operators[o]);
            sum += balance;
        }
    }

    /// @dev I4 and I9 for lanes: what was collected never falls, and the end of a thaw is only set, once, a
    /// full thaw ahead, or cleared by its owner.
    /// @return escrow of each payer
    function checkLaneSteps(Kind kind) private returns (uint256[5] memory escrow) {
        for (uint256 i; i < 25; ++i) {
            (uint256 balance, uint256 collected, uint256 thawing, uint64 end) =
                s.laneOf(payers[i / 5], operators[i % 5]);
            escrow[i / 5] += balance;
            yes("I4: collected never falls", collected >= _collected[i]);
            yes("I9: thawing <= balance", thawing <= balance);
            if (collected != _collected[i]) _collected[i] = collected;
            if (end == _laneEnds[i]) continue;
            yes("I9: a thaw is set once, or cleared", end == 0 || _laneEnds[i] == 0);
            yes("I9: by the payer", kind == Kind.Thaw || kind == Kind.CancelThaw || kind == Kind.Withdraw);
            yes("I9: a full thaw ahead", end == 0 || end == now_() + LANE_THAW);
            _laneEnds[i] = end;
        }
    }

    /// @dev I9 for stake.
    function checkStakeSteps(Kind kind) private {
        for (uint256 i; i < 5; ++i) {
            (uint256 total, uint256 thawing, uint64 end) = k.stakeOf(operators[i]);
            yes("I9: thawing <= stake", thawing <= total);
            if (end == _stakeEnds[i]) continue;
            yes("I9: a stake thaw is set once, or cleared", end == 0 || _stakeEnds[i] == 0);
            yes("I9: by the operator", kind >= Kind.ThawStake && kind <= Kind.WithdrawStake);
            yes("I9: a full stake thaw ahead", end == 0 || end == now_() + STAKE_THAW);
            _stakeEnds[i] = end;
        }
    }

    // ------------------------------------------------------------------ the state

    /// @dev The invariants of a state, by number.
    function checkState() external inTime {
        uint256 staked;
        uint256 escrow;
        uint256 claimable = k.claimable(address(0));
        for (uint256 i; i < PEOPLE; ++i) {
            claimable += k.claimable(anyActor(i));
        }
        for (uint256 o; o < 5; ++o) {
            staked += operatorHolds(operators[o]);
            uint256 paid;
            for (uint256 p; p < 5; ++p) {
                (uint256 balance, uint256 collected) = laneHolds(payers[p], operators[o]);
                (escrow, paid) = (escrow + balance, paid + collected);
            }
            eq("I5: paid to a payee = collected over its lanes", _stakes[operators[o]].paid, paid);
        }
        eq("I2: claimable = credited - claimed", claimable, _credited - _claimed);
        eq(
            "I1: settlement holds escrow + claimable",
            token.balanceOf(address(s)),
            escrow + claimable + _given[address(s)]
        );
        eq("I1: stake holds stake + burned", token.balanceOf(address(k)), staked + _burned + _given[address(k)]);
    }

    /// @dev I2 and I3 for a lane.
    function laneHolds(address payer, address payee) private view returns (uint256 balance, uint256 collected) {
        LaneBook storage book = _lanes[payer][payee];
        (balance, collected,,) = s.laneOf(payer, payee);
        eq("I2: collected is what was paid", collected, book.paid);
        eq("I2: balance = deposited - withdrawn - paid", balance, book.deposited - book.withdrawn - book.paid);
        yes("I3: collected <= the most that the payer signed", collected <= mostSigned[payer][payee]);
    }

    /// @dev I7, I13 and I17 for an operator.
    function operatorHolds(address operator) private view returns (uint256 slashable) {
        StakeBook storage book = _stakes[operator];
        slashable = k.slashableStake(operator);
        eq("I7: staked = stake + withdrawn + slashed", book.staked, slashable + book.withdrawn + book.slashed);
        for (uint256 i; i < HONEST; ++i) {
            if (operator == operators[i]) eq("I13: an honest operator is never slashed", book.slashed, 0);
        }
        for (uint256 i = book.payoutEpochs.length; i != 0; --i) {
            Payout storage payout = _payouts[operator][book.payoutEpochs[i - 1]];
            if (payout.lastAt + STAKE_THAW <= now_()) break;
            uint256 backed = slashable + book.slashed - payout.slashedBefore;
            yes("I17: a payout stays backed by stake for a stake thaw", payout.paid <= backed);
        }
    }

    /// @dev One line a run: for each kind of action, how often it was tried and how often it was done.
    function score() external view returns (string memory line) {
        for (uint256 kind; kind < KINDS; ++kind) {
            line = string.concat(line, decimal(tried[kind]), " ", decimal(done[kind]), " ");
        }
    }

    function decimal(uint256 x) private pure returns (string memory) {
        bytes memory digits = abi.encodePacked(uint8(48 + x % 10));
        return x < 10 ? string(digits) : string.concat(decimal(x / 10), string(digits));
    }

    function addressOf(bytes32 topic) private pure returns (address) {
        return address(uint160(uint256(topic)));
    }
}
