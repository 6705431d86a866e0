// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {ReferenceModel, Signed} from "./ReferenceModel.sol";
import {Vm} from "./Vm.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IFlotillaStake as K} from "../../src/interfaces/IFlotillaStake.sol";

/// @dev The external functions, and three kinds of mischief.
enum Kind {
    Stake,
    ThawStake,
    CancelThawStake,
    WithdrawStake,
    Deposit,
    DepositMany,
    Thaw,
    CancelThaw,
    Withdraw,
    AuthorizeSigner,
    ThawSigner,
    CancelThawSigner,
    SettleVoucher,
    SettleBatch,
    Claim,
    ProveAdvertBreach,
    ProveOrderBreach,
    ProveDoubleReceipt,
    ProveAdvertEquivocation,
    Accuse, // of an honest operator: counts as done when all signatures are right, and yet there is no fault
    Trespass, // into the functions for the settlement contract: never done
    Donate
}

/// @dev Random actions of five payers, five operators and a stranger, each done to the contracts and to the model.
/// About one in three is not allowed at that moment: the model says with which error it must be refused.
/// Nothing here decides what is right; this file only does both and compares all that can be seen of them.
abstract contract ActionsBase is Fixture {
    uint256 internal constant KINDS = 22; // members of Kind
    uint256 private constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    ReferenceModel public model;
    uint256[KINDS] public tried;
    uint256[KINDS] public done;
    mapping(bytes4 err => uint256) public refused;
    /// @dev Amounts are of about this size, stakes and escrow alike, so that every bound comes to bear.
    uint256 internal unit;
    uint256 private _now = START; // a handler's warp does not outlive its call

    error Disagree(Kind kind, address from, bool ok, bytes got, bytes want);

    /// @dev Every action passes here; it keeps the time that the last one left.
    modifier inTime() {
        vm.warp(_now);
        _;
        _now = vm.getBlockTimestamp();
    }

    /// @dev What a subclass wants to look at after each action. `subject` is whose account it was about.
    function observe(Kind kind, address from, address subject, Vm.Log[] memory logs) internal virtual {}

    /// @dev Does `call` to the contract and `twin` to the model, and compares result, error and events.
    function both(Kind kind, address from, address subject, bytes memory call, bytes memory twin)
        internal
        returns (bool ok)
    {
        address to = kind <= Kind.WithdrawStake || kind >= Kind.ProveAdvertBreach ? address(k) : address(s);
        vm.recordLogs();
        vm.prank(from);
        bytes memory got;
        (ok, got) = to.call(call);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        (bool wantOk, bytes memory want) = address(model).call(twin);
        Vm.Log[] memory wanted = vm.getRecordedLogs();
        if (ok != wantOk || keccak256(got) != keccak256(want)) revert Disagree(kind, from, ok, got, want);
        ++tried[uint256(kind)];
        if (ok) {
            ++done[uint256(kind)];
            sameLogs(logs, wanted);
        } else {
            ++refused[bytes4(got)];
            delete logs; // what a refused call had emitted is undone
        }
        observe(kind, from, subject, logs);
    }

    function sameLogs(Vm.Log[] memory got, Vm.Log[] memory want) private view {
        eq("number of events", got.length, want.length);
        for (uint256 i; i < got.length; ++i) {
            eq("event topics", keccak256(abi.encode(got[i].topics)), keccak256(abi.encode(want[i].topics)));
            eq("event data", keccak256(got[i].data), keccak256(want[i].data));
            eq("emitter", got[i].emitter, emitterOf(got[i].topics[0]));
        }
    }

    function emitterOf(bytes32 topic) private view returns (address) {
        if (topic == IERC20.Transfer.selector) return address(token);
        bool ofStake = topic == K.Staked.selector || topic == K.StakeThawStarted.selector
            || topic == K.StakeThawCancelled.selector || topic == K.StakeWithdrawn.selector
            || topic == K.Slashed.selector;
        return ofStake ? address(k) : address(s);
    }

    // ------------------------------------------------------------------ choices

    /// @dev A number of its own for each use of one seed.
    function mix(uint256 seed, string memory use_) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, use_)));
    }

    /// @dev Mostly from 1 to `limit`; now and then nothing, all, one too much or far too much.
    function amountUpTo(uint256 limit, uint256 seed) internal pure returns (uint128) {
        uint256 way = seed % 32;
        if (way == 0) return 0;
        if (way == 1) return type(uint128).max;
        if (way == 2) return uint128(limit + 1);
        if (way < 6 || limit == 0) return uint128(limit);
        return uint128(1 + (seed >> 8) % limit);
    }

    function anyActor(uint256 seed) internal view returns (address) {
        uint256 i = seed % 11;
        if (i < 5) return payers[i];
        return i < 10 ? operators[i - 5] : stranger;
    }

    /// @dev Mostly goes to around `end`, when there is one: the last second before it, or just then.
    function maybeWaitFor(uint64 end, uint256 seed) internal {
        if (end <= now_() || seed % 4 == 0) return;
        vm.warp(seed % 4 == 1 ? end - 1 : end);
    }

    // --------------------------------------------------------------- signatures

    /// @dev Mostly the signature of `key`; now and then somebody else's, or no valid one.
    function maybeSigned(uint256 key, bytes32 digest_, uint256 seed) internal view returns (bytes memory signature) {
        uint256 way = seed % 40;
        if (way == 0) key = operatorKeys[(seed >> 8) % 5];
        if (way == 1) key = payerKeys[(seed >> 8) % 5];
        signature = sign(key, digest_);
        if (way == 2) return otherForm(signature);
        if (way == 3) return bytes.concat(signature, bytes1(0));
        if (way == 4) signature[64] = 0;
    }

    /// @dev The same signature with the high s: valid on the curve, refused by the contracts.
    function otherForm(bytes memory signature) private pure returns (bytes memory) {
        (bytes32 r, uint256 high, uint8 v) = split(signature);
        return abi.encodePacked(r, CURVE_ORDER - high, v == 27 ? uint8(28) : uint8(27));
    }

    /// @dev Who signed; zero when the form is not the one that is allowed.
    function recovered(bytes32 digest_, bytes memory signature) internal pure returns (address) {
        if (signature.length != 65) return address(0);
        (bytes32 r, uint256 ss, uint8 v) = split(signature);
        if (ss > CURVE_ORDER / 2) return address(0);
        return ecrecover(digest_, v, r, bytes32(ss));
    }

    function split(bytes memory signature) private pure returns (bytes32 r, uint256 ss, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            ss := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
    }

    function asSigned(bytes32 digest_, bytes memory signature) internal pure returns (Signed memory) {
        return Signed(digest_, recovered(digest_, signature));
    }
}
