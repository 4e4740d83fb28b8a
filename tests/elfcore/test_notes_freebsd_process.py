"""What FreeBSD's notes say of the process, against procstat(1) and written notes."""

from __future__ import annotations

import json
from typing import Any

import pytest

import procstat
from conftest import CORPUS, Corpus
from coresnap.collect.plain_core import restored
from coresnap.elfcore.corefile import open_core

FREEBSD = CORPUS / "freebsd"


def _cases() -> list[dict[str, Any]]:
    path = FREEBSD / "expected.json"
    if not path.exists():
        return []
    cases: list[dict[str, Any]] = json.loads(path.read_text())["cases"]
    return [case for case in cases if case["core_size"]]


def _with_text() -> list[dict[str, Any]]:
    # A 64-bit procstat does not open 32-bit cores.
    return [c for c in _cases() if c.get("oracle") and c["elf_class"] == 64]


# --- the corpus ---------------------------------------------------------------


@pytest.mark.corpus
@pytest.mark.parametrize("case", _with_text(), ids=lambda c: c["case"])
def test_every_line_of_procstat_is_what_we_read(
    corpus: Corpus, case: dict[str, Any]
) -> None:
    text = procstat.sections(FREEBSD / case["oracle"])
    with restored(FREEBSD / case["core"]) as plain, open_core(plain) as core:
        for option in text.keys() - {"-k"}:
            ours = procstat.render(core, option)
            known = text[option]
            if not case["pr_cursig"]:
                ours = _as_before_gcore(option, ours)
                known = _as_before_gcore(option, known)
            assert ours == known, option


def _as_before_gcore(option: str, lines: procstat.Lines) -> procstat.Lines:
    """procstat looked at the process while it slept; gcore(1) then stopped it. Of the
    living it tells what the process used, a core has what its threads did."""
    if option == "-t":
        return [words[:-3] for words in lines]
    if option == "-v":  # without resident pages, and whether they are large ones
        return [words[:4] + words[6:8] + words[9:] for words in lines]
    return [] if option == "-r" else lines


@pytest.mark.corpus
@pytest.mark.parametrize("case", _cases(), ids=lambda c: c["case"])
def test_every_core_has_the_files_and_numbers_that_are_known(
    corpus: Corpus, case: dict[str, Any]
) -> None:
    with restored(FREEBSD / case["core"]) as plain, open_core(plain) as core:
        state = core.facts.state
        files = procstat.render(core, "-f")
        arguments = procstat.render(core, "-c")
    assert state is not None
    assert state.problems == ()
    assert len(files) == case["note_file_records"]
    assert len(state.mappings) == case["note_vmmap_records"]
    assert sorted(t.tid for t in state.threads) == sorted(case["thread_ids"])
    assert {t.name for t in state.threads} == set(case["thread_names"])
    assert state.thread_count == case["threads"]
    assert f"{state.umask:03o}" == case["umask"]
    assert state.program_release == case["osrel"]
    assert " ".join(arguments[0][2:]) == case.get("args", case["psargs"])
    # Those without a text of procstat did the same as others, which have one.
    twin = "threads" if case["case"] == "threads_zst" else "segv_null"
    (other,) = [one for one in _cases() if one["case"] == twin]
    open_files = case.get("open_files") or other["open_files"]
    for words, known in zip(files, open_files, strict=True):
        _, _, name, kind, vnode, flags, *_ = words
        assert (name, kind) == (known["fd"], known["type"])
        if not case["case"].startswith("idx"):  # these wrote to /dev/null
            assert (vnode, flags) == (known["vnode"], known["flags"])
