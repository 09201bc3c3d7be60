#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A file is restored with O_DIRECT into holes while another process has it mapped and stores.
cd /srv || exit
end=$((SECONDS + FIELD_SECONDS))
while ((SECONDS < end)); do
	rm -f data && truncate -s 4m data
	python3 /field/store.py data &
	dd if=/dev/zero of=data bs=4k count=1024 oflag=direct conv=notrunc status=none
	wait $!
done
