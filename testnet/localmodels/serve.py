"""Serve one GGUF model over llama.cpp's OpenAI-compatible HTTP server on 127.0.0.1.

argv: MODEL_PATH ALIAS PORT THREADS CTX SLOTS CHAT_TEMPLATE EMBED   (PORT 0: any free port)

Prints one line, "listening http://127.0.0.1:PORT", when the model is loaded, and serves until
stdin closes. The parent holds stdin's other end, so a parent that dies, however it dies, takes
this server with it on every platform.
"""

import sys

import xllamacpp

model_path, alias = sys.argv[1], sys.argv[2]
port, threads, ctx, slots = (int(a) for a in sys.argv[3:7])
chat_template, embed = sys.argv[7], sys.argv[8] == "true"

p = xllamacpp.CommonParams()
p.model.path = model_path
p.model_alias = {alias}
p.hostnames = ["127.0.0.1"]
p.port = port
p.n_ctx = ctx
p.n_parallel = slots
p.use_jinja = True
p.chat_template = chat_template
if embed:
    p.embedding = True
    p.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
# More compute threads than idle cores makes llama.cpp crawl: its threads spin while they wait.
p.cpuparams.n_threads = threads
p.cpuparams_batch.n_threads = threads
p.n_threads_http = 4
# llama.cpp keeps up to 8 GiB of old prompts in memory by default.
p.cache_ram_mib = 64
# By default a page in the user's browser may read this server's answers, whatever site it is from.
p.cors_origins = "http://127.0.0.1"
p.cors_origins_explicit = True
p.ui = False
p.endpoint_metrics = True

server = xllamacpp.Server(p)
print("listening", server.listening_address, flush=True)
sys.stdin.read()
