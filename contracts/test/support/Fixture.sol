// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {Hashes} from "./Hashes.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IFlotillaSettlement} from "../../src/interfaces/IFlotillaSettlement.sol";
import {IFlotillaStake} from "../../src/interfaces/IFlotillaStake.sol";
import {Advert, Order, Receipt, Voucher, LaneTotal, SettlementBatch, SignerAuthorization} from "../../src/Messages.sol";

interface IMintable is IERC20 {
    function mint(address to, uint256 amount) external;
    function decimals() external view returns (uint8);
}

/// @dev A deployment with five funded payers and five funded operators, the operators in ascending order.
/// `payer` and `operator` arguments of type uint256 are indices into them.
abstract contract Fixture is Base {
    uint64 internal constant LANE_THAW = 7 days;
    uint64 internal constant EPOCH = 1 days;
    uint64 internal constant EVIDENCE = 7 days;
    uint64 internal constant STAKE_THAW = 14 days;
    uint64 internal constant MIN_PENALTY = 1e6;
    uint128 internal constant USD = 1e6;
    uint256 internal constant START = 20_000 * uint256(EPOCH); // the first second of an epoch
    uint256 internal constant FUNDS = 1_000_000 * uint256(USD);

    IMintable internal token;
    IFlotillaSettlement internal s;
    IFlotillaStake internal k;
    Hashes internal hashes;
    bytes32 internal domain;
    uint256[5] internal payerKeys;
    address[5] internal payers;
    uint256[5] internal operatorKeys;
    address[5] internal operators;
    address internal stranger = address(0xBEEF);

    function setUp() public virtual {
        vm.warp(START);
        token = IMintable(vm.deployCode("TestToken.sol:TestToken"));
        use(deploy(address(token)));
        hashes = new Hashes();
        for (uint256 i; i < payers.length; ++i) {
            payerKeys[i] = uint256(keccak256(abi.encode("payer", i)));
            payers[i] = vm.addr(payerKeys[i]);
            fund(payers[i]);
            operatorKeys[i] = uint256(keccak256(abi.encode("operator", i)));
        }
        sortOperators();
        for (uint256 i; i < operators.length; ++i) {
            fund(operators[i]);
        }
    }

    /// @dev Ascending, as the lanes of a batch must be.
    function sortOperators() private {
        for (uint256 i; i < operators.length; ++i) {
            (uint256 key, address who) = (operatorKeys[i], vm.addr(operatorKeys[i]));
            uint256 place = i;
            for (; place != 0 && operators[place - 1] > who; --place) {
                (operators[place], operatorKeys[place]) = (operators[place - 1], operatorKeys[place - 1]);
            }
            (operators[place], operatorKeys[place]) = (who, key);
        }
    }

    // -------------------------------------------------------------- deployment

    /// @dev From the artifact: with `new`, the compiler would optimise the contract again in each test.
    function deploy(address token_) internal returns (IFlotillaSettlement) {
        bytes memory args = abi.encode(token_, LANE_THAW, EPOCH, EVIDENCE, STAKE_THAW, MIN_PENALTY);
        return IFlotillaSettlement(vm.deployCode("FlotillaSettlement.sol:FlotillaSettlement", args));
    }

    /// @dev Makes `settlement` and its stake contract the ones that the helpers below work on.
    function use(IFlotillaSettlement settlement) internal {
        s = settlement;
        k = settlement.stakes();
        domain = settlement.domainSeparator();
    }

    /// @dev Gives tokens and allowances for both contracts.
    function fund(address who) internal {
        token.mint(who, FUNDS);
        vm.prank(who);
        token.approve(address(s), type(uint256).max);
        vm.prank(who);
        token.approve(address(k), type(uint256).max);
    }

    function skipTime(uint256 seconds_) internal {
        vm.warp(now_() + seconds_);
    }

    function now_() internal view returns (uint64) {
        return uint64(vm.getBlockTimestamp()); // block.timestamp may be cached by the optimizer
    }

    // ------------------------------------------------------------------- calls

    function stake(address operator, uint128 amount) internal {
        vm.prank(operator);
        k.stake(amount);
    }

    function thawStake(address operator, uint128 amount) internal {
        vm.prank(operator);
        k.thawStake(amount);
    }

    function deposit(address payer, address payee, uint128 amount) internal {
        vm.prank(payer);
        s.deposit(payee, amount);
    }

    function claim(address who, address to) internal {
        vm.prank(who);
        s.claim(to);
    }

    /// @dev The payer's own signature, sent by a stranger.
    function settle(uint256 payer, address payee, uint128 total) internal returns (uint256) {
        Voucher memory v = voucher(payer, payee, total);
        bytes memory signature = sign(payerKeys[payer], digest(v));
        vm.prank(stranger);
        return s.settleVoucher(v, signature);
    }

    /// @dev Sent by the payer itself, which needs no signature.
    function settleBatch(SettlementBatch memory b) internal returns (uint256) {
        vm.prank(b.payer);
        return s.settleBatch(b, "");
    }

    /// @dev Binds the key's address to the payer, with that key's consent.
    function authorize(address payer, uint256 signerKey) internal returns (address signer) {
        signer = vm.addr(signerKey);
        bytes memory proof = sign(signerKey, digest(SignerAuthorization(payer, signer, now_())));
        vm.prank(payer);
        s.authorizeSigner(signer, now_(), proof);
    }

    function balanceOf(address payer, address payee) internal view returns (uint256 balance) {
        (balance,,,) = s.laneOf(payer, payee);
    }

    function collectedOf(address payer, address payee) internal view returns (uint256 collected) {
        (, collected,,) = s.laneOf(payer, payee);
    }

    // ---------------------------------------------------------------- messages

    function voucher(uint256 payer, address payee, uint128 total) internal view returns (Voucher memory) {
        return Voucher(payers[payer], payee, total, 7);
    }

    function lanes1(address payee, uint128 total) internal pure returns (LaneTotal[] memory lanes) {
        lanes = new LaneTotal[](1);
        lanes[0] = LaneTotal(payee, total);
    }

    function batch(uint256 payer, uint64 epoch, LaneTotal[] memory lanes)
        internal
        view
        returns (SettlementBatch memory)
    {
        return SettlementBatch(payers[payer], epoch, 3, keccak256(abi.encode("root", payer, epoch)), lanes);
    }

    /// @dev 1 base unit an input token, 2 an output token, 100 a request; valid for a day from now.
    function advert(uint256 operator, uint64 seq) internal view returns (Advert memory a) {
        (a.operator, a.node, a.seq) = (operators[operator], keccak256(abi.encode("node", operator)), seq);
        (a.model, a.quantization, a.runtime) = ("llama-3.1-8b-instruct", "q4_k_m", "llama.cpp");
        a.tokenCounting = "llama.cpp usage";
        (a.inputPerMTok, a.outputPerMTok, a.perRequest) = (1e6, 2e6, 100);
        (a.maxContext, a.validFrom, a.validTo) = (8192, now_(), now_() + 1 days);
    }

    /// @dev At most 1000 tokens each way for at most 5000 base units, within an hour. `nonce` tells orders apart.
    function order(uint256 payer, Advert memory a, uint256 nonce) internal view returns (Order memory o) {
        (o.payer, o.payee, o.advert, o.nonce) = (payers[payer], a.operator, digest(a), bytes32(nonce));
        (o.maxInputTokens, o.maxOutputTokens, o.maxAmount) = (1000, 1000, 5000);
        (o.requestHash, o.decision) = (keccak256("request"), keccak256("decision"));
        o.deadline = now_() + 1 hours;
    }

    /// @dev 100 tokens in and 200 out now, at the advert's price: 600 base units.
    function receipt(Order memory o) internal view returns (Receipt memory r) {
        (r.request, r.payer, r.payee, r.advert) = (digest(o), o.payer, o.payee, o.advert);
        (r.laneSeq, r.inputTokens, r.outputTokens, r.amount) = (1, 100, 200, 600);
        (r.servedAt, r.requestHash) = (now_(), o.requestHash);
        (r.responseHash, r.decision) = (keccak256("response"), o.decision);
    }

    // -------------------------------------------------------------- signatures

    function digest(bytes32 structHash) internal view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domain, structHash);
    }

    function digest(Advert memory a) internal view returns (bytes32) {
        return digest(hashes.hash(a));
    }

    function digest(Order memory o) internal view returns (bytes32) {
        return digest(hashes.hash(o));
    }

    function digest(Receipt memory r) internal view returns (bytes32) {
        return digest(hashes.hash(r));
    }

    function digest(Voucher memory v) internal view returns (bytes32) {
        return digest(hashes.hash(v));
    }

    function digest(SettlementBatch memory b) internal view returns (bytes32) {
        return digest(hashes.hash(b));
    }

    function digest(SignerAuthorization memory a) internal view returns (bytes32) {
        return digest(hashes.hash(a));
    }

    function sign(uint256 key, bytes32 digest_) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 ss) = vm.sign(key, digest_);
        return abi.encodePacked(r, ss, v);
    }

    /// @dev The key of one of the five operators.
    function keyOf(address operator) internal view returns (uint256) {
        for (uint256 i; i < operators.length; ++i) {
            if (operators[i] == operator) return operatorKeys[i];
        }
        revert NotTrue("is one of the operators");
    }

    function signed(Advert memory a) internal view returns (bytes memory) {
        return sign(keyOf(a.operator), digest(a));
    }

    function signed(Receipt memory r) internal view returns (bytes memory) {
        return sign(keyOf(r.payee), digest(r));
    }

    // ---------------------------------------------------------------- refusals

    function refuses(bytes4 selector) internal {
        vm.expectRevert(selector);
    }

    function refuses(bytes memory err) internal {
        vm.expectRevert(err);
    }
}
