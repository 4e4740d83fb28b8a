"""``coroner put``, ``list`` and ``get``: the announcement's session."""

from __future__ import annotations

import re
from pathlib import Path

from store.server.snapshots import make_snapshot

from .bench import Coroner


def snapshots(directory: Path, **attributes: str) -> list[str]:
    """Write three crashes of one bug, and return their paths."""
    paths = [directory / f"{number}.csnap" for number in (1, 2, 3)]
    for number, path in enumerate(paths, 1):
        path.write_bytes(make_snapshot(number, 7, **attributes))
    return [str(path) for path in paths]


def test_what_was_put_is_listed_as_the_announcement_lists_it(
    coroner: Coroner, tmp_path: Path
) -> None:
    coroner.run(
        "put",
        "blackhole",
        "blackhole",
        *snapshots(tmp_path, callstack="thread_fn\nmain", classifiers="null"),
    )
    out = coroner.run(
        *("list", "blackhole", "--filter=application=simple", "-R", "-H1", "-i1"),
    )
    lines = out.splitlines()
    assert lines[:3] == [
        f"[{7:064x}]",
        "  Date: Tue Nov 14 22:13:21 2023 - Tue Nov 14 22:13:23 2023",
        "  Occurrences: 3 (over 0 days)",
    ]
    assert re.fullmatch(r"  \w{3} \d\d : .{30} : \w{3} \d\d", lines[3])
    assert "    application (1 buckets)" in lines
    assert f"      {'simple':<44} {3:>7} 100.00% {'█' * 15}" in lines
    frames = lines.index("  Frames:")
    assert lines[frames - 2 : frames] == ["  Classification:", "    null (3 buckets)"]
    assert lines[frames + 1] == "    thread_fn ← main"
    assert lines[frames + 2 :] == [
        "  Objects:",
        f"    [{3:032x}] (Tue Nov 14 22:13:23 2023)",
        "      Classification: null",
        "      Attributes: hostname=host-0 application=simple",
    ]


def test_bytes_that_a_crash_chose_do_not_reach_the_terminal(
    coroner: Coroner, tmp_path: Path
) -> None:
    files = snapshots(tmp_path, application="\x1b[2Jsimple")
    coroner.run("put", "blackhole", "blackhole", *files)
    for form in ((), ("--csv",), ("--table",), ("--select", "application")):
        out = coroner.run("list", "blackhole", *form)
        assert out
        assert "\x1b" not in out, form


def test_a_file_is_unlinked_only_when_the_store_has_it(
    coroner: Coroner, tmp_path: Path
) -> None:
    good, *_ = snapshots(tmp_path)
    bad = tmp_path / "bad.csnap"
    bad.write_bytes(b"no snapshot")
    coroner.run("put", "-u", "blackhole", "blackhole", good)
    assert not Path(good).exists()
    coroner.run("put", "-u", "blackhole", "blackhole", str(bad), code=65)
    assert bad.exists()


def test_the_beginning_of_an_id_is_enough_to_get_a_fault(
    coroner: Coroner, tmp_path: Path
) -> None:
    bodies = {}
    for number, start in ((1, "ab"), (2, "cd")):
        name = start * 16
        bodies[start] = make_snapshot(number, 7, **{"coresnap.object": name})
        (tmp_path / start).write_bytes(bodies[start])
        coroner.run("put", "blackhole", "blackhole", str(tmp_path / start))
    target = tmp_path / "got.csnap"
    coroner.run("get", "blackhole", "cdcdcdcd", "-o", str(target))
    assert target.read_bytes() == bodies["cd"]
    coroner.run("get", "blackhole", "efefefef", "-o", str(target), code=66)
    assert target.read_bytes() == bodies["cd"]
