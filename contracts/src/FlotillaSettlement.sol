// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IFlotillaSettlement} from "./interfaces/IFlotillaSettlement.sol";
import {IFlotillaStake} from "./interfaces/IFlotillaStake.sol";
import {FlotillaStake} from "./FlotillaStake.sol";
import {Voucher, LaneTotal, SettlementBatch, SignerAuthorization} from "./Messages.sol";
import {MessageHash} from "./MessageHash.sol";
import {TokenPull} from "./TokenPull.sol";

/// @title Flotilla settlement (see IFlotillaSettlement)
/// @dev How the accounts stay sound:
/// - A voucher carries the total ever owed, so the total is its own nonce: replays and old vouchers pay
///   nothing. `collected` grows by what was paid and is never set to the total, so a voucher that could
///   be paid only in part stays good for the rest.
/// - Escrow is per lane. A payer cannot drain one operator's cover through another payee.
/// - Settling touches two storage slots per lane: the lane here and the operator's account in the stake
///   contract. A lane's thaw lives in a slot of its own, and is cut to the balance when it is read:
///   between two deposits the balance only falls, so cutting late gives the same number as cutting at
///   each collection.
/// - No more than 2^72-1 base units can be deposited (see TokenPull), hence every sum of held tokens fits
///   its field and settling can not revert by overflow.
contract FlotillaSettlement is IFlotillaSettlement, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using TokenPull for IERC20;
    using MessageHash for *;

    struct Lane {
        uint128 balance;
        uint128 collected;
    }

    struct Thaw {
        uint128 amount;
        uint64 end; // 0: nothing thaws
    }

    struct Signer {
        address payer; // never changes once set
        uint64 thawEnd; // 0: does not thaw
    }

    /// @dev Ten years: far above any sensible period, far below where a sum with a timestamp overflows.
    uint64 private constant MAX_PERIOD = 3650 days;

    IERC20 public immutable token;
    IFlotillaStake public immutable stakes;
    uint64 public immutable laneThawSeconds;

    mapping(address payer => mapping(address payee => Lane)) private _lanes;
    mapping(address payer => mapping(address payee => Thaw)) private _thaws;
    mapping(address signer => Signer) public signerOf;
    mapping(address payer => uint64) private _settledEpochs;

    /// @param token_ the settlement token; must have 6 decimals, as all prices are in millionths
    /// @param laneThawSeconds_ how long a payee has to settle its last voucher before escrow leaves
    /// @param epochSeconds_ and the following: see FlotillaStake, which is deployed here
    constructor(
        IERC20Metadata token_,
        uint64 laneThawSeconds_,
        uint64 epochSeconds_,
        uint64 evidenceSeconds_,
        uint64 stakeThawSeconds_,
        uint64 minPenalty_
    ) EIP712("Flotilla", "1") {
        if (address(token_).code.length == 0 || token_.decimals() != 6) {
            revert InvalidParameter("token");
        }
        if (laneThawSeconds_ == 0 || laneThawSeconds_ > MAX_PERIOD) revert InvalidParameter("laneThawSeconds");
        token = token_;
        laneThawSeconds = laneThawSeconds_;
        stakes = new FlotillaStake(token_, epochSeconds_, evidenceSeconds_, stakeThawSeconds_, minPenalty_);
    }

    // ------------------------------------------------------------------ escrow

    /// @inheritdoc IFlotillaSettlement
    function deposit(address payee, uint128 amount) external nonReentrant {
        _deposit(payee, amount);
        token.pullExactly(amount);
    }

    /// @inheritdoc IFlotillaSettlement
    function depositMany(address[] calldata payees, uint128[] calldata amounts) external nonReentrant {
        if (payees.length != amounts.length) revert LengthMismatch(payees.length, amounts.length);
        uint256 total;
        for (uint256 i; i < payees.length; ++i) {
            _deposit(payees[i], amounts[i]);
            total += amounts[i];
        }
        if (total == 0) revert ZeroAmount(); // no payees
        token.pullExactly(total);
    }

    /// @inheritdoc IFlotillaSettlement
    function thaw(address payee, uint128 amount) external {
        if (amount == 0) revert ZeroAmount();
        Thaw storage t = _thaws[msg.sender][payee];
        if (t.end != 0) revert AlreadyThawing(t.end);
        uint128 balance = _lanes[msg.sender][payee].balance;
        if (amount > balance) revert InsufficientBalance(balance, amount);
        uint64 end = _thawEnd();
        (t.amount, t.end) = (amount, end);
        emit ThawStarted(msg.sender, payee, amount, end);
    }

    /// @inheritdoc IFlotillaSettlement
    function cancelThaw(address payee) external {
        if (_thaws[msg.sender][payee].end == 0) revert NothingThawing();
        delete _thaws[msg.sender][payee];
        emit ThawCancelled(msg.sender, payee);
    }

    /// @inheritdoc IFlotillaSettlement
    function withdraw(address payee) external nonReentrant {
        Thaw memory t = _thaws[msg.sender][payee];
        if (t.end == 0) revert NothingThawing();
        if (block.timestamp < t.end) revert StillThawing(t.end);
        delete _thaws[msg.sender][payee];
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
        Thaw memory t = _thaws[payer][payee];
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

    // ----------------------------------------------------------------- signers

    /// @inheritdoc IFlotillaSettlement
    function authorizeSigner(address signer, uint64 deadline, bytes calldata proof) external {
        if (block.timestamp > deadline) revert AuthorizationExpired(deadline);
        address bound = signerOf[signer].payer;
        if (bound != address(0)) revert SignerAlreadyBound(signer, bound);
        bytes32 digest = _hashTypedDataV4(SignerAuthorization(msg.sender, signer, deadline).hash());
        (address recovered, ECDSA.RecoverError err,) = ECDSA.tryRecoverCalldata(digest, proof);
        if (err != ECDSA.RecoverError.NoError || recovered != signer) revert InvalidSigner(recovered, signer);
        signerOf[signer].payer = msg.sender;
        emit SignerAuthorized(msg.sender, signer);
    }

    /// @inheritdoc IFlotillaSettlement
    function thawSigner(address signer) external {
        Signer storage s = _liveSigner(signer);
        if (s.thawEnd != 0) revert AlreadyThawing(s.thawEnd);
        s.thawEnd = _thawEnd();
        emit SignerThawStarted(msg.sender, signer, s.thawEnd);
    }

    /// @inheritdoc IFlotillaSettlement
    function cancelThawSigner(address signer) external {
        Signer storage s = _liveSigner(signer);
        if (s.thawEnd == 0) revert NothingThawing();
        s.thawEnd = 0;
        emit SignerThawCancelled(msg.sender, signer);
    }

    // -------------------------------------------------------------- settlement

    /// @inheritdoc IFlotillaSettlement
    function settleVoucher(Voucher calldata voucher, bytes calldata signature) external returns (uint256 paid) {
        _checkSigner(voucher.hash(), signature, voucher.payer);
        return _settle(voucher.payer, voucher.payee, voucher.valueAggregate);
    }

    /// @inheritdoc IFlotillaSettlement
    function settleBatch(SettlementBatch calldata batch, bytes calldata signature) external returns (uint256 paid) {
        address payer = batch.payer;
        if (msg.sender != payer) _checkSigner(batch.hash(), signature, payer);
        uint64 next = _settledEpochs[payer] + 1;
        if (batch.epoch != next) revert EpochMismatch(next, batch.epoch);
        if (batch.receiptCount == 0 || batch.receiptsRoot == 0 || batch.lanes.length == 0) revert EmptyBatch();
        _settledEpochs[payer] = next;

        address last; // the zero address can therefore not be a payee
        for (uint256 i; i < batch.lanes.length; ++i) {
            LaneTotal calldata lane = batch.lanes[i];
            if (lane.payee <= last) revert LanesNotSorted(i);
            last = lane.payee;
            paid += _settle(payer, last, lane.valueAggregate);
        }
        emit BatchSettled(payer, next, batch.receiptsRoot, batch.receiptCount, paid);
    }

    /// @inheritdoc IFlotillaSettlement
    function claim(address to) external nonReentrant {
        if (to == address(0) || to == address(this)) revert InvalidRecipient(to);
        uint256 amount = stakes.takeClaimable(msg.sender);
        emit Claimed(msg.sender, to, amount);
        token.safeTransfer(to, amount);
    }

    /// @inheritdoc IFlotillaSettlement
    function nextEpoch(address payer) external view returns (uint64) {
        return _settledEpochs[payer] + 1;
    }

    /// @inheritdoc IFlotillaSettlement
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    // ---------------------------------------------------------------- internal

    /// @dev Pays min(new in the total, escrow, room under the stake) from the lane to the payee's credit.
    function _settle(address payer, address payee, uint128 valueAggregate) private returns (uint256 paid) {
        Lane storage lane = _lanes[payer][payee];
        (uint128 balance, uint128 collected) = (lane.balance, lane.collected);
        if (valueAggregate <= collected) return 0;
        uint256 owed = valueAggregate - collected;
        paid = stakes.credit(payee, Math.min(owed, balance));
        if (paid != 0) {
            // paid <= balance and collected + paid <= valueAggregate: no cast can cut.
            (lane.balance, lane.collected) = (balance - uint128(paid), collected + uint128(paid));
        }
        emit Settled(payer, payee, paid, owed - paid, valueAggregate);
    }

    /// @dev Adds to the caller's lane, after cutting a running thaw to the old balance.
    function _deposit(address payee, uint128 amount) private {
        if (amount == 0) revert ZeroAmount();
        if (payee == address(0) || payee == address(this)) revert InvalidRecipient(payee);
        Lane storage lane = _lanes[msg.sender][payee];
        Thaw storage t = _thaws[msg.sender][payee];
        if (t.end != 0 && t.amount > lane.balance) t.amount = lane.balance;
        lane.balance += amount;
        emit Deposited(msg.sender, payee, amount);
    }

    /// @dev The payer's own key always counts; an authorized one until its thaw ends.
    function _checkSigner(bytes32 structHash, bytes calldata signature, address payer) private view {
        (address signer, ECDSA.RecoverError err,) = ECDSA.tryRecoverCalldata(_hashTypedDataV4(structHash), signature);
        if (err != ECDSA.RecoverError.NoError) revert InvalidSigner(address(0), payer);
        if (signer == payer) return;
        Signer memory s = signerOf[signer];
        // A key that is bound to nobody must not sign for the zero address.
        if (s.payer == address(0) || s.payer != payer || _revoked(s)) revert InvalidSigner(signer, payer);
    }

    /// @dev The caller's signer, unless it is revoked.
    function _liveSigner(address signer) private view returns (Signer storage s) {
        s = signerOf[signer];
        if (s.payer != msg.sender || _revoked(s)) revert NotYourSigner(signer);
    }

    function _revoked(Signer memory s) private view returns (bool) {
        return s.thawEnd != 0 && block.timestamp >= s.thawEnd;
    }

    function _thawEnd() private view returns (uint64) {
        return uint64(block.timestamp) + laneThawSeconds;
    }
}
