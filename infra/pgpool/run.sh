#!/bin/sh
# Runs pgpool. Its environment: PGPOOL_CONF, the folder of its configuration; PRIMARY_FILE, which names the primary; NODES, the
# servers in the order of their backend numbers.
set -eu

# A killed pgpool leaves its children behind, and they hold the port. They are known by name and working folder,
# looked at without a process for each look: on a busy machine those would take seconds.
here=$(pwd -P)
for process in /proc/[0-9]*; do
  { read -r name <"$process/comm"; } 2>/dev/null || continue
  [ "$name" = pgpool ] || continue
  [ "$process/cwd" -ef "$here" ] || continue
  kill -KILL "${process#/proc/}" 2>/dev/null || true
done

# Whoever is the primary now is the primary until pgpool is started again; the other may come and go.
primary=$(cat "$PRIMARY_FILE" 2>/dev/null || echo "${NODES%% *}")
umask 077
cp "$PGPOOL_CONF/pgpool.conf" pgpool.conf
number=0
for node in $NODES; do
  flag=ALLOW_TO_FAILOVER
  [ "$node" = "$primary" ] && flag='ALWAYS_PRIMARY|DISALLOW_TO_FAILOVER'
  echo "backend_flag$number = '$flag'" >>pgpool.conf
  number=$((number + 1))
done

# -n stays in the foreground; -D forgets which servers were down when it last ran.
exec /usr/sbin/pgpool -n -D -f "$here/pgpool.conf" -a "$PGPOOL_CONF/pool_hba.conf" -F "$PGPOOL_CONF/pcp.conf"
