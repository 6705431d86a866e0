"""Writes all-MiniLM-L6-v2 as a plain fp32 ONNX graph (opset 17) with the files a text encoder folder needs. usage: export_onnx.py DIR

Only operators that GoMLX's pure Go backend runs are used. The output is last_hidden_state [batch, sequence, 384];
mean pooling over the attention mask and L2 normalisation are the caller's.
"""
import pathlib
import shutil
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import minilm
from minilm import HEADS, HIDDEN, LAYERS


class Graph:
    """Collects nodes and constants; every method returns the name of its output."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self.weights, self.nodes, self.constants = weights, [], {}

    def const(self, name: str, value) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def op(self, kind: str, *inputs: str, **attributes) -> str:
        out = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], name=out, **attributes))
        return out

    def weight(self, name: str) -> str:
        return self.const(name, self.weights[name])

    def linear(self, x: str, p: str) -> str:
        w = self.const(p + ".weight.T", self.weights[p + ".weight"].T)
        return self.op("Add", self.op("MatMul", x, w), self.weight(p + ".bias"))

    def norm(self, x: str, p: str) -> str:
        return self.op("LayerNormalization", x, self.weight(p + ".weight"), self.weight(p + ".bias"), axis=-1, epsilon=1e-12)

    def embeddings(self) -> str:
        i64 = lambda name, *v: self.const(name, np.array(v, np.int64))
        length = self.op("Slice", self.op("Shape", "input_ids"), i64("one", 1), i64("two", 2), i64("zero", 0))
        position = self.op("Slice", self.weight("embeddings.position_embeddings.weight"), "zero", length, "zero")
        word = self.op("Gather", self.weight("embeddings.word_embeddings.weight"), "input_ids", axis=0)
        kind = self.op("Gather", self.weight("embeddings.token_type_embeddings.weight"), "token_type_ids", axis=0)
        return self.norm(self.op("Add", self.op("Add", word, kind), position), "embeddings.LayerNorm")

    def mask(self) -> str:
        wide = self.op("Unsqueeze", self.op("Cast", "attention_mask", to=TensorProto.FLOAT), self.const("axes", np.array([1, 2], np.int64)))
        off = self.op("Sub", self.const("f_one", np.array(1, np.float32)), wide)
        return self.op("Mul", off, self.const("f_mask", np.array(-1e9, np.float32)))

    def attention(self, x: str, p: str, mask: str) -> str:
        split = self.const("split", np.array([0, 0, HEADS, HIDDEN // HEADS], np.int64))
        heads = lambda y, perm: self.op("Transpose", self.op("Reshape", y, split), perm=perm)
        scale = self.const("f_scale", np.array(1 / np.sqrt(HIDDEN // HEADS), np.float32))
        q = heads(self.op("Mul", self.linear(x, p + "self.query"), scale), [0, 2, 1, 3])
        k = heads(self.linear(x, p + "self.key"), [0, 2, 3, 1])
        v = heads(self.linear(x, p + "self.value"), [0, 2, 1, 3])
        a = self.op("Softmax", self.op("Add", self.op("MatMul", q, k), mask), axis=-1)
        merge = self.const("merge", np.array([0, 0, HIDDEN], np.int64))
        c = self.op("Reshape", self.op("Transpose", self.op("MatMul", a, v), perm=[0, 2, 1, 3]), merge)
        return self.norm(self.op("Add", self.linear(c, p + "output.dense"), x), p + "output.LayerNorm")

    def feed_forward(self, x: str, p: str) -> str:
        y = self.linear(x, p + "intermediate.dense")
        half = self.op("Mul", y, self.const("f_half", np.array(0.5, np.float32)))
        erf = self.op("Erf", self.op("Div", y, self.const("f_root2", np.array(np.sqrt(2), np.float32))))
        gelu = self.op("Mul", half, self.op("Add", erf, "f_one"))
        return self.norm(self.op("Add", self.linear(gelu, p + "output.dense"), x), p + "output.LayerNorm")

    def model(self) -> onnx.ModelProto:
        x, mask = self.embeddings(), self.mask()
        for i in range(LAYERS):
            p = f"encoder.layer.{i}."
            x = self.feed_forward(self.attention(x, p + "attention.", mask), p)
        self.nodes.append(helper.make_node("Identity", [x], ["last_hidden_state"]))
        ids = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "sequence"]) for n in ("input_ids", "attention_mask", "token_type_ids")]
        out = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "sequence", HIDDEN])
        graph = helper.make_graph(self.nodes, "all-MiniLM-L6-v2", ids, [out], list(self.constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model


def main() -> None:
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "sentence_bert_config.json", "vocab.txt"):
        shutil.copy(minilm.model_dir() / name, out / name)
    # Renamed last: a crash before this line leaves no model.onnx, so fetch.sh starts again.
    onnx.save(Graph(minilm.load()).model(), out / "model.onnx.part")
    (out / "model.onnx.part").rename(out / "model.onnx")


if __name__ == "__main__":
    main()
