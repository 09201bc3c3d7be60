# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The sources themselves: licence, format, scripts. Only in a git checkout.

tracked() {
	git -C "$ROOT" rev-parse HEAD >/dev/null 2>&1 || exit "$SKIP"
	git -C "$ROOT" ls-files "$@"
}

# Formats that have no comments: patches, data, pictures, and what Debian prescribes. What goes into
# the kernel's own suite names its licence as that suite does.
test_source_licence() {
	local file bad=0

	while read -r file; do
		grep -qI 'SPDX-License-Identifier: .*GPL-2.0-only' "$ROOT/$file" && continue
		case $file in
		LICENSE | COPYING | *.patch | *.json | *.jsonl | *.btf | *.lz4 | *.png | *.webp | tests/fuzz/seeds/*) ;;
		patch/fstests/*.out) ;;
		patch/fstests/*)
			grep -qI 'SPDX-License-Identifier: GPL-2.0$' "$ROOT/$file" ||
				{ echo "no licence: $file"; bad=1; }
			;;
		deploy/debian/changelog | deploy/debian/copyright | deploy/debian/source/*) ;;
		*) echo "no licence: $file"; bad=1 ;;
		esac
	done < <(tracked)
	return "$bad"
}

test_source_format() {
	tracked '*.c' '*.h' | (cd "$ROOT" && xargs clang-format --dry-run --Werror)
}

test_source_scripts() {
	local file

	tracked | while read -r file; do
		# fstests sets the variables of these, in files that are not here.
		[[ $file != patch/fstests/* ]] || continue
		if head -n 1 "$ROOT/$file" | grep -aqE '^#!.*[/ ](ba)?sh$'; then
			echo "$ROOT/$file"
		fi
	done | (cd "$ROOT" && xargs shellcheck -x -S warning)
}
