#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Mappings, fallocate, asynchronous direct I/O, each worker on a file of its own.
stress-ng --temp-path /srv --mmap 1 --mmap-file --mmap-bytes 16m --fallocate 1 --fallocate-bytes 32m \
	--aiol 1 --msync 1 --msync-bytes 16m --fiemap 1 --fiemap-bytes 16m --fault 1 --metrics-brief -t "$FIELD_SECONDS"
