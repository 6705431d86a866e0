// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./support/Fixture.sol";
import {OddDecimalsToken} from "./support/BadTokens.sol";
import {IFlotillaSettlement as I} from "../src/interfaces/IFlotillaSettlement.sol";

contract DeploymentTest is Fixture {
    function refuseParameter(bytes32 name, bytes memory args) private {
        bytes memory code = vm.getCode("FlotillaSettlement.sol:FlotillaSettlement");
        bytes memory creation = bytes.concat(code, args);
        vm.expectRevert(abi.encodeWithSelector(I.InvalidParameter.selector, name));
        assembly {
            pop(create(0, add(creation, 32), mload(creation)))
        }
    }

    function test_parametersAreKept() public view {
        eq("token", address(s.token()), address(token));
        eq("epoch", s.epochSeconds(), EPOCH);
        eq("stake thaw", s.stakeThawSeconds(), STAKE_THAW);
        eq("lane thaw", s.laneThawSeconds(), LANE_THAW);
        eq("cap", s.capBps(), CAP_BPS);
        bytes32 domainType =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 want = keccak256(abi.encode(domainType, keccak256("Flotilla"), keccak256("1"), 31337, address(s)));
        eq("domain", s.domainSeparator(), want);
    }

    function test_parametersOutOfRangeAreRefused() public {
        address t = address(token);
        uint64 tooLong = 3650 days + 1;
        refuseParameter("token", abi.encode(stranger, EPOCH, STAKE_THAW, LANE_THAW, CAP_BPS));
        refuseParameter("token", abi.encode(new OddDecimalsToken(), EPOCH, STAKE_THAW, LANE_THAW, CAP_BPS));
        refuseParameter("epochSeconds", abi.encode(t, 0, STAKE_THAW, LANE_THAW, CAP_BPS));
        refuseParameter("epochSeconds", abi.encode(t, tooLong, tooLong, LANE_THAW, CAP_BPS));
        refuseParameter("stakeThawSeconds", abi.encode(t, EPOCH, EPOCH - 1, LANE_THAW, CAP_BPS));
        refuseParameter("stakeThawSeconds", abi.encode(t, EPOCH, tooLong, LANE_THAW, CAP_BPS)); // finding 7
        refuseParameter("laneThawSeconds", abi.encode(t, EPOCH, STAKE_THAW, 0, CAP_BPS));
        refuseParameter("laneThawSeconds", abi.encode(t, EPOCH, STAKE_THAW, tooLong, CAP_BPS));
        refuseParameter("capBps", abi.encode(t, EPOCH, STAKE_THAW, LANE_THAW, 0));
    }

    function test_testTokenRefusesOtherChains() public {
        eq("decimals", token.decimals(), 6);
        bytes memory creation = vm.getCode("TestToken.sol:TestToken");
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSignature("LocalChainsOnly(uint256)", 1));
        assembly {
            pop(create(0, add(creation, 32), mload(creation)))
        }
    }
}
