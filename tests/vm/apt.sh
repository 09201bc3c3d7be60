# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Packages of any Debian release and architecture from the machine's own mirror, by private
# apt states in the cache. Nothing of the machine's own apt state is touched. Sourced, after
# common.sh, by tests/vm/kernel, tests/hosts and deploy/portable.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# Package lists older than this are updated before something new is looked up.
lists_max_age_min=720

# --- the machine's mirror ---------------------------------------------------

# apt_sources: "uri suite" for each source the machine has, as apt itself reads
# its configuration. It needs no package lists, so this works in a bare image.
apt_sources()
{
	apt-get update --print-uris 2>/dev/null |
		sed -nE "s,^'(.*/)dists/(.*)/(In)?Release' .*,\\1 \\2,p" | sort -u
}

# mirrors: set main_mirror and security_mirror from the machine's own sources:
# whoever runs this may have no other way to packages than these. Sources of
# third parties use Debian's suite names too, so the usual path goes first.
mirrors()
{
	local codename sources suites

	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	suites="^($codename|bullseye|bookworm|trixie|forky|sid|stable|oldstable|oldoldstable|testing|unstable)\$"
	sources=$(apt_sources)
	main_mirror=$(awk -v s="$suites" '$2 ~ s {
			rank = $1 ~ /\/debian\/$/ ? 2 : 1
			if (rank > best) { best = rank; uri = $1 }
		} END { print uri }' <<<"$sources")
	security_mirror=$(awk '$2 ~ /(-security|\/updates)$/ && !uri { uri = $1 }
		END { print uri }' <<<"$sources")
	[[ -n $main_mirror ]] ||
		die 1 "no Debian source in apt's configuration: add one to /etc/apt/sources.list"
	if [[ -z $security_mirror ]]; then
		security_mirror=${main_mirror%/}
		security_mirror=${security_mirror%debian}debian-security/
	fi
}

# signed_by: the keyrings that may have signed: Debian's own, and the ones the
# machine trusts for this mirror (a private mirror may sign for itself).
signed_by()
{
	local keys=() key file files

	[[ -r $keyring ]] && keys+=("$keyring")
	mapfile -t files < <(grep -lsF -- "${main_mirror%/}" \
		/etc/apt/sources.list /etc/apt/sources.list.d/*)
	for file in "${files[@]}"; do
		while read -r key; do
			[[ $key != "$keyring" && -r $key ]] && keys+=("$key")
		done < <(grep -v '^[[:space:]]*#' "$file" |
			grep -oiE 'signed-by[:=][[:space:]]*/[^],[:space:]]+' |
			grep -oE '/.*' | sort -u)
	done
	((${#keys[@]})) || return 0
	local IFS=,
	printf ' signed-by=%s' "${keys[*]}"
}

# --- private apt state ------------------------------------------------------

# use_suites ARCH SUITE,SUITE [source]: choose (and make) the private apt state of
# these suites; with "source", the one that can fetch source packages too. Sets $apt_dir.
use_suites()
{
	local arch=$1 suites=$2 types="deb ${3:+deb-src}" type suite uri options suite_options

	apt_dir=$vm_cache/apt/$arch-${suites//,/+}${3:++source}
	mkdir -p "$apt_dir"/{lists/partial,archives/partial,empty}
	: >>"$apt_dir/status"
	mirrors
	options="arch=$arch$(signed_by)"
	for suite in ${suites//,/ }; do
		uri=$main_mirror
		[[ $suite == *-security ]] && uri=$security_mirror
		# Nobody renews the signatures of a release that is out of support.
		suite_options=$options
		[[ $suite == bullseye* ]] &&
			suite_options+=" check-valid-until=no"
		for type in $types; do
			printf '%s [%s] %s %s main\n' "$type" "$suite_options" "$uri" "$suite"
		done
	done >"$apt_dir/sources.list.$$"
	mv "$apt_dir/sources.list.$$" "$apt_dir/sources.list"
	cat >"$apt_dir/apt.conf.$$" <<-END
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Sandbox::User "$(id -un)";
		APT::Get::List-Cleanup "0";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Dir::Etc::sourcelist "$apt_dir/sources.list";
		Dir::Etc::sourceparts "$apt_dir/empty";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "$apt_dir/empty";
		Dir::State "$apt_dir";
		Dir::State::status "$apt_dir/status";
		Dir::State::lists "$apt_dir/lists";
		Dir::Cache "$apt_dir";
		Dir::Cache::archives "$apt_dir/archives";
		Dir::Log "$apt_dir";
	END
	mv "$apt_dir/apt.conf.$$" "$apt_dir/apt.conf"
}

apt()
{
	local command=$1

	shift
	# The machine's hooks (command-not-found, appstream, packagekit) act on
	# the machine's state, not on this one.
	"$command" -c "$apt_dir/apt.conf" \
		-o APT::Update::Post-Invoke-Success::= \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
		-o Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled=false \
		-o Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled=false \
		-o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
		"$@"
}

# update_lists [force]
update_lists()
{
	local stamp=$apt_dir/updated

	if [[ ${1:-} != force && -n $(find "$stamp" \
		-mmin "-$lists_max_age_min" 2>/dev/null) ]]; then
		return 0
	fi
	say "updating the package lists of ${apt_dir##*/}"
	if ! apt apt-get -qq -o APT::Update::Error-Mode=any update \
		>"$apt_dir/update.log" 2>&1; then
		cat "$apt_dir/update.log" >&2
		die 1 "cannot update the package lists of ${apt_dir##*/}: is the mirror $main_mirror reachable?"
	fi
	touch "$stamp"
}

# versions PACKAGE: all versions on offer, highest first.
versions()
{
	apt apt-cache show "$1" 2>/dev/null |
		awk '$1 == "Version:" { print $2 }' | sort -u | highest_first
}

# highest_first: sort "VERSION rest" lines by Debian's order (sort -V differs
# from it where there is a ~ or a +).
highest_first()
{
	local lines=() line i

	while read -r line; do
		for ((i = 0; i < ${#lines[@]}; i++)); do
			dpkg --compare-versions "${line%% *}" gt "${lines[i]%% *}" &&
				break
		done
		lines=("${lines[@]:0:i}" "$line" "${lines[@]:i}")
	done
	((${#lines[@]} == 0)) || printf '%s\n' "${lines[@]}"
}

# first: the first line. Unlike head, it reads on: a writer that is cut off
# would fail the whole pipe.
first()
{
	sed -n 1p
}

# download_and_unpack DIR: "package version" lines from stdin, unpacked. Returns
# 1 when the mirror lists a package and does not have it; a mirror may drop old
# builds, or get new ones, between two runs of its lists. Dies of all else.
download_and_unpack()
{
	local dir=$1 name version deb got

	mkdir -p "$dir/deb" "$dir/root"
	while read -r name version; do
		say "fetching $name $version"
		(cd "$dir/deb" && apt apt-get -qq download "$name=$version" \
			>"$dir/download.log" 2>&1) || {
			! grep -qE ' 404 ' "$dir/download.log" || return 1
			cat "$dir/download.log" >&2
			die 1 "cannot fetch $name $version"
		}
		got=("$dir"/deb/*.deb)
		deb=${got[0]}
		dpkg-deb -x "$deb" "$dir/root"
		rm -f "$deb"
	done
	rm -rf "$dir/deb" "$dir/download.log"
}

# --- directories of the cache ------------------------------------------------

# work_dir: a new directory beside its final place, removed if anything fails.
work=
cleanup()
{
	[[ -z $work ]] || rm -rf -- "$work"
}
trap cleanup EXIT

work_dir()
{
	mkdir -p "$vm_cache/tmp"
	work=$(mktemp -d "$vm_cache/tmp/${1//\//-}.XXXXXX")
	chmod 755 "$work"
}

# settle DIR: the finished $work becomes DIR, all or nothing.
settle()
{
	local old=

	mkdir -p "$(dirname "$1")"
	if [[ -e $1 ]]; then
		old=$(mktemp -d "$vm_cache/tmp/old.XXXXXX")
		mv "$1" "$old/"
	fi
	mv "$work" "$1"
	work=
	[[ -z $old ]] || rm -rf -- "$old"
}

# locked KEY COMMAND...: one at a time per KEY, over all processes.
locked()
{
	local key=$1 fd

	shift
	mkdir -p "$vm_cache/lock"
	exec {fd}>"$vm_cache/lock/${key//\//-}"
	flock "$fd"
	"$@"
	exec {fd}>&-
}

# with_apt COMMAND...: with the chosen apt state to itself.
with_apt()
{
	locked "apt-${apt_dir##*/}" "$@"
}
