#!/bin/sh
# Prepares a new database for a standby: creates the user `replication` and permits its connections.
set -eu
psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 --quiet --set password="$(cat /run/secrets/postgres-replication-password)" <<'SQL'
CREATE ROLE replication LOGIN REPLICATION PASSWORD :'password';
SQL
echo 'host replication replication samenet scram-sha-256' >>"$PGDATA/pg_hba.conf"
