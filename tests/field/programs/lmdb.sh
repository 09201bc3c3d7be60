#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Two writers and a backup of a database whose map is writable.
cat >/srv/write.py <<'PY'
import lmdb, os, sys, time
env = lmdb.open("/srv/db", map_size=64 << 20, writemap=True, map_async=True)
end = time.time() + float(sys.argv[1])
n = 0
while time.time() < end:
    with env.begin(write=True) as txn:
        for i in range(50):
            txn.put(b"%d-%d" % (os.getpid(), n % 20000), os.urandom(400))
            n += 1
PY
mkdir /srv/db
python3 /srv/write.py "$FIELD_SECONDS" &
a=$!
python3 /srv/write.py "$FIELD_SECONDS" &
b=$!
end=$((SECONDS + FIELD_SECONDS))
until [[ -s /srv/db/data.mdb ]]; do :; done
while ((SECONDS < end)); do
	rm -rf /srv/copy && mkdir /srv/copy && mdb_copy /srv/db /srv/copy || exit 1
done
wait $a && wait $b
