#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What is handed out (make packages): the linters have nothing to say but what is explained,
# the SBOM names what is inside, the sums are right, and the static file starts where there
# is nothing else.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need lintian rpmlint rpm jq node npm
OUT=${FLEET_PACKAGES:-$ROOT/build/packages}
CACHE=${EXT4RACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ext4race}
# Parses licence expressions, with the list of SPDX.
EXPRESSIONS=spdx-expression-parse@4.0.0
if [[ ! -e $OUT/SHA256SUMS ]]; then
	echo "1..0 # skip no build/packages (make packages)"
	rm -rf "$TMP"
	exit 77
fi
VERSION=$(sed -n 's/^#define EXT4RACE_VERSION "\(.*\)"/\1/p' "$ROOT/user/base/version.h")
SBOM=$OUT/ext4race-detect-$VERSION.spdx.json
ARCHES=(x86_64 arm64)

whole() {
	local kind
	for kind in -x86_64 -arm64 -x86_64.tar.gz -arm64.tar.gz -1.x86_64.rpm -1.aarch64.rpm -oci.tar .spdx.json; do
		[[ -s $OUT/ext4race-detect-$VERSION$kind ]] || { echo "no ext4race-detect-$VERSION$kind"; return 1; }
	done
	for kind in detect_"$VERSION"_amd64 detect_"$VERSION"_arm64 fix-source_"$VERSION"_all; do
		[[ -s $OUT/ext4race-$kind.deb ]] || { echo "no ext4race-$kind.deb"; return 1; }
	done
}

sums() {
	(cd "$OUT" && sha256sum --strict --quiet -c SHA256SUMS) || return
	# Every file has one.
	diff <(awk '{ print $2 }' "$OUT/SHA256SUMS" | sort) <(cd "$OUT" && printf '%s\n' * | grep -vx SHA256SUMS | sort)
}

lint_deb() {
	lintian --allow-root --fail-on error,warning "$1"
}

# Exceptions are in deploy/rpm/rpmlint.toml, with their reasons.
lint_rpm() {
	local said
	said=$(rpmlint -c "$ROOT/deploy/rpm/rpmlint.toml" "$1" 2>&1) || true
	echo "$said"
	[[ $said == *" 0 errors, 0 warnings"* ]]
}

deb_needs_nothing() { # ARCH
	local depends
	depends=$(dpkg-deb -f "$OUT/ext4race-detect_${VERSION}_$1.deb" Depends Pre-Depends Recommends)
	echo "$depends"
	[[ -z $depends ]]
}

static() { # ARCH
	local file=$OUT/ext4race-detect-$VERSION-$1
	readelf -hld "$file" >"$TMP/elf"
	grep -E 'Type:|Machine:|NEEDED|interpreter' "$TMP/elf"
	grep -q 'Type: *DYN' "$TMP/elf" && not grep -qE 'NEEDED|INTERP' "$TMP/elf"
}

# Nothing else is there: no loader, no library, no /etc, no /proc.
starts_alone() {
	mkdir -p "$TMP/empty"
	cp "$OUT/ext4race-detect-$VERSION-x86_64" "$TMP/empty/detect"
	[[ $(chroot "$TMP/empty" /detect --version) == *"$VERSION"* ]]
}

# ---- the SBOM ----

sbom_holds_together() {
	jq -e '
		([.packages[].SPDXID] + [.SPDXID]) as $ids |
		.spdxVersion == "SPDX-2.3" and .dataLicense == "CC0-1.0" and .SPDXID == "SPDXRef-DOCUMENT" and
		(.documentNamespace | test("^https://[^#]+$")) and
		(.creationInfo.created | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")) and
		(.creationInfo.creators | length > 0 and all(test("^(Tool|Person|Organization): .+"))) and
		($ids | length == (unique | length) and all(test("^SPDXRef-[A-Za-z0-9.-]+$"))) and
		(.packages | all(.name and .versionInfo and .downloadLocation and .licenseDeclared and
			.licenseConcluded and .copyrightText and .filesAnalyzed == false)) and
		(.relationships | all((.spdxElementId as $a | $ids | index($a)) and
			(.relatedSpdxElement as $b | $ids | index($b)))) and
		# No package that nothing leads to.
		([.relationships[].relatedSpdxElement] as $to | .packages | all(.SPDXID as $id | $to | index($id)))' "$SBOM"
}

sbom_sums() {
	local arch
	for arch in "${ARCHES[@]}"; do
		jq -r --arg f "ext4race-detect-$arch" '.packages[] | select(.packageFileName == $f) |
			.checksums[] | select(.algorithm == "SHA256") | .checksumValue' "$SBOM" >"$TMP/stated"
		sha256sum "$OUT/ext4race-detect-$VERSION-$arch" | cut -d ' ' -f 1 >"$TMP/is"
		diff "$TMP/stated" "$TMP/is" || return
	done
}

# What the program itself says is inside it.
sbom_is_complete() {
	"$OUT/ext4race-detect-$VERSION-x86_64" --version -v | awk '/^  / && $1 != "libraries" { print $1, $2 }' | sort >"$TMP/inside"
	cat "$TMP/inside"
	jq -r '.relationships as $r | .packages as $p |
		[$r[] | select(.relationshipType == "STATIC_LINK" and (.spdxElementId | endswith("x86-64"))) |
			.relatedSpdxElement][] as $id | $p[] | select(.SPDXID == $id) |
		"\(.name) \(.versionInfo)"' "$SBOM" | sort >"$TMP/listed"
	diff "$TMP/inside" "$TMP/listed" && (($(wc -l <"$TMP/listed") > 10))
}

fetch_expressions() {
	[[ -d $CACHE/spdx-expressions/node_modules ]] && return
	mkdir -p "$TMP/npm" "$CACHE"
	echo '{"private": true}' >"$TMP/npm/package.json"
	(cd "$TMP/npm" && timeout 300 npm install --no-audit --no-fund --ignore-scripts "$EXPRESSIONS") >&2 || return 1
	mv -T "$TMP/npm" "$CACHE/spdx-expressions"
}

licences_are_spdx() {
	jq -r '.packages[] | .licenseDeclared, .licenseConcluded | select(. != "NOASSERTION")' "$SBOM" |
		sort -u >"$TMP/licences"
	cat "$TMP/licences"
	(cd "$CACHE/spdx-expressions" && node -e '
		const parse = require("spdx-expression-parse");
		const lines = require("fs").readFileSync(0, "utf8").trim().split("\n");
		lines.forEach((l) => parse(l));
		if (lines.length < 3) process.exit(1);' <"$TMP/licences")
}

ok "all files are there" whole
ok "SHA256SUMS" sums
for file in "$OUT"/*.deb; do
	ok "lintian: ${file##*/}" lint_deb "$file"
done
for file in "$OUT"/*.rpm; do
	ok "rpmlint: ${file##*/}" lint_rpm "$file"
done
for arch in amd64 arm64; do
	ok "the .deb for $arch needs no package" deb_needs_nothing "$arch"
done
for arch in "${ARCHES[@]}"; do
	ok "the file for $arch needs no library" static "$arch"
done
if ((EUID == 0)); then
	ok "it starts in an empty directory" starts_alone
fi
ok "the SBOM holds together" sbom_holds_together
ok "it names the files by their sums" sbom_sums
ok "it lists what is inside" sbom_is_complete
if fetch_expressions 2>"$TMP/npm.log"; then
	ok "its licences are SPDX expressions" licences_are_spdx
else
	echo "# licences not parsed: $(tail -n 1 "$TMP/npm.log")"
fi
