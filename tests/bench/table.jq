# SPDX-License-Identifier: GPL-2.0-only
# The result as text.

def pad(n): tostring | . + " " * (n - length);
def lpad(n): tostring | " " * (n - length) + .;
def measured: "\(.median | lpad(8)) ±\(.plus_minus | pad(6))";
def target(unit): if .target == null then "" else "  target \(.target)\(unit): \(.verdict)" end;

"\(.kernel), \(.cpu)",
"",
"start to watching     \(.start_ms | measured) ms\(.start_ms | target(" ms"))",
"resident memory       \(.idle.rss_kib | lpad(8)) KiB    (\(.idle.anon_kib) KiB of its own)  target 8192 KiB: \(if .idle.rss_kib <= 8192 then "met" else "missed" end)",
"wake-ups when idle    \(.idle.wakeups | lpad(8)) in \(.idle.seconds) s  target 0: \(if .idle.wakeups == 0 then "met" else "missed" end)",
"",
"whole operation       off, ns          empty programs, %    monitor, %",
(.overhead[] | "  \(.op | pad(20))\(.off_ns | measured)  \(.empty_percent | measured)    \(.percent | measured)\(.percent | target(" %"))"),
"",
"one program run                          empty, ns        over empty, ns",
(.programs[] | "  \(.op | pad(20))\(.program | pad(16)) \(.empty_ns | measured) \(.over_empty_ns | measured)\(.over_empty_ns | target(" ns"))"),
"",
"delayed insert among extents             over empty, ns",
(.tree[] | "  \(.extents | lpad(20))                  \(.over_empty_ns | measured)\(.over_empty_ns | target(" ns"))"),
"",
"instructions that the verifier walks",
(.instructions | to_entries[] | "  \(.key | pad(24))\(.value | lpad(8))")
