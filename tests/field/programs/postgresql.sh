#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# pgbench, four clients.
mkdir -p /srv/pg && chown postgres /srv/pg
bin=$(echo /usr/lib/postgresql/*/bin)
as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
as "$bin/initdb" -D /srv/pg/data -A trust -N >/dev/null || exit 1
as "$bin/pg_ctl" -w -t 600 -D /srv/pg/data -o '-k /srv/pg' -l /srv/pg/log start || exit 1
as pgbench -h /srv/pg -i -s 2 postgres && as pgbench -h /srv/pg -c 4 -j 2 -T "$FIELD_SECONDS" postgres
status=$?
as "$bin/pg_ctl" -w -m fast -D /srv/pg/data stop
exit $status
