# SPDX-License-Identifier: GPL-2.0-only
# The result as text.

def pad(n): tostring | . + " " * (n - length);
def lpad(n): tostring | " " * (n - length) + .;
def measured: "\(.median | lpad(8)) ±\(.plus_minus | pad(6))";
def target(unit): if .target == null then "" else "  target \(.target)\(unit): \(.verdict)" end;

"\(.kernel), \(.cpu)",
"",
"start to watching     \(.start_ms | measured) ms\(.start_ms | target(" ms"))",
(.idle | to_entries[] |
	(if .key == "exporter" then 12288 else 8192 end) as $target |
	"resident, \(.key | pad(12))\(.value.rss_kib | lpad(8)) KiB    (\(.value.anon_kib) KiB of its own)  target \($target) KiB: \(if .value.rss_kib <= $target then "met" else "missed" end)",
	"wake-ups, \(.key | pad(12))\(.value.wakeups | lpad(8)) in \(.value.seconds) s idle  target 0: \(if .value.wakeups == 0 then "met" else "missed" end)"),
"",
"whole operation       off, ns          empty programs, %    monitor, %",
(.overhead[] | "  \(.op | pad(20))\(.off_ns | measured)  \(.empty_percent | measured)    \(.percent | measured)\(.percent | target(" %"))"),
"",
"one program run                          empty, ns        over empty, ns",
(.programs[] | "  \(.op | pad(20))\(.program | pad(16)) \(.empty_ns | measured) \(.over_empty_ns | measured)\(.over_empty_ns | target(" ns"))"),
"",
"what else does the work              monitor, ns         peer, ns           peer / monitor",
(.overhead[] | .op as $op | .ns as $ns | .peers | to_entries[] |
	"  \($op | pad(20))\(.key | pad(12)) \($ns | measured)  \(.value.ns | measured)   \(if $ns.median > $ns.plus_minus then .value.ns.median / $ns.median * 10 | round / 10 else "(the monitor is within the noise)" end)"),
"",
"in its programs, an operation         ns                   runs",
(.in_programs[] | .op as $op | .by | to_entries[] |
	"  \($op | pad(20))\(.key | pad(12)) \(.value.ns | measured)   \(.value.runs * 100 | round / 100)"),
"",
"CPU of the monitor, 1 000 events     ms",
(.event_cpu_ms | to_entries[] | "  \(.key | pad(20))             \(.value | measured)"),
"events a second with no detail lost  \(.storm.largest_rate_without_loss)",
"overwrites a second, counted exactly \(.storm.fastest.rate)  \(if .storm.fastest.exact then "every one counted" else "NOT EXACT" end), \(.storm.fastest.lost_details) details lost  target 500000: \(if .storm.fastest.exact and .storm.fastest.rate >= 500000 then "met" else "missed" end)",
"",
"delayed insert among extents             over empty, ns",
(.tree[] | "  \(.extents | lpad(20))                  \(.over_empty_ns | measured)\(.over_empty_ns | target(" ns"))"),
"",
"instructions that the verifier walks",
(.instructions | to_entries[] | "  \(.key | pad(24))\(.value | lpad(8))")
