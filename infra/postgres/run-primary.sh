#!/bin/sh
# Runs the primary. Its environment: PGBIN, PGDATA, PG_CONFIG, PG_PASSWORD_FILE.
set -eu

# initdb works beside the data folder and is moved in when complete, so an interrupted first run leaves nothing half made.
if [ ! -f "$PGDATA/PG_VERSION" ]; then
  rm -rf "$PGDATA" "$PGDATA.new"
  "$PGBIN/initdb" -D "$PGDATA.new" -U postgres --pwfile="$PG_PASSWORD_FILE" --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --data-checksums
  mv "$PGDATA.new" "$PGDATA"
fi

# After a crash of the machine the pid file may name a process that has nothing to do with this server.
if [ -f "$PGDATA/postmaster.pid" ]; then
  pid=$(head -n 1 "$PGDATA/postmaster.pid")
  if ! tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "-D $PGDATA "; then
    rm -f "$PGDATA/postmaster.pid"
  fi
fi

exec "$PGBIN/postgres" -D "$PGDATA" -c config_file="$PG_CONFIG"
