// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IFlotillaSettlement as S} from "../../src/interfaces/IFlotillaSettlement.sol";
import {IFlotillaStake as K} from "../../src/interfaces/IFlotillaStake.sol";
import {TokenPull} from "../../src/TokenPull.sol";
import {Advert, Order, Receipt, Voucher, LaneTotal, SettlementBatch} from "../../src/Messages.sol";

/// @dev A message as the model sees it: its digest, and who signed that (zero: nobody).
struct Signed {
    bytes32 digest;
    address signer;
}

/// @dev Both contracts in the plainest form: full-width numbers, one mapping an idea, thaws cut at every
/// collection, payouts summed per epoch. No packing, no signatures, no token. Each function is the twin of the
/// one with its name, with the sender as first argument and the signer in place of a signature; it returns
/// the same, emits the same events and transfers, and refuses with the same error.
contract ReferenceModel {
    struct Case {
        K.Fault fault;
        bytes32 id;
        address operator;
        address payer;
        uint256 harm;
        address bountyTo;
    }

    uint256 private constant MAX_HELD = 2 ** 72 - 1;

    address public immutable settlement;
    address public immutable stakes;
    uint64 public immutable laneThaw;
    uint64 public immutable epochLength;
    uint64 public immutable stakeThaw;
    uint256 public immutable minPenalty;

    mapping(address => uint256) public tokens;
    mapping(address => uint256) public claimable;

    mapping(address operator => uint256) public bonded;
    mapping(address operator => uint256) public stakeThawing;
    mapping(address operator => uint64) public stakeThawEnd;
    mapping(address operator => mapping(uint256 epoch => uint256)) public paidIn;
    mapping(bytes32 evidenceId => bool) public punished;

    mapping(address payer => mapping(address payee => uint256)) public balance;
    mapping(address payer => mapping(address payee => uint256)) public collected;
    mapping(address payer => mapping(address payee => uint256)) public thawing;
    mapping(address payer => mapping(address payee => uint64)) public thawEnd;
    mapping(address signer => address) public payerOf;
    mapping(address signer => uint64) public signerThawEnd;
    mapping(address payer => uint64) public settledEpochs;

    constructor(S settlement_, uint64 laneThaw_) {
        K k = settlement_.stakes();
        (settlement, stakes) = (address(settlement_), address(k));
        laneThaw = laneThaw_;
        (epochLength, stakeThaw, minPenalty) = (k.epochSeconds(), k.stakeThawSeconds(), k.minPenalty());
    }

    // ------------------------------------------------------------------- token

    /// @dev Tokens from outside; the token contract has done the same.
    function mint(address to, uint256 amount) external {
        tokens[to] += amount;
    }

    function transfer(address from, address to, uint256 amount) public {
        if (amount > tokens[from]) revert IERC20Errors.ERC20InsufficientBalance(from, tokens[from], amount);
        tokens[from] -= amount;
        tokens[to] += amount;
        emit IERC20.Transfer(from, to, amount);
    }

    function pull(address from, address to, uint256 amount) private {
        transfer(from, to, amount);
        if (tokens[to] > MAX_HELD) revert TokenPull.TooManyTokensHeld(tokens[to]);
    }

    // ------------------------------------------------------------------- stake

    function stake(address from, uint256 amount) external {
        if (amount == 0) revert K.ZeroAmount();
        if (amount > MAX_HELD) revert SafeCast.SafeCastOverflowedUintDowncast(72, amount);
        if (bonded[from] + amount > MAX_HELD) overflow();
        bonded[from] += amount;
        emit K.Staked(from, amount, bonded[from]);
        pull(from, stakes, amount);
    }

    function thawStake(address from, uint256 amount) external {
        if (amount == 0) revert K.ZeroAmount();
        if (stakeThawEnd[from] != 0) revert K.AlreadyThawing(stakeThawEnd[from]);
        if (amount > bonded[from]) revert K.InsufficientStake(bonded[from], amount);
        bonded[from] -= amount;
        stakeThawing[from] = amount;
        stakeThawEnd[from] = uint64(block.timestamp) + stakeThaw;
        emit K.StakeThawStarted(from, amount, stakeThawEnd[from]);
    }

    function cancelThawStake(address from) external {
        uint256 amount = endStakeThaw(from);
        bonded[from] += amount;
        emit K.StakeThawCancelled(from, amount);
    }

    function withdrawStake(address from) external {
        if (block.timestamp < stakeThawEnd[from]) revert K.StillThawing(stakeThawEnd[from]);
        uint256 amount = endStakeThaw(from);
        emit K.StakeWithdrawn(from, amount);
        transfer(stakes, from, amount);
    }

    function endStakeThaw(address operator) private returns (uint256 amount) {
        if (stakeThawEnd[operator] == 0) revert K.NothingThawing();
        amount = stakeThawing[operator];
        (stakeThawing[operator], stakeThawEnd[operator]) = (0, 0);
    }

    function room(address operator) public view returns (uint256) {
        uint256 paid = paidIn[operator][block.timestamp / epochLength];
        return bonded[operator] > paid ? bonded[operator] - paid : 0;
    }

    /// @dev Nobody in these tests is the settlement contract.
    function credit(address, address, uint256) external pure returns (uint256) {
        revert K.OnlySettlement();
    }

    function takeClaimable(address, address) external pure returns (uint256) {
        revert K.OnlySettlement();
    }

    // ------------------------------------------------------------------ faults

    function proveAdvertBreach(
        Receipt calldata r,
        Signed calldata rSigned,
        Advert calldata a,
        Signed calldata aSigned,
        address bountyTo
    ) external returns (uint256) {
        checkOperator(0, rSigned, r.payee);
        checkOperator(1, aSigned, r.payee);
        if (aSigned.digest != r.advert || a.operator != r.payee) revert K.NoFault();
        uint256 due = price(a, r.inputTokens, r.outputTokens);
        if (r.servedAt < a.validFrom || r.servedAt > a.validTo) due = 0;
        if (r.amount <= due) revert K.NoFault();
        return slash(K.Fault.AdvertBreach, rSigned.digest, r.payee, r.payer, r.amount - due, bountyTo);
    }

    function proveOrderBreach(
        Receipt calldata r,
        Signed calldata rSigned,
        Order calldata o,
        bytes32 orderDigest,
        address bountyTo
    ) external returns (uint256) {
        checkOperator(0, rSigned, r.payee);
        if (orderDigest != r.request) revert K.NoFault();
        uint256 due = o.maxAmount;
        if (r.servedAt > o.deadline) due = 0;
        if (r.inputTokens > o.maxInputTokens) due = 0;
        if (r.outputTokens > o.maxOutputTokens) due = 0;
        if (r.amount <= due) revert K.NoFault();
        return slash(K.Fault.OrderBreach, rSigned.digest, r.payee, r.payer, r.amount - due, bountyTo);
    }

    function proveDoubleReceipt(
        Receipt calldata a,
        Signed calldata aSigned,
        Receipt calldata b,
        Signed calldata bSigned,
        address bountyTo
    ) external returns (uint256) {
        checkOperator(0, aSigned, a.payee);
        checkOperator(1, bSigned, a.payee);
        if (a.payee != b.payee || a.request != b.request || aSigned.digest == bSigned.digest) revert K.NoFault();
        bytes32 key = keccak256(abi.encode(a.payee, a.request));
        address payer = b.amount > a.amount ? b.payer : a.payer;
        uint256 harm = b.amount > a.amount ? b.amount : a.amount;
        return slash(K.Fault.DoubleReceipt, key, a.payee, payer, harm, bountyTo);
    }

    function proveAdvertEquivocation(
        Advert calldata a,
        Signed calldata aSigned,
        Advert calldata b,
        Signed calldata bSigned,
        address bountyTo
    ) external returns (uint256) {
        checkOperator(0, aSigned, a.operator);
        checkOperator(1, bSigned, a.operator);
        if (offer(a) != offer(b) || aSigned.digest == bSigned.digest) revert K.NoFault();
        return slash(K.Fault.AdvertEquivocation, offer(a), a.operator, address(0), 0, bountyTo);
    }

    function checkOperator(uint256 index, Signed calldata message, address operator) private pure {
        if (message.signer == address(0) || message.signer != operator) {
            revert K.NotSignedByOperator(index, message.signer);
        }
    }

    function price(Advert calldata a, uint256 inputTokens, uint256 outputTokens) public pure returns (uint256) {
        uint256 millionths = inputTokens * a.inputPerMTok + outputTokens * a.outputPerMTok;
        return (millionths + 999_999) / 1_000_000 + a.perRequest;
    }

    function offer(Advert calldata a) private pure returns (bytes32) {
        bytes32 what = keccak256(bytes(a.model));
        return keccak256(
            abi.encode(a.operator, a.node, what, keccak256(bytes(a.quantization)), keccak256(bytes(a.runtime)), a.seq)
        );
    }

    function slash(K.Fault fault, bytes32 key, address operator, address payer, uint256 harm, address bountyTo)
        private
        returns (uint256 amount)
    {
        if (bountyTo == address(0)) revert K.InvalidRecipient(bountyTo);
        bytes32 id = keccak256(abi.encode(fault, key));
        if (punished[id]) revert K.AlreadyPunished(id);
        punished[id] = true;
        amount = take(operator, 10 * harm > minPenalty ? 10 * harm : minPenalty);
        share(Case(fault, id, operator, payer, harm, bountyTo), amount);
    }

    /// @dev Bonded stake goes first, thawing stake after it.
    function take(address operator, uint256 penalty) private returns (uint256 amount) {
        uint256 held = bonded[operator] + stakeThawing[operator];
        if (held == 0) revert K.NothingToSlash();
        amount = penalty < held ? penalty : held;
        uint256 left = held - amount;
        if (stakeThawing[operator] > left) stakeThawing[operator] = left;
        bonded[operator] = left - stakeThawing[operator];
    }

    function share(Case memory c, uint256 amount) private {
        uint256 toPayer = c.harm < amount / 2 ? c.harm : amount / 2;
        uint256 rest = amount / 2 - toPayer;
        uint256 bounty = amount / 5 < rest ? amount / 5 : rest;
        claimable[c.payer] += toPayer;
        claimable[c.bountyTo] += bounty;
        emit K.Slashed(c.operator, c.payer, c.id, c.fault, amount, toPayer, c.bountyTo, bounty);
        transfer(stakes, settlement, toPayer + bounty);
    }

    // ------------------------------------------------------------------ escrow

    function deposit(address from, address payee, uint256 amount) external {
        enter(from, payee, amount);
        pull(from, settlement, amount);
    }

    function depositMany(address from, address[] calldata payees, uint128[] calldata amounts) external {
        if (payees.length != amounts.length) revert S.LengthMismatch(payees.length, amounts.length);
        if (payees.length == 0) revert S.ZeroAmount();
        uint256 total;
        for (uint256 i; i < payees.length; ++i) {
            enter(from, payees[i], amounts[i]);
            total += amounts[i];
        }
        pull(from, settlement, total);
    }

    function enter(address from, address payee, uint256 amount) private {
        if (amount == 0) revert S.ZeroAmount();
        if (payee == address(0) || payee == settlement) revert S.InvalidRecipient(payee);
        balance[from][payee] += amount;
        if (balance[from][payee] > type(uint128).max) overflow();
        emit S.Deposited(from, payee, amount);
    }

    function thaw(address from, address payee, uint256 amount) external {
        if (amount == 0) revert S.ZeroAmount();
        if (thawEnd[from][payee] != 0) revert S.AlreadyThawing(thawEnd[from][payee]);
        if (amount > balance[from][payee]) revert S.InsufficientBalance(balance[from][payee], amount);
        thawing[from][payee] = amount;
        thawEnd[from][payee] = uint64(block.timestamp) + laneThaw;
        emit S.ThawStarted(from, payee, amount, thawEnd[from][payee]);
    }

    function cancelThaw(address from, address payee) external {
        endThaw(from, payee);
        emit S.ThawCancelled(from, payee);
    }

    function withdraw(address from, address payee) external {
        if (block.timestamp < thawEnd[from][payee]) revert S.StillThawing(thawEnd[from][payee]);
        uint256 amount = endThaw(from, payee);
        balance[from][payee] -= amount;
        emit S.Withdrawn(from, payee, amount);
        transfer(settlement, from, amount);
    }

    function endThaw(address payer, address payee) private returns (uint256 amount) {
        if (thawEnd[payer][payee] == 0) revert S.NothingThawing();
        amount = thawing[payer][payee];
        (thawing[payer][payee], thawEnd[payer][payee]) = (0, 0);
    }

    // ----------------------------------------------------------------- signers

    function authorizeSigner(address from, address signer, uint64 deadline, address signedBy) external {
        if (block.timestamp > deadline) revert S.AuthorizationExpired(deadline);
        if (payerOf[signer] != address(0)) revert S.SignerAlreadyBound(signer, payerOf[signer]);
        if (signedBy == address(0) || signedBy != signer) revert S.InvalidSigner(signedBy, signer);
        payerOf[signer] = from;
        emit S.SignerAuthorized(from, signer);
    }

    function thawSigner(address from, address signer) external {
        if (!counts(signer, from)) revert S.NotYourSigner(signer);
        if (signerThawEnd[signer] != 0) revert S.AlreadyThawing(signerThawEnd[signer]);
        signerThawEnd[signer] = uint64(block.timestamp) + laneThaw;
        emit S.SignerThawStarted(from, signer, signerThawEnd[signer]);
    }

    function cancelThawSigner(address from, address signer) external {
        if (!counts(signer, from)) revert S.NotYourSigner(signer);
        if (signerThawEnd[signer] == 0) revert S.NothingThawing();
        signerThawEnd[signer] = 0;
        emit S.SignerThawCancelled(from, signer);
    }

    function counts(address signer, address payer) public view returns (bool) {
        bool revoked = signerThawEnd[signer] != 0 && signerThawEnd[signer] <= block.timestamp;
        return payer != address(0) && payerOf[signer] == payer && !revoked;
    }

    // -------------------------------------------------------------- settlement

    function settleVoucher(address, Voucher calldata v, address signedBy) external returns (uint256) {
        checkPayer(signedBy, v.payer);
        return settle(v.payer, v.payee, v.valueAggregate);
    }

    function settleBatch(address from, SettlementBatch calldata b, address signedBy) external returns (uint256 paid) {
        if (from != b.payer) checkPayer(signedBy, b.payer);
        uint64 next = settledEpochs[b.payer] + 1;
        if (b.epoch != next) revert S.EpochMismatch(next, b.epoch);
        if (b.lanes.length == 0 || b.receiptCount == 0 || b.receiptsRoot == 0) revert S.EmptyBatch();
        settledEpochs[b.payer] = next;
        for (uint256 i; i < b.lanes.length; ++i) {
            address before = i == 0 ? address(0) : b.lanes[i - 1].payee;
            if (b.lanes[i].payee <= before) revert S.LanesNotSorted(i);
            paid += settle(b.payer, b.lanes[i].payee, b.lanes[i].valueAggregate);
        }
        emit S.BatchSettled(b.payer, b.epoch, b.receiptsRoot, b.receiptCount, paid);
    }

    function checkPayer(address signedBy, address payer) private view {
        if (signedBy == address(0)) revert S.InvalidSigner(signedBy, payer);
        if (signedBy != payer && !counts(signedBy, payer)) revert S.InvalidSigner(signedBy, payer);
    }

    function settle(address payer, address payee, uint128 total) private returns (uint256 paid) {
        if (total <= collected[payer][payee]) return 0;
        uint256 owed = total - collected[payer][payee];
        paid = owed;
        if (paid > balance[payer][payee]) paid = balance[payer][payee];
        if (paid > room(payee)) paid = room(payee);
        balance[payer][payee] -= paid;
        collected[payer][payee] += paid;
        paidIn[payee][block.timestamp / epochLength] += paid;
        claimable[payee] += paid;
        if (thawing[payer][payee] > balance[payer][payee]) thawing[payer][payee] = balance[payer][payee];
        emit S.Settled(payer, payee, paid, owed - paid, total);
    }

    function claim(address from, address to) external {
        if (to == address(0) || to == settlement) revert S.InvalidRecipient(to);
        uint256 amount = claimable[from];
        if (amount == 0) revert K.NothingToClaim();
        claimable[from] = 0;
        emit S.Claimed(from, to, amount);
        transfer(settlement, to, amount);
    }

    /// @dev The panic of checked arithmetic.
    function overflow() private pure {
        uint8 most = type(uint8).max;
        ++most;
    }
}
