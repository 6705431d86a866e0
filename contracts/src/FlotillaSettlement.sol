// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IFlotillaSettlement} from "./interfaces/IFlotillaSettlement.sol";
import {Advert, Order, Receipt, Voucher, LaneTotal, SettlementBatch} from "./Messages.sol";
import {MessageHash} from "./MessageHash.sol";

/// @title Flotilla settlement: stake, escrow and cumulative payment of operators (see IFlotillaSettlement)
/// @dev How the accounts stay sound:
/// - A voucher carries the total ever owed, so the total is its own nonce: replays and old vouchers pay
///   nothing. `collected` grows by what was paid and is never set to the total, so a voucher that could
///   be paid only in part stays good for the rest.
/// - Escrow is per lane. A payer cannot drain one operator's cover through another payee.
/// - Settling touches two storage slots per lane: the lane and the operator. A lane's thaw lives in a
///   slot of its own, and is cut to the balance when it is read: between two deposits the balance only
///   falls, so cutting late gives the same number as cutting at each collection.
/// - The contract never holds more than 2^72-1 base units (checked where tokens come in), hence every
///   sum of held tokens fits its field and settling can not revert by overflow.
contract FlotillaSettlement is IFlotillaSettlement, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using MessageHash for *;

    struct Lane {
        uint128 balance;
        uint128 collected;
    }

    struct Thaw {
        uint128 amount;
        uint64 end; // 0: nothing thaws
    }

    /// @dev One slot: all that settling reads and writes of an operator.
    struct Operator {
        uint72 bonded; // stake that backs payouts (thawing stake is in _stakeThaws)
        uint72 claimable;
        uint72 paidInEpoch; // meaningful only while `epoch` is the current one
        uint40 epoch;
    }

    struct Anchor {
        bytes32 root;
        uint32 receiptCount;
    }

    uint256 private constant BPS = 10_000;
    uint256 private constant MAX_HELD = type(uint72).max;
    /// @dev Leaves are counted in 32 bits, so an honest proof has at most 32 nodes.
    uint256 private constant MAX_PROOF_NODES = 32;
    /// @dev Ten years: far above any sensible period, far below where a sum with a timestamp overflows.
    uint64 private constant MAX_PERIOD = 3650 days;

    IERC20 public immutable token;
    uint64 public immutable epochSeconds;
    uint64 public immutable stakeThawSeconds;
    uint64 public immutable laneThawSeconds;
    uint32 public immutable capBps;

    mapping(address operator => Operator) private _operators;
    mapping(address operator => Thaw) private _stakeThaws;
    mapping(address payer => mapping(address payee => Lane)) private _lanes;
    mapping(address payer => mapping(address payee => Thaw)) private _laneThaws;
    mapping(address payer => uint64) private _settledEpochs;
    mapping(address payer => mapping(uint64 epoch => Anchor)) private _anchors;

    /// @param token_ the settlement token; must have 6 decimals, as all prices are in millionths
    /// @param epochSeconds_ length of a payout epoch
    /// @param stakeThawSeconds_ at least one epoch, else one stake could back two operators in one epoch
    /// @param laneThawSeconds_ how long a payee has to settle its last voucher before escrow leaves
    /// @param capBps_ payout per epoch in 1/10000 of the bonded stake
    constructor(
        IERC20Metadata token_,
        uint64 epochSeconds_,
        uint64 stakeThawSeconds_,
        uint64 laneThawSeconds_,
        uint32 capBps_
    ) EIP712("Flotilla", "1") {
        if (address(token_).code.length == 0 || token_.decimals() != 6) {
            revert InvalidParameter("token");
        }
        if (epochSeconds_ == 0 || epochSeconds_ > MAX_PERIOD) revert InvalidParameter("epochSeconds");
        if (stakeThawSeconds_ < epochSeconds_ || stakeThawSeconds_ > MAX_PERIOD) {
            revert InvalidParameter("stakeThawSeconds");
        }
        if (laneThawSeconds_ == 0 || laneThawSeconds_ > MAX_PERIOD) revert InvalidParameter("laneThawSeconds");
        if (capBps_ == 0) revert InvalidParameter("capBps");
        token = token_;
        epochSeconds = epochSeconds_;
        stakeThawSeconds = stakeThawSeconds_;
        laneThawSeconds = laneThawSeconds_;
        capBps = capBps_;
    }

    // ------------------------------------------------------------------- stake

    /// @inheritdoc IFlotillaSettlement
    function stake(uint128 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        _checkHeld(amount); // before the cast below
        Operator storage op = _operators[msg.sender];
        uint72 bonded = op.bonded + uint72(amount);
        op.bonded = bonded;
        emit Staked(msg.sender, amount, bonded);
        _pull(amount);
    }

    /// @inheritdoc IFlotillaSettlement
    function thawStake(uint128 amount) external {
        if (amount == 0) revert ZeroAmount();
        Thaw storage t = _stakeThaws[msg.sender];
        if (t.end != 0) revert AlreadyThawing(t.end);
        Operator storage op = _operators[msg.sender];
        if (amount > op.bonded) revert InsufficientStake(op.bonded, amount);
        op.bonded -= uint72(amount);
        uint64 end = uint64(block.timestamp) + stakeThawSeconds;
        (t.amount, t.end) = (amount, end);
        emit StakeThawStarted(msg.sender, amount, end);
    }

    /// @inheritdoc IFlotillaSettlement
    function cancelThawStake() external {
        Thaw memory t = _stakeThaws[msg.sender];
        if (t.end == 0) revert NothingThawing();
        delete _stakeThaws[msg.sender];
        _operators[msg.sender].bonded += uint72(t.amount);
        emit StakeThawCancelled(msg.sender, t.amount);
    }

    /// @inheritdoc IFlotillaSettlement
    function withdrawStake() external nonReentrant {
        Thaw memory t = _stakeThaws[msg.sender];
        _checkThawed(t);
        delete _stakeThaws[msg.sender];
        emit StakeWithdrawn(msg.sender, t.amount);
        token.safeTransfer(msg.sender, t.amount);
    }

    /// @inheritdoc IFlotillaSettlement
    function stakeOf(address operator) external view returns (uint256 total, uint256 thawing, uint64 thawEnd) {
        Thaw memory t = _stakeThaws[operator];
        return (uint256(_operators[operator].bonded) + t.amount, t.amount, t.end);
    }

    /// @inheritdoc IFlotillaSettlement
    function slashableStake(address operator) external view returns (uint256) {
        return uint256(_operators[operator].bonded) + _stakeThaws[operator].amount;
    }

    /// @inheritdoc IFlotillaSettlement
    function epochRoom(address operator) external view returns (uint256) {
        (uint256 room,) = _room(_operators[operator], _currentEpoch());
        return room;
    }

    // ------------------------------------------------------------------ escrow

    /// @inheritdoc IFlotillaSettlement
    function deposit(address payee, uint128 amount) external nonReentrant {
        _credit(payee, amount);
        _pull(amount);
    }

    /// @inheritdoc IFlotillaSettlement
    function depositMany(address[] calldata payees, uint128[] calldata amounts) external nonReentrant {
        if (payees.length != amounts.length) revert LengthMismatch(payees.length, amounts.length);
        uint256 total;
        for (uint256 i; i < payees.length; ++i) {
            _credit(payees[i], amounts[i]);
            total += amounts[i];
        }
        if (total == 0) revert ZeroAmount(); // no payees
        _pull(total);
    }

    /// @inheritdoc IFlotillaSettlement
    function thaw(address payee, uint128 amount) external {
        if (amount == 0) revert ZeroAmount();
        Thaw storage t = _laneThaws[msg.sender][payee];
        if (t.end != 0) revert AlreadyThawing(t.end);
        uint128 balance = _lanes[msg.sender][payee].balance;
        if (amount > balance) revert InsufficientBalance(balance, amount);
        uint64 end = uint64(block.timestamp) + laneThawSeconds;
        (t.amount, t.end) = (amount, end);
        emit ThawStarted(msg.sender, payee, amount, end);
    }

    /// @inheritdoc IFlotillaSettlement
    function cancelThaw(address payee) external {
        if (_laneThaws[msg.sender][payee].end == 0) revert NothingThawing();
        delete _laneThaws[msg.sender][payee];
        emit ThawCancelled(msg.sender, payee);
    }

    /// @inheritdoc IFlotillaSettlement
    function withdraw(address payee) external nonReentrant {
        Thaw memory t = _laneThaws[msg.sender][payee];
        _checkThawed(t);
        delete _laneThaws[msg.sender][payee];
        Lane storage lane = _lanes[msg.sender][payee];
        uint128 amount = uint128(Math.min(t.amount, lane.balance));
        lane.balance -= amount;
        emit Withdrawn(msg.sender, payee, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IFlotillaSettlement
    function laneOf(address payer, address payee)
        public
        view
        returns (uint256 balance, uint256 collected, uint256 thawing, uint64 thawEnd)
    {
        Lane memory lane = _lanes[payer][payee];
        Thaw memory t = _laneThaws[payer][payee];
        return (lane.balance, lane.collected, Math.min(t.amount, lane.balance), t.end);
    }

    /// @inheritdoc IFlotillaSettlement
    function cover(address payer, address payee)
        external
        view
        returns (uint256 available, uint256 collected, uint64 thawEnd)
    {
        uint256 thawing;
        (available, collected, thawing, thawEnd) = laneOf(payer, payee);
        available -= thawing;
    }

    // -------------------------------------------------------------- settlement

    /// @inheritdoc IFlotillaSettlement
    function settleVoucher(Voucher calldata voucher, bytes calldata signature) external returns (uint256 paid) {
        _checkSigner(voucher.hash(), signature, voucher.payer);
        return _settle(voucher.payer, voucher.payee, voucher.valueAggregate, _currentEpoch());
    }

    /// @inheritdoc IFlotillaSettlement
    function settleBatch(SettlementBatch calldata batch, bytes calldata signature) external returns (uint256 paid) {
        address payer = batch.payer;
        if (msg.sender != payer) _checkSigner(batch.hash(), signature, payer);
        uint64 next = _settledEpochs[payer] + 1;
        if (batch.epoch != next) revert EpochMismatch(next, batch.epoch);
        if (batch.receiptCount == 0 || batch.receiptsRoot == 0 || batch.lanes.length == 0) revert EmptyBatch();
        _settledEpochs[payer] = next;
        _anchors[payer][next] = Anchor(batch.receiptsRoot, batch.receiptCount);

        uint40 payoutEpoch = _currentEpoch();
        address last; // the zero address can therefore not be a payee
        for (uint256 i; i < batch.lanes.length; ++i) {
            LaneTotal calldata lane = batch.lanes[i];
            if (lane.payee <= last) revert LanesNotSorted(i);
            last = lane.payee;
            paid += _settle(payer, last, lane.valueAggregate, payoutEpoch);
        }
        emit BatchSettled(payer, next, batch.receiptsRoot, batch.receiptCount, paid);
    }

    /// @inheritdoc IFlotillaSettlement
    function claim(address to) external nonReentrant {
        if (to == address(0) || to == address(this)) revert InvalidRecipient(to);
        Operator storage op = _operators[msg.sender];
        uint256 amount = op.claimable;
        if (amount == 0) revert NothingToClaim();
        op.claimable = 0;
        emit Claimed(msg.sender, to, amount);
        token.safeTransfer(to, amount);
    }

    /// @inheritdoc IFlotillaSettlement
    function claimable(address operator) external view returns (uint256) {
        return _operators[operator].claimable;
    }

    // ---------------------------------------------------------------- evidence

    /// @inheritdoc IFlotillaSettlement
    function batchRoot(address payer, uint64 epoch) external view returns (bytes32 root, uint32 receiptCount) {
        Anchor memory a = _anchors[payer][epoch];
        return (a.root, a.receiptCount);
    }

    /// @inheritdoc IFlotillaSettlement
    function nextEpoch(address payer) external view returns (uint64) {
        return _settledEpochs[payer] + 1;
    }

    /// @inheritdoc IFlotillaSettlement
    function verifyReceipt(address payer, uint64 epoch, uint256 index, bytes32 receiptDigest_, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        Anchor memory a = _anchors[payer][epoch];
        // An epoch that is not settled has receiptCount 0, so no index passes.
        if (index >= a.receiptCount || proof.length > MAX_PROOF_NODES) return false;
        return MerkleProof.verifyCalldata(proof, a.root, MessageHash.leaf(index, a.receiptCount, receiptDigest_));
    }

    /// @inheritdoc IFlotillaSettlement
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IFlotillaSettlement
    function advertDigest(Advert calldata advert) external view returns (bytes32) {
        return _hashTypedDataV4(advert.hash());
    }

    /// @inheritdoc IFlotillaSettlement
    function orderDigest(Order calldata order) external view returns (bytes32) {
        return _hashTypedDataV4(order.hash());
    }

    /// @inheritdoc IFlotillaSettlement
    function receiptDigest(Receipt calldata receipt) external view returns (bytes32) {
        return _hashTypedDataV4(receipt.hash());
    }

    /// @inheritdoc IFlotillaSettlement
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32) {
        return _hashTypedDataV4(voucher.hash());
    }

    /// @inheritdoc IFlotillaSettlement
    function batchDigest(SettlementBatch calldata batch) external view returns (bytes32) {
        return _hashTypedDataV4(batch.hash());
    }

    // ---------------------------------------------------------------- internal

    /// @dev Pays min(new in the total, escrow, cap) from the lane to the payee's claimable credit.
    function _settle(address payer, address payee, uint128 valueAggregate, uint40 payoutEpoch)
        private
        returns (uint256 paid)
    {
        Lane storage lane = _lanes[payer][payee];
        (uint128 balance, uint128 collected) = (lane.balance, lane.collected);
        if (valueAggregate <= collected) return 0;
        uint256 owed = valueAggregate - collected;

        Operator memory op = _operators[payee];
        (uint256 room, uint72 paidBefore) = _room(op, payoutEpoch);
        paid = Math.min(Math.min(owed, balance), room);
        if (paid != 0) {
            // No cast below can truncate: paid <= balance <= MAX_HELD, collected + paid <= valueAggregate,
            // and paidBefore + paid <= cap <= MAX_HELD.
            (lane.balance, lane.collected) = (balance - uint128(paid), collected + uint128(paid));
            op.claimable += uint72(paid);
            op.paidInEpoch = paidBefore + uint72(paid);
            op.epoch = payoutEpoch;
            _operators[payee] = op;
        }
        emit Settled(payer, payee, paid, owed - paid, valueAggregate);
    }

    /// @return room what the operator can still be paid in `epoch`
    /// @return paid what it has been paid in `epoch`
    function _room(Operator memory op, uint40 epoch) private view returns (uint256 room, uint72 paid) {
        paid = op.epoch == epoch ? op.paidInEpoch : 0;
        uint256 cap = Math.min(uint256(op.bonded) * capBps / BPS, MAX_HELD);
        room = Math.saturatingSub(cap, paid); // thawing stake lowers the cap, maybe below what was paid
    }

    /// @dev Adds to the caller's lane, after cutting a running thaw to the old balance.
    function _credit(address payee, uint128 amount) private {
        if (amount == 0) revert ZeroAmount();
        if (payee == address(0) || payee == address(this)) revert InvalidRecipient(payee);
        Lane storage lane = _lanes[msg.sender][payee];
        Thaw storage t = _laneThaws[msg.sender][payee];
        if (t.end != 0 && t.amount > lane.balance) t.amount = lane.balance;
        lane.balance += amount;
        emit Deposited(msg.sender, payee, amount);
    }

    /// @dev Takes exactly `amount` from the caller, and reverts all before it otherwise.
    function _pull(uint256 amount) private {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 held = token.balanceOf(address(this));
        if (held - before != amount) revert TokenAmountMismatch(amount, held - before);
        _checkHeld(held);
    }

    function _checkHeld(uint256 held) private pure {
        if (held > MAX_HELD) revert TooManyTokensHeld(held);
    }

    function _checkThawed(Thaw memory t) private view {
        if (t.end == 0) revert NothingThawing();
        if (block.timestamp < t.end) revert StillThawing(t.end);
    }

    function _checkSigner(bytes32 structHash, bytes calldata signature, address payer) private view {
        (address signer, ECDSA.RecoverError err,) = ECDSA.tryRecoverCalldata(_hashTypedDataV4(structHash), signature);
        if (err != ECDSA.RecoverError.NoError || signer != payer) revert InvalidSigner(signer, payer);
    }

    function _currentEpoch() private view returns (uint40) {
        return uint40(block.timestamp / epochSeconds);
    }
}
