// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ActionsBase, Kind} from "./ActionsBase.sol";
import {IFlotillaStake as K} from "../../src/interfaces/IFlotillaStake.sol";
import {Advert, Order, Receipt} from "../../src/Messages.sol";

/// @dev Proofs of contradictions. The last three operators sign anything; the first two are honest, and what they
/// are accused with is what they really signed, mixed with what others forge.
abstract contract ActionsFaults is ActionsBase {
    uint256 internal constant HONEST = 2;
    uint256 private constant KEPT = 12; // honest deeds a run and operator

    struct Proof {
        address operator;
        bytes call;
        bytes twin;
    }

    /// @dev One thing that an honest operator did: everything it signed for it.
    struct Deed {
        Advert advert;
        Order order;
        Receipt receipt;
        bytes advertSignature;
        bytes receiptSignature;
    }

    mapping(Kind => Proof) private _lastProof;
    mapping(uint256 operator => Deed[]) private _deeds;
    uint64 private _nextSeq = 100;
    uint256 private _nextNonce = 100;

    // ------------------------------------------------------------------- proofs

    function doProveAdvertBreach(uint256 who, uint256 seed) public inTime {
        if (replayed(Kind.ProveAdvertBreach, who, seed)) return;
        Advert memory a = anyAdvert(seed);
        Receipt memory r = receipt(order(who % 5, a, seed % 1024));
        (r.inputTokens, r.outputTokens) = (uint32(seed >> 32) % 5000, uint32(seed >> 64) % 5000);
        uint256 way = (seed >> 8) % 24;
        uint256 due = model.price(a, r.inputTokens, r.outputTokens);
        r.amount = uint128(due + (way < 12 ? excess(seed) : 0));
        r.servedAt = a.validFrom + (a.validTo - a.validFrom) * uint64(way % 3) / 2; // first, middle, last moment
        if (way == 13 && r.amount != 0) --r.amount;
        if (way == 14 || way == 15) r.servedAt = a.validFrom - 1;
        if (way == 16 || way == 17) r.servedAt = a.validTo + 1;
        if (way == 17) r.amount = 0;
        if (way == 18) (r.amount, r.advert) = (r.amount + 1, keccak256("another advert"));
        if (way == 19) r.amount = type(uint128).max;
        if (way == 20) r.payer = address(0);
        uint256 key = keyOf(r.payee);
        if (way == 21) {
            // Its own signature under an advert in another's name.
            (a.operator, r.amount) = (operators[0], r.amount + 1);
            r.advert = digest(a);
        }
        bytes memory rSig = maybeSigned(key, digest(r), mix(seed, "receipt"));
        bytes memory aSig = maybeSigned(key, digest(a), mix(seed, "advert"));
        proveAdvertBreach(Kind.ProveAdvertBreach, anyActor(who >> 8), r, rSig, a, aSig);
    }

    function doProveOrderBreach(uint256 who, uint256 seed) public inTime {
        if (replayed(Kind.ProveOrderBreach, who, seed)) return;
        Order memory o = order(who % 5, anyAdvert(seed), seed % 1024);
        o.maxAmount = uint128((seed >> 32) % (unit / 8));
        Receipt memory r = receipt(o);
        uint256 way = (seed >> 8) % 24;
        (r.inputTokens, r.outputTokens, r.servedAt) = (o.maxInputTokens, o.maxOutputTokens, o.deadline);
        r.amount = uint128(o.maxAmount + (way < 10 ? excess(seed) : 0));
        if (way == 10 || way == 11) ++r.inputTokens;
        if (way == 12 || way == 13) ++r.outputTokens;
        if (way == 14 || way == 15) ++r.servedAt;
        if (way == 15) r.amount = 0;
        if (way == 16) (r.amount, r.request) = (r.amount + 1, keccak256("another order"));
        if (way == 17) r.amount = type(uint128).max;
        if (way == 18) (r.amount, r.payer) = (r.amount + 1, payers[(who % 5 + 1) % 5]);
        bytes memory sig = maybeSigned(keyOf(r.payee), digest(r), mix(seed, "receipt"));
        proveOrderBreach(Kind.ProveOrderBreach, anyActor(who >> 8), r, sig, o);
    }

    function doProveDoubleReceipt(uint256 who, uint256 seed) public inTime {
        if (replayed(Kind.ProveDoubleReceipt, who, seed)) return;
        Advert memory a = anyAdvert(seed);
        Receipt memory r = receipt(order(who % 5, a, seed % 8)); // few orders: the same one comes again
        r.amount = uint128(excess(seed));
        Receipt memory r2 = receipt(order(who % 5, a, seed % 8));
        (r2.amount, r2.payer) = (uint128(excess(seed >> 64)), anyActor(seed >> 128));
        uint256 way = (seed >> 8) % 16;
        if (way == 0) r2 = r;
        if (way == 1) r2.request = keccak256("another order");
        if (way == 2) (r.amount, r2.amount) = (r2.amount, r2.amount); // equal amounts: the first one's payer
        if (way == 3) (r.amount, r2.amount) = (0, 0);
        bytes memory sig = maybeSigned(keyOf(r.payee), digest(r), mix(seed, "first"));
        if (way == 4) r2.payee = operators[0];
        bytes memory sig2 = maybeSigned(keyOf(r.payee), digest(r2), mix(seed, "second"));
        proveDoubleReceipt(Kind.ProveDoubleReceipt, anyActor(who >> 8), r, sig, r2, sig2);
    }

    function doProveAdvertEquivocation(uint256 who, uint256 seed) public inTime {
        if (replayed(Kind.ProveAdvertEquivocation, who, seed)) return;
        Advert memory a = anyAdvert(seed);
        a.seq = uint64(seed % 16); // few numbers: the same one comes again
        Advert memory b = anyAdvert(seed);
        b.seq = a.seq;
        uint256 way = (seed >> 8) % 24;
        if (way != 0) b.perRequest += 1;
        if (way == 1) b.seq += 1;
        if (way == 2) b.node = keccak256("another node");
        if (way == 3) b.model = "another model";
        if (way == 4) b.quantization = "another quantization";
        if (way == 5) b.runtime = "another runtime";
        if (way == 6) b.tokenCounting = "another way of counting"; // not part of the offer
        bytes memory sig = maybeSigned(keyOf(a.operator), digest(a), mix(seed, "first"));
        if (way == 7) b.operator = operators[0];
        bytes memory sig2 = maybeSigned(keyOf(a.operator), digest(b), mix(seed, "second"));
        proveAdvertEquivocation(Kind.ProveAdvertEquivocation, anyActor(who >> 8), a, sig, b, sig2);
    }

    /// @dev Of an operator that is not honest, with prices that need rounding.
    function anyAdvert(uint256 seed) private view returns (Advert memory a) {
        a = advert(HONEST + (seed >> 200) % 3, uint64(seed % 64));
        (a.inputPerMTok, a.outputPerMTok) = (uint64((seed >> 96) % 3e6), uint64((seed >> 128) % 3e6));
        a.perRequest = uint64((seed >> 160) % 1000);
    }

    /// @dev One unit too much, a little (the least penalty applies), or so much that it may cost all stake.
    function excess(uint256 seed) private view returns (uint256) {
        if (seed % 3 == 0) return 1 + (seed >> 16) % 1000;
        return 1 + (seed >> 16) % (unit / (seed % 3 == 1 ? 16 : 128));
    }

    // ----------------------------------------------------------------- accusing

    /// @dev Lets an honest operator do an honest deed, then accuses it with what it has signed so far, whole,
    /// recombined, changed, or beside messages that the accuser signs in its name.
    function doAccuse(uint256 who, uint256 seed) public inTime {
        uint256 op = who % HONEST;
        if (_deeds[op].length < KEPT) doHonestDeed(op, mix(seed, "deed"));
        Deed memory x = _deeds[op][(seed >> 8) % _deeds[op].length];
        Deed memory y = _deeds[op][(seed >> 16) % _deeds[op].length];
        forge_(x, y, seed >> 24);
        address from = anyActor(who >> 8);
        uint256 way = seed % 4;
        if (way == 0) proveAdvertBreach(Kind.Accuse, from, x.receipt, x.receiptSignature, y.advert, y.advertSignature);
        if (way == 1) proveOrderBreach(Kind.Accuse, from, x.receipt, x.receiptSignature, y.order);
        if (way == 2) {
            proveDoubleReceipt(Kind.Accuse, from, x.receipt, x.receiptSignature, y.receipt, y.receiptSignature);
        }
        if (way == 3) {
            proveAdvertEquivocation(Kind.Accuse, from, x.advert, x.advertSignature, y.advert, y.advertSignature);
        }
    }

    /// @dev What an accuser can do without the operator's key. Half of the time it changes nothing.
    function forge_(Deed memory x, Deed memory y, uint256 seed) private view {
        uint256 key = seed % 2 == 0 ? payerKeys[(seed >> 8) % 5] : operatorKeys[HONEST + (seed >> 8) % 3];
        uint256 way = (seed >> 16) % 16;
        if (way == 0) x.receipt.amount += 1e6;
        if (way == 1) x.receipt.servedAt += 365 days;
        if (way == 2) y.advert.perRequest = 0;
        if (way == 3) y.order.maxAmount = 0; // the payer's own word, after the fact
        if (way == 4) x.receipt.payee = vm.addr(key);
        if (way == 5) y.advert.operator = vm.addr(key);
        if (way == 6) y.receipt.payee = vm.addr(key);
        if (way < 2 || way == 4) x.receiptSignature = sign(key, digest(x.receipt));
        if (way == 2 || way == 5) y.advertSignature = sign(key, digest(y.advert));
        if (way == 6) y.receiptSignature = sign(key, digest(y.receipt));
        if (way == 7) (x.receiptSignature, y.advertSignature) = (y.advertSignature, x.receiptSignature);
    }

    /// @dev A new advert or the last one's, an order with odd limits, and the receipt that fits both exactly.
    function doHonestDeed(uint256 op, uint256 seed) private {
        Deed memory d;
        uint256 n = _deeds[op].length;
        d.advert = advert(op, _nextSeq++);
        (d.advert.inputPerMTok, d.advert.outputPerMTok) = (uint64(seed % 3e6), uint64((seed >> 32) % 3e6));
        if (n != 0 && seed % 2 == 0 && _deeds[op][n - 1].advert.validTo >= now_()) d.advert = _deeds[op][n - 1].advert;
        d.order = order((seed >> 8) % 5, d.advert, _nextNonce++);
        (d.order.maxInputTokens, d.order.maxOutputTokens) = (uint32((seed >> 64) % 3000), uint32((seed >> 96) % 3000));
        d.order.maxAmount = uint128((seed >> 128) % 10_000);
        if (seed % 8 == 0) d.order.deadline = now_();
        d.receipt = receipt(d.order);
        (d.receipt.inputTokens, d.receipt.outputTokens) = (d.order.maxInputTokens, d.order.maxOutputTokens);
        uint256 price = model.price(d.advert, d.receipt.inputTokens, d.receipt.outputTokens);
        d.receipt.amount = uint128(price < d.order.maxAmount ? price : d.order.maxAmount);
        (d.advertSignature, d.receiptSignature) = (signed(d.advert), signed(d.receipt));
        _deeds[op].push(d);
    }

    // --------------------------------------------------------------- submitting

    function proveAdvertBreach(
        Kind kind,
        address from,
        Receipt memory r,
        bytes memory rSig,
        Advert memory a,
        bytes memory aSig
    ) private {
        address to = bountyTo(rSig);
        bytes memory call = abi.encodeCall(k.proveAdvertBreach, (r, rSig, a, aSig, to));
        bytes memory twin =
            abi.encodeCall(model.proveAdvertBreach, (r, asSigned(digest(r), rSig), a, asSigned(digest(a), aSig), to));
        submit(kind, from, r.payee, call, twin);
    }

    function proveOrderBreach(Kind kind, address from, Receipt memory r, bytes memory rSig, Order memory o) private {
        address to = bountyTo(rSig);
        bytes memory call = abi.encodeCall(k.proveOrderBreach, (r, rSig, o, to));
        bytes memory twin = abi.encodeCall(model.proveOrderBreach, (r, asSigned(digest(r), rSig), o, digest(o), to));
        submit(kind, from, r.payee, call, twin);
    }

    function proveDoubleReceipt(
        Kind kind,
        address from,
        Receipt memory a,
        bytes memory aSig,
        Receipt memory b,
        bytes memory bSig
    ) private {
        address to = bountyTo(aSig);
        bytes memory call = abi.encodeCall(k.proveDoubleReceipt, (a, aSig, b, bSig, to));
        bytes memory twin =
            abi.encodeCall(model.proveDoubleReceipt, (a, asSigned(digest(a), aSig), b, asSigned(digest(b), bSig), to));
        submit(kind, from, a.payee, call, twin);
    }

    function proveAdvertEquivocation(
        Kind kind,
        address from,
        Advert memory a,
        bytes memory aSig,
        Advert memory b,
        bytes memory bSig
    ) private {
        address to = bountyTo(aSig);
        bytes memory call = abi.encodeCall(k.proveAdvertEquivocation, (a, aSig, b, bSig, to));
        bytes memory twin = abi.encodeCall(
            model.proveAdvertEquivocation, (a, asSigned(digest(a), aSig), b, asSigned(digest(b), bSig), to)
        );
        submit(kind, from, a.operator, call, twin);
    }

    /// @dev Anyone may get the bounty, the operator too; the zero address may not.
    function bountyTo(bytes memory signature) private view returns (address) {
        uint256 seed = uint256(keccak256(signature));
        return seed % 32 == 0 ? address(0) : anyActor(seed >> 8);
    }

    function submit(Kind kind, address from, address operator, bytes memory call, bytes memory twin) private {
        uint256 noFaults = refused[K.NoFault.selector];
        bool ok = both(kind, from, operator, call, twin);
        if (kind != Kind.Accuse) {
            if (ok) _lastProof[kind] = Proof(operator, call, twin);
            return;
        }
        yes(
            "an accusation of an honest operator is refused",
            !ok || operator != operators[0] && operator != operators[1]
        );
        if (refused[K.NoFault.selector] != noFaults) ++done[uint256(Kind.Accuse)];
    }

    /// @dev Now and then brings the last good proof of this kind once more.
    function replayed(Kind kind, uint256 who, uint256 seed) private returns (bool) {
        Proof memory last = _lastProof[kind];
        if (last.call.length == 0 || seed % 8 != 0) return false;
        both(kind, anyActor(who >> 8), last.operator, last.call, last.twin);
        return true;
    }
}
