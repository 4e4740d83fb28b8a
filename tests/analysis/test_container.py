"""Containers are told by what runtimes are known to make of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.container import Container, container_of

ID = "4f1c" * 16
OTHER = "09ab" * 16
POD = "6f8d5a1c-0b7e-4c2d-9e3f-1a2b3c4d5e6f"
SLICE_POD = POD.replace("-", "_")
STATIC_POD = "0123456789abcdef" * 2

PATHS = {
    "docker, systemd": (f"/system.slice/docker-{ID}.scope", "docker", ID, None),
    "docker, cgroupfs": (f"/docker/{ID}", "docker", ID, None),
    "docker, init's own group": (f"/docker/{ID}/init.scope", "docker", ID, None),
    "docker, rootless": (
        f"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope",
        "docker",
        ID,
        None,
    ),
    "podman": (f"/machine.slice/libpod-{ID}.scope/container", "podman", ID, None),
    "podman, cgroupfs": (f"/libpod_parent/libpod-{ID}", "podman", ID, None),
    "podman's monitor": (f"/machine.slice/libpod-conmon-{ID}.scope", None, None, None),
    "nerdctl": (f"/system.slice/nerdctl-{ID}.scope", "containerd", ID, None),
    "kubernetes, containerd": (
        "/kubepods.slice/kubepods-burstable.slice/"
        f"kubepods-burstable-pod{SLICE_POD}.slice/cri-containerd-{ID}.scope",
        "containerd",
        ID,
        POD,
    ),
    "kubernetes, guaranteed": (
        f"/kubepods.slice/kubepods-pod{SLICE_POD}.slice/cri-containerd-{ID}.scope",
        "containerd",
        ID,
        POD,
    ),
    "kubernetes, colons": (
        "/system.slice/containerd.service/"
        f"kubepods-besteffort-pod{SLICE_POD}.slice:cri-containerd:{ID}",
        "containerd",
        ID,
        POD,
    ),
    "kubernetes, cgroupfs": (f"/kubepods/burstable/pod{POD}/{ID}", None, ID, POD),
    "kubernetes, docker": (
        f"/kubepods.slice/kubepods-pod{SLICE_POD}.slice/docker-{ID}.scope",
        "docker",
        ID,
        POD,
    ),
    "kubernetes, static pod": (
        f"/kubepods/burstable/pod{STATIC_POD}/{ID}",
        None,
        ID,
        STATIC_POD,
    ),
    "kubernetes, cri-o": (
        f"/kubepods.slice/kubepods-pod{SLICE_POD}.slice/crio-{ID}.scope",
        "cri-o",
        ID,
        POD,
    ),
    "cri-o's monitor": (
        f"/kubepods.slice/kubepods-pod{SLICE_POD}.slice/crio-conmon-{ID}.scope",
        None,
        None,
        POD,
    ),
    "kubernetes in docker": (
        f"/docker/{ID}/kubelet.slice/kubelet-kubepods.slice/"
        f"kubelet-kubepods-pod{SLICE_POD}.slice/cri-containerd-{OTHER}.scope",
        "docker",
        ID,
        None,
    ),
    "a group made below": (
        f"/system.slice/docker-{ID}.scope/libpod-{OTHER}.scope",
        "docker",
        ID,
        None,
    ),
    "lxc": ("/lxc.payload.web-1/system.slice/nginx.service", "lxc", "web-1", None),
    "lxc, version 3": ("/lxc.payload/web", "lxc", "web", None),
    "lxc, old": ("/lxc/web/init.scope", "lxc", "web", None),
    "lxc's monitor": ("/lxc.monitor.web", None, None, None),
    "nspawn's service": (
        "/machine.slice/systemd-nspawn@build\\x2d7.service/payload/init.scope",
        "systemd-nspawn",
        "build-7",
        None,
    ),
    "nspawn's scope": (
        "/machine.slice/machine-debian\\x2dtest.scope",
        "systemd-nspawn",
        "debian-test",
        None,
    ),
    "a virtual machine": (
        "/machine.slice/machine-qemu\\x2d1\\x2ddebian.scope/libvirt/emulator",
        None,
        None,
        None,
    ),
    "libvirt's container": (
        "/machine.slice/machine-lxc\\x2d12\\x2dweb.scope",
        "libvirt-lxc",
        "web",
        None,
    ),
    "a service": ("/system.slice/nginx.service", None, None, None),
    "a session": ("/user.slice/user-1000.slice/session-2.scope", None, None, None),
    "docker itself": ("/system.slice/docker.service", None, None, None),
    "containerd itself": ("/system.slice/containerd.service", None, None, None),
    "an id too short": (f"/docker/{ID[1:]}", None, None, None),
    "an id too long": (f"/docker/{ID}0", None, None, None),
    "an id that is not hex": (f"/docker/{ID[1:]}g", None, None, None),
    "digits elsewhere": (f"/user.slice/{ID}", None, None, None),
    "the root": ("/", None, None, None),
    "nothing": ("", None, None, None),
}


@pytest.mark.parametrize("case", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("version", [1, 2])
def test_a_control_group_tells_runtime_id_and_pod(
    case: tuple[str, str | None, str | None, str | None], version: int
) -> None:
    path, runtime, identity, pod = case
    if version == 2:
        text = f"0::{path}\n"
    else:
        text = f"12:pids:{path}\n3:cpu,cpuacct:{path}\n1:name=systemd:{path}\n"
    found = container_of({"process/cgroup": text.encode()}, None)
    assert (found.runtime, found.id, found.pod) == (runtime, identity, pod)


def test_version_2_counts_before_version_1() -> None:
    text = f"5:pids:/docker/{OTHER}\n0::/docker/{ID}\n"
    assert container_of({"process/cgroup": text.encode()}, None).id == ID


def test_a_hierarchy_that_knows_counts_if_another_does_not() -> None:
    text = f"5:pids:/docker/{ID}\n1:name=systemd:/\n0::/\n"
    assert container_of({"process/cgroup": text.encode()}, None).id == ID


def test_the_variable_names_the_runtime_that_no_group_does() -> None:
    assets = {"process/environ": b"PATH=/\0container=podman\0"}
    assert container_of(assets, None).runtime == "podman"
    assets["process/cgroup"] = f"0::/docker/{ID}\n".encode()
    assert container_of(assets, None).runtime == "docker"


@pytest.mark.parametrize(
    "value", [b"", b"a b", b"\x1b[31m", b"x" * 100, b"/etc/passwd"]
)
def test_a_variable_that_names_no_runtime_is_not_believed(value: bytes) -> None:
    found = container_of({"process/environ": b"container=" + value + b"\0"}, None)
    assert found.runtime is None


def test_the_image_is_what_the_variable_says() -> None:
    image = "registry.example:5000/team/app:1.2@sha256:" + ID
    assets = {"process/environ": f"CONTAINER_IMAGE={image}\0".encode()}
    assert container_of(assets, None).image == image


@pytest.mark.parametrize(
    ("status", "pid"),
    [
        (b"Name:\ta\nNSpid:\t4711\t7\nNSpgid:\t4711\t7\n", 7),
        (b"NSpid:\t4711\t12\t1\n", 1),
        (b"NSpid:\t4711\n", None),
        (b"NSpid:\n", None),
        (b"Name:\tNSpid:\t1\t2\n", None),
        (b"", None),
    ],
)
def test_the_pid_is_the_innermost(status: bytes, pid: int | None) -> None:
    assert container_of({"process/status": status}, None).pid == pid


@pytest.mark.parametrize(
    ("uid_map", "uid", "own"),
    [
        (b"         0     100000      65536\n", 100000, 0),
        (b"         0     100000      65536\n", 101000, 1000),
        (b"0 1000 1\n1 100000 65536\n", 1000, 0),
        (b"0 1000 1\n1 100000 65536\n", 100032, 33),
        (b"0 0 4294967295\n", 1000, None),
        (b"0 100000 10\n", 100010, None),
        (b"0 100000\nx 1 1\n-1 0 5\n", 100000, None),
        (b"99999999999999999999 0 10\n", 5, None),
        (b"", 0, None),
        (b"0 100000 10\n", None, None),
    ],
)
def test_a_user_is_mapped_back(
    uid_map: bytes, uid: int | None, own: int | None
) -> None:
    assert container_of({"process/uid_map": uid_map}, uid).uid == own


def test_namespaces_are_compared_with_the_machine_s() -> None:
    assets = {
        "process/ns": b"mnt:[5]\npid:[2]\nuser:[9]\ntime:[1]\n",
        "system/ns": b"mnt:[1]\npid:[2]\nuser:[3]\n",
    }
    assert container_of(assets, None).namespaces == ("mnt", "user")


def test_without_the_machine_s_namespaces_none_is_foreign() -> None:
    assert container_of({"process/ns": b"mnt:[5]\n"}, None).namespaces == ()


def test_without_assets_nothing_is_known() -> None:
    assert container_of({}, 0) == Container()


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("process/cgroup", "process/environ", "process/hostname"),
                *("process/status", "process/uid_map", "process/ns", "system/ns"),
            ]
        ),
        st.binary(max_size=200),
    )
)
def test_nonsense_raises_nothing(assets: dict[str, bytes]) -> None:
    container_of(assets, 1000)
