# SPDX-License-Identifier: GPL-2.0-only
# The part of a result that means something on an emulated CPU: ratios to the same operation
# with nothing attached, and to an empty program. The targets are for real CPUs.

def untargeted: walk(if type == "object" then del(.target, .verdict) else . end);
# Kernels that allow plain loads run the "direct:" programs, others run the rest: takes both.
def of_mode: with_entries(select(.key | split(":")[1] | if $mode == "fentry" then test("^fe")
	elif $mode == "kprobe" then test("^k") else test("^(tp|raw)") end));

{
	kernel, mode: $mode,
	overhead: [.overhead[] | {op, off_ns, empty_percent, percent,
		peers: (.peers | map_values(.percent))}],
	programs: [.programs[] | . + {times_empty:
		((.empty_ns.median + .over_empty_ns.median) / .empty_ns.median * 10 | round / 10)}],
	tree, instructions: ($insns | of_mode)
} | untargeted
