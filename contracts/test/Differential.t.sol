// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {Actions} from "./support/Actions.sol";
import {Kind} from "./support/ActionsBase.sol";
import {IFlotillaSettlement as S} from "../src/interfaces/IFlotillaSettlement.sol";
import {IFlotillaStake as K} from "../src/interfaces/IFlotillaStake.sol";
import {TokenPull} from "../src/TokenPull.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @dev The contracts and the reference model do the same on any sequence of actions: the same results, errors,
/// events and token transfers, and after each step the same state.
contract DifferentialTest is Base {
    uint256 private constant STEPS = 48;
    bytes4 private constant PANIC = bytes4(keccak256("Panic(uint256)"));
    Actions[] private _campaign;

    error TooRare(uint256 kind, uint256 tried, uint256 done);
    error NeverRefusedWith(uint256 index);

    /// forge-config: default.fuzz.runs = 128
    function testFuzz_contractsAgreeWithModel(uint256 seed) public {
        Actions a = new Actions(seed % 8 == 0);
        for (uint256 i; i < STEPS; ++i) {
            a.act(uint256(keccak256(abi.encode(seed, i))));
            a.check();
        }
    }

    /// @dev The random actions are not vacuous: each kind succeeds and is refused, and every error of both
    /// contracts comes up that these actors can cause (see the unit tests for constructors and odd tokens).
    function test_everythingHappens() public {
        for (uint256 run; run < 12; ++run) {
            Actions a = new Actions(run % 4 == 0);
            for (uint256 i; i < 250; ++i) {
                a.act(uint256(keccak256(abi.encode("step", run, i))));
            }
            a.check();
            _campaign.push(a);
        }
        for (uint256 kind; kind <= uint256(Kind.Donate); ++kind) {
            (uint256 tried, uint256 done) = sum(kind);
            bool succeeds = done >= 10 || kind == uint256(Kind.Trespass);
            bool fails = tried - done >= 3 || kind == uint256(Kind.Donate);
            if (!succeeds || !fails) revert TooRare(kind, tried, done);
        }
        bytes4[25] memory errors = [
            K.ZeroAmount.selector,
            S.InvalidRecipient.selector,
            K.InsufficientStake.selector,
            S.AlreadyThawing.selector,
            S.NothingThawing.selector,
            S.StillThawing.selector,
            K.OnlySettlement.selector,
            K.NothingToClaim.selector,
            K.NoFault.selector,
            K.NotSignedByOperator.selector,
            K.AlreadyPunished.selector,
            K.NothingToSlash.selector,
            S.LengthMismatch.selector,
            S.InsufficientBalance.selector,
            S.InvalidSigner.selector,
            S.SignerAlreadyBound.selector,
            S.NotYourSigner.selector,
            S.AuthorizationExpired.selector,
            S.EpochMismatch.selector,
            S.EmptyBatch.selector,
            S.LanesNotSorted.selector,
            IERC20Errors.ERC20InsufficientBalance.selector,
            TokenPull.TooManyTokensHeld.selector,
            SafeCast.SafeCastOverflowedUintDowncast.selector,
            PANIC
        ];
        for (uint256 i; i < errors.length; ++i) {
            if (refusals(errors[i]) == 0) revert NeverRefusedWith(i);
        }
    }

    function sum(uint256 kind) private view returns (uint256 tried, uint256 done) {
        for (uint256 run; run < _campaign.length; ++run) {
            tried += _campaign[run].tried(kind);
            done += _campaign[run].done(kind);
        }
    }

    function refusals(bytes4 err) private view returns (uint256 times) {
        for (uint256 run; run < _campaign.length; ++run) {
            times += _campaign[run].refused(err);
        }
    }
}
