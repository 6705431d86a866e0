// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IFlotillaStake, Account} from "./interfaces/IFlotillaStake.sol";
import {IFlotillaSettlement} from "./interfaces/IFlotillaSettlement.sol";
import {Advert, Order, Receipt} from "./Messages.sol";
import {MessageHash} from "./MessageHash.sol";
import {TokenPull} from "./TokenPull.sol";

/// @title Flotilla stake (see IFlotillaStake)
/// @dev Deployed by the settlement contract's constructor, which makes the two a pair for ever.
/// How exposure stays covered: `credit` pays at most `bonded` in an epoch, and thawing takes stake out of
/// `bonded` at once. So stake that may leave at `thawEnd` backed its last payout at least
/// `stakeThawSeconds` >= `evidenceSeconds` + 2 epochs before, and was slashable all that time.
contract FlotillaStake is IFlotillaStake, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using TokenPull for IERC20;
    using MessageHash for *;

    struct Thaw {
        uint128 amount;
        uint64 end; // 0: nothing thaws
    }

    uint256 private constant PENALTY_FACTOR = 10;
    uint256 private constant BOUNTY_DIVISOR = 5;
    /// @dev Payer and reporter together get at most this part; an operator may be both.
    uint256 private constant PAYOUT_DIVISOR = 2;
    uint256 private constant TOKENS_PER_MTOK = 1_000_000;
    /// @dev Ten years: far above any sensible period, far below where a sum with a timestamp overflows.
    uint64 private constant MAX_PERIOD = 3650 days;

    IERC20 public immutable token;
    address public immutable settlement;
    uint64 public immutable epochSeconds;
    uint64 public immutable evidenceSeconds;
    uint64 public immutable stakeThawSeconds;
    uint64 public immutable minPenalty;

    mapping(address => Account) private _accounts;
    mapping(address operator => Thaw) private _thaws;
    mapping(bytes32 evidenceId => bool) public punished;

    /// @param token_ checked by the settlement contract, which is the caller
    /// @param epochSeconds_ length of a payout epoch
    /// @param evidenceSeconds_ how long after a payout there is surely time to bring evidence
    /// @param stakeThawSeconds_ at least the evidence window and two epochs
    /// @param minPenalty_ the least that a proven fault costs, in base units
    constructor(
        IERC20 token_,
        uint64 epochSeconds_,
        uint64 evidenceSeconds_,
        uint64 stakeThawSeconds_,
        uint64 minPenalty_
    ) {
        if (epochSeconds_ == 0 || epochSeconds_ > MAX_PERIOD) {
            revert InvalidParameter("epochSeconds");
        }
        if (evidenceSeconds_ == 0 || evidenceSeconds_ > MAX_PERIOD) revert InvalidParameter("evidenceSeconds");
        if (stakeThawSeconds_ < evidenceSeconds_ + 2 * epochSeconds_ || stakeThawSeconds_ > MAX_PERIOD) {
            revert InvalidParameter("stakeThawSeconds");
        }
        if (minPenalty_ == 0) revert InvalidParameter("minPenalty");
        token = token_;
        settlement = msg.sender;
        epochSeconds = epochSeconds_;
        evidenceSeconds = evidenceSeconds_;
        stakeThawSeconds = stakeThawSeconds_;
        minPenalty = minPenalty_;
    }

    modifier onlySettlement() {
        if (msg.sender != settlement) revert OnlySettlement();
        _;
    }

    // ------------------------------------------------------------------- stake

    /// @inheritdoc IFlotillaStake
    function stake(uint128 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        Account storage account = _accounts[msg.sender];
        uint72 bonded = account.bonded + SafeCast.toUint72(amount);
        account.bonded = bonded;
        emit Staked(msg.sender, amount, bonded);
        token.pullExactly(amount);
    }

    /// @inheritdoc IFlotillaStake
    function thawStake(uint128 amount) external {
        if (amount == 0) revert ZeroAmount();
        Thaw storage t = _thaws[msg.sender];
        if (t.end != 0) revert AlreadyThawing(t.end);
        Account storage account = _accounts[msg.sender];
        if (amount > account.bonded) revert InsufficientStake(account.bonded, amount);
        account.bonded -= uint72(amount);
        uint64 end = uint64(block.timestamp) + stakeThawSeconds;
        (t.amount, t.end) = (amount, end);
        emit StakeThawStarted(msg.sender, amount, end);
    }

    /// @inheritdoc IFlotillaStake
    function cancelThawStake() external {
        Thaw memory t = _thaws[msg.sender];
        if (t.end == 0) revert NothingThawing();
        delete _thaws[msg.sender];
        _accounts[msg.sender].bonded += uint72(t.amount);
        emit StakeThawCancelled(msg.sender, t.amount);
    }

    /// @inheritdoc IFlotillaStake
    function withdrawStake() external nonReentrant {
        Thaw memory t = _thaws[msg.sender];
        if (t.end == 0) revert NothingThawing();
        if (block.timestamp < t.end) revert StillThawing(t.end);
        delete _thaws[msg.sender];
        emit StakeWithdrawn(msg.sender, t.amount);
        token.safeTransfer(msg.sender, t.amount);
    }

    /// @inheritdoc IFlotillaStake
    function stakeOf(address operator) external view returns (uint256 total, uint256 thawing, uint64 thawEnd) {
        Thaw memory t = _thaws[operator];
        return (slashableStake(operator), t.amount, t.end);
    }

    /// @inheritdoc IFlotillaStake
    function slashableStake(address operator) public view returns (uint256) {
        return uint256(_accounts[operator].bonded) + _thaws[operator].amount;
    }

    /// @inheritdoc IFlotillaStake
    function epochRoom(address operator) external view returns (uint256 room) {
        (room,) = _room(_accounts[operator], _currentEpoch());
    }

    /// @inheritdoc IFlotillaStake
    function claimable(address account) external view returns (uint256) {
        return _accounts[account].claimable;
    }

    // -------------------------------------------------------------- settlement

    /// @inheritdoc IFlotillaStake
    function credit(address operator, uint256 amount) external onlySettlement returns (uint256 paid) {
        Account memory account = _accounts[operator];
        uint32 epoch = _currentEpoch();
        (uint256 room, uint72 paidBefore) = _room(account, epoch);
        paid = Math.min(amount, room);
        if (paid == 0) return 0;
        // paidBefore + paid <= bonded, and claimable <= what both contracts can hold: nothing is cut.
        account.paidInEpoch = paidBefore + uint72(paid);
        account.epoch = epoch;
        account.claimable += uint80(paid);
        _accounts[operator] = account;
    }

    /// @inheritdoc IFlotillaStake
    function takeClaimable(address account) external onlySettlement returns (uint256 amount) {
        amount = _accounts[account].claimable;
        if (amount == 0) revert NothingToClaim();
        _accounts[account].claimable = 0;
    }

    // ------------------------------------------------------------------ faults

    /// @inheritdoc IFlotillaStake
    function proveAdvertBreach(
        Receipt calldata receipt,
        bytes calldata receiptSignature,
        Advert calldata advert,
        bytes calldata advertSignature,
        address bountyTo
    ) external nonReentrant returns (uint256) {
        bytes32 domain = _domainSeparator();
        bytes32 digest = _signed(0, domain, receipt.hash(), receiptSignature, receipt.payee);
        bytes32 advertDigest = _signed(1, domain, advert.hash(), advertSignature, receipt.payee);
        if (receipt.advert != advertDigest || advert.operator != receipt.payee) revert NoFault();
        uint256 due;
        if (receipt.servedAt >= advert.validFrom && receipt.servedAt <= advert.validTo) {
            due = _price(advert, receipt.inputTokens, receipt.outputTokens);
        }
        if (receipt.amount <= due) revert NoFault();
        return _slash(Fault.AdvertBreach, digest, receipt.payee, receipt.payer, receipt.amount - due, bountyTo);
    }

    /// @inheritdoc IFlotillaStake
    function proveOrderBreach(
        Receipt calldata receipt,
        bytes calldata receiptSignature,
        Order calldata order,
        address bountyTo
    ) external nonReentrant returns (uint256) {
        bytes32 domain = _domainSeparator();
        bytes32 digest = _signed(0, domain, receipt.hash(), receiptSignature, receipt.payee);
        if (receipt.request != MessageHashUtils.toTypedDataHash(domain, order.hash())) revert NoFault();
        bool allowed = receipt.servedAt <= order.deadline && receipt.inputTokens <= order.maxInputTokens
            && receipt.outputTokens <= order.maxOutputTokens;
        uint256 due = allowed ? order.maxAmount : 0;
        if (receipt.amount <= due) revert NoFault();
        return _slash(Fault.OrderBreach, digest, receipt.payee, receipt.payer, receipt.amount - due, bountyTo);
    }

    /// @inheritdoc IFlotillaStake
    function proveDoubleReceipt(
        Receipt calldata a,
        bytes calldata signatureA,
        Receipt calldata b,
        bytes calldata signatureB,
        address bountyTo
    ) external nonReentrant returns (uint256) {
        bytes32 domain = _domainSeparator();
        bytes32 digestA = _signed(0, domain, a.hash(), signatureA, a.payee);
        bytes32 digestB = _signed(1, domain, b.hash(), signatureB, a.payee);
        if (a.request != b.request || a.payee != b.payee || digestA == digestB) revert NoFault();
        bytes32 key = keccak256(abi.encode(a.payee, a.request));
        (address payer, uint256 harm) = a.amount >= b.amount ? (a.payer, a.amount) : (b.payer, b.amount);
        return _slash(Fault.DoubleReceipt, key, a.payee, payer, harm, bountyTo);
    }

    /// @inheritdoc IFlotillaStake
    function proveAdvertEquivocation(
        Advert calldata a,
        bytes calldata signatureA,
        Advert calldata b,
        bytes calldata signatureB,
        address bountyTo
    ) external nonReentrant returns (uint256) {
        bytes32 domain = _domainSeparator();
        bytes32 digestA = _signed(0, domain, a.hash(), signatureA, a.operator);
        bytes32 digestB = _signed(1, domain, b.hash(), signatureB, a.operator);
        bytes32 offer = a.offerHash();
        if (offer != b.offerHash() || digestA == digestB) revert NoFault();
        return _slash(Fault.AdvertEquivocation, offer, a.operator, address(0), 0, bountyTo);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Takes the penalty from bonded stake, then from thawing stake, and shares it out.
    function _slash(Fault fault, bytes32 key, address operator, address payer, uint256 harm, address bountyTo)
        private
        returns (uint256 amount)
    {
        if (bountyTo == address(0)) revert InvalidRecipient(bountyTo);
        bytes32 id = keccak256(abi.encode(fault, key));
        if (punished[id]) revert AlreadyPunished(id);
        punished[id] = true;

        amount = Math.min(Math.max(PENALTY_FACTOR * harm, minPenalty), slashableStake(operator));
        if (amount == 0) revert NothingToSlash();
        Account storage account = _accounts[operator];
        uint256 fromBonded = Math.min(amount, account.bonded);
        // No cast below can cut: every part is at most the stake held, 2^72-1.
        account.bonded -= uint72(fromBonded);
        _thaws[operator].amount -= uint128(amount - fromBonded);

        uint256 toPayer = Math.min(harm, amount / PAYOUT_DIVISOR);
        uint256 bounty = Math.min(amount / BOUNTY_DIVISOR, amount / PAYOUT_DIVISOR - toPayer);
        _accounts[payer].claimable += uint80(toPayer);
        _accounts[bountyTo].claimable += uint80(bounty);
        emit Slashed(operator, payer, id, fault, amount, toPayer, bountyTo, bounty);
        // The rest is burned: it stays here, where no account counts it and no function can reach it.
        token.safeTransfer(settlement, toPayer + bounty);
    }

    /// @return digest what `operator` has signed; reverts when it has not
    function _signed(uint256 index, bytes32 domain, bytes32 structHash, bytes calldata signature, address operator)
        private
        pure
        returns (bytes32 digest)
    {
        digest = MessageHashUtils.toTypedDataHash(domain, structHash);
        (address signer, ECDSA.RecoverError err,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (err != ECDSA.RecoverError.NoError || signer != operator) revert NotSignedByOperator(index, signer);
    }

    /// @dev ceil((in * inputPerMTok + out * outputPerMTok) / 1e6) + perRequest, as settlement.Cost in Go.
    function _price(Advert calldata a, uint256 inputTokens, uint256 outputTokens) private pure returns (uint256) {
        uint256 tokens = inputTokens * a.inputPerMTok + outputTokens * a.outputPerMTok;
        return Math.ceilDiv(tokens, TOKENS_PER_MTOK) + a.perRequest;
    }

    /// @return room what the account can still be paid in `epoch`
    /// @return paid what it has been paid in `epoch`
    function _room(Account memory account, uint32 epoch) private pure returns (uint256 room, uint72 paid) {
        paid = account.epoch == epoch ? account.paidInEpoch : 0;
        room = Math.saturatingSub(account.bonded, paid); // thawing and slashing lower it, maybe below what was paid
    }

    function _domainSeparator() private view returns (bytes32) {
        return IFlotillaSettlement(settlement).domainSeparator();
    }

    /// @dev Seconds fit 32 bits until 2106, longer epochs for longer.
    function _currentEpoch() private view returns (uint32) {
        return uint32(block.timestamp / epochSeconds);
    }
}
