"""convert.py GGUF DIR writes the weights and tokenizer of a GGUF file as a folder that vLLM reads."""

import os
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, name = os.path.split(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
# They are plain numbers now, but transformers still takes them for GGUF's, which it does not save.
del model.config.quantization_config
model.hf_quantizer, model.is_quantized = None, False
model.save_pretrained(sys.argv[2])
tokenizer.save_pretrained(sys.argv[2])
