"""Crashes in namespaces of their own: whose files are kept, and how they are found."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from catcher import Catcher, Caught
from conftest import CompileProgram
from containers import HOSTNAME, LIBRARY, PROGRAM, build_image, crash_contained
from coresnap.elfcore.elffile import ElfFile, open_elf
from silent_files import silent_files, why_no_silent_files

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler, pytest.mark.root]


@pytest.fixture
def image(compile_program: CompileProgram, tmp_path: Path) -> Path:
    return build_image(compile_program, tmp_path)


def catch_contained(
    catcher: Catcher,
    image: Path,
    *,
    overlay: bool = False,
    user: bool = True,
    arguments: tuple[str, ...] = (),
) -> Caught:
    root = image.parent / "root"
    root.mkdir(exist_ok=True)
    with catcher.registered():
        run = crash_contained(
            image, root, overlay=overlay, user=user, arguments=arguments
        )
        assert b"core dumped" in run.stderr, run
        message = catcher.wait()
    assert not list(root.iterdir()), "the container's files outlive it"
    return catcher.read(message.split()[0])


def kept(caught: Caught) -> dict[str, bytes]:
    """The modules that were kept, by path, as the index has them."""
    found = {}
    for entry in caught.members["modules/index"].split(b"\0")[:-1]:
        number, _, size, _, path = entry.decode().split(" ", 4)
        content = caught.members[f"modules/{number}"]
        assert len(content) == int(size)
        found[path] = content
    return found


@pytest.mark.parametrize("user", [True, False], ids=["user namespace", "same users"])
@pytest.mark.parametrize("overlay", [False, True], ids=["tmpfs", "overlay"])
def test_the_files_of_a_container_are_kept(
    catcher: Catcher, image: Path, overlay: bool, user: bool
) -> None:
    caught = catch_contained(catcher, image, overlay=overlay, user=user)

    modules = kept(caught)
    assert modules[PROGRAM] == (image / PROGRAM[1:]).read_bytes()
    assert modules[LIBRARY] == (image / LIBRARY[1:]).read_bytes()
    assert any("libc." in path for path in modules)
    assert any("ld-linux" in path for path in modules)
    assert caught.capture["rung"] == "full"
    assert set(caught.checks.values()) <= {"passed", "unknown"}


def test_what_identifies_a_container_is_kept(catcher: Catcher, image: Path) -> None:
    caught = catch_contained(catcher, image)

    theirs = set(caught.members["process/ns"].splitlines())
    ours = set(caught.members["system/ns"].splitlines())
    different = {line.split(b":")[0] for line in theirs - ours}
    assert different == {b"mnt", b"pid", b"user", b"uts", b"ipc"}
    assert caught.members["process/hostname"] == HOSTNAME.encode()
    pids = re.search(
        rb"\nNSpid:\t([0-9]+)\t([0-9])\n", caught.members["process/status"]
    )
    assert pids is not None
    assert int(pids[1]) == caught.crash["pid"]
    assert caught.members["process/uid_map"].split() == [b"0", b"0", b"1"]
    assert next(iter(caught.members)) == "crash.json"
    assert list(caught.members)[-1] == "capture.json"


def test_a_deleted_executable_is_kept(catcher: Catcher, image: Path) -> None:
    caught = catch_contained(catcher, image, arguments=("delete",))

    content = kept(caught)[f"{PROGRAM} (deleted)"]
    assert content == (image / PROGRAM[1:]).read_bytes()


def test_nothing_is_kept_of_a_process_of_the_host(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    caught = catcher.catch([compile_program("simple.c", "-g", "-O0", "-pthread")])

    assert not [name for name in caught.members if name.startswith("modules/")]


def test_everybody_s_modules_are_kept_if_the_settings_say_so(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("simple.c", "-g", "-O0", "-pthread")
    catcher.write_settings(modules="all")
    caught = catcher.catch([program])

    modules = kept(caught)
    assert modules[str(program)] == program.read_bytes()
    assert len(modules) >= 3
    identities = [ElfFile(content).build_id for content in modules.values()]
    assert len(set(identities)) == len(identities), "one of them is kept twice"


def test_no_modules_are_kept_if_the_settings_say_so(
    catcher: Catcher, image: Path
) -> None:
    catcher.write_settings(modules="no")
    caught = catch_contained(catcher, image)

    assert not [name for name in caught.members if name.startswith("modules/")]
    assert caught.capture["rung"] == "full"


def test_a_container_cannot_plant_other_files(catcher: Catcher, image: Path) -> None:
    # A FIFO keeps who opens it waiting; in the container's root, and in the host's,
    # the link leads to secrets.
    caught = catch_contained(catcher, image, arguments=("plant", LIBRARY))

    modules = kept(caught)
    for path in (PROGRAM, LIBRARY):
        content = modules[f"{path} (deleted)"]
        assert content == (image / path[1:]).read_bytes()
    assert PROGRAM not in modules
    secret = Path("/etc/shadow").read_bytes()
    assert not any(secret in content for content in caught.members.values())


def test_what_the_host_has_at_the_paths_of_a_container_is_never_opened(
    catcher: Catcher, image: Path
) -> None:
    # The host has a FIFO at the executable's path, which would keep who opens it
    # waiting, and a link to a secret at the library's.
    host = Path("/app")
    if host.exists():
        pytest.skip("this machine has an /app of its own")
    try:
        (host / "lib").mkdir(parents=True)
        os.mkfifo(host / "contained")
        (host / "lib" / "libcontained.so").symlink_to("/etc/shadow")
        caught = catch_contained(catcher, image)
    finally:
        shutil.rmtree(host)

    modules = kept(caught)
    assert modules[PROGRAM] == (image / PROGRAM[1:]).read_bytes()
    assert modules[LIBRARY] == (image / LIBRARY[1:]).read_bytes()
    secret = Path("/etc/shadow").read_bytes()
    assert not any(secret in content for content in caught.members.values())


@pytest.mark.parametrize("size", [0, 64 << 20])
def test_files_that_do_not_fit_are_left_out_and_counted(
    catcher: Catcher, image: Path, size: int
) -> None:
    # Beyond its ELF file a library may go on: with nothing, or with too much.
    library = image / LIBRARY[1:]
    with library.open("r+b") as stream:
        stream.truncate(library.stat().st_size + size)
    caught = catch_contained(catcher, image)

    assert (LIBRARY in kept(caught)) is (size == 0)
    assert PROGRAM in kept(caught)
    assert (caught.capture["assets"]["left_out"] > 0) is (size > 0)


def test_kept_modules_are_those_that_the_core_names(
    catcher: Catcher, image: Path
) -> None:
    caught = catch_contained(catcher, image)

    wanted = open_elf(image / LIBRARY[1:]).build_id
    assert ElfFile(kept(caught)[LIBRARY]).build_id == wanted


def test_program_text_of_a_silent_server_is_left_out(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    if reason := why_no_silent_files():
        pytest.skip(reason)
    program = compile_program("waits_for_file.c", "-O1", "-g", "-D_GNU_SOURCE")
    catcher.write_settings(modules="all", budget="0")
    with silent_files() as silent:
        caught = catcher.catch([program, silent.file, "text", "x"])
        assert not silent.asked.is_set()

    modules = kept(caught)
    assert str(program) in modules
    assert str(silent.file) not in modules
    assert caught.capture["assets"]["left_out"] == 1
