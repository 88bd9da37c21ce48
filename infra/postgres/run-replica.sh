#!/bin/sh
# Runs the streaming replica. Its environment: PGBIN, PGDATA, PG_CONFIG, PGPASSFILE, PRIMARY_PORT, REPLICATION_SLOT.
set -eu

primary="host=127.0.0.1 port=$PRIMARY_PORT user=replicator replication=true dbname=postgres connect_timeout=2"

# A copy of another primary (its data was removed, or restored from elsewhere) can never follow this one.
if [ -f "$PGDATA/PG_VERSION" ]; then
  theirs=$(psql -XAt -d "$primary" -c 'IDENTIFY_SYSTEM' 2>/dev/null | cut -d'|' -f1) || theirs=
  ours=$("$PGBIN/pg_controldata" -D "$PGDATA" 2>/dev/null | sed -n 's/^Database system identifier: *//p') || ours=
  if [ -n "$theirs" ] && [ "$theirs" != "$ours" ]; then
    echo "The data belongs to another primary ($ours instead of $theirs): copying anew."
    rm -rf "$PGDATA"
  fi
fi

# The copy is made beside the data folder and moved in when complete.
if [ ! -f "$PGDATA/PG_VERSION" ]; then
  rm -rf "$PGDATA" "$PGDATA.new"
  # The primary and its replication role appear within seconds of the first start; supervisord tries again after that.
  tries=0
  until psql -XAtq -d "$primary" -c 'IDENTIFY_SYSTEM' >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 120 ] || { echo "The primary does not answer on port $PRIMARY_PORT."; exit 1; }
    sleep 0.25
  done
  "$PGBIN/pg_basebackup" -d "$primary" -D "$PGDATA.new" -X stream -S "$REPLICATION_SLOT" --checkpoint=fast
  rm -f "$PGDATA.new/postgresql.auto.conf"
  touch "$PGDATA.new/standby.signal" "$PGDATA.new/postgresql.auto.conf"
  mv "$PGDATA.new" "$PGDATA"
fi

if [ -f "$PGDATA/postmaster.pid" ]; then
  pid=$(head -n 1 "$PGDATA/postmaster.pid")
  if ! tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "-D $PGDATA "; then
    rm -f "$PGDATA/postmaster.pid"
  fi
fi

exec "$PGBIN/postgres" -D "$PGDATA" -c config_file="$PG_CONFIG"
