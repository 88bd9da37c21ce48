#!/usr/bin/env bash
# Makes sure that the toolchain is there before any other command: Node and npm of the machine, then the repository's own
# packages, among them the Node that everything runs on. Takes some milliseconds when there is nothing to do.
set -euo pipefail

repo=$(cd "$(dirname "$0")/.." && pwd)
lock="$repo/package-lock.json"
installed="$repo/node_modules/.package-lock.json"
stamp="$repo/node_modules/.punctual-lock"
oldest_node=18

# npm must run on the machine's own Node: the pinned one is part of what it replaces.
PATH=${PATH//"$repo/node_modules/.bin:"/}

fail() {
  printf '\n%s\n\n%s\n' "$1" "$2" >&2
  exit 1
}

hash=$(sha256sum "$lock" | cut -d' ' -f1)
if [ -x "$repo/node_modules/.bin/node" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$hash" ]; then
  exit 0
fi

for tool in node npm; do
  command -v "$tool" >/dev/null || fail "$tool is missing: it installs the repository's packages, the pinned Node among them." \
    "Get it with: sudo apt-get install -y --no-install-recommends nodejs npm   (any Node from $oldest_node on will do)"
done
version=$(node --version)
major=${version#v}
[ "${major%%.*}" -ge "$oldest_node" ] || fail "Node $version is too old to install the packages (from $oldest_node on)." \
  "Get a newer one, e.g. from your distribution or https://nodejs.org, and run the command again."

# Somebody's own `npm install` has just brought both in line.
if [ -x "$repo/node_modules/.bin/node" ] && [ -f "$installed" ] && [ ! "$lock" -nt "$installed" ]; then
  echo "$hash" >"$stamp"
  exit 0
fi

echo 'Installing the npm packages (once, and after a change of package-lock.json) …' >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
started=$SECONDS
# The pinned packages want the pinned Node, which npm itself does not run on yet: its engine warnings mean nothing here.
if ! (cd "$repo" && npm ci --no-fund --no-audit --loglevel=error) >"$log" 2>&1; then
  grep -v EBADENGINE "$log" | head -n 15 >&2 || true
  fail 'The npm packages could not be installed; npm says why above.' \
    'Check that this machine reaches the npm registry (npm config get registry), then run the command again.'
fi
echo "$hash" >"$stamp"
echo "Installed in $((SECONDS - started)) s." >&2
