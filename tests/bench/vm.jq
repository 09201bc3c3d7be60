# SPDX-License-Identifier: GPL-2.0-only
# Of the pairs of one kernel and one way to attach: what an operation takes more, in
# per cent, and how many times that much its peers.

def median: sort | .[length / 2 | floor];

[.[] | select(.kind == "pair")] | group_by(.op)[] | .[0].op as $op |
(group_by(.pair) | map(map({(.state): .ns}) | add)) as $pairs |
($pairs[0] | keys - ["off"])[] as $state |
($pairs | map((.[$state] - .off) / .off * 100) | sort) as $percent |
[$kernel, $mode, $op, $state, ($pairs | map(.off) | median | round),
	($percent[length / 4 | floor] * 10 | round / 10), ($percent | median * 10 | round / 10),
	($percent[length * 3 / 4 | floor] * 10 | round / 10)] | @tsv
