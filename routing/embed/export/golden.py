"""Writes golden piece ids and fp32 vectors for the Go tests. usage: golden.py OUT.json

Ids come from the Hugging Face tokenizer, vectors from a forward pass in float64 written here on its own, so
the Go code is compared with neither itself nor the ONNX graph.
"""
import json
import math
import sys

import numpy as np
from tokenizers import Tokenizer

import minilm
from minilm import HEADS, HIDDEN, LAYERS, MAX_TOKENS

TEXTS = [
    "",
    "hello world",
    "What is the capital of France?",
    "naïve café — résumé, ÀÉÎÕÜ ñ",
    "日本語のテキストと漢字、カタカナ",
    "Привет, как дела? Всё хорошо.",
    "مرحبا بالعالم",
    "안녕하세요 세계",
    "def quicksort(xs):\n\tif len(xs) < 2: return xs\n\tp, *r = xs\n\treturn quicksort([x for x in r if x < p]) + [p]",
    "Evaluate \\int_0^\\infty e^{-x^2} dx and show that it equals √π/2.",
    "🎉 party 👩‍👩‍👧 emoji 🏳️‍🌈",
    "Question:\u00a0Natalia sold 48 clips in April\u200b and half as many in May.",
    "Straße İstanbul ǅ ﬁne Å ½ ①",
    "supercalifragilisticexpialidocious " + "a" * 101 + " " + "b" * 100,
    "tokens with \u0000 a zero, \ufffd a replacement and \u0007 a bell",
    " ".join(f"word{i}" for i in range(200)),
]


def erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf)(x)


def norm(x, w, p):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12) * w[p + ".weight"] + w[p + ".bias"]


def embed(w: dict[str, np.ndarray], ids: list[int]) -> np.ndarray:
    e = "embeddings."
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][: len(ids)] + w[e + "token_type_embeddings.weight"][0]
    x = norm(x, w, e + "LayerNorm")
    linear = lambda x, p: x @ w[p + ".weight"].T + w[p + ".bias"]
    heads = lambda y: y.reshape(len(ids), HEADS, HIDDEN // HEADS).transpose(1, 0, 2)
    for i in range(LAYERS):
        p = f"encoder.layer.{i}."
        q, k, v = (heads(linear(x, p + "attention.self." + n)) for n in ("query", "key", "value"))
        s = q @ k.transpose(0, 2, 1) / math.sqrt(HIDDEN // HEADS)
        s = np.exp(s - s.max(-1, keepdims=True))
        c = (s / s.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(ids), HIDDEN)
        x = norm(x + linear(c, p + "attention.output.dense"), w, p + "attention.output.LayerNorm")
        y = linear(x, p + "intermediate.dense")
        x = norm(x + linear(y * 0.5 * (1 + erf(y / math.sqrt(2))), p + "output.dense"), w, p + "output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def main() -> None:
    w = {k: v.astype(np.float64) for k, v in minilm.load().items()}
    tokenizer = Tokenizer.from_file(str(minilm.model_dir() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    rows = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        rows.append({"text": text, "ids": ids, "vector": [round(float(v), 7) for v in embed(w, ids)]})
    with open(sys.argv[1], "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")


if __name__ == "__main__":
    main()
