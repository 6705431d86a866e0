#!/bin/sh
# Fetches onnxruntime's shared library for -tags onnxruntime. usage: onnxruntime.sh DIR
# The library of the pinned wheel is left as DIR/libonnxruntime.so (35 MB) with its licence; later runs do nothing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
[ -f "$dir/libonnxruntime.so" ] && exit 0
mkdir -p "$dir"
wheel=$(mktemp -d "$dir/wheel.XXXXXX")
trap 'rm -rf "$wheel"' EXIT
python3 -m pip install -q --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
  --target "$wheel" -r "$here/requirements-onnxruntime.txt"
cp "$wheel/onnxruntime/LICENSE" "$wheel/onnxruntime/ThirdPartyNotices.txt" "$dir/"
# Renamed last: a crash before this line leaves no library, so the next run starts again.
mv "$wheel"/onnxruntime/capi/libonnxruntime.so.* "$dir/libonnxruntime.so"
echo "onnxruntime: wrote $dir/libonnxruntime.so"
