# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
#
# What patch/check, patch/build-ext4, patch/module and patch/livepatch share:
# they recognise the form of a kernel tree, roll it back, fix it, and find the
# compiler that a set of kernel headers needs.
#
# Whether a tree is fixed is decided by its code, never by its version. The version
# only chooses between two series that would both apply.

# A die within $(...) has to end the whole script.
shopt -s inherit_errexit

PATCH_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP_DIR=$(dirname "$PATCH_DIR")
CACHE=${EXT4RACE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/ext4race}
KERNEL_TOOL=${EXT4RACE_KERNEL_TOOL:-$TOP_DIR/tests/vm/kernel}
JOBS=${EXT4RACE_JOBS:-$(nproc)}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# needs_value OPTION [VALUE]: exits with 64 where the value is missing.
needs_value() {
	[[ -n ${2:-} ]] || {
		printf '%s: %s needs a value\n' "${0##*/}" "$1" >&2
		exit 64
	}
}

need() {
	local tool

	for tool; do
		command -v "$tool" >/dev/null ||
			die "$tool is not installed; install it and run this again"
	done
}

# kernel_image NAME, kernel_source NAME, kernel_headers NAME: print a directory, which is
# fetched when it is missing; see tests/vm/README.md. tests/vm/kernel says what went wrong.
kernel_image() {
	has_kernel_tool
	"$KERNEL_TOOL" "$1" || exit
}

kernel_source() {
	has_kernel_tool
	"$KERNEL_TOOL" --source "$1" || exit
}

kernel_headers() {
	has_kernel_tool
	"$KERNEL_TOOL" --headers "$1" || exit
}

# The package does not install tests/vm.
has_kernel_tool() {
	[[ -x $KERNEL_TOOL ]] ||
		die "--kernel needs the whole source tree (tests/vm/kernel); here give --headers and --source"
}

# da_map_blocks TREE: the text of ext4_da_map_blocks().
da_map_blocks() {
	sed -n '/^static .*int ext4_da_map_blocks(/,/^}/p' "$1/fs/ext4/inode.c"
}

# tree_form TREE: what the delayed insert of this tree looks like.
#   fixed      looks the block up again under i_data_sem held for write
#   b          exclusive lock, no recheck
#   a-refactored  on the way between a and b; no release looks like this
#   a          shared lock, ext4_es_insert_extent() returns void
#   a-int      shared lock, and it returns int
#   multi      the multi-block form of 6.11 and newer, without the recheck
#   old        before ext4_insert_delayed_block() existed (4.19.y and older)
tree_form() {
	local body lookups

	[[ -r $1/fs/ext4/inode.c ]] || die "$1 has no fs/ext4/inode.c: not a kernel tree"
	body=$(da_map_blocks "$1")
	[[ -n $body ]] || die "$1: fs/ext4/inode.c has no ext4_da_map_blocks()"
	lookups=$(grep -c 'ext4_es_lookup_extent(' <<<"$body" || true)
	if ((lookups >= 2)) && grep -q 'down_write(' <<<"$body"; then
		echo fixed
	elif grep -q 'ext4_insert_delayed_blocks(' <<<"$body"; then
		echo multi
	elif grep -q 'down_write(' <<<"$body"; then
		echo b
	elif ! grep -q 'ext4_insert_delayed_block(' <<<"$body"; then
		echo old
	elif ! grep -q 'if (retval == 0) {' <<<"$body"; then
		echo a-refactored
	elif grep -q '^extern int ext4_es_insert_extent(' "$1/fs/ext4/extents_status.h"; then
		echo a-int
	else
		echo a
	fi
}

# tree_version TREE: "5.10", "6.1": the kernel line of the tree.
tree_version() {
	[[ -r $1/Makefile ]] || die "$1 has no Makefile: not a kernel tree"
	awk -F' *= *' '/^VERSION =/ { v = $2 } /^PATCHLEVEL =/ { print v "." $2; exit }' \
		"$1/Makefile"
}

# apply_patches TREE PATCH...: applies all of them in order, without fuzz, or dies.
apply_patches() {
	local tree=$1 p

	shift
	for p; do
		patch --quiet -p1 --fuzz=0 --forward --no-backup-if-mismatch \
			-d "$tree" <"$p" >/dev/null ||
			die "${p#"$PATCH_DIR"/} does not apply to $tree"
	done
}

# patches_apply TREE PATCH...: would they apply? TREE stays as it is.
patches_apply() (
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	mkdir -p "$tmp/fs"
	cp -r "$1/fs/ext4" "$tmp/fs/"
	shift
	for p; do
		patch --quiet -p1 --fuzz=0 --forward --no-backup-if-mismatch \
			-d "$tmp" <"$p" >/dev/null 2>&1 || exit 1
	done
)

# series_for TREE: the name of the series that fixes this tree.
series_for() {
	local tree=$1 form version candidates s

	form=$(tree_form "$tree")
	version=$(tree_version "$tree")
	case $form in
	fixed) die "$tree has the recheck already; nothing to apply" ;;
	b) candidates='mainline-6.8 5.10.y-b'
		[[ $version != 5.10 ]] || candidates='5.10.y-b' ;;
	a) candidates='6.6.y' ;;
	a-int) candidates="$version.y $version.y-a 6.1.y" ;;
	multi) candidates='mainline-6.11 mainline-7.0' ;;
	old) die "$tree reserves and inserts inside ext4_da_map_blocks(): older than 5.0, and there is no series for that (see patch/README.md)" ;;
	esac
	for s in $candidates; do
		if [[ -d $PATCH_DIR/series/$s ]] &&
		   patches_apply "$tree" "$PATCH_DIR/series/$s"/*.patch; then
			echo "$s"
			return
		fi
	done
	die "no series applies to $tree (it looks like form $form, $version.y)"
}

# rollback_for TREE: the directory whose patches roll this tree back.
rollback_for() {
	local tree=$1 dir

	for dir in "$PATCH_DIR"/rollback/*/; do
		[[ $(basename "$dir") == "$(tree_version "$tree")".y* ]] || continue
		if patches_apply "$tree" "$dir"/*.patch; then
			echo "${dir%/}"
			return
		fi
	done
	die "no rollback under patch/rollback applies to $tree"
}

# to_form TREE FORM: rolls TREE back, step by step, until it has FORM.
to_form() {
	local tree=$1 want=$2 dir p form

	form=$(tree_form "$tree")
	[[ $form != "$want" ]] || return 0
	dir=$(rollback_for "$tree")
	for p in "$dir"/*.patch; do
		apply_patches "$tree" "$p"
		form=$(tree_form "$tree")
		[[ $form != "$want" ]] || break
	done
	[[ $form == "$want" ]] ||
		die "$tree cannot be rolled back to form $want, only to $form"
}

# to_state TREE STATE: brings a pristine TREE into STATE, and checks that it is.
#   stock        as the distribution ships it
#   vulnerable   without the recheck, and otherwise as shipped
#   fixed        with the recheck: as shipped, or with the series of its line
#   refixed      rolled back to where its line raced, then fixed by the series of the line
#   void         vulnerable, and the delayed insert returns nothing, as from 6.5 to 6.10
#   era-a        the delayed insert under the shared lock (before 5.10.213 ...)
#   era-a-fixed  era-a, then the series with the prerequisites
to_state() {
	local tree=$1 state=$2 dir form

	form=$(tree_form "$tree")
	case $state in
	stock)
		return ;;
	vulnerable)
		if [[ $form == fixed ]]; then
			dir=$(rollback_for "$tree")
			apply_patches "$tree" "$dir"/0001-*.patch
		fi ;;
	void)
		to_state "$tree" vulnerable
		dir=$PATCH_DIR/rollback/void/$(tree_version "$tree").y.patch
		[[ -e $dir ]] || die "there is no ${dir#"$PATCH_DIR"/}, which state void needs"
		apply_patches "$tree" "$dir" ;;
	fixed)
		[[ $form == fixed ]] || apply_series "$tree" ;;
	refixed)
		if [[ $form == fixed ]]; then
			dir=$(rollback_for "$tree")
			apply_patches "$tree" "$dir"/0001-*.patch
			[[ ! -e $(echo "$dir"/0002-*.patch) ]] ||
				apply_patches "$tree" "$dir"/0002-*.patch
		fi
		apply_series "$tree" ;;
	era-a)
		to_form "$tree" a-int ;;
	era-a-fixed)
		to_form "$tree" a-int
		apply_series "$tree" ;;
	*)
		die "unknown state $state: stock, vulnerable, void, fixed, refixed, era-a or era-a-fixed" ;;
	esac
	form=$(tree_form "$tree")
	case $state in
	*fixed) [[ $form == fixed ]] || die "$tree is not fixed after its series: form $form" ;;
	vulnerable | void) [[ $form != fixed ]] || die "$tree still has the recheck" ;;
	esac
}

apply_series() {
	local name

	name=$(series_for "$1")
	apply_patches "$1" "$PATCH_DIR/series/$name"/*.patch
}

# headers_compiler HEADERS: the compiler that built the kernel, as its Debian
# headers name it (gcc-10), or nothing.
headers_compiler() {
	[[ -r $1/.kernelvariables ]] || return 0
	sed -n 's/^CC = .*[ )]\(gcc-[0-9][0-9]*\)$/\1/p' "$1/.kernelvariables" | head -n 1
}

# headers_release HEADERS: what uname -r says on that kernel.
headers_release() {
	local file=$1/include/generated/utsrelease.h

	[[ -r $file ]] || die "$1 has no include/generated/utsrelease.h: not a kernel build directory"
	sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' "$file"
}

# config_has HEADERS CONFIG: is CONFIG=y there?
config_has() {
	grep -q "^$2=y" "$1/.config"
}

# extract_vmlinux BZIMAGE OUT: unpacks the ELF inside an x86 bzImage. The setup
# header says where the payload is (Documentation/arch/x86/boot.rst: setup_sects
# at 0x1f1, payload_offset at 0x248, payload_length at 0x24c).
extract_vmlinux() {
	local image=$1 out=$2 sects offset length start magic

	sects=$(od -An -tu1 -j $((0x1f1)) -N 1 "$image" | tr -d ' ')
	offset=$(od -An -tu4 -j $((0x248)) -N 4 "$image" | tr -d ' ')
	length=$(od -An -tu4 -j $((0x24c)) -N 4 "$image" | tr -d ' ')
	start=$(((sects + 1) * 512 + offset))
	magic=$(od -An -tx1 -j "$start" -N 4 "$image" | tr -d ' ')
	# The last four bytes of the payload are the unpacked size, not data.
	dd if="$image" iflag=skip_bytes,count_bytes skip="$start" count=$((length - 4)) \
		bs=1M status=none |
		case $magic in
		fd377a58) xz -dc ;;
		28b52ffd) zstd -dc ;;
		1f8b*) gzip -dc ;;
		02214c18) lz4 -dc ;;
		*) die "$image: payload starts with $magic, a compression that this script does not know" ;;
		esac >"$out" || die "$image: cannot be unpacked"
}

# is_foreign HEADERS: are they of arm64, and this machine is not?
is_foreign() {
	config_has "$1" CONFIG_ARM64 && [[ $(uname -m) != aarch64 ]]
}

# headers_tool HEADERS TOOL: the name of this machine's TOOL for the headers' architecture.
headers_tool() {
	if is_foreign "$1"; then
		need "aarch64-linux-gnu-$2"
		echo "aarch64-linux-gnu-$2"
	else
		echo "$2"
	fi
}

# make_external HEADERS DIR TARGET...: runs make in DIR with the kernel's own build
# system. It uses the compiler of the kernel if that is installed, or if the headers
# cannot work without it. It replaces an older compiler by this machine's, which builds
# the same interface (the vermagic does not contain the compiler).
make_external() {
	local headers=$1 dir=$2 wanted ours
	local -a run=() cc=()

	shift 2
	wanted=$(headers_compiler "$headers")
	ours=$(gcc -dumpversion)
	if is_foreign "$headers"; then
		need aarch64-linux-gnu-gcc
		cc=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc)
	elif [[ -n $wanted ]] && ((${wanted#gcc-} > ${ours%%.*})); then
		"$PATCH_DIR/toolchain" --root "$wanted" >/dev/null
		run=("$PATCH_DIR/toolchain" --run "$wanted")
		cc=("CC=$wanted")
	elif [[ -z $wanted ]] || ! command -v "$wanted" >/dev/null; then
		cc=(CC=gcc)
	fi
	"${run[@]}" make -C "$headers" M="$dir" -j "$JOBS" "${cc[@]}" "$@"
}

# makefile_version MAKEFILE: "5.10.223"; nothing where it gives no version.
makefile_version() {
	awk -F' *= *' '/^VERSION =/ { v = $2 } /^PATCHLEVEL =/ { v = v "." $2 }
		/^SUBLEVEL =/ { print v "." $2; exit }' "$1"
}

# full_version TREE: "5.10.223", from its Makefile.
full_version() {
	[[ -r $1/Makefile ]] || die "$1 has no Makefile: not a kernel tree"
	makefile_version "$1/Makefile"
}

# headers_version HEADERS: the same for headers. The release does not contain it: Debian's
# is 5.10.0-32-amd64, Ubuntu's 5.15.0-113-generic. Debian's Makefile is a stub, which
# includes the Makefile of the headers that are common to all flavours.
headers_version() {
	local file=$1/Makefile version included i

	for i in 1 2 3; do
		[[ -r $file ]] || break
		version=$(makefile_version "$file")
		if [[ -n $version ]]; then
			echo "$version"
			return
		fi
		included=$(sed -n 's/^include[[:space:]]\+//p' "$file" | head -n 1)
		file=$included
	done
	die "$1/Makefile names no kernel version: $1 is not a kernel build directory"
}

# source_matches SOURCE HEADERS: dies unless they are of the same kernel version.
source_matches() {
	local version built

	version=$(full_version "$1")
	built=$(headers_version "$2")
	[[ $version == "$built" ]] ||
		die "$1 is $version, but $2 is for $built ($(headers_release "$2")); use the source package of that kernel"
}
