# SPDX-License-Identifier: GPL-2.0-only
"""A program with mapped data: maps each file that its input names, reads every page, and says
so. Then it fills page after page, in no order, as a hash table does."""
import mmap
import os
import random
import sys

for name in sys.stdin:
    with open(name.strip(), "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
        pages = list(range(0, len(m), 4096))
        for at in pages:
            m[at]
        random.shuffle(pages)
        print("mapped", flush=True)
        for at in pages:
            m[at:at + 4096] = os.urandom(4096)
    print("stored", flush=True)
