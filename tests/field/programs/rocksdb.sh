#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Four threads fill a database whose tables and log are written through mappings, which RocksDB
# preallocates piece by piece. Flushes and compactions run beside them.
db_bench --db=/srv/rocks --benchmarks=fillrandom --threads=4 --num=20000 --value_size=400 --mmap_write=1 \
	--write_buffer_size=1048576 --target_file_size_base=1048576 --max_background_jobs=4 \
	--compression_type=none --duration="$FIELD_SECONDS"
status=$?
du -sh /srv/rocks
exit $status
