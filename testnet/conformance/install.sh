#!/usr/bin/env bash
# install.sh DIR [python|node] installs the clients into DIR, by pinned version and hash, from whatever package registries
# pip and npm are set up for. A second run installs nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$1 only=${2:-}
mkdir -p "$cache"

# The stamp holds the lock file's hash, so that a changed pin installs anew and a half-done install is redone.
stamp_ok() { [ -f "$1/stamp" ] && [ "$(cat "$1/stamp")" = "$(sha256sum <"$2")" ]; }

if [ "$only" != node ] && ! stamp_ok "$cache/python" "$here/requirements.txt"; then
  rm -rf "$cache/python"
  python3 -m venv "$cache/python"
  "$cache/python/bin/pip" install -q --disable-pip-version-check --no-deps --no-compile --require-hashes --only-binary :all: -r "$here/requirements.txt"
  sha256sum <"$here/requirements.txt" >"$cache/python/stamp"
fi
if [ "$only" != python ] && ! stamp_ok "$cache/node" "$here/package-lock.json"; then
  rm -rf "$cache/node"
  mkdir -p "$cache/node"
  cp "$here/package.json" "$here/package-lock.json" "$cache/node/"
  (cd "$cache/node" && npm ci --silent --ignore-scripts --no-audit --no-fund)
  sha256sum <"$here/package-lock.json" >"$cache/node/stamp"
fi
