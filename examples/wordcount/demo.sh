#!/bin/bash
# Starts a cluster of a third party's worker class from a configuration file
# alone, counts the words of Go's source tree on it, and closes it.
# Usage: demo.sh DIRECTORY-OF-BINARIES
set -euo pipefail
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp)
"$bin/gdask" --config "$here/mycustom.yaml" --dashboard-address 127.0.0.1:0 >"$out" &
cluster=$!
trap 'kill -INT $cluster 2>/dev/null || true; wait $cluster 2>/dev/null || true; rm -f "$out"' EXIT
for _ in $(seq 300); do # half a minute at most
  grep -q 'Interrupt (Ctrl-C)' "$out" && break
  kill -0 $cluster 2>/dev/null || { echo "demo: the cluster did not start" >&2; exit 1; }
  sleep 0.1
done
address=$(sed -n 's/^ *Scheduler at: *//p' "$out")
[ -n "$address" ] || { echo "demo: the cluster printed no address within 30 s" >&2; exit 1; }
grep -E 'Scheduler at|Dashboard at|Worker' "$out"
"$bin/wordcount" -scheduler "$address"
