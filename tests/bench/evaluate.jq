# SPDX-License-Identifier: GPL-2.0-only
#
# Makes one object from the bench's raw lines (jq --slurp). Each median has half the width of
# its 95 % interval (the notch of a box plot). If that is wider than the target, the result
# cannot tell whether the target is met.

def quantile(q): sort | ((length - 1) * q) as $at | ($at | floor) as $i |
	if $i + 1 < length then .[$i] + (.[$i + 1] - .[$i]) * ($at - $i) else .[$i] end;
def round2: . * 100 | round / 100;
def stats: {
	median: (quantile(0.5) | round2),
	plus_minus: ((quantile(0.75) - quantile(0.25)) * 1.57 / (length | sqrt) | round2),
	quartiles: [(quantile(0.25) | round2), (quantile(0.75) | round2)],
	n: length
};
def verdict(target): if target == null then null
	elif .median + .plus_minus <= target then "met"
	elif .median - 2 * .plus_minus > target then "missed"
	elif .plus_minus > target and .plus_minus > 0.5 then "too noisy to tell"
	elif .median <= target then "met, within the noise"
	else "missed, within the noise" end;
# The two that were measured in turn within a round. A round without one of them does not count.
def rounds: group_by(.round) | map(map({(.state): .ns}) | add | select(.on and .empty));
# The one hook that both the block of a write and a fault pass.
def delayed_insert: test("^(tp|raw|fentry|kprobe)_insert_(block|extent)$");
def judged(target): . + {target: target, verdict: verdict(target)};

{ read: 0, write: 0.5, fault: 2, fallocate: 1 } as $overhead_targets |
{ write: 5, fault: 40 } as $ns_targets |
{ "1": 40, "16": 40, "100000": 150 } as $tree_targets |

{
	kernel: $kernel,
	cpu: $cpu,
	idle: ([.[] | select(.kind == "idle")] | map({key: .what, value: del(.kind, .what)}) | from_entries),
	start_ms: ([.[] | select(.kind == "start") | .ms] | stats | judged(150)),
	overhead: (
		[.[] | select(.kind == "pair")] | group_by(.op) | map(
			.[0].op as $op |
			(group_by(.pair) | map(map({(.state): .ns}) | add)) as $pairs |
			{
				op: $op,
				off_ns: ($pairs | map(.off) | stats),
				empty_percent: ($pairs | map((.empty - .off) / .off * 100) | stats),
				percent: ($pairs | map((.on - .off) / .off * 100) | stats |
					judged($overhead_targets[$op])),
				over_empty_percent: ($pairs | map((.on - .empty) / .off * 100) | stats),
				ns: ($pairs | map(.on - .off) | stats),
				peers: ([$pairs[0] | keys[] | select(. != "off" and . != "empty" and . != "on")]
					| map(. as $peer | {
						key: $peer,
						value: {
							ns: ($pairs | map(.[$peer] - .off) | stats),
							percent: ($pairs | map((.[$peer] - .off) / .off * 100) | stats)
						}
					}) | from_entries)
			})),
	in_programs: (
		[.[] | select(.kind == "total")] | group_by(.op) | map(
			.[0].op as $op |
			{
				op: $op,
				by: (group_by(.state) | map({
					key: .[0].state,
					value: {ns: (map(.ns) | stats), runs: (map(.runs) | stats | .median)}
				}) | from_entries)
			})),
	event_cpu_ms: (
		[.[] | select(.kind == "event_cpu")] | group_by(.what) | map({
			key: .[0].what, value: (map(.ms) | stats)
		}) | from_entries),
	storm: {
		largest_rate_without_loss: ([.[] | select(.kind == "largest_rate") | .rate] | first),
		fastest: ([.[] | select(.kind == "storm_rate")] | first | del(.kind)),
		runs: [.[] | select(.kind == "storm") | del(.kind)]
	},
	programs: (
		[.[] | select(.kind == "program")] | group_by([.op, .program]) | map(
			rounds as $rounds |
			{
				op: .[0].op,
				program: .[0].program,
				empty_ns: ($rounds | map(.empty) | stats),
				over_empty_ns: ($rounds | map(.on - .empty) | stats | judged(null))
			})
		| map(if .program | delayed_insert
			then .op as $op | .over_empty_ns |= judged($ns_targets[$op]) else . end)),
	tree: (
		[.[] | select(.kind == "tree" and (.program | delayed_insert))]
		| group_by(.op | tonumber) | map(
			.[0].op as $op |
			{
				extents: ($op | tonumber),
				over_empty_ns: (rounds | map(.on - .empty) | stats | judged($tree_targets[$op]))
			})),
	instructions: ([.[] | select(.kind == "insns") | {(.program): .insns}] | add)
}
