// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {OddDecimalsToken} from "./support/BadTokens.sol";
import {IFlotillaSettlement as I} from "../src/interfaces/IFlotillaSettlement.sol";

contract DeploymentTest is Fixture {
    uint64 private constant TEN_YEARS = 3650 days;

    function settlementWith(bytes memory args) private view returns (bytes memory creation) {
        return bytes.concat(vm.getCode("FlotillaSettlement.sol:FlotillaSettlement"), args);
    }

    function accept(string memory what, bytes memory args) private {
        (address made,) = create(settlementWith(args));
        yes(what, made != address(0));
    }

    function refuseParameter(bytes32 name, bytes memory args) private {
        refuseCreation(settlementWith(args), abi.encodeWithSelector(I.InvalidParameter.selector, name));
    }

    function test_parametersAreKept() public view {
        eq("token", address(s.token()), address(token));
        eq("lane thaw", s.laneThawSeconds(), LANE_THAW);
        eq("stake's token", address(k.token()), address(token));
        eq("stake's settlement", k.settlement(), address(s));
        eq("epoch", k.epochSeconds(), EPOCH);
        eq("evidence", k.evidenceSeconds(), EVIDENCE);
        eq("stake thaw", k.stakeThawSeconds(), STAKE_THAW);
        eq("penalty", k.minPenalty(), MIN_PENALTY);
    }

    function test_domainNamesChainAndSettlementContract() public {
        eq("domain", s.domainSeparator(), domainOf(31337, address(s)));
        vm.chainId(1337);
        eq("on another chain", s.domainSeparator(), domainOf(1337, address(s)));
    }

    function domainOf(uint256 chainId, address contract_) private pure returns (bytes32) {
        bytes32 domainType =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        return keccak256(abi.encode(domainType, keccak256("Flotilla"), keccak256("1"), chainId, contract_));
    }

    function test_tokensWithoutCodeOrSixDecimalsAreRefused() public {
        address odd = address(new OddDecimalsToken());
        refuseParameter("token", abi.encode(stranger, LANE_THAW, EPOCH, EVIDENCE, STAKE_THAW, MIN_PENALTY));
        refuseParameter("token", abi.encode(odd, LANE_THAW, EPOCH, EVIDENCE, STAKE_THAW, MIN_PENALTY));
    }

    function test_periodsOutOfRangeAreRefused() public {
        address t = address(token);
        uint64 long = TEN_YEARS + 1;
        refuseParameter("laneThawSeconds", abi.encode(t, 0, EPOCH, EVIDENCE, STAKE_THAW, MIN_PENALTY));
        refuseParameter("laneThawSeconds", abi.encode(t, long, EPOCH, EVIDENCE, STAKE_THAW, MIN_PENALTY));
        refuseParameter("epochSeconds", abi.encode(t, LANE_THAW, 0, EVIDENCE, STAKE_THAW, MIN_PENALTY));
        refuseParameter("epochSeconds", abi.encode(t, LANE_THAW, long, EVIDENCE, STAKE_THAW, MIN_PENALTY));
        refuseParameter("evidenceSeconds", abi.encode(t, LANE_THAW, EPOCH, 0, STAKE_THAW, MIN_PENALTY));
        refuseParameter("evidenceSeconds", abi.encode(t, LANE_THAW, EPOCH, long, STAKE_THAW, MIN_PENALTY));
        uint64 short = EVIDENCE + 2 * EPOCH - 1;
        refuseParameter("stakeThawSeconds", abi.encode(t, LANE_THAW, EPOCH, EVIDENCE, short, MIN_PENALTY));
        refuseParameter("stakeThawSeconds", abi.encode(t, LANE_THAW, EPOCH, EVIDENCE, long, MIN_PENALTY));
        refuseParameter("minPenalty", abi.encode(t, LANE_THAW, EPOCH, EVIDENCE, STAKE_THAW, 0));
    }

    function test_theEndsOfTheRangesAreAccepted() public {
        address t = address(token);
        accept("least", abi.encode(t, 1, 1, 1, 3, 1));
        accept("longest lane thaw", abi.encode(t, TEN_YEARS, 1, 1, TEN_YEARS, type(uint64).max));
        // Each at its own longest, as far as the thaw of the stake can still be longer than both.
        accept("evidence", abi.encode(t, 1, 1, TEN_YEARS - 2, TEN_YEARS, 1));
        accept("epoch", abi.encode(t, 1, (TEN_YEARS - 2) / 2, 2, TEN_YEARS, 1));
    }

    // An epoch of exactly ten years passes its own check and fails at that of the stake's thaw.
    function test_limitOfAPeriodIsTenYears() public {
        address t = address(token);
        refuseParameter("stakeThawSeconds", abi.encode(t, 1, TEN_YEARS, 1, TEN_YEARS, 1));
        refuseParameter("stakeThawSeconds", abi.encode(t, 1, 1, TEN_YEARS, TEN_YEARS, 1));
    }

    function testFuzz_stakeThawIsLongerThanEvidenceAndTwoEpochs(uint64 epoch, uint64 evidence, uint64 thaw) public {
        epoch = uint64(bound(epoch, 1, TEN_YEARS));
        evidence = uint64(bound(evidence, 1, TEN_YEARS));
        thaw = uint64(bound(thaw, 0, TEN_YEARS));
        bytes memory args = abi.encode(token, LANE_THAW, epoch, evidence, thaw, MIN_PENALTY);
        if (thaw >= evidence + 2 * epoch) accept("made", args);
        else refuseParameter("stakeThawSeconds", args);
    }

    function test_testTokenIsForLocalChainsOnly() public {
        eq("decimals", token.decimals(), 6);
        bytes memory creation = vm.getCode("TestToken.sol:TestToken");
        vm.chainId(1337);
        (address made,) = create(creation);
        yes("on 1337", made != address(0));
        vm.chainId(1);
        refuseCreation(creation, abi.encodeWithSignature("LocalChainsOnly(uint256)", 1));
    }
}
