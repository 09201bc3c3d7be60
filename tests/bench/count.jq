# SPDX-License-Identifier: GPL-2.0-only
# Instructions that a state adds to each operation: KERNEL PLAN OP STATE ADDED SPREAD, where the
# spread is that of the runs, of both states. States are measured in turns: the least of each counts.

def word: gsub(" "; "_");

def merged: {kind: .[0].kind, plan: .[0].plan, op: .[0].op, state: .[0].state,
	least: (map(.least) | min), most: (map(.most) | max)};

(map(select(.state)) | group_by([.kind, .plan, .op, .state]) | map(merged)) as $counts |
($counts | map(select(.state == "off") | {key: (.kind + .plan + .op), value: .}) | from_entries) as $off |
(map(select(.state | not)), $counts)[] |
if .kind == "start" then
	"\($kernel) \(.plan | word) start instructions \(.instructions) 0",
	"\($kernel) \(.plan | word) verdict instructions \(.verdict) 0",
	"\($kernel) \(.plan | word) start peak_kib \(.peak_kib) 0",
	"\($kernel) \(.plan | word) start resident_kib \(.resident_kib) 0"
elif .kind == "floor" then
	"\($kernel) \(.plan | word) start empty_instructions \(.instructions) 0",
	"\($kernel) \(.plan | word) start empty_peak_kib \(.peak_kib) 0"
elif .kind == "user" then
	"\($kernel) default \(.op | word) instructions \(.instructions) 0"
elif .state == "off" then
	"\($kernel) \(.plan // "default" | word) \((if .kind == "tree" then "among_" else "" end) + .op | word) off \(.least | round) \(.most - .least | round)"
else
	$off[.kind + .plan + .op] as $o |
	"\($kernel) \(.plan // "default" | word) \((if .kind == "tree" then "among_" else "" end) + .op | word) \(.state) \(.least - $o.least | round) \(.most - .least + $o.most - $o.least | round)"
end
