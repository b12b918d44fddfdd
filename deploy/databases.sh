#!/bin/sh
# Three roles, each with a database of its own that no other role may enter. For PostgreSQL's superuser, once:
#     sudo -u postgres env PATHWAYS=... STRAND=... PREFECT=... sh databases.sh      with a password for each
# deploy/compose.yaml has its PostgreSQL do this by itself.
set -eu
role() {
    psql --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --set role="$1" --set word="$2" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'word';
CREATE DATABASE :"role" OWNER :"role";
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
}
role pathways "$PATHWAYS"
role strand "$STRAND"
role prefect "$PREFECT"
