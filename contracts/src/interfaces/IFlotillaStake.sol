// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Advert, Order, Receipt} from "../Messages.sol";

/// @notice The parts of an operator's or payer's account that settling reads and writes.
/// @dev One storage slot. The stake contract holds at most 2^72-1 base units of stake and the settlement
/// contract at most 2^72-1 of escrow, so no field can overflow.
struct Account {
    uint72 bonded; // stake that backs payouts; stake that thaws is kept apart
    uint80 claimable; // credited and not yet claimed; the tokens lie in the settlement contract
    uint72 paidInEpoch; // meaningful only while `epoch` is the current one
    uint32 epoch;
}

/// @title Flotilla stake: what operators have at risk, what that lets them be paid, and what costs it
/// @notice An operator is credited at most its bonded stake in one epoch; what is beyond stays owed by the
/// lane (see IFlotillaSettlement). Stake stops backing payouts the moment it starts to thaw, and leaves only
/// when the evidence window of every payout it ever backed is over.
/// @notice Stake is lost only by contradictions that the operator itself signed: each `prove` function
/// takes the signed messages and needs no judge. Nothing here is about the quality of answers.
/// @notice Nobody owns, pauses or upgrades this contract, and every parameter is fixed at deployment.
interface IFlotillaStake {
    /// @notice Which contradiction a penalty was for.
    enum Fault {
        AdvertBreach, // a receipt that charges more than its advert's prices, or was served outside its validity
        OrderBreach, // a receipt above its order's limits or after its deadline
        DoubleReceipt, // two receipts for one request
        AdvertEquivocation // two adverts of one offer with one sequence number
    }

    // ------------------------------------------------------------------ events

    /// @notice `operator` added `amount`; its bonded stake (without thawing stake) is now `bonded`.
    event Staked(address indexed operator, uint256 amount, uint256 bonded);
    /// @notice `amount` stopped backing payouts and can be withdrawn from `thawEnd` on.
    event StakeThawStarted(address indexed operator, uint256 amount, uint64 thawEnd);
    /// @notice `amount` of thawing stake backs payouts again.
    event StakeThawCancelled(address indexed operator, uint256 amount);
    event StakeWithdrawn(address indexed operator, uint256 amount);
    /// @notice `operator` lost `amount` of stake: `toPayer` and `bounty` were credited, the rest is burned.
    event Slashed(
        address indexed operator,
        address indexed payer,
        bytes32 indexed evidenceId,
        Fault fault,
        uint256 amount,
        uint256 toPayer,
        address bountyTo,
        uint256 bounty
    );

    // ------------------------------------------------------------------ errors

    /// @notice A constructor parameter is out of range; `name` says which.
    error InvalidParameter(bytes32 name);
    error ZeroAmount();
    /// @notice The zero address where somebody to credit was expected.
    error InvalidRecipient(address recipient);
    error InsufficientStake(uint256 have, uint256 want);
    /// @notice A thaw is already running; cancel it first. A second thaw never resets the first one's clock.
    error AlreadyThawing(uint64 thawEnd);
    error NothingThawing();
    error StillThawing(uint64 thawEnd);
    /// @notice Only the settlement contract of this deployment may call this.
    error OnlySettlement();
    error NothingToClaim();
    /// @notice The messages contradict nothing, or do not belong together.
    error NoFault();
    /// @notice Message `index` of the proof is signed by `recovered` (zero: malformed or high s), not by the operator.
    error NotSignedByOperator(uint256 index, address recovered);
    error AlreadyPunished(bytes32 evidenceId);
    /// @notice The operator has nothing left to lose. The evidence stays good for when it stakes again.
    error NothingToSlash();

    // ------------------------------------------------------------------- stake

    /// @notice Adds stake of the caller. Needs an allowance of the token for this contract.
    function stake(uint128 amount) external;
    /// @notice Starts the withdrawal of stake. It stops backing payouts at once but stays slashable until withdrawn.
    function thawStake(uint128 amount) external;
    /// @notice Puts all thawing stake of the caller back to work.
    function cancelThawStake() external;
    /// @notice Pays out the caller's thawed stake, or what slashing has left of it.
    function withdrawStake() external;
    /// @return total bonded plus thawing stake
    /// @return thawing the part that no longer backs payouts
    /// @return thawEnd when the thawing part may leave; 0 when nothing thaws
    function stakeOf(address operator) external view returns (uint256 total, uint256 thawing, uint64 thawEnd);
    /// @notice Stake that a fault could cost: bonded plus thawing.
    function slashableStake(address operator) external view returns (uint256);
    /// @notice What `operator` can still be paid in the current epoch: its bonded stake minus what it was paid.
    function epochRoom(address operator) external view returns (uint256);
    /// @notice What `account` has been credited and not yet claimed (claim at the settlement contract).
    function claimable(address account) external view returns (uint256);

    // -------------------------------------------------------------- settlement

    /// @notice Credits `operator` with as much of `amount` as its stake allows in this epoch. Never reverts for it.
    /// @return paid what was credited
    function credit(address operator, uint256 amount) external returns (uint256 paid);
    /// @notice Takes all that `account` can claim out of its account; the settlement contract pays it out.
    function takeClaimable(address account) external returns (uint256 amount);

    // ------------------------------------------------------------------ faults
    //
    // Every proof costs the operator max(10 * harm, minPenalty), or all of its stake when that is less,
    // thawing stake included. The payer is made whole first: it is credited with the harm. `bountyTo` is
    // credited with a fifth of the penalty. Together they get at most half, and the rest is burned (it stays in
    // this contract for ever), so that an operator that reports itself always loses more than by thawing.
    // Each piece of evidence is punished once.

    /// @notice The receipt charges more than the prices of the advert it names (harm: the difference), or was
    /// served outside the advert's validity (harm: all of it). Both are signed by the operator.
    function proveAdvertBreach(
        Receipt calldata receipt,
        bytes calldata receiptSignature,
        Advert calldata advert,
        bytes calldata advertSignature,
        address bountyTo
    ) external returns (uint256 slashed);
    /// @notice The receipt is above the amount of the order it names (harm: the difference), or above its token
    /// limits or after its deadline (harm: all of it). The operator has signed the order's digest in the receipt.
    function proveOrderBreach(
        Receipt calldata receipt,
        bytes calldata receiptSignature,
        Order calldata order,
        address bountyTo
    ) external returns (uint256 slashed);
    /// @notice Two different receipts for one request (harm: the larger amount, to that receipt's payer).
    function proveDoubleReceipt(
        Receipt calldata a,
        bytes calldata signatureA,
        Receipt calldata b,
        bytes calldata signatureB,
        address bountyTo
    ) external returns (uint256 slashed);
    /// @notice Two different adverts of one offer (operator, node, model, quantization, runtime) with one
    /// sequence number. Nobody is harmed measurably: the penalty is minPenalty.
    function proveAdvertEquivocation(
        Advert calldata a,
        bytes calldata signatureA,
        Advert calldata b,
        bytes calldata signatureB,
        address bountyTo
    ) external returns (uint256 slashed);
    /// @notice Whether this evidence has been punished. Ids: keccak256(abi.encode(fault, key)), where key is the
    /// receipt's digest for the two breaches, keccak256(abi.encode(payee, request)) for double receipts, and
    /// the offer's hash with its sequence number for adverts.
    function punished(bytes32 evidenceId) external view returns (bool);

    // -------------------------------------------------------------- parameters

    function token() external view returns (IERC20);
    /// @notice The settlement contract of this deployment, whose EIP-712 domain all messages are signed for.
    function settlement() external view returns (address);
    /// @notice Length of a payout epoch in seconds; the current one is block.timestamp / epochSeconds.
    function epochSeconds() external view returns (uint64);
    /// @notice How long after a payout there is surely time to bring evidence.
    function evidenceSeconds() external view returns (uint64);
    /// @notice At least evidenceSeconds and two epochs more, so that no evidence comes minutes too late.
    function stakeThawSeconds() external view returns (uint64);
    /// @notice The least that a proven fault costs.
    function minPenalty() external view returns (uint64);
}
