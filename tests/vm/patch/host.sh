#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# On the host: host.sh WORK. What the builders refuse, and the DKMS source. Prints
# the same lines as the scenarios in the guest.

set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
PATCH=$HERE/../../../patch
KERNEL=$HERE/../kernel
WORK=$1

# refuses NAME WORDS COMMAND...: has to fail, say WORDS in one line, leave nothing.
refuses() {
	local name=$1 words=$2 out=$WORK/refused said

	shift 2
	rm -rf "$out"
	if said=$("$@" --out "$out" 2>&1 >/dev/null); then
		echo "FAIL $name: succeeded"
	elif [[ $said != *"$words"* || $(wc -l <<<"$said") != 1 ]]; then
		echo "FAIL $name: says \"$said\", expected \"$words\""
	elif [[ -n $(find "$out" -type f 2>/dev/null) ]]; then
		echo "FAIL $name: left $(find "$out" -type f)"
	else
		echo "ok $name: $said"
	fi
}

# wanted NAME KERNEL STATUS: does DKMS take this kernel?
wanted() {
	local name=$1 kernel=$2 expected=$3 status=0 said

	said=$("$PATCH/module/build" --wanted --modules "$("$KERNEL" "$kernel")/modules" 2>&1) || status=$?
	if ((status == expected)); then
		echo "ok $name: $said"
	else
		echo "FAIL $name: status $status, \"$said\""
	fi
}

# Where the look itself fails, DKMS must not take that for "needs nothing".
wanted_unknown() {
	local status=0

	EXT4RACE_CACHE=/proc/nowhere "$PATCH/module/build" --wanted \
		--modules "$("$KERNEL" 5.10.0-32)/modules" >/dev/null 2>&1 || status=$?
	if ((status == 2)); then
		echo "ok wanted-unknown: status 2 where there is no room to look"
	else
		echo "FAIL wanted-unknown: status $status"
	fi
}

# dkms_installs: with the real dkms, in directories of our own: built and installed for a
# kernel that needs it, skipped (77) for one that does not.
dkms_installs() {
	local kernel release status installed=0 skipped=0 passed_over=0 dir=$WORK/dkms ko
	local -a dkms

	mkdir -p "$dir"/{modules,src,tree}
	"$PATCH/module/dkms-tree" --root "$dir/src" --modules "$dir/modules" >/dev/null
	dkms=(dkms --dkmstree "$dir/tree" --sourcetree "$dir/src" --installtree "$dir/modules")
	"${dkms[@]}" add ext4race-ext4/1.0 >"$WORK/dkms.log" 2>&1
	for kernel in 5.10.0-32 5.10; do
		release=$(cat "$("$KERNEL" "$kernel")/release")
		cp -r "$("$KERNEL" "$kernel")/modules" "$dir/modules/$release"
		cp -rs "$("$KERNEL" --headers "$kernel")" "$dir/modules/$release/build"
		ln -sfn "$("$KERNEL" --source "$kernel")" "$dir/modules/$release/build/source"
		status=0
		"${dkms[@]}" install ext4race-ext4/1.0 -k "$release" --no-depmod \
			--kernelsourcedir "$dir/modules/$release/build" >>"$WORK/dkms.log" 2>&1 || status=$?
		case $kernel-$status in
		5.10.0-32-0)
			# It says so too where it thought that it need not install.
			ko=$(find "$dir/modules/$release/updates/dkms" -name 'ext4.ko*' 2>/dev/null)
			[[ -n $ko ]] && installed=1
			[[ -n $ko ]] || tail -n 5 "$WORK/dkms.log" ;;
		5.10-77) skipped=1 ;;
		*) tail -n 5 "$WORK/dkms.log" ;;
		esac
	done
	# As the hook of a kernel package calls it: a failure would leave that half configured.
	if "${dkms[@]}" autoinstall -k "$release" --kernelsourcedir "$dir/modules/$release/build" \
		>>"$WORK/dkms.log" 2>&1 && [[ ! -e $dir/modules/$release/updates ]]; then
		passed_over=1
	else
		tail -n 5 "$WORK/dkms.log"
	fi
	if ((installed && skipped && passed_over)); then
		echo "ok dkms: installed for a vulnerable kernel, skipped for a fixed one, and its package goes through"
	else
		echo "FAIL dkms: installed $installed, skipped $skipped, autoinstall $passed_over"
	fi
}

refuses module-builtin 'built into this kernel' "$PATCH/module/build" --kernel 5.10.0-32-cloud
refuses module-fixed 'fixed already' "$PATCH/module/build" --kernel 5.10
refuses module-other-source 'use the source package of that kernel' "$PATCH/module/build" \
	--headers "$("$KERNEL" --headers 5.10.0-32)" --source "$("$KERNEL" --source 5.10)" \
	--modules "$("$KERNEL" 5.10.0-32)/modules"
refuses livepatch-fixed 'it is fixed' "$PATCH/livepatch/build" --kernel 5.10
refuses livepatch-void 'returns void' "$PATCH/livepatch/build" --kernel 6.12
wanted wanted-vulnerable 5.10.0-32 0
wanted wanted-fixed 6.1 1
wanted wanted-builtin 5.10.0-32-cloud 1
wanted_unknown
dkms_installs
echo end
