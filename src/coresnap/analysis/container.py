"""Which container a process lived in, by what the handler saw of it from outside.

The container itself is never asked: its files are its own, and could say anything. The
control group tells most. Its path is what the machine's own runtime made; groups that
the container, or the user, made below come after it, so the first match counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

__all__ = ["Container", "container_of"]

_HEX = r"(?P<id>[0-9a-f]{64})"
_NAME = r"(?P<id>[^/]{1,128}?)"
_POD = re.compile(
    r"pod([0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12})(?![0-9a-f])"
)
_RUNTIMES: tuple[tuple[str | None, re.Pattern[str]], ...] = tuple(
    (runtime, re.compile(pattern))
    for runtime, pattern in (
        # The systemd driver's scopes; conmon, which watches, has one that looks alike.
        ("docker", rf"docker-{_HEX}\.scope"),
        ("podman", rf"libpod-{_HEX}(?:\.scope)?"),
        ("containerd", rf"(?:cri-containerd|nerdctl)-{_HEX}\.scope"),
        ("cri-o", rf"crio-{_HEX}(?:\.scope)?"),
        # containerd with the cgroupfs driver below systemd: SLICE:cri-containerd:ID
        ("containerd", rf"[^/]*:cri-containerd:{_HEX}"),
        ("systemd-nspawn", rf"systemd-nspawn@{_NAME}\.service"),
        ("libvirt-lxc", r"machine-lxc-[0-9]+-" + rf"{_NAME}\.scope"),
        # systemd-machined's name for what runs in a machine of its own.
        ("systemd-nspawn", r"machine-(?!qemu-|lxc-)" + rf"{_NAME}\.scope"),
        ("lxc", rf"lxc\.payload\.{_NAME}"),
    )
)
"""Runtime, and what one part of a path looks like that is a container's."""
_PARENTS = {"docker": "docker"}
"""Runtime by the part above a bare id: Docker with the cgroupfs driver."""
_LXC_PARENTS = {"lxc", "lxc.payload"}
_BARE = re.compile(_HEX)
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")
_KIND_OF_NAMESPACE = re.compile(r"[a-z]{2,16}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}")
_ID_LIMIT = 1 << 32
_MOST_DIGITS = 10
_MOST_LINES = 1000
_NAME_LIMIT = 64


class Container(msgspec.Struct, frozen=True):
    """What is known; None for what is not."""

    runtime: str | None = None
    """``docker``, ``podman``, ``containerd``, ``cri-o``, ``lxc``, ``libvirt-lxc``,
    ``systemd-nspawn``; or what the variable ``container`` says."""
    id: str | None = None
    """As the runtime names it: 64 hex digits, or a machine's name."""
    pod: str | None = None
    """Uid of the Kubernetes pod, as Kubernetes writes it."""
    image: str | None = None
    """Of the variable ``CONTAINER_IMAGE``, where that is allowed."""
    hostname: str | None = None
    """The host's name as the process saw it, where it has one of its own."""
    pid: int | None = None
    """In the process's own namespace, where that is not the machine's."""
    uid: int | None = None
    """The user that the process was to itself, where that is another."""
    namespaces: tuple[str, ...] = ()
    """Kinds of namespace that are not the machine's: ``mnt``, ``pid``, ``user``, …"""


def container_of(assets: Mapping[str, bytes], uid: int | None) -> Container:
    """Draw from the assets what is known of the process's container.

    ``uid`` is its user in the initial namespace. Nothing is raised for nonsense.
    """
    runtime, identity, pod = _by_control_group(assets.get("process/cgroup", b""))
    variables = _variables(assets.get("process/environ", b""))
    return Container(
        runtime=runtime or _matching(_WORD, variables.get("container")),
        id=identity,
        pod=pod,
        image=_matching(_IMAGE, variables.get("CONTAINER_IMAGE")),
        hostname=_text(assets.get("process/hostname", b""))[:_NAME_LIMIT] or None,
        pid=_own_pid(assets.get("process/status", b"")),
        uid=_own_uid(assets.get("process/uid_map", b""), uid),
        namespaces=tuple(_foreign_namespaces(assets)),
    )


def _by_control_group(text: bytes) -> tuple[str | None, str | None, str | None]:
    """Return runtime, id and pod by ``/proc/PID/cgroup`` (cgroups(7)).

    Version 2's line counts before those of version 1's hierarchies.
    """
    lines = [line.split(":", 2) for line in _text(text).splitlines()[:_MOST_LINES]]
    paths = [fields for fields in lines if len(fields) == 3]
    best: tuple[str | None, str | None, str | None] = (None, None, None)
    for _, _, path in sorted(paths, key=lambda fields: fields[0] != "0"):
        found = _by_path(path)
        if found[1] is not None:
            return found
        best = found if best[2] is None else best
    return best


def _by_path(path: str) -> tuple[str | None, str | None, str | None]:
    pod: str | None = None
    above = ""
    for part in path.split("/"):
        if (match := _POD.search(part)) and pod is None:
            pod = _pod_uid(match[1])
        runtime, identity = _by_part(part, above, in_pod=pod is not None)
        if identity is not None:
            return runtime, identity, pod
        above = part
    return None, None, pod


def _by_part(part: str, above: str, *, in_pod: bool) -> tuple[str | None, str | None]:
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), part)
    for runtime, pattern in _RUNTIMES:
        if match := pattern.fullmatch(plain):
            return runtime, match["id"]
    if above in _LXC_PARENTS and plain:
        return "lxc", plain
    if _BARE.fullmatch(part) and (in_pod or above in _PARENTS):
        return _PARENTS.get(above), part
    return None, None


def _pod_uid(text: str) -> str:
    """Write a pod's uid with dashes: slices have underscores, static pods nothing."""
    digits = text.replace("_", "").replace("-", "")
    if text == digits:
        return text
    ends = (8, 12, 16, 20, 32)
    starts = (0, *ends)
    return "-".join(digits[a:b] for a, b in zip(starts, ends, strict=False))


def _own_pid(status: bytes) -> int | None:
    """The last of ``NSpid`` (proc_pid_status(5)), if there is more than one."""
    match = re.search(rb"^NSpid:((?:\t[0-9]{1,10}){2,33})$", status, re.MULTILINE)
    return int(match[1].split()[-1]) if match else None


def _own_uid(uid_map: bytes, uid: int | None) -> int | None:
    """Map a user back (user_namespaces(7)): lines of INSIDE, OUTSIDE and COUNT."""
    if uid is None:
        return None
    for line in uid_map.splitlines()[:_MOST_LINES]:
        fields = line.split()
        if len(fields) != 3 or not all(map(_is_number, fields)):
            continue
        inside, outside, count = map(int, fields)
        if outside <= uid < outside + count:
            own = inside + uid - outside
            return own if own != uid and own < _ID_LIMIT else None
    return None


def _is_number(word: bytes) -> bool:
    return word.isdigit() and len(word) <= _MOST_DIGITS


def _foreign_namespaces(assets: Mapping[str, bytes]) -> Iterator[str]:
    machine = _namespaces(assets.get("system/ns", b""))
    for kind, link in _namespaces(assets.get("process/ns", b"")).items():
        if machine.get(kind, link) != link:
            yield kind


def _namespaces(text: bytes) -> dict[str, str]:
    """Parse lines like ``mnt:[4026531841]``; kind to line."""
    lines = _text(text).splitlines()[:_MOST_LINES]
    kinds = ((line.partition(":")[0], line) for line in lines)
    return {kind: line for kind, line in kinds if _KIND_OF_NAMESPACE.fullmatch(kind)}


def _variables(environment: bytes) -> dict[str, str]:
    entries = (_text(entry).partition("=") for entry in environment.split(b"\0"))
    return {name: value for name, _, value in entries}


def _matching(pattern: re.Pattern[str], text: str | None) -> str | None:
    return text if text is not None and pattern.fullmatch(text) else None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").rstrip("\n")
