#!/usr/bin/env bash
# Checks a live gateway, whatever models are behind it, with the official OpenAI clients for Python and Node.
#
#   live.sh BASE_URL API_KEY DIR     BASE_URL with /v1, such as http://127.0.0.1:8420/v1; the clients go into DIR
#
# Prints one line per check and exits 1 if any failed. The 25 checks of docs/gateway.md, with faults, are
# conformance_test.go's (make conformance).
set -euo pipefail
[ $# -eq 3 ] || { sed -n '4,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
export FLOTILLA_BASE_URL=$1 FLOTILLA_API_KEY=$2
"$here/install.sh" "$3"
failed=0
"$3/python/bin/python" "$here/live.py" || failed=1
cp "$here/live.mjs" "$3/node/" # beside node_modules, where Node looks for the package
node "$3/node/live.mjs" || failed=1
exit $failed
