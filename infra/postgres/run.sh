#!/bin/sh
# Runs one of the two Postgres servers, as the primary or as its standby. Its environment: NODE, OTHER_PORT, PRIMARY_FILE,
# REPLICATION_SLOT, PGBIN, PGDATA, PG_CONFIG, PG_PASSWORD_FILE, PGPASSFILE.
set -eu

upstream="host=127.0.0.1 port=$OTHER_PORT user=replicator replication=true dbname=postgres connect_timeout=2"

has_data() { [ -f "$PGDATA/PG_VERSION" ]; }

# A new stack has no primary yet: it is postgres-primary, once its data is there.
# initdb works beside the data folder and is moved in when complete, so an interrupted first run leaves nothing half made.
if [ ! -s "$PRIMARY_FILE" ] && [ "$NODE" = postgres-primary ]; then
  if ! has_data; then
    rm -rf "$PGDATA" "$PGDATA.new"
    "$PGBIN/initdb" -D "$PGDATA.new" -U postgres --pwfile="$PG_PASSWORD_FILE" --auth=scram-sha-256 \
      --encoding=UTF8 --locale=C.UTF-8 --data-checksums
    mv "$PGDATA.new" "$PGDATA"
  fi
  echo "$NODE" >"$PRIMARY_FILE.new"
  mv "$PRIMARY_FILE.new" "$PRIMARY_FILE"
fi

tries=0
until [ -s "$PRIMARY_FILE" ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 120 ] || { echo "There is no primary yet."; exit 1; }
  sleep 0.25
done
primary=$(cat "$PRIMARY_FILE")

if [ "$primary" = "$NODE" ]; then
  # An empty database in its place would pass for the shop's, and the replica would be copied from it.
  if ! has_data; then
    echo "The primary's data is gone. The replica has a copy: node infra/stack.ts promote. To begin from nothing: make clean up."
    exit 1
  fi
else
  # What this server committed last may be unknown to the new primary, so it must neither serve nor follow as it is.
  if has_data && [ ! -f "$PGDATA/standby.signal" ]; then
    echo "This was the primary until $primary was promoted. To make it the replica: node infra/stack.ts rejoin"
    exit 1
  fi

  # A copy of another primary (its data was removed, or restored from elsewhere) can never follow this one.
  if has_data; then
    theirs=$(psql -XAt -d "$upstream" -c 'IDENTIFY_SYSTEM' 2>/dev/null | cut -d'|' -f1) || theirs=
    ours=$("$PGBIN/pg_controldata" -D "$PGDATA" 2>/dev/null | sed -n 's/^Database system identifier: *//p') || ours=
    if [ -n "$theirs" ] && [ "$theirs" != "$ours" ]; then
      echo "The data belongs to another primary ($ours instead of $theirs): copying anew."
      rm -rf "$PGDATA"
    fi
  fi

  # The copy is made beside the data folder and moved in when complete.
  if ! has_data; then
    rm -rf "$PGDATA" "$PGDATA.new"
    # The primary and its replication role appear within seconds of the first start; supervisord tries again after that.
    tries=0
    until psql -XAtq -d "$upstream" -c 'IDENTIFY_SYSTEM' >/dev/null 2>&1; do
      tries=$((tries + 1))
      [ "$tries" -lt 120 ] || { echo "The primary does not answer on port $OTHER_PORT."; exit 1; }
      sleep 0.25
    done
    "$PGBIN/pg_basebackup" -d "$upstream" -D "$PGDATA.new" -X stream -S "$REPLICATION_SLOT" --checkpoint=fast
    # What the primary was told by ALTER SYSTEM, such as whom to wait for, is not meant for its replica.
    rm -f "$PGDATA.new/postgresql.auto.conf"
    touch "$PGDATA.new/standby.signal" "$PGDATA.new/postgresql.auto.conf"
    mv "$PGDATA.new" "$PGDATA"
  fi
fi

# After a crash of the machine the pid file may name a process that has nothing to do with this server.
if [ -f "$PGDATA/postmaster.pid" ]; then
  pid=$(head -n 1 "$PGDATA/postmaster.pid")
  if ! tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "-D $PGDATA "; then
    rm -f "$PGDATA/postmaster.pid"
  fi
fi

exec "$PGBIN/postgres" -D "$PGDATA" -c config_file="$PG_CONFIG"
