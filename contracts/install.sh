#!/usr/bin/env bash
# install.sh installs the Solidity toolchain of package-lock.json, when it is not there yet, and prints where forge is.
# Needs node and npm. FORGE=/path/to/forge takes another forge.
set -euo pipefail
cd "$(dirname "$0")"

stamp=node_modules/.installed # npm ci removes node_modules first, so an interrupted one leaves no stamp
if ! cmp -s package-lock.json "$stamp"; then
  npm ci --ignore-scripts --no-progress >&2
  cp package-lock.json "$stamp"
fi

# The native program itself: the npm launcher @foundry-rs/forge exits 0 when tests fail.
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-amd64 ;;
  Darwin-arm64) platform=darwin-arm64 ;;
  *) platform=none ;;
esac
forge=${FORGE:-$PWD/node_modules/@foundry-rs/forge-$platform/bin/forge}
if [ ! -x "$forge" ]; then
  echo "install.sh: npm has no forge 1.7.1 for $(uname -s) $(uname -m); install Foundry and set FORGE=/path/to/forge" >&2
  exit 1
fi
echo "$forge"
