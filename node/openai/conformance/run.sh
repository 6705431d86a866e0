#!/usr/bin/env bash
# Checks a live gateway with the official OpenAI clients for Python and Node.
#
#   run.sh BASE_URL API_KEY [CACHE_DIR]     BASE_URL with /v1, such as http://127.0.0.1:8420/v1
#
# Prints one line per check and exits 1 if any failed. Both clients are installed by pinned version and hash, from
# whatever package registries pip and npm are set up for, into CACHE_DIR (default: ~/.cache/flotilla-conformance); the
# second run installs nothing. FLOTILLA_CONFORMANCE_ONLY=python or =node runs one of them.
# FLOTILLA_CONFORMANCE_FAULTS=1 adds checks that need the test server with its fault models (see conformance_test.go).
set -euo pipefail
[ $# -ge 2 ] || { sed -n '4,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
export FLOTILLA_BASE_URL=$1 FLOTILLA_API_KEY=$2
cache=${3:-${XDG_CACHE_HOME:-$HOME/.cache}/flotilla-conformance}
only=${FLOTILLA_CONFORMANCE_ONLY:-}
mkdir -p "$cache"

# The stamp holds the lock file's hash, so that a changed pin installs anew and a half-done install is redone.
stamp_ok() { [ -f "$1/stamp" ] && [ "$(cat "$1/stamp")" = "$(sha256sum <"$2")" ]; }

install_python() {
  local dir=$cache/python
  stamp_ok "$dir" "$here/requirements.txt" && return 0
  rm -rf "$dir"
  python3 -m venv "$dir"
  "$dir/bin/pip" install -q --disable-pip-version-check --require-hashes --only-binary :all: -r "$here/requirements.txt"
  sha256sum <"$here/requirements.txt" >"$dir/stamp"
}

install_node() {
  local dir=$cache/node
  if ! stamp_ok "$dir" "$here/package-lock.json"; then
    rm -rf "$dir"
    mkdir -p "$dir"
    cp "$here/package.json" "$here/package-lock.json" "$dir/"
    (cd "$dir" && npm ci --silent --ignore-scripts --no-audit --no-fund)
    sha256sum <"$here/package-lock.json" >"$dir/stamp"
  fi
  cp "$here/check.mjs" "$dir/check.mjs" # beside node_modules, where Node looks for the package
}

failed=0
if [ "$only" != node ]; then
  install_python
  "$cache/python/bin/python" "$here/check.py" || failed=1
fi
if [ "$only" != python ]; then
  install_node
  node "$cache/node/check.mjs" || failed=1
fi
exit $failed
