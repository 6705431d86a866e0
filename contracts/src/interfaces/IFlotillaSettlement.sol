// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IFlotillaStake} from "./IFlotillaStake.sol";
import {Voucher, SettlementBatch} from "../Messages.sol";

/// @title Flotilla settlement: escrow and cumulative payment of operators
/// @notice A payer (gateway) keeps escrow in one lane per payee (operator) and signs running totals.
/// Anyone may bring a signed total on chain; the contract credits the payee with what is new in it,
/// as far as the lane's escrow and the payee's stake allow. What they do not allow stays owed.
/// Nobody owns, pauses or upgrades this contract, and every parameter is fixed at deployment.
interface IFlotillaSettlement {
    // ------------------------------------------------------------------ events

    event Deposited(address indexed payer, address indexed payee, uint256 amount);
    /// @notice `amount` of the lane's escrow can leave from `thawEnd` on: settle before that.
    event ThawStarted(address indexed payer, address indexed payee, uint256 amount, uint64 thawEnd);
    event ThawCancelled(address indexed payer, address indexed payee);
    event Withdrawn(address indexed payer, address indexed payee, uint256 amount);

    event SignerAuthorized(address indexed payer, address indexed signer);
    /// @notice What `signer` signed for `payer` counts before `thawEnd` and never after.
    event SignerThawStarted(address indexed payer, address indexed signer, uint64 thawEnd);
    event SignerThawCancelled(address indexed payer, address indexed signer);

    /// @notice `paid` was credited to `payee`; `unpaid` of `valueAggregate` is still owed, because the
    /// lane's escrow or the payee's stake of this epoch ended. Not emitted when nothing was owed.
    event Settled(address indexed payer, address indexed payee, uint256 paid, uint256 unpaid, uint128 valueAggregate);
    /// @notice `receiptsRoot` is the Merkle root of the receipts behind this batch, for audit: it moves no money.
    event BatchSettled(
        address indexed payer, uint64 indexed epoch, bytes32 receiptsRoot, uint32 receiptCount, uint256 paid
    );
    event Claimed(address indexed account, address indexed to, uint256 amount);

    // ------------------------------------------------------------------ errors

    /// @notice A constructor parameter is out of range; `name` says which.
    error InvalidParameter(bytes32 name);
    error ZeroAmount();
    /// @notice The zero address or this contract where a payee, signer or recipient was expected.
    error InvalidRecipient(address recipient);
    error LengthMismatch(uint256 payees, uint256 amounts);
    error InsufficientBalance(uint256 have, uint256 want);
    /// @notice A thaw is already running; cancel it first. A second thaw never resets the first one's clock.
    error AlreadyThawing(uint64 thawEnd);
    error NothingThawing();
    error StillThawing(uint64 thawEnd);
    /// @notice The signature is neither that of `expected` nor, on a voucher or batch, of a signer that it has
    /// authorized; `recovered` is whose it is (zero: malformed or high s).
    error InvalidSigner(address recovered, address expected);
    /// @notice A signer belongs to one payer for ever, also after it was revoked.
    error SignerAlreadyBound(address signer, address payer);
    /// @notice The signer is not the caller's, or is revoked.
    error NotYourSigner(address signer);
    error AuthorizationExpired(uint64 deadline);
    /// @notice Epochs of one payer are settled in order, each once; `next` is the one that is due.
    error EpochMismatch(uint64 next, uint64 given);
    /// @notice A batch has at least one lane, and at least one receipt under a root that is not zero.
    error EmptyBatch();
    /// @notice Lane `index` does not stand in strictly ascending order of payees.
    error LanesNotSorted(uint256 index);

    // ------------------------------------------------------------------ escrow

    /// @notice Adds to the caller's lane towards `payee`. Needs an allowance of the token for this contract.
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

    // ----------------------------------------------------------------- signers

    /// @notice Lets `signer` sign vouchers and batches for the caller, as well as the caller itself. `proof` is
    /// the signer's own signature of SignerAuthorization{payer: caller, signer, deadline}, so that nobody
    /// binds a key that is not theirs to give. The binding is for ever: after its thaw a signer is revoked and
    /// can be bound neither again nor to anyone else.
    function authorizeSigner(address signer, uint64 deadline, bytes calldata proof) external;
    /// @notice Starts to revoke a signer. Vouchers that it signed can be settled before the thaw ends, so an
    /// operator that looks at `signerOf` has laneThawSeconds to settle what it holds.
    function thawSigner(address signer) external;
    /// @notice Keeps a thawing signer. Not possible after the thaw has ended.
    function cancelThawSigner(address signer) external;
    /// @return payer whom the signer is bound to; zero when to nobody
    /// @return thawEnd when it is, or was, revoked; 0 while it does not thaw
    function signerOf(address signer) external view returns (address payer, uint64 thawEnd);

    // -------------------------------------------------------------- settlement

    /// @notice Credits the payee with what is new in the payer's running total. Anyone may send it.
    /// Never reverts for want of escrow, stake or novelty: it pays what it can, down to nothing.
    function settleVoucher(Voucher calldata voucher, bytes calldata signature) external returns (uint256 paid);
    /// @notice Settles many lanes at once and logs the root of the receipts behind them.
    /// The payer itself may send it with an empty signature; anyone else needs the payer's.
    function settleBatch(SettlementBatch calldata batch, bytes calldata signature) external returns (uint256 paid);
    /// @notice Pays everything credited to the caller (payouts, restitution, bounties) to `to`.
    function claim(address to) external;
    /// @notice The epoch that the payer's next batch must carry (1 for the first).
    function nextEpoch(address payer) external view returns (uint64);

    /// @notice The EIP-712 domain of every message of this deployment, also of those the stake contract checks.
    function domainSeparator() external view returns (bytes32);

    // -------------------------------------------------------------- parameters

    function token() external view returns (IERC20);
    /// @notice The stake contract of this deployment.
    function stakes() external view returns (IFlotillaStake);
    /// @notice How long payees have to settle before escrow, or the word of a signer, is gone.
    function laneThawSeconds() external view returns (uint64);
}
