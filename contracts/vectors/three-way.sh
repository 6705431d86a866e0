#!/usr/bin/env bash
# three-way.sh checks that Go (package settlement), viem and Solidity (MessageHash) compute the same EIP-712 digests
# of random messages. Amounts are 64 bits wide in Go and 128 on chain: on the wider ones, which Go must refuse, viem and
# Solidity have to agree. Needs Go, node and npm, and forge in FORGE (test.sh sets it and the libraries up before).
#   SEED=2 vectors/three-way.sh     other messages
set -euo pipefail
cd "$(dirname "$0")"

stamp=node_modules/.installed # npm ci removes node_modules first, so an interrupted one leaves no stamp
if ! cmp -s package-lock.json "$stamp"; then
  npm ci --ignore-scripts --no-progress
  cp package-lock.json "$stamp"
fi
go run ../../settlement/ethchain/digests -seed "${SEED:-1}" > digests.json
node viem.mjs digests.json

# A build of its own: these few files need neither the contracts nor the other tests.
cd ..
export FOUNDRY_SRC=vectors/solidity FOUNDRY_TEST=vectors/solidity FOUNDRY_OUT=out/three-way FOUNDRY_CACHE_PATH=cache/three-way
"${FORGE:-node_modules/@foundry-rs/forge-linux-amd64/bin/forge}" test
