#!/usr/bin/env bash
# install.sh DIR installs the gateways that make bench-gateway PEERS=1 measures beside ours into DIR, by pinned version and hash,
# from whatever package registries pip and npm are set up for: Portkey (MIT) and LiteLLM's proxy (MIT), 670 MB. A second run
# installs nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$1
mkdir -p "$cache"
sums=$(cat "$here/requirements.txt" "$here/package-lock.json" | sha256sum)
[ -f "$cache/stamp" ] && [ "$(cat "$cache/stamp")" = "$sums" ] && exit
rm -rf "$cache/python" "$cache/node"
python3 -m venv "$cache/python"
"$cache/python/bin/pip" install -q --disable-pip-version-check --no-deps --no-compile --require-hashes --only-binary :all: -r "$here/requirements.txt"
mkdir -p "$cache/node"
cp "$here/package.json" "$here/package-lock.json" "$cache/node/"
(cd "$cache/node" && npm ci --silent --ignore-scripts --no-audit --no-fund)
echo "$sums" >"$cache/stamp"
