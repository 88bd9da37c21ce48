#!/bin/sh
# Runs pgpool. Its environment: PGPOOL_CONF, the folder of its configuration.
set -eu

# A killed pgpool leaves its children behind, and they hold the port. They are known by name and working folder.
here=$(pwd -P)
for process in /proc/[0-9]*; do
  [ "$(cat "$process/comm" 2>/dev/null)" = pgpool ] || continue
  [ "$(readlink "$process/cwd" 2>/dev/null)" = "$here" ] || continue
  kill -KILL "${process#/proc/}" 2>/dev/null || true
done

# -n stays in the foreground; -D forgets which servers were down when it last ran.
exec /usr/sbin/pgpool -n -D -f "$PGPOOL_CONF/pgpool.conf" -a "$PGPOOL_CONF/pool_hba.conf" -F "$PGPOOL_CONF/pcp.conf"
