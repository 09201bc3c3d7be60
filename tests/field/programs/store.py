# SPDX-License-Identifier: GPL-2.0-only
"""Maps a file, reads every page, says so, then stores to each: a program with mapped data."""
import mmap
import sys

with open(sys.argv[1], "r+b") as f:
    m = mmap.mmap(f.fileno(), 0)
    for at in range(0, len(m), 4096):
        m[at]
    print("mapped", flush=True)
    for at in range(0, len(m), 4096):
        m[at] = 1
