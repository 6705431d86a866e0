// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Proofs} from "./support/Proofs.sol";
import {Advert, LaneTotal, Order, Receipt, SettlementBatch, Voucher} from "../src/Messages.sol";

/// @dev Gas of whole transactions (run with --isolate: 21,000 + calldata + execution) and sizes of code.
/// forge writes the figures to cache/snapshots/Gas.json; tools/gas-gate compares them with snapshots/Gas.json.
/// The bars asserted here are absolute: no update of that file moves them.
contract GasTest is Proofs {
    string private constant GROUP = "Gas";

    error TooExpensive(string what, uint256 got, uint256 bar);

    function snapshot(string memory name) private returns (uint256) {
        return vm.snapshotGasLastCall(GROUP, name);
    }

    function atMost(string memory what, uint256 got, uint256 bar) private pure {
        if (got > bar) revert TooExpensive(what, got, bar);
    }

    function label(uint256 n) private pure returns (string memory) {
        return n == 1 ? "_001" : n == 10 ? "_010" : "_100";
    }

    // --------------------------------------------------------------- settlement

    /// @dev Ascending, with no zero bytes: what calldata of real addresses costs.
    function payee(uint256 i) private pure returns (address) {
        return address(uint160(0x1234567890123456789012345678901234561111) + uint160(i));
    }

    function lanes(uint256 n, uint128 total) private pure returns (LaneTotal[] memory out) {
        out = new LaneTotal[](n);
        for (uint256 i; i < n; ++i) {
            out[i] = LaneTotal(payee(i), total);
        }
    }

    function batchOf(uint64 epoch, uint256 n, uint128 total) private view returns (SettlementBatch memory b) {
        b = batch(0, epoch, lanes(n, total));
        b.receiptCount = 10_000;
    }

    /// @dev n staked payees with escrow, each paid before: their slots are not zero, as all the time but the first.
    function prepare(uint256 n) private {
        address[] memory payees = new address[](n);
        uint128[] memory amounts = new uint128[](n);
        for (uint256 i; i < n; ++i) {
            (payees[i], amounts[i]) = (payee(i), 100 * USD);
            fund(payee(i));
            stake(payee(i), 100 * USD);
        }
        vm.prank(payer);
        s.depositMany(payees, amounts);
        snapshot(string.concat("depositMany", label(n)));
        settleBatch(batchOf(1, n, 1));
        snapshot(string.concat("settleBatch", label(n), "_firstTime"));
    }

    function settleBatches(uint256 n) private returns (uint256 gas_) {
        deposit(payer, op, 1); // the settlement contract holds tokens all the time
        prepare(n);
        settleBatch(batchOf(2, n, 2 * USD));
        gas_ = snapshot(string.concat("settleBatch", label(n)));
        SettlementBatch memory b = batchOf(3, n, 3 * USD);
        bytes memory signature = sign(payerKeys[0], digest(b));
        vm.prank(stranger);
        s.settleBatch(b, signature);
        atMost(
            "settleBatch of up to 100, signed", snapshot(string.concat("settleBatch", label(n), "_signed")), 1_800_000
        );
    }

    function test_settleBatch1() public {
        settleBatches(1);
    }

    function test_settleBatch10() public {
        uint256 gas_ = settleBatches(10);
        atMost("per receipt, 10,000 receipts of 10 operators, times 10,000", gas_, 21 * 10_000);
    }

    function test_settleBatch100() public {
        uint256 hundred = settleBatches(100);
        atMost("settleBatch of 100", hundred, 1_800_000);
        settleBatch(batchOf(4, 10, 4 * USD));
        uint256 ten = vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue(GROUP, "settleBatch_furtherLane", (hundred - ten) / 90);
        atMost("a further lane", (hundred - ten) / 90, 18_000);
    }

    function test_settleVoucher() public {
        prepare(1);
        Voucher memory v = Voucher(payer, payee(0), 2 * USD, 7);
        bytes memory signature = sign(payerKeys[0], digest(v));
        vm.prank(payee(0));
        s.settleVoucher(v, signature);
        atMost("settleVoucher", snapshot("settleVoucher"), 50_000);
        vm.prank(payee(0));
        s.claim(payee(0));
        snapshot("claim");
    }

    // -------------------------------------------------------------------- proofs

    /// @dev Each is the operator's first penalty; payer and reporter were never credited before. In a transaction of
    /// its own every slot is cold.
    function checkProof(string memory name) private {
        atMost(name, snapshot(name), 160_000);
    }

    function prepareProof() private returns (Advert memory a) {
        deposit(payer, op, 1);
        return advert(0, 1);
    }

    function test_proveAdvertBreach() public {
        Advert memory a = prepareProof();
        proveAdvertBreach(overcharge(a, 1), a);
        checkProof("proveAdvertBreach");
    }

    function test_proveOrderBreach() public {
        Order memory o = order(0, prepareProof(), 1);
        Receipt memory r = receipt(o);
        r.amount = o.maxAmount + 1;
        proveOrderBreach(r, o);
        checkProof("proveOrderBreach");
    }

    function test_proveDoubleReceipt() public {
        Order memory o = order(0, prepareProof(), 1);
        Receipt memory other = receipt(o);
        other.laneSeq = 2;
        proveDoubleReceipt(receipt(o), other);
        checkProof("proveDoubleReceipt");
    }

    function test_proveAdvertEquivocation() public {
        Advert memory a = prepareProof();
        Advert memory b = advert(0, 1);
        b.perRequest += 1;
        proveAdvertEquivocation(a, b);
        checkProof("proveAdvertEquivocation");
    }

    // ------------------------------------------------- stake, escrow and signers

    function test_stake() public {
        op = operators[1];
        stake(op, USD);
        snapshot("stake_firstTime");
        stake(op, USD);
        snapshot("stake");
        thawStake(op, USD);
        snapshot("thawStake");
        skipTime(STAKE_THAW);
        vm.prank(op);
        k.withdrawStake();
        snapshot("withdrawStake");
    }

    function test_escrow() public {
        deposit(payer, op, USD);
        snapshot("deposit_firstTime");
        deposit(payer, op, USD);
        snapshot("deposit");
        vm.prank(payer);
        s.thaw(op, USD);
        snapshot("thaw");
        skipTime(LANE_THAW);
        vm.prank(payer);
        s.withdraw(op);
        snapshot("withdraw");
    }

    function test_signers() public {
        uint256 key = uint256(keccak256("signer"));
        address signer = authorize(payer, key);
        snapshot("authorizeSigner");
        vm.prank(payer);
        s.thawSigner(signer);
        snapshot("thawSigner");
    }

    // ---------------------------------------------------------------------- code

    function test_sizes() public {
        uint256 settlement = address(s).code.length;
        uint256 stake_ = address(k).code.length;
        vm.snapshotValue(GROUP, "runtimeBytes_FlotillaSettlement", settlement);
        vm.snapshotValue(GROUP, "runtimeBytes_FlotillaStake", stake_);
        atMost("bytes of FlotillaSettlement", settlement, 12_288);
        atMost("bytes of FlotillaStake", stake_, 12_288);
    }
}
