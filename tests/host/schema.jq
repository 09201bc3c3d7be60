# SPDX-License-Identifier: GPL-2.0-only
#
# Prints what is wrong with the lines of a run, one line per fault. Every member has to be
# there and have its type, and there may be no other:
#
#	jq -rn -f schema.jq LINES

def name: type == "string" and length > 0;
def name_or_null: . == null or name;
def count: type == "number" and . >= 0 and . == floor;
def count_or_null: . == null or count;
def dev: type == "string" and test("^[0-9]+:[0-9]+$");
def time: type == "string" and
	test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{9}Z$");
def one_of(words): . as $word | words | index([$word]) != null;

# shape({member: check, ...}; ["optional", ...]) yields what is wrong.
def unknown($known): keys - $known | map("unknown member " + .) | .[];
def missing($wanted): $wanted - keys | map("no member " + .) | .[];
def wrong(member; check): if has(member) and (.[member] | check | not)
	then "\(member) is \(.[member] | tojson)" else empty end;

def hook:
	missing(["hook", "bound", "reason"]), unknown(["hook", "bound", "reason"]),
	wrong("hook"; name), wrong("bound"; name_or_null), wrong("reason"; name_or_null),
	(if .bound == null and .reason == null then "hook neither bound nor explained" else empty end);

def filesystem:
	missing(["dev", "source", "mount"]), unknown(["dev", "source", "mount"]),
	wrong("dev"; dev), wrong("source"; name_or_null), wrong("mount"; name);

def residual:
	missing(["dev", "blocks"]), unknown(["dev", "blocks", "estimate"]),
	wrong("dev"; dev), wrong("blocks"; count), wrong("estimate"; . == true);

def watched:
	["path", "mounted", "changes", "gone_seconds"] as $all | missing($all), unknown($all),
	wrong("path"; name), wrong("mounted"; type == "boolean"), wrong("changes"; count),
	wrong("gone_seconds"; type == "number" and . >= 0);

def task:
	missing(["pid", "tid", "comm", "cgroup"]), unknown(["pid", "tid", "comm", "cgroup"]),
	wrong("pid"; count), wrong("tid"; count), wrong("comm"; name), wrong("cgroup"; count);

def allocator:
	["pid", "tid", "comm", "op", "lblk", "len", "age_ns"] as $all |
	missing($all), unknown($all),
	wrong("pid"; count), wrong("tid"; count), wrong("comm"; name), wrong("op"; name),
	wrong("lblk"; count), wrong("len"; count), wrong("age_ns"; count);

def evidence:
	missing(["kind", "says", "detail"]), unknown(["kind", "says", "detail"]),
	wrong("kind"; name), wrong("says"; one_of(["fixed", "vulnerable", "unknown"])),
	wrong("detail"; name);

def common: ["type", "schema", "time"];

def start:
	(common + ["version", "kernel", "attach", "certainty", "hooks", "filesystems"]) as $all |
	missing($all), unknown($all),
	wrong("version"; name), wrong("kernel"; name),
	wrong("attach"; one_of(["fentry", "kprobe", "tracepoint"])), wrong("certainty"; name),
	(.hooks[]? | hook), (.filesystems[]? | filesystem),
	wrong("hooks"; type == "array" and length > 0), wrong("filesystems"; type == "array");

def collision(mapping):
	(common + ["dev", "mount", "ino", "generation", "path", "lblk", "len", "was", "pblk",
		   "window_ns", "fault", "allocator"]) as $all |
	missing($all), unknown($all + ["stack", "reclaimed"]),
	wrong("dev"; dev), wrong("mount"; name_or_null), wrong("ino"; count),
	wrong("generation"; count), wrong("path"; name_or_null), wrong("lblk"; count),
	wrong("len"; count and . > 0), wrong("window_ns"; count_or_null),
	(if mapping then wrong("was"; one_of(["unwritten", "written"])), wrong("pblk"; count)
	 else wrong("was"; . == null), wrong("pblk"; . == null) end),
	(.fault | task), (.allocator | select(. != null) | allocator);

def leak:
	(common + ["dev", "ino", "blocks", "overwrites"]) as $all |
	missing($all), unknown($all),
	wrong("dev"; dev), wrong("ino"; count),
	wrong("blocks"; count and . > 0), wrong("overwrites"; count);

def verdict:
	(common + ["verdict", "evidence"]) as $all | missing($all), unknown($all + ["remedies"]),
	wrong("remedies"; type == "array" and length > 0 and all(.[]; name)),
	wrong("verdict"; one_of(["fixed", "vulnerable", "unknown"])), (.evidence[]? | evidence);

def summary:
	(common + ["delayed_inserts", "overwritten_blocks", "overwritten_files", "near_misses",
		   "averted", "leaked_blocks", "leaked_files", "lost_events", "lost_evidence",
		   "residual", "watched", "seconds"]) as $all |
	missing($all), unknown($all),
	wrong("delayed_inserts"; count), wrong("overwritten_blocks"; count),
	wrong("overwritten_files"; count), wrong("near_misses"; count_or_null),
	wrong("averted"; count), wrong("leaked_blocks"; count), wrong("leaked_files"; count),
	wrong("lost_events"; count), wrong("lost_evidence"; count),
	wrong("seconds"; type == "number" and . >= 0),
	(if .lost_evidence > .lost_events then "more evidence lost than events" else empty end),
	wrong("residual"; type == "array"), (.residual[]? | residual);

def line:
	wrong("schema"; . == 1), wrong("time"; time),
	if .type == "start" then start
	elif .type == "overwrite" or .type == "averted" then collision(true)
	elif .type == "near_miss" then collision(false)
	elif .type == "leak" then leak
	elif .type == "verdict" then verdict
	elif .type == "summary" then summary
	else "unknown type \(.type | tojson)" end;

def order:
	(if .[0].type != "start" then "the first line is no start" else empty end),
	(if .[-1].type != "summary" then "the last line is no summary" else empty end),
	(if map(select(.type == "start" or .type == "summary")) | length != 2
	 then "not one start and one summary" else empty end);

[inputs] | (.[] | line), order
