// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IFlotillaSettlement} from "../src/interfaces/IFlotillaSettlement.sol";
import {IFlotillaStake} from "../src/interfaces/IFlotillaStake.sol";
import {Voucher, Receipt} from "../src/Messages.sol";
import {MessageHash} from "../src/MessageHash.sol";

/// @dev The cheat codes of halmos that the properties use.
interface Hevm {
    function assume(bool) external pure;
    function chainId(uint256) external;
    function getCode(string calldata artifact) external view returns (bytes memory);
    function prank(address) external;
    function warp(uint256) external;
}

interface Svm {
    function createBytes(uint256 size, string calldata name) external pure returns (bytes memory);
    function createCalldata(string calldata contractName) external pure returns (bytes memory);
    function enableSymbolicStorage(address) external;
    function snapshotStorage(address) external returns (uint256);
}

/// @dev What `_checkSigner` sees of a message; a contract, because hashes are taken of calldata.
contract Hasher {
    function hash(Voucher calldata v) external pure returns (bytes32) {
        return MessageHash.hash(v);
    }

    function hash(Receipt calldata r) external pure returns (bytes32) {
        return MessageHash.hash(r);
    }
}

/// @dev The base of the properties. Both contracts run as the bytecode that is deployed, from any storage
/// whatever: halmos makes every slot a free variable. So a property is an induction step over all histories;
/// each states the bounds that it takes from others.
/// An assertion fails the property; a path that reverts outside of `call` is not looked at.
/// Signatures are free bytes and ecrecover is any function: logic is proved here, not cryptography.
abstract contract Symbolic {
    Hevm internal constant vm = Hevm(address(uint160(uint256(keccak256("hevm cheat code")))));
    Svm internal constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));

    uint64 internal constant LANE_THAW = 7 days;
    uint64 internal constant EPOCH = 1 days;
    uint64 internal constant EVIDENCE = 7 days;
    uint64 internal constant STAKE_THAW = 14 days;
    uint64 internal constant MIN_PENALTY = 1e6;
    uint256 internal constant MAX_HELD = type(uint72).max;

    IERC20 internal token;
    IFlotillaSettlement internal s;
    IFlotillaStake internal k;
    Hasher internal hasher;

    function setUp() public {
        vm.chainId(31337);
        token = IERC20(create("TestToken.sol:TestToken", ""));
        bytes memory args = abi.encode(token, LANE_THAW, EPOCH, EVIDENCE, STAKE_THAW, MIN_PENALTY);
        s = IFlotillaSettlement(create("FlotillaSettlement.sol:FlotillaSettlement", args));
        k = s.stakes();
        hasher = new Hasher();
        svm.enableSymbolicStorage(address(token));
        svm.enableSymbolicStorage(address(s));
        svm.enableSymbolicStorage(address(k));
    }

    function create(string memory artifact, bytes memory args) internal returns (address made) {
        bytes memory code = bytes.concat(vm.getCode(artifact), args);
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
        }
        require(made != address(0));
    }

    /// @dev Any time from now to far beyond every period.
    function at(uint256 time) internal {
        vm.assume(time < 2 ** 62);
        vm.warp(time);
    }

    function call(address from, address to, bytes memory data) internal returns (bool ok, bytes memory answer) {
        vm.prank(from);
        return to.call(data);
    }

    function digest(bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", s.domainSeparator(), structHash));
    }

    /// @dev Whose signature it is; zero where OpenZeppelin's check refuses it as malformed or high.
    function recover(bytes32 d, bytes memory signature) internal pure returns (address) {
        (bytes32 r, bytes32 ss, uint8 v) = parts(signature);
        if (uint256(ss) > 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0) return address(0);
        return ecrecover(d, v, r, ss);
    }

    function parts(bytes memory signature) internal pure returns (bytes32 r, bytes32 ss, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            ss := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
    }

    struct Lane {
        uint256 balance;
        uint256 collected;
        uint256 thawing;
        uint64 end;
    }

    function lane(address payer, address payee) internal view returns (Lane memory l) {
        (l.balance, l.collected, l.thawing, l.end) = s.laneOf(payer, payee);
    }

    function bonded(address operator) internal view returns (uint256) {
        (uint256 total, uint256 thawing,) = k.stakeOf(operator);
        return total - thawing;
    }

    function min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }
}
