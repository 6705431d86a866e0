// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Advert, Order, Receipt, Voucher, SettlementBatch, SignerAuthorization} from "../../src/Messages.sol";
import {MessageHash} from "../../src/MessageHash.sol";

/// @dev The part of forge's cheat codes that is used here.
interface Vm {
    function chainId(uint256) external;
    function etch(address target, bytes calldata code) external;
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function parseJsonTypeArray(string calldata json, string calldata key, string calldata typeDescription)
        external
        pure
        returns (bytes memory);
}

/// @dev The domain of the settlement contract around the struct hashes that it uses.
contract Digests is EIP712("Flotilla", "1") {
    using MessageHash for *;

    function digest(Advert calldata m) external view returns (bytes32) {
        return _hashTypedDataV4(m.hash());
    }

    function digest(Order calldata m) external view returns (bytes32) {
        return _hashTypedDataV4(m.hash());
    }

    function digest(Receipt calldata m) external view returns (bytes32) {
        return _hashTypedDataV4(m.hash());
    }

    function digest(Voucher calldata m) external view returns (bytes32) {
        return _hashTypedDataV4(m.hash());
    }

    function digest(SettlementBatch calldata m) external view returns (bytes32) {
        return _hashTypedDataV4(m.hash());
    }

    function digest(SignerAuthorization calldata m) external view returns (bytes32) {
        return _hashTypedDataV4(m.hash());
    }
}

/// @dev Solidity's part of ../three-way.sh: the digest of every row of digests.json once more.
contract ThreeWayTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    struct Want {
        uint64 chainId;
        address verifyingContract;
        bytes32 digest;
    }

    error DigestDiffers(string list, uint256 row, bytes32 solidity, bytes32 others);
    error TooFewRows(string list, uint256 rows);

    string private json;
    bytes private code;

    function setUp() public {
        json = vm.readFile("vectors/digests.json");
        code = address(new Digests()).code;
    }

    /// @dev The rows of list `index` as an encoded array of messages, and what is expected of each.
    function rows(uint256 index, string memory name) private view returns (bytes memory messages, Want[] memory want) {
        string memory list = string.concat(".lists[", string(abi.encodePacked(bytes1(uint8(48 + index)))), "]");
        string memory found = vm.parseJsonString(json, string.concat(list, ".name"));
        require(keccak256(bytes(found)) == keccak256(bytes(name)), "the lists stand in another order");
        string memory typeString = vm.parseJsonString(json, string.concat(list, ".type"));
        list = string.concat(list, ".rows");
        messages = vm.parseJsonTypeArray(json, list, typeString);
        want = abi.decode(
            vm.parseJsonTypeArray(json, list, "Want(uint64 chainId,address verifyingContract,bytes32 digest)"), (Want[])
        );
        if (want.length < 150) revert TooFewRows(name, want.length);
    }

    /// @dev The contract at the row's place: its domain separator is that of chain and address.
    function place(Want memory want) private returns (Digests) {
        vm.chainId(want.chainId);
        vm.etch(want.verifyingContract, code);
        return Digests(want.verifyingContract);
    }

    function check(string memory list, uint256 row, bytes32 got, Want memory want) private pure {
        if (got != want.digest) revert DigestDiffers(list, row, got, want.digest);
    }

    function test_adverts() public {
        (bytes memory raw, Want[] memory want) = rows(0, "Advert");
        Advert[] memory all = abi.decode(raw, (Advert[]));
        for (uint256 i; i < all.length; ++i) {
            check("Advert", i, place(want[i]).digest(all[i]), want[i]);
        }
    }

    function test_orders() public {
        (bytes memory raw, Want[] memory want) = rows(1, "Order");
        Order[] memory all = abi.decode(raw, (Order[]));
        for (uint256 i; i < all.length; ++i) {
            check("Order", i, place(want[i]).digest(all[i]), want[i]);
        }
    }

    function test_receipts() public {
        (bytes memory raw, Want[] memory want) = rows(2, "Receipt");
        Receipt[] memory all = abi.decode(raw, (Receipt[]));
        for (uint256 i; i < all.length; ++i) {
            check("Receipt", i, place(want[i]).digest(all[i]), want[i]);
        }
    }

    function test_vouchers() public {
        (bytes memory raw, Want[] memory want) = rows(3, "Voucher");
        Voucher[] memory all = abi.decode(raw, (Voucher[]));
        for (uint256 i; i < all.length; ++i) {
            check("Voucher", i, place(want[i]).digest(all[i]), want[i]);
        }
    }

    function test_batches() public {
        (bytes memory raw, Want[] memory want) = rows(4, "SettlementBatch");
        SettlementBatch[] memory all = abi.decode(raw, (SettlementBatch[]));
        for (uint256 i; i < all.length; ++i) {
            check("SettlementBatch", i, place(want[i]).digest(all[i]), want[i]);
        }
    }

    function test_signerAuthorizations() public {
        (bytes memory raw, Want[] memory want) = rows(5, "SignerAuthorization");
        SignerAuthorization[] memory all = abi.decode(raw, (SignerAuthorization[]));
        for (uint256 i; i < all.length; ++i) {
            check("SignerAuthorization", i, place(want[i]).digest(all[i]), want[i]);
        }
    }
}
