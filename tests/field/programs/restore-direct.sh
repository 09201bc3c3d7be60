#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A file is restored with O_DIRECT into holes while another process has it mapped and stores.
cd /srv || exit
end=$((SECONDS + FIELD_SECONDS))
while ((SECONDS < end)); do
	rm -f data && truncate -s 4m data
	coproc python3 /field/store.py data
	store=$COPROC_PID
	# Python starts slowly: without this the other side would be done before it has begun.
	read -r -u "${COPROC[0]}" _
	dd if=/dev/zero of=data bs=4k count=1024 oflag=direct conv=notrunc status=none
	wait $store
done
