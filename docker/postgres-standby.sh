#!/bin/sh
# Runs PostgreSQL as a standby of the server `postgres`, from which it copies the database at its first start. `pg_ctl promote` makes it the primary.
set -eu
umask 077
printf 'postgres:5432:*:replication:%s\n' "$(cat /run/secrets/postgres-replication-password)" >/tmp/pgpass
export PGPASSFILE=/tmp/pgpass
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # An interrupted copy is unusable.
  find "$PGDATA" -mindepth 1 -delete
  # No slot: an absent standby does not fill the primary's disk, and is copied again if it was absent for too long (wal_keep_size).
  pg_basebackup --host postgres --username replication --pgdata "$PGDATA" --wal-method stream --checkpoint fast --write-recovery-conf
  chmod 700 "$PGDATA"
fi
exec postgres "$@"
