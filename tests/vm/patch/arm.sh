# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: arm.sh leaks|clean|counts, how the ext4 of this guest must behave.
#   leaks   races leave reserved blocks behind (up to 6.11)
#   counts  races are charged twice instead, which e2fsck finds (6.12 and newer)
#   clean   neither
# shellcheck source=tests/vm/patch/guest.sh
. /usr/local/bin/guest.sh

case $1 in
leaks)
	verify_is verify vulnerable
	race_until --leaks 2000
	between leaks "$leaked" 1000 '' "blocks leaked in $attempts attempts" ;;
counts)
	verify_is verify vulnerable
	race_until --files 40 --keep
	between attempts "$attempts" 10000 '' attempts ;;
clean)
	verify_is verify fixed
	race_until --races 20000 --verify-data
	between attempts "$attempts" 20000 '' attempts
	between leaks "$leaked" 0 0 'blocks leaked'
	between data "$mismatches" 0 0 'pages differ'
	provoke_averts 1000
	# The files stay for e2fsck, which runs on the image afterwards.
	race_until --files 40 --keep
	between kept "$leaked" 0 0 'blocks leaked with files kept' ;;
esac
echo end
