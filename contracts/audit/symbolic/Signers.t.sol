// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Symbolic} from "./Symbolic.sol";
import {Voucher} from "../src/Messages.sol";

/// @dev Whose word moves a payer's money.
contract SignersProperties is Symbolic {
    /// @dev A voucher counts only when the payer, or a key bound to it that is not revoked, has signed its digest.
    function check_forgedVoucherIsRefused(address from, Voucher memory v, uint256 time) public {
        at(time);
        bytes memory signature = svm.createBytes(65, "signature");
        address signer = recover(digest(hasher.hash(v)), signature);
        (address payer, uint64 end) = s.signerOf(signer);
        bool entitled = signer != address(0)
            && (signer == v.payer || (payer == v.payer && payer != address(0) && (end == 0 || time < end)));
        vm.assume(!entitled);
        (bool ok,) = call(from, address(s), abi.encodeCall(s.settleVoucher, (v, signature)));
        assert(!ok);
    }

    /// @dev Once bound, a signer keeps its payer for ever, whatever anyone calls.
    function check_signerIsNeverRebound(address from, address signer) public {
        (address payer,) = s.signerOf(signer);
        vm.assume(payer != address(0));
        (bool ok,) = call(from, address(s), svm.createCalldata("IFlotillaSettlement"));
        vm.assume(ok);
        (address after_,) = s.signerOf(signer);
        assert(after_ == payer);
    }

    /// @dev Once revoked, a signer stays so: no call changes when it was. With the first property, it never counts again.
    function check_revokedSignerStaysRevoked(address from, address signer, uint256 time) public {
        at(time);
        (address payer, uint64 end) = s.signerOf(signer);
        vm.assume(payer != address(0) && end != 0 && time >= end);
        (bool ok,) = call(from, address(s), svm.createCalldata("IFlotillaSettlement"));
        vm.assume(ok);
        (, uint64 after_) = s.signerOf(signer);
        assert(after_ == end);
    }

    /// @dev A signer's thaw is not shortened either, so payees have its whole period to settle what it signed.
    function check_signerThawIsNeverShortened(address from, address signer, uint256 time) public {
        at(time);
        (, uint64 end) = s.signerOf(signer);
        (bool ok,) = call(from, address(s), svm.createCalldata("IFlotillaSettlement"));
        vm.assume(ok);
        (, uint64 after_) = s.signerOf(signer);
        assert(after_ == end || after_ == 0 || (end == 0 && after_ == time + LANE_THAW));
    }
}
