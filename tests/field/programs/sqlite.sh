#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Three processes write to a database in WAL mode, with mapped reads.
cat >/srv/write.py <<'PY'
import os, sqlite3, sys, time
db = sqlite3.connect("/srv/test.db", timeout=60)
db.execute("pragma journal_mode=wal")
db.execute("pragma mmap_size=268435456")
db.execute("create table if not exists t(k integer primary key, v blob)")
end = time.time() + float(sys.argv[1])
while time.time() < end:
    with db:
        db.executemany("insert into t(v) values(?)", [(os.urandom(500),)] * 50)
PY
for _ in 1 2 3; do
	python3 /srv/write.py "$FIELD_SECONDS" &
done
wait
