"""Writes the int8 weight file that package embed carries. usage: quantize.py OUT

Layout (little endian; see weights.go, which reads it):
  magic "FLOTMLM1"; uint32 x 8: layers, hidden, heads, intermediate, vocab, positions, panel, group; sha256 of all that follows
  uint32 length + vocabulary (one piece a line), zero-padded to 4 bytes
  word embedding: float32 scale[vocab]; int8 [vocab][hidden]
  position embedding with token type 0 added: float32 [positions][hidden]; embedding LayerNorm: float32 gamma, beta
  per layer: linear qkv, linear attention-output, LayerNorm, linear up, linear down, LayerNorm
  linear: float32 bias[N]; float32 scale[N/panel][K/group][panel]; int8 [N/panel][K][panel]
A weight is int8 * scale. Groups of 64 inputs share a scale: one scale for a whole row gave cosine 0.9955 to fp32 in the
worst text, 128 gave 0.9991, 64 gives 0.9994 and is what fits into 24 MB. 1/sqrt(head size) is folded into the query part of qkv. Panels keep `panel` output
channels side by side so that the kernels read the bytes in place, in order. Pure arithmetic: the same input
gives the same bytes on every machine.
"""
import hashlib
import struct
import sys

import numpy as np

import minilm
from minilm import HEADS, HIDDEN, INTERMEDIATE, LAYERS, MAX_TOKENS

PANEL, GROUP = 32, 64


def quantize(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 over the last axis, scale = maximum / 127 (a search for a clipped maximum gained nothing)."""
    scale = np.abs(blocks).max(axis=-1, keepdims=True).astype(np.float32) / np.float32(127)
    scale[scale == 0] = 1
    q = np.clip(np.round(blocks / scale), -127, 127).astype(np.int8)
    return q, scale[..., 0]


def linear(weight: np.ndarray, bias: np.ndarray) -> bytes:
    """weight is torch's [N][K]."""
    n, k = weight.shape
    q, scale = quantize(weight.reshape(n, k // GROUP, GROUP))
    q = q.reshape(n // PANEL, PANEL, k).transpose(0, 2, 1)
    scale = scale.reshape(n // PANEL, PANEL, k // GROUP).transpose(0, 2, 1)
    return floats(bias) + floats(scale) + np.ascontiguousarray(q).tobytes()


def floats(a: np.ndarray) -> bytes:
    return np.ascontiguousarray(a, dtype="<f4").tobytes()


def body(w: dict[str, np.ndarray]) -> bytes:
    vocab = (minilm.model_dir() / "vocab.txt").read_bytes()
    out = [struct.pack("<I", len(vocab)), vocab, b"\0" * (-len(vocab) % 4)]
    word, scale = quantize(w["embeddings.word_embeddings.weight"])
    out += [floats(scale), word.tobytes()]
    position = w["embeddings.position_embeddings.weight"][:MAX_TOKENS]
    out += [floats(position + w["embeddings.token_type_embeddings.weight"][0])]
    norm = lambda p: out.extend([floats(w[p + ".weight"]), floats(w[p + ".bias"])])
    norm("embeddings.LayerNorm")
    fold = np.float32(1 / np.sqrt(HIDDEN // HEADS))
    for i in range(LAYERS):
        p = f"encoder.layer.{i}."
        a = p + "attention.self."
        out.append(
            linear(
                np.concatenate([w[a + "query.weight"] * fold, w[a + "key.weight"], w[a + "value.weight"]]),
                np.concatenate([w[a + "query.bias"] * fold, w[a + "key.bias"], w[a + "value.bias"]]),
            )
        )
        out.append(linear(w[p + "attention.output.dense.weight"], w[p + "attention.output.dense.bias"]))
        norm(p + "attention.output.LayerNorm")
        out.append(linear(w[p + "intermediate.dense.weight"], w[p + "intermediate.dense.bias"]))
        out.append(linear(w[p + "output.dense.weight"], w[p + "output.dense.bias"]))
        norm(p + "output.LayerNorm")
    return b"".join(out)


def main() -> None:
    w = minilm.load()
    data = body(w)
    vocab = w["embeddings.word_embeddings.weight"].shape[0]
    head = b"FLOTMLM1" + struct.pack("<8I", LAYERS, HIDDEN, HEADS, INTERMEDIATE, vocab, MAX_TOKENS, PANEL, GROUP)
    head += hashlib.sha256(data).digest()
    with open(sys.argv[1], "wb") as f:
        f.write(head + data)
    print(f"{sys.argv[1]}: {len(head) + len(data)} bytes, sha256 {hashlib.sha256(head + data).hexdigest()}")


if __name__ == "__main__":
    main()
