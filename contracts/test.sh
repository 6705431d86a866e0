#!/usr/bin/env bash
# test.sh sets up the Solidity toolchain from package-lock.json and runs every test of the contracts.
# Needs node and npm. With Go on the path it also checks that the committed bindings match the sources.
#   ./test.sh                  all of it; exits non-zero on any failure
#   UPDATE_GAS=1 ./test.sh     accepts new gas figures into snapshots/Gas.json
set -euo pipefail
cd "$(dirname "$0")"

stamp=node_modules/.installed # npm ci removes node_modules first, so an interrupted one leaves no stamp
if ! cmp -s package-lock.json "$stamp"; then
  npm ci --ignore-scripts --no-progress
  cp package-lock.json "$stamp"
fi

# The native program itself: the npm launcher @foundry-rs/forge exits 0 when tests fail.
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-amd64 ;;
  Darwin-arm64) platform=darwin-arm64 ;;
  *) platform=none ;;
esac
forge=${FORGE:-node_modules/@foundry-rs/forge-$platform/bin/forge}
if [ ! -x "$forge" ]; then
  echo "test.sh: npm has no forge 1.7.1 for $(uname -s) $(uname -m); install Foundry and set FORGE=/path/to/forge" >&2
  exit 1
fi

"$forge" fmt --check
"$forge" test --no-match-contract GasTest "$@"
# Each call as a transaction of its own; without UPDATE_GAS a figure that differs from the file fails.
FORGE_SNAPSHOT_CHECK=$([ -n "${UPDATE_GAS:-}" ] && echo false || echo true) \
  "$forge" test --isolate --match-contract GasTest
cat snapshots/Gas.json; echo

if command -v go >/dev/null; then tools/solgen --check; fi
