#!/bin/sh
# Makes the fp32 MiniLM ONNX folder that the agreement test compares the embedded int8 model with.
# usage: routing/embed/export/fetch.sh [DIR]     (default: build/minilm in the repository root)
# Leaves the Python environment in DIR-venv; quantize.py and golden.py run in it too.
# Needs Python >= 3.11 with venv. Fetches the pinned packages of requirements.txt (100 MB) once; later runs do nothing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:-$here/../../../build/minilm}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
stamp=$(cat "$here/requirements.txt" "$here/minilm.py" "$here/export_onnx.py" | sha256sum | cut -d' ' -f1)
if [ -f "$dir/model.onnx" ] && [ "$(cat "$dir/.stamp" 2>/dev/null)" = "$stamp" ]; then
  echo "minilm: $dir is ready"
  exit 0
fi
# Not inside $dir: the onnx package ships test models, and encoder folders are searched for *.onnx.
venv=$dir-venv
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install -q --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r "$here/requirements.txt"
"$venv/bin/python" "$here/export_onnx.py" "$dir"
echo "$stamp" >"$dir/.stamp"
echo "minilm: wrote $dir/model.onnx"
