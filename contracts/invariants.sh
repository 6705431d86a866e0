#!/usr/bin/env bash
# invariants.sh runs the invariant campaign, and fails when a kind of action succeeds in less than 1 % of its
# calls (I16): what never happens cannot break an invariant. Forge resets a handler's counters with each run, so
# each run adds a line to a file, and this script sums them up over the whole campaign.
# The size comes from foundry.toml; `make audit` sets FOUNDRY_INVARIANT_RUNS=1000 FOUNDRY_INVARIANT_DEPTH=256.
# Needs what test.sh has installed.
set -euo pipefail
cd "$(dirname "$0")"

forge=${FORGE:-node_modules/@foundry-rs/forge-linux-amd64/bin/forge}
scores=cache/invariant-scores.txt
mkdir -p cache
rm -f "$scores"
"$forge" test --match-contract InvariantsTest "$@"

awk '
  BEGIN { # as Kind in test/support/ActionsBase.sol
    kinds = split("stake thawStake cancelThawStake withdrawStake deposit depositMany thaw cancelThaw withdraw " \
      "authorizeSigner thawSigner cancelThawSigner settleVoucher settleBatch claim proveAdvertBreach " \
      "proveOrderBreach proveDoubleReceipt proveAdvertEquivocation accuse trespass donate", name, " ")
  }
  { for (i = 1; i <= kinds; i++) { tried[i] += $(2 * i - 1); done[i] += $(2 * i) } }
  END {
    printf "%-24s %8s %8s %7s\n", "action (" NR " runs)", "calls", "success", "%"
    for (i = 1; i <= kinds; i++) {
      printf "%-24s %8d %8d %7.1f\n", name[i], tried[i], done[i], tried[i] ? 100 * done[i] / tried[i] : 0
      # Trespassing into the functions for the settlement contract must never succeed.
      if (name[i] != "trespass" && done[i] * 100 < tried[i] || !tried[i]) { rare = rare " " name[i] }
      if (name[i] == "trespass" && done[i]) { rare = rare " trespass" }
    }
    if (rare) { print "invariants.sh: these succeed too rarely (or ought not to):" rare; exit 1 }
  }' "$scores"
