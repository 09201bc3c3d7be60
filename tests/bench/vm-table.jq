# SPDX-License-Identifier: GPL-2.0-only
# The results of all VMs as text.

def pad(n): tostring | . + " " * (n - length);
def lpad(n): tostring | " " * (n - length) + .;
def tenth: . * 10 | round / 10;
def percent: "\(.median | tenth | lpad(8)) ±\(.plus_minus | tenth | pad(5))";

.[] | ([.overhead[].peers | keys[]] | unique) as $peers |
"\(.kernel), \(.mode)",
"  whole operation, % more    \(["empty", "monitor"] + $peers | map(lpad(10) | pad(16)) | join(""))",
(.overhead[] | . as $row | "    \(.op | pad(25))\([.empty_percent, .percent] + [$peers[] as $p | $row.peers[$p]]
	| map(if . then percent else " " * 15 end + " ") | join(""))"),
"  one program run                              times an empty one",
(.programs[] | select(.op == "write" or .op == "fault" or .op == "fallocate") |
	"    \(.op | pad(12))\(.program | pad(28)) \(.times_empty | lpad(6))"),
"  delayed insert, among extents, over one among 1",
(.tree[0].over_empty_ns.median as $one | .tree[] |
	"    \(.extents | lpad(8))                                 \(.over_empty_ns.median / $one | tenth | lpad(6))"),
(if .instructions == {} then empty else "  instructions that the verifier walks" end),
(.instructions | to_entries[] | "    \(.key | pad(28))            \(.value | lpad(7))"),
""
