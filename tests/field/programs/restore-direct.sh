#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A file is restored with O_DIRECT into holes while another process has it mapped and stores.
# shellcheck source=tests/field/programs/while-mapped.bash
. /field/while-mapped.bash
while_mapped 8m dd if=/dev/zero of=data bs=1M count=8 oflag=direct conv=notrunc status=none
