"""Faults as a fleet sends them: made up, the same for each seed, one after the other.

What is skewed in life is skewed here. Few bugs make most of the faults (Zipf), few
programs have most of the bugs, hosts differ in size and kernel, versions come and go
with time, and a quarter of the faults happen in containers. Sizes and times vary from
fault to fault, so that they cost the disk what they would cost there. Each fault has
about 75 of the attributes of ``docs/attributes.md``, some that its program gave, and
three of 500 that hardly anybody gives.

``faults`` holds its tables only, some megabytes, however many faults are drawn.
"""

from __future__ import annotations

import argparse
import bisect
import hashlib
import itertools
import random
import sys
import time
from collections.abc import Iterator, Sequence

import attrs
import msgspec

from coresnap.store.fault import Fault, Value

__all__ = ["Fleet", "faults"]

DAY = 86_400
PAGE = 4096
END = 1_764_028_800
"""2025-11-25: the last fault is received here, whenever the benchmark runs."""
RARE_KEYS = 500
RARE_KEYS_EACH = 3
SYLLABLES = (
    *("acc", "ant", "buf", "cach", "chan", "cod", "con", "dec", "disp", "enc"),
    *("ev", "fetch", "fl", "frame", "hash", "ind", "inp", "key", "lock", "map"),
    *("merg", "node", "pack", "pars", "pool", "queue", "ref", "req", "ring", "sched"),
    *("seg", "sess", "sock", "stat", "stream", "sync", "tab", "task", "tim", "tree"),
)
ENDINGS = ("er", "ing", "_init", "_free", "_get", "_put", "_next", "_run", "_walk", "")
OUTER_FRAMES = ("main", "__libc_start_call_main", "__libc_start_main", "_start")
THREAD_FRAMES = ("start_thread", "clone3")
REGIONS = ("eu-west", "eu-north", "us-east", "us-west", "ap-south", "ap-east")
KERNELS = ("6.1.0-38-amd64", "6.12.48-cloud-amd64", "5.15.0-160-generic", "6.8.0-88")
CLASSIFIERS = {
    "SIGSEGV": (
        "null read null.field",
        "null write",
        "use-after-free read",
        "wild read",
        "stack-overflow recursion",
    ),
    "SIGABRT": ("abort assert", "abort exception", "abort heap double-free", "abort"),
    "SIGBUS": ("file-truncated read", "misaligned"),
    "SIGFPE": ("division-by-zero",),
    "SIGILL": ("trap", "wild execute"),
    "SIGTRAP": ("trap",),
}
FAMILIES = {
    "null": "memory",
    "use-after-free": "memory",
    "wild": "memory",
    "stack-overflow": "recursion",
    "abort": "abort",
}


@attrs.frozen
class Fleet:
    """How large and how varied it is."""

    fingerprints: int = 20_000
    applications: int = 60
    hosts: int = 3_000
    days: int = 365
    """Over which the faults are spread, more of them towards the end."""
    end: int = END
    """When the last one is received, seconds UTC."""


@attrs.frozen
class _Bug:
    fingerprint: str
    application: int
    born: float
    """Part of the whole time after which it was introduced."""
    attributes: dict[str, Value]


def faults(count: int, *, seed: int = 1, fleet: Fleet | None = None) -> Iterator[Fault]:
    """Yield ``count`` faults in the order of their acceptance, sequence from 1."""
    fleet = fleet or Fleet()
    chance = random.Random(seed)
    applications = [_application(chance) for _ in range(fleet.applications)]
    bugs = [_bug(chance, fleet, applications) for _ in range(fleet.fingerprints)]
    hosts = [_host(chance, number) for number in range(fleet.hosts)]
    weights = _zipf(len(bugs), 1.07)
    busy = _zipf(len(hosts), 0.6)
    rare = [f"custom.{_word(chance)}.{number}" for number in range(RARE_KEYS)]
    begin = fleet.end - fleet.days * DAY
    for number in range(count):
        passed = ((number + 1) / count) ** 0.8
        bug = bugs[bisect.bisect(weights, chance.random() * weights[-1])]
        if bug.born > passed:
            bug = bugs[bisect.bisect(weights, chance.random() * weights[-1]) // 2]
        host = hosts[bisect.bisect(busy, chance.random() * busy[-1])]
        received = begin + int(passed * fleet.days * DAY)
        yield _fault(chance, number + 1, received, passed, bug, host, rare)


def _fault(
    chance: random.Random,
    sequence: int,
    received: int,
    passed: float,
    bug: _Bug,
    host: dict[str, Value],
    rare: Sequence[str],
) -> Fault:
    late = chance.random()
    moment = received - (1 if late < 0.97 else int((late - 0.97) * 100 * DAY))
    name = f"{chance.getrandbits(128):032x}"
    attributes = bug.attributes | host
    attributes["object"] = name
    attributes["coresnap.object"] = (
        f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"
    )
    attributes["object.size"] = 3000 + int(chance.expovariate(1 / 9000))
    attributes["timestamp"] = moment
    attributes["timestamp.received"] = received
    attributes["fingerprint"] = bug.fingerprint
    attributes["version"] = _version(chance, passed, bug.application)
    attributes["customer"] = f"customer-{int(chance.paretovariate(0.9)) % 4000}"
    attributes["build.commit"] = hashlib.sha1(
        f"{bug.application} {attributes['version']}".encode()
    ).hexdigest()
    _vary_process(chance, attributes)
    _vary_system(chance, attributes, passed)
    for _ in range(RARE_KEYS_EACH):
        key = rare[int(chance.random() * RARE_KEYS)]
        attributes[key] = f"v{int(chance.random() * 50)}"
    return Fault(name, sequence, moment, received, bug.fingerprint, attributes)


def _vary_process(chance: random.Random, attributes: dict[str, Value]) -> None:
    draw = chance.random
    rss = PAGE * int(300 * chance.paretovariate(0.7) % 4_000_000)
    attributes["vm.rss.size"] = rss
    attributes["vm.rss.peak"] = rss + PAGE * int(draw() * rss / (4 * PAGE))
    attributes["vm.data.size"] = rss + PAGE * int(draw() * 20_000)
    size = 2 * rss + PAGE * int(draw() * 400_000)
    attributes["vm.vma.size"] = size
    attributes["vm.vma.peak"] = size + PAGE * int(draw() * draw() * 10_000)
    attributes["vm.pte.size"] = PAGE * (10 + rss // (512 * PAGE))
    attributes["vm.stack.size"] = PAGE * (33 + int(8 * draw() * draw()))
    attributes["vm.shared.size"] = PAGE * (400 + int(draw() * 3_000))
    attributes["vm.swap.size"] = 0 if draw() < 0.8 else PAGE * int(draw() * 9_000)
    attributes["vm.locked.size"] = 0
    attributes["process.id"] = 300 + int(draw() * 4_000_000)
    attributes["process.age"] = round(chance.expovariate(1 / 40_000), 2)
    attributes["process.threads"] = 1 + int(draw() * draw() * 64)
    attributes["sched.cs.voluntary"] = int(chance.expovariate(1 / 80_000))
    attributes["sched.cs.involuntary"] = int(chance.expovariate(1 / 4_000))
    attributes["capture.parked"] = round(0.001 + chance.expovariate(300), 6)
    if "fault.address" in attributes and draw() < 0.6:
        attributes["fault.address"] = chance.getrandbits(47)


def _vary_system(
    chance: random.Random, attributes: dict[str, Value], passed: float
) -> None:
    draw = chance.random
    total = int(attributes["system.memory.total"])
    free = PAGE * int(draw() * total / (3 * PAGE))
    cached = PAGE * int(draw() * (total - free) / (2 * PAGE))
    attributes["system.memory.free"] = free
    attributes["system.memory.cached"] = cached
    attributes["system.memory.available"] = free + PAGE * int(cached * 0.8 / PAGE)
    attributes["system.memory.buffers"] = PAGE * int(draw() * 90_000)
    attributes["system.memory.active"] = PAGE * int(draw() * total / (3 * PAGE))
    attributes["system.memory.inactive"] = PAGE * int(draw() * cached / PAGE)
    attributes["system.memory.dirty"] = PAGE * int(draw() * 3_000)
    attributes["system.memory.writeback"] = 0 if draw() < 0.9 else PAGE * 12
    attributes["system.memory.slab"] = PAGE * int(20_000 + draw() * 150_000)
    attributes["system.load.1"] = round(chance.expovariate(1 / 2), 2)
    attributes["system.load.5"] = round(chance.expovariate(1 / 2), 2)
    attributes["system.load.15"] = round(chance.expovariate(1 / 2), 2)
    attributes["system.uptime"] = round(passed * 365 * DAY % (40 * DAY) + draw(), 2)


def _version(chance: random.Random, passed: float, application: int) -> str:
    release = passed * 30 - chance.expovariate(0.7)
    minor = max(0, int(release)) + application % 7
    patch = int(chance.random() * 3)
    return f"{1 + minor // 10}.{minor % 10}.{patch}"


def _application(chance: random.Random) -> dict[str, Sequence[str]]:
    name = _word(chance)
    return {
        "name": [name],
        "functions": [f"{_word(chance)}{_word(chance)}" for _ in range(400)],
        "modules": [name, f"lib{name}.so.1", "libc.so.6", "libstdc++.so.6"],
    }


def _bug(
    chance: random.Random, fleet: Fleet, applications: list[dict[str, Sequence[str]]]
) -> _Bug:
    number = int(chance.random() ** 2 * len(applications))
    application = applications[number]
    name = application["name"][0]
    frames = [chance.choice(application["functions"]) for _ in range(_depth(chance))]
    outer = OUTER_FRAMES if chance.random() < 0.5 else THREAD_FRAMES
    signal = chance.choices(list(CLASSIFIERS), (60, 28, 4, 4, 2, 2))[0]
    classifiers = chance.choice(CLASSIFIERS[signal])
    stack = "\n".join((*frames, *outer))
    attributes: dict[str, Value] = {
        "application": name,
        "callstack": stack,
        "callstack.files": "\n".join(f"src/{frame[:9]}.c" for frame in frames),
        "callstack.modules": "\n".join(
            itertools.chain(
                (chance.choice(application["modules"][:2]) for _ in frames),
                ("libc.so.6" for _ in outer),
            )
        ),
        "classifiers": classifiers,
        "signal": signal,
        "fingerprint.family": FAMILIES.get(classifiers.split()[0], "fault"),
        "fingerprint.version": 1,
        "crash.kind": f"{chance.getrandbits(64):016x}",
        "user.id": chance.choice((0, 33, 101, 998, 1000)),
        "descriptor.count": chance.choice((64, 256, 1024)),
        "coresnap.project": name,
    }
    if "assert" in classifiers:
        attributes["fingerprint.message"] = f"{frames[0]} != NULL"
    if signal in ("SIGSEGV", "SIGBUS"):
        attributes["fault.address"] = chance.choice((0, 8, 16, 24, 1 << 40))
    digest = hashlib.sha256(f"{name}\n{stack}\n{signal}".encode()).hexdigest()
    born = 0.0 if chance.random() < 0.3 else chance.random() * 0.95
    return _Bug(digest, number, born, attributes)


def _depth(chance: random.Random) -> int:
    return 3 + min(40, int(chance.expovariate(1 / 9)))


def _host(chance: random.Random, number: int) -> dict[str, Value]:
    total = chance.choice((2, 4, 8, 16, 16, 32, 64, 128)) << 30
    kernel = chance.choice(KERNELS)
    host: dict[str, Value] = {
        "hostname": f"{chance.choice(REGIONS)}-{number:05d}",
        "uname.sysname": "Linux",
        "uname.machine": "x86_64" if chance.random() < 0.85 else "aarch64",
        "uname.release": kernel,
        "uname.version": f"#{number % 4 + 1} SMP PREEMPT_DYNAMIC {kernel}",
        "region": chance.choice(REGIONS),
        "system.memory.total": total,
        "system.memory.swap.total": total // 4,
        "system.memory.swap.free": total // 4,
        "system.memory.swap.cached": 0,
        "system.memory.vmalloc.total": 35_184_372_087_808,
        "system.memory.vmalloc.used": 60_000 * PAGE,
        "system.memory.vmalloc.chunk": 0,
        "capture.budget": 5.0,
        "capture.door": "pipe",
        "capture.way": "memory",
        "capture.rung": "full" if chance.random() < 0.9 else "stacks",
    }
    if host["capture.rung"] == "stacks":
        host["capture.rung.reason"] = "quota"
    if chance.random() < 0.25:
        host["container.id"] = f"{chance.getrandbits(256):064x}"
        host["container.image"] = f"registry.example/{_word(chance)}:stable"
        host["container.runtime"] = chance.choice(("docker", "containerd"))
        host["container.pid"] = 1 + number % 300
        host["container.namespaces"] = "cgroup ipc mnt net pid uts"
        host["container.hostname"] = f"{chance.getrandbits(48):012x}"
    return host


def _word(chance: random.Random) -> str:
    return chance.choice(SYLLABLES) + chance.choice(SYLLABLES) + chance.choice(ENDINGS)


def _zipf(count: int, exponent: float) -> list[float]:
    return list(
        itertools.accumulate(1 / rank**exponent for rank in range(1, count + 1))
    )


def main() -> None:
    """Write faults to the standard output: JSON, one on a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    begin = time.monotonic()
    encoder = msgspec.json.Encoder()
    for fault in faults(options.count, seed=options.seed):
        sys.stdout.buffer.write(encoder.encode(fault) + b"\n")
    seconds = time.monotonic() - begin
    print(f"{options.count} faults in {seconds:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
