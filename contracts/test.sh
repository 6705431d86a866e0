#!/usr/bin/env bash
# test.sh sets up the Solidity toolchain from package-lock.json and runs every check of the contracts that fits CI:
# format, tests, invariants, gas bars and their 2 % gate, 100 % coverage.
# Needs node and npm. With Go on the path it also checks that Go, viem and Solidity agree on digests, and that the committed
# bindings match the sources.
#   ./test.sh                  all of it; exits non-zero on any failure
#   UPDATE_GAS=1 ./test.sh     accepts new gas figures into snapshots/Gas.json
set -euo pipefail
cd "$(dirname "$0")"

forge=$(./install.sh)

step() { printf '\n== %s (at %d s)\n' "$1" "$SECONDS"; }

step "format"
"$forge" fmt --check

step "unit tests, regressions, vectors, differential fuzz"
"$forge" test --no-match-contract 'GasTest|InvariantsTest' "$@"

step "invariants"
FORGE=$forge ./invariants.sh

# Each call as a transaction of its own. The absolute bars are in the test; the gate compares with the committed file.
step "gas"
FOUNDRY_SNAPSHOTS=cache/snapshots "$forge" test --isolate --match-contract GasTest
if [ -n "${UPDATE_GAS:-}" ]; then cp cache/snapshots/Gas.json snapshots/Gas.json; fi
tools/gas-gate.js cache/snapshots/Gas.json snapshots/Gas.json

# The unit tests alone must reach every line and branch; the model's files would take the IR pipeline minutes.
step "coverage"
FOUNDRY_PROFILE=coverage "$forge" coverage --ir-minimum --skip test/Gas.t.sol --skip test/Differential.t.sol \
  --skip test/Invariants.t.sol --skip '*/support/Actions*' --skip '*/support/ReferenceModel*' \
  --report lcov --report-file cache/lcov.info >cache/coverage.log 2>&1 || { tail -n 60 cache/coverage.log; exit 1; }
tools/coverage-gate.js cache/lcov.info src/FlotillaStake.sol src/FlotillaSettlement.sol src/TokenPull.sol src/MessageHash.sol

if command -v go >/dev/null; then
  step "digests by Go, viem and Solidity"
  FORGE=$forge vectors/three-way.sh
  step "bindings"
  tools/solgen --check
fi
step "all passed"
