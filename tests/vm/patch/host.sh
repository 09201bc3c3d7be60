#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# On the host: host.sh WORK. Checks what the builders refuse, and the DKMS source. Prints
# the same lines as the scenarios in the guest.

set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
PATCH=$HERE/../../../patch
KERNEL=$HERE/../kernel
WORK=$1

# refuses NAME WORDS COMMAND...: the command has to fail, say WORDS in one line, and leave no file.
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

# wanted NAME KERNEL STATUS: does DKMS build for this kernel?
wanted() {
	local name=$1 kernel=$2 expected=$3 status=0 said

	said=$("$PATCH/module/build" --wanted --modules "$("$KERNEL" "$kernel")/modules" 2>&1) || status=$?
	if ((status == expected)); then
		echo "ok $name: $said"
	else
		echo "FAIL $name: status $status, \"$said\""
	fi
}

# If the kernel cannot be looked at, DKMS must not take it for one that needs nothing.
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

# says NAME STATUS WORDS COMMAND...: exits with STATUS and one line that contains WORDS.
says() {
	local name=$1 expected=$2 words=$3 said status=0

	shift 3
	said=$("$@" 2>&1) || status=$?
	if ((status != expected)); then
		echo "FAIL $name: status $status, \"$said\""
	elif [[ $said != *"$words"* || $(wc -l <<<"$said") != 1 ]]; then
		echo "FAIL $name: says \"$said\", expected \"$words\""
	else
		echo "ok $name: $said"
	fi
}

# says_without_tests: the same with the sources of the package, which has no tests/vm.
says_without_tests() {
	local part

	mkdir -p "$WORK/packaged/patch"
	cp -r "$PATCH"/{lib.sh,toolchain,livepatch,module,series} "$WORK/packaged/patch"
	for part in livepatch module; do
		says "packaged-$part" 1 'the whole source tree' \
			"$WORK/packaged/patch/$part/build" --kernel 6.1 --out "$WORK/packaged/out"
	done
}

# Registers the source with DKMS in directories below $dir, built for no kernel yet. Sets dkms.
dkms_registers() {
	rm -rf "$dir/tree"
	mkdir -p "$dir"/{modules,src,tree}
	[[ -e $dir/src/ext4race-ext4-1.0 ]] ||
		"$PATCH/module/dkms-tree" --root "$dir/src" --modules "$dir/modules" >/dev/null
	dkms=(dkms --dkmstree "$dir/tree" --sourcetree "$dir/src" --installtree "$dir/modules")
	"${dkms[@]}" add ext4race-ext4/1.0 >"$WORK/dkms.log" 2>&1
}

# dkms_autoinstalls RELEASE WANTED: runs autoinstall as the hook of a kernel package does; a
# failure would leave that package half configured. WANTED: is the module there afterwards,
# 1 or 0?
dkms_autoinstalls() {
	local status=0 there=0 ko

	rm -rf "$dir/modules/$1/updates"
	"${dkms[@]}" autoinstall -k "$1" --no-depmod --kernelsourcedir "$dir/modules/$1/build" \
		>>"$WORK/dkms.log" 2>&1 || status=$?
	ko=$(find "$dir/modules/$1" -path '*/updates/dkms/ext4.ko*')
	[[ -z $ko ]] || there=1
	((status || there != $2)) || return 0
	echo "autoinstall for $1 ended with $status, module \"$ko\""
	tail -n 5 "$WORK/dkms.log"
	return 1
}

# dkms_installs: the real dkms builds and installs for a kernel that needs it, and skips (77)
# one that does not.
dkms_installs() {
	local kernel release status installed=0 skipped=0 passed_over=0 dir=$WORK/dkms ko
	local -A release_of=()
	local -a dkms

	dkms_registers
	for kernel in 5.10.0-32 5.10; do
		release=$(cat "$("$KERNEL" "$kernel")/release")
		release_of[$kernel]=$release
		cp -r "$("$KERNEL" "$kernel")/modules" "$dir/modules/$release"
		cp -rs "$("$KERNEL" --headers "$kernel")" "$dir/modules/$release/build"
		ln -sfn "$("$KERNEL" --source "$kernel")" "$dir/modules/$release/build/source"
		status=0
		"${dkms[@]}" install ext4race-ext4/1.0 -k "$release" --no-depmod \
			--kernelsourcedir "$dir/modules/$release/build" >>"$WORK/dkms.log" 2>&1 || status=$?
		case $kernel-$status in
		5.10.0-32-0)
			# DKMS also says this where it installed nothing.
			ko=$(find "$dir/modules/$release/updates/dkms" -name 'ext4.ko*' 2>/dev/null)
			[[ -n $ko ]] && installed=1
			[[ -n $ko ]] || tail -n 5 "$WORK/dkms.log" ;;
		5.10-77) skipped=1 ;;
		*) tail -n 5 "$WORK/dkms.log" ;;
		esac
	done
	# A fixed kernel and one without an ext4 module, each with and without an earlier build for
	# another kernel; and a kernel that needs it.
	release=$(cat "$("$KERNEL" 5.10.0-32-cloud)/release")
	cp -r "$("$KERNEL" 5.10.0-32-cloud)/modules" "$dir/modules/$release"
	mkdir -p "$dir/modules/$release/build/include"
	if dkms_autoinstalls "${release_of[5.10]}" 0 && dkms_autoinstalls "$release" 0 &&
	   dkms_registers && dkms_autoinstalls "${release_of[5.10]}" 0 &&
	   dkms_autoinstalls "$release" 0 && dkms_autoinstalls "${release_of[5.10.0-32]}" 1; then
		passed_over=1
	fi
	if ((installed && skipped && passed_over)); then
		echo "ok dkms: installed for a vulnerable kernel, skipped for a fixed one, whose package goes through"
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
refuses livepatch-fixed-extent 'it is fixed' "$PATCH/livepatch/build" --kernel 6.12
refuses livepatch-no-way 'no live patching' "$PATCH/livepatch/build" --kernel 5.10.0-32-arm64 --way livepatch
wanted wanted-vulnerable 5.10.0-32 0
wanted wanted-fixed 6.1 1
wanted wanted-builtin 5.10.0-32-cloud 1
wanted_unknown
says wanted-missing 2 'is that kernel installed' "$PATCH/module/build" --wanted --modules /nonexistent
mkdir -p "$WORK/headers/include/generated"
says module-no-headers 1 'not a kernel build directory' "$PATCH/module/build" --headers "$WORK/headers"
echo '#define UTS_RELEASE "5.10.0-0"' >"$WORK/headers/include/generated/utsrelease.h"
says module-no-makefile 1 'not a kernel build directory' "$PATCH/module/build" --headers "$WORK/headers"
says btf-unknown 64 'nosuch' "$PATCH/../btf/make" nosuch
says check-nothing 1 'no series' "$PATCH/check" ''
says check-dot 1 'no series' "$PATCH/check" .
for builder in livepatch/build module/build build-ext4; do
	says "${builder%/*}-no-value" 64 '--kernel needs a value' "$PATCH/$builder" --kernel
done
says dkms-tree-no-value 64 '--root needs a value' "$PATCH/module/dkms-tree" --root
says_without_tests
dkms_installs
echo end
