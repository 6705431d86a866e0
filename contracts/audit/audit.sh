#!/usr/bin/env bash
# audit.sh runs the long checks of the contracts and writes what they found to docs/audit/result.md: symbolic proofs
# (halmos), static analysis (slither), mutation testing and the deep run of the invariants. Notes by hand: docs/audit/notes.md.
#   audit.sh [symbolic] [static] [mutation] [invariants]      all of them without arguments; non-zero when one fails
# Eighty minutes on two quiet cores. A run that is cut off goes on with the mutants that it had not judged.
# The page keeps the last section of each check that does not run.
# Needs node, npm, and Python 3.11 to 3.13 for the tools in requirements.txt.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
contracts=$here/..
build=$here/../../build/audit
result=$here/../../docs/audit/result.md
: "${AUDIT_INVARIANT_RUNS:=1000}" "${AUDIT_INVARIANT_DEPTH:=256}"

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
    --solver-command "$here/solve" --solver-timeout-assertion 600s || holds=1
  "$here/seeded" . && return $holds
}

static() {
  stage static || return
  slither . --filter-paths node_modules --json slither.json --fail-none
  "$here/triage" slither.json
}

mutation() { "$here/mutate" --forge "$FORGE" --jobs "${AUDIT_JOBS:-2}"; }

invariants() {
  FOUNDRY_INVARIANT_RUNS=$AUDIT_INVARIANT_RUNS FOUNDRY_INVARIANT_DEPTH=$AUDIT_INVARIANT_DEPTH "$contracts/invariants.sh"
}

# What of a check's log stands on the page.
excerpt() {
  case $1 in
    symbolic) sed 's/\x1b\[[0-9;]*m//g' "$2" | grep -E '^\[(PASS|FAIL|TIMEOUT|ERROR)\]|test result|^(refuted|MISSED)' | sed -E 's/\(.*\(paths/ (paths/' ;;
    static) grep -E 'analyzed|Impossible|^(High|Medium) |findings of' "$2" ;;
    mutation) grep -vE '^[A-Z][0-9]+ (killed|survived)' "$2" ;;
    invariants) sed 's/\x1b\[[0-9;]*m//g' "$2" | tail -n 40 ;;
  esac
}

# run CHECK runs it and writes its section of the page to $build/CHECK.md.
run() {
  local log=$build/$1.log start=$SECONDS commit verdict=passed
  commit=$(git -C "$here" rev-parse --short HEAD)
  echo "== $1"
  "$1" 2>&1 | tee "$log" || verdict=FAILED
  {
    printf '## %s: %s in %d s\n\n%s at commit %s, %s.\n\n```\n' "$1" "$verdict" $((SECONDS - start)) \
      "$(date -u +%F)" "$commit" "$(tools "$1")"
    excerpt "$1" "$log"
    printf '```\n'
  } >"$build/$1.md"
  [ $verdict = passed ]
}

tools() {
  case $1 in
    symbolic) echo "$(halmos --version) (yices $(yices-smt2 --version | head -n 1 | cut -d " " -f 2), bitwuzla $(pip show bitwuzla | sed -n "s/Version: //p"))" ;;
    static) echo "slither $(slither --version)" ;;
    mutation) forge --version | head -n 1 ;;
    invariants) echo "$AUDIT_INVARIANT_RUNS runs of $AUDIT_INVARIANT_DEPTH calls, $(forge --version | head -n 1)" ;;
  esac
}

FORGE=$("$contracts/install.sh") && install_tools || exit 1
export FORGE PATH=$(dirname "$FORGE"):$here/../../build/audit-venv/bin:$PATH
mkdir -p "$build" "$(dirname "$result")"
all=(symbolic static mutation invariants)
[ $# -gt 0 ] || set -- "${all[@]}"
failed=0 beside=()
# Mutation testing keeps all cores busy; the others take one each, and run beside each other.
for check in "$@"; do [ "$check" = mutation ] || { run "$check" & beside+=($!); }; done
for pid in "${beside[@]}"; do wait "$pid" || failed=1; done
case " $* " in *" mutation "*) run mutation || failed=1 ;; esac
touch "$result"
{
  printf '# Audit of the contracts\n\nMade by `make audit`; a check that was run alone has replaced its section. [Notes](notes.md) say what it means.\n'
  for check in "${all[@]}"; do
    echo
    case " $* " in
      *" $check "*) cat "$build/$check.md" ;;
      *) awk -v head="## $check:" '/^## / { on = index($0, head) == 1 } on' "$result" ;;
    esac
  done
} | cat -s >"$result.new" # a run that is cut off here leaves the old page
mv "$result.new" "$result"
exit $failed
