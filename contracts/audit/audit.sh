#!/usr/bin/env bash
# audit.sh runs the long checks of the contracts and writes what they found to docs/audit/result.md: symbolic proofs
# (halmos), static analysis (slither), mutation testing and the deep run of the invariants.
#   audit.sh [symbolic] [static] [mutation] [invariants]      all of them without arguments; non-zero when one fails
# Needs what contracts/test.sh installs, and Python 3.11 to 3.13 for the tools in requirements.txt.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
contracts=$here/..
build=$here/../../build/audit
result=$here/../../docs/audit/result.md
: "${AUDIT_INVARIANT_RUNS:=5000}" "${AUDIT_INVARIANT_DEPTH:=256}"
export PATH=$contracts/node_modules/@foundry-rs/forge-linux-amd64/bin:$here/../../build/audit-venv/bin:$PATH

install_tools() {
  local venv=$here/../../build/audit-venv
  cmp -s "$here/requirements.txt" "$venv/installed" && return
  rm -rf "$venv"
  python3 -m venv "$venv" &&
    "$venv/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$here/requirements.txt" &&
    cp "$here/requirements.txt" "$venv/installed"
}

# A copy of the sources with the deployed compiler settings for all of it. Neither tool can read two builds of one file.
stage() {
  rm -rf "$build/$1" && mkdir -p "$build/$1" && cd "$build/$1" || return
  cp -r "$contracts/src" . && cp "$here/symbolic/foundry.toml" . &&
    ln -s "$contracts/node_modules" "$contracts/tools" .
}

symbolic() {
  stage symbolic && mkdir test && cp "$here"/symbolic/*.sol test || return
  local holds=0
  halmos --no-status --default-bytes-lengths 65 --default-array-lengths 1 \
    --solver-command "$here/solve" --solver-timeout-assertion 300s || holds=1
  "$here/seeded" . && return $holds
}

static() {
  stage static || return
  slither . --filter-paths node_modules --json slither.json --fail-none
  "$here/triage" slither.json
}

mutation() { "$here/mutate" --jobs "${AUDIT_JOBS:-2}"; }

invariants() {
  FOUNDRY_INVARIANT_RUNS=$AUDIT_INVARIANT_RUNS FOUNDRY_INVARIANT_DEPTH=$AUDIT_INVARIANT_DEPTH "$contracts/invariants.sh"
}

install_tools || exit 1
mkdir -p "$build" "$(dirname "$result")"
failed=0
report=$build/result.md
{
  echo "# Audit of the contracts"
  echo
  echo "Made by contracts/audit/audit.sh on $(date -u +%F) at commit $(git -C "$here" rev-parse --short HEAD)," \
    "$(halmos --version), slither $(slither --version), $(forge --version | head -n 1)."
} >"$report"
for part in "${@:-symbolic static mutation invariants}"; do for check in $part; do
  log=$build/$check.log
  start=$SECONDS
  echo "== $check"
  if (set -e; "$check") 2>&1 | tee "$log"; then verdict=passed; else verdict=FAILED failed=1; fi
  {
    printf '\n## %s: %s in %d s\n\n```\n' "$check" "$verdict" $((SECONDS - start))
    case $check in
      symbolic) sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -E '^\[(PASS|FAIL|TIMEOUT|ERROR)\]|test result|^(refuted|MISSED)' | sed -E 's/\(.*\(paths/ (paths/' ;;
      static) grep -E 'analyzed|Impossible|^(High|Medium) |findings of' "$log" ;;
      mutation) grep -vE '^[A-Z][0-9]+ (killed|survived)' "$log" ;;
      invariants) tail -n 40 "$log" ;;
    esac
    echo '```'
  } >>"$report"
done; done
cp "$report" "$result"
exit $failed
