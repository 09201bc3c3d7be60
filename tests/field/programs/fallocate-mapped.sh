#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fallocate(1) on a sparse file that another process has mapped and stores to.
# shellcheck source=tests/field/programs/while-mapped.bash
. /field/while-mapped.bash
while_mapped 8m fallocate -l 8MiB data
