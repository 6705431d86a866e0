// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Advert, Order, Receipt, Voucher, SettlementBatch} from "../Messages.sol";

/// @title Flotilla settlement: stake, escrow and cumulative payment of operators
/// @notice A payer (gateway) keeps escrow in one lane per payee (operator) and signs running totals.
/// Anyone may bring a signed total on chain; the contract credits the payee with what is new in it,
/// as far as the lane's escrow and the payee's stake allow. What they do not allow stays owed.
/// Nobody owns, pauses or upgrades this contract, and every parameter is fixed at deployment.
interface IFlotillaSettlement {
    // ------------------------------------------------------------------ events

    /// @notice `operator` added `amount`; its bonded stake (without thawing stake) is now `bonded`.
    event Staked(address indexed operator, uint256 amount, uint256 bonded);
    /// @notice `amount` stopped backing payouts and can be withdrawn from `thawEnd` on.
    event StakeThawStarted(address indexed operator, uint256 amount, uint64 thawEnd);
    /// @notice `amount` of thawing stake backs payouts again.
    event StakeThawCancelled(address indexed operator, uint256 amount);
    event StakeWithdrawn(address indexed operator, uint256 amount);

    event Deposited(address indexed payer, address indexed payee, uint256 amount);
    /// @notice `amount` of the lane's escrow can leave from `thawEnd` on: settle before that.
    event ThawStarted(address indexed payer, address indexed payee, uint256 amount, uint64 thawEnd);
    event ThawCancelled(address indexed payer, address indexed payee);
    event Withdrawn(address indexed payer, address indexed payee, uint256 amount);

    /// @notice `paid` was credited to `payee`; `unpaid` of `valueAggregate` is still owed, because the
    /// lane's escrow or the payee's cap of this epoch ended. Not emitted when nothing was owed.
    event Settled(address indexed payer, address indexed payee, uint256 paid, uint256 unpaid, uint128 valueAggregate);
    event BatchSettled(
        address indexed payer, uint64 indexed epoch, bytes32 receiptsRoot, uint32 receiptCount, uint256 paid
    );
    event Claimed(address indexed operator, address indexed to, uint256 amount);

    // ------------------------------------------------------------------ errors

    /// @notice A constructor parameter is out of range; `name` says which.
    error InvalidParameter(bytes32 name);
    error ZeroAmount();
    /// @notice The zero address or this contract where a payee or recipient was expected.
    error InvalidRecipient(address recipient);
    error LengthMismatch(uint256 payees, uint256 amounts);
    /// @notice The token moved another amount than asked for (fee on transfer, rebasing).
    error TokenAmountMismatch(uint256 expected, uint256 received);
    /// @notice The contract would hold more than the 2^72-1 base units its accounts are sized for.
    error TooManyTokensHeld(uint256 held);
    error InsufficientStake(uint256 have, uint256 want);
    error InsufficientBalance(uint256 have, uint256 want);
    /// @notice A thaw is already running; cancel it first. A second thaw never resets the first one's clock.
    error AlreadyThawing(uint64 thawEnd);
    error NothingThawing();
    error StillThawing(uint64 thawEnd);
    /// @notice The signature is not the payer's; `recovered` is whose it is (zero: malformed or high s).
    error InvalidSigner(address recovered, address payer);
    /// @notice Epochs of one payer are settled in order, each once; `next` is the one that is due.
    error EpochMismatch(uint64 next, uint64 given);
    /// @notice A batch has at least one lane, and at least one receipt under a root that is not zero.
    error EmptyBatch();
    /// @notice Lane `index` does not stand in strictly ascending order of payees.
    error LanesNotSorted(uint256 index);
    error NothingToClaim();

    // ------------------------------------------------------------------- stake

    /// @notice Adds stake of the caller. Needs an allowance of the token.
    function stake(uint128 amount) external;
    /// @notice Starts the withdrawal of stake. It stops backing payouts at once but stays slashable until withdrawn.
    function thawStake(uint128 amount) external;
    /// @notice Puts all thawing stake of the caller back to work.
    function cancelThawStake() external;
    /// @notice Pays out the caller's thawed stake.
    function withdrawStake() external;
    /// @return total bonded plus thawing stake
    /// @return thawing the part that no longer backs payouts
    /// @return thawEnd when the thawing part may leave; 0 when nothing thaws
    function stakeOf(address operator) external view returns (uint256 total, uint256 thawing, uint64 thawEnd);
    /// @notice Stake that a fault could cost: bonded plus thawing.
    function slashableStake(address operator) external view returns (uint256);
    /// @notice What `operator` can still be paid in the current epoch: (stake - thawing) * capBps / 10000 minus what it was paid.
    function epochRoom(address operator) external view returns (uint256);

    // ------------------------------------------------------------------ escrow

    /// @notice Adds to the caller's lane towards `payee`. Needs an allowance of the token.
    /// A running thaw is first cut to what the lane held, so that new money never leaves on an old clock.
    function deposit(address payee, uint128 amount) external;
    /// @notice `deposit` for many lanes with one token transfer.
    function depositMany(address[] calldata payees, uint128[] calldata amounts) external;
    /// @notice Starts the withdrawal of `amount` from the caller's lane. It stays collectable until withdrawn.
    function thaw(address payee, uint128 amount) external;
    function cancelThaw(address payee) external;
    /// @notice Pays the thawed amount back to the caller, or what vouchers have left of it.
    function withdraw(address payee) external;
    /// @return balance escrow in the lane
    /// @return collected what the payee has been credited from it since the beginning
    /// @return thawing the part of the balance that may leave at `thawEnd`
    /// @return thawEnd 0 when nothing thaws
    function laneOf(address payer, address payee)
        external
        view
        returns (uint256 balance, uint256 collected, uint256 thawing, uint64 thawEnd);
    /// @notice What an operator should look at before it serves on credit.
    /// @return available escrow that is not thawing: what surely covers a voucher
    /// @return collected what has been credited; a voucher is covered while its total <= collected + available
    /// @return thawEnd until when thawing escrow can still be collected; 0 when nothing thaws
    function cover(address payer, address payee)
        external
        view
        returns (uint256 available, uint256 collected, uint64 thawEnd);

    // -------------------------------------------------------------- settlement

    /// @notice Credits the payee with what is new in the payer's running total. Anyone may send it.
    /// Never reverts for want of escrow, stake or novelty: it pays what it can, down to nothing.
    function settleVoucher(Voucher calldata voucher, bytes calldata signature) external returns (uint256 paid);
    /// @notice Settles many lanes at once and anchors the root of the receipts behind them.
    /// The payer itself may send it with an empty signature; anyone else needs the payer's.
    function settleBatch(SettlementBatch calldata batch, bytes calldata signature) external returns (uint256 paid);
    /// @notice Pays everything credited to the caller to `to`.
    function claim(address to) external;
    /// @notice What `operator` has been credited and not yet claimed.
    function claimable(address operator) external view returns (uint256);

    // ---------------------------------------------------------------- evidence

    /// @return root Merkle root of the receipts; zero when this epoch has not been settled
    /// @return receiptCount leaves under the root
    function batchRoot(address payer, uint64 epoch) external view returns (bytes32 root, uint32 receiptCount);
    /// @notice The epoch that the payer's next batch must carry (1 for the first).
    function nextEpoch(address payer) external view returns (uint64);
    /// @notice Whether the receipt with this digest stands at `index` of the payer's batch.
    function verifyReceipt(address payer, uint64 epoch, uint256 index, bytes32 receiptDigest_, bytes32[] calldata proof)
        external
        view
        returns (bool);

    function domainSeparator() external view returns (bytes32);
    function advertDigest(Advert calldata advert) external view returns (bytes32);
    function orderDigest(Order calldata order) external view returns (bytes32);
    function receiptDigest(Receipt calldata receipt) external view returns (bytes32);
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32);
    function batchDigest(SettlementBatch calldata batch) external view returns (bytes32);

    // -------------------------------------------------------------- parameters

    function token() external view returns (IERC20);
    /// @notice Length of a payout epoch in seconds; the current one is block.timestamp / epochSeconds.
    function epochSeconds() external view returns (uint64);
    function stakeThawSeconds() external view returns (uint64);
    function laneThawSeconds() external view returns (uint64);
    /// @notice Payout per epoch in 1/10000 of the bonded stake.
    function capBps() external view returns (uint32);
}
