# SPDX-License-Identifier: GPL-2.0-only
"""bundle.py PROFILE IMAGE.json: of a rendered manifest (YAML, standard input) the config.json
that a container runtime gets from a kubelet: the manifest's command line, capabilities,
mounts and seccomp profile, and the mounts and masked paths that every container has."""
import json
import sys
import yaml

ROOT_ONLY_MASKED = ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
                    "/sys/firmware"]
READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def mount(destination, kind, source, *options):
    return {"destination": destination, "type": kind, "source": source, "options": list(options)}


def volume(m, volumes):
    propagation = {"HostToContainer": "rslave", "Bidirectional": "rshared"}
    return mount(m["mountPath"], "bind", volumes[m["name"]]["hostPath"]["path"], "rbind",
                 "ro" if m.get("readOnly") else "rw",
                 propagation.get(m.get("mountPropagation"), "rprivate"))


def main():
    profile = json.load(open(sys.argv[1]))
    image = json.load(open(sys.argv[2]))
    (ds,) = [d for d in yaml.safe_load_all(sys.stdin) if d["kind"] == "DaemonSet"]
    pod = ds["spec"]["template"]["spec"]
    (c,) = pod["containers"]
    sc = c["securityContext"]
    assert sc["capabilities"]["drop"] == ["ALL"] and not sc["privileged"]
    assert sc["seccompProfile"] == {"type": "Localhost", "localhostProfile": "ext4race-detect.json"}
    caps = ["CAP_" + cap for cap in sc["capabilities"]["add"]]
    volumes = {v["name"]: v for v in pod["volumes"]}
    json.dump({
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": sc["runAsUser"], "gid": 0}, "cwd": "/",
            "args": image["config"]["Entrypoint"] + c["args"], "env": ["PATH=/"],
            "capabilities": {k: caps for k in ("bounding", "effective", "permitted")},
            "noNewPrivileges": not sc["allowPrivilegeEscalation"],
            # What containerd gives where nobody raised it.
            "rlimits": [{"type": "RLIMIT_MEMLOCK", "hard": 65536, "soft": 65536}],
        },
        "root": {"path": "rootfs", "readonly": sc["readOnlyRootFilesystem"]},
        "mounts": [
            mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
            mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
            mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
            mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
            mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
            mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        ] + [volume(m, volumes) for m in c["volumeMounts"]],
        "linux": {
            "namespaces": [{"type": t} for t in ("pid", "ipc", "uts", "mount", "network")],
            "seccomp": profile, "maskedPaths": ROOT_ONLY_MASKED, "readonlyPaths": READONLY,
        },
    }, sys.stdout)


main()
