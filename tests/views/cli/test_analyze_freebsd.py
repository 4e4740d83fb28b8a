"""``coresnap analyze`` of every FreeBSD core of the corpus, compressed as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import Corpus
from coresnap.views.cli.main import main
from freebsd_cases import FREEBSD, cases, expected


@pytest.mark.corpus
@pytest.mark.parametrize("case", cases(), ids=lambda case: case["case"])
def test_it_says_which_process_crashed_and_of_what(
    corpus: Corpus, case: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Also as zstd and gzip: the kernel's own compression, and the corpus's."""
    assert main(["analyze", str(FREEBSD / case["core"]), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["pid"], told["command"]) == (case["pid"], case["comm"])
    assert told["arguments"] == case["psargs"]
    assert told["system"] == "FreeBSD"
    assert [thread["tid"] for thread in told["threads"]] == case["thread_ids"]
    assert [thread["name"] for thread in told["threads"]] == case["thread_names"]
    if not case["pr_cursig"]:
        assert told["signal"] is None
        assert "was alive" in told["summary"]
        return
    signal = told["signal"]
    assert (signal["number"], signal["name"]) == (case["signal"], case["signal_name"])
    assert (signal["code"], signal["code_name"]) == (
        case["si_code"],
        case["si_code_name"],
    )
    if case["si_code"] < 0x10000:
        assert signal["address"] == int(case["si_addr"], 16)
    else:
        assert signal["sender_pid"] == case["si_pid"]
        assert signal["address"] is None


@pytest.mark.corpus
def test_an_empty_core_is_refused_with_its_reason(
    corpus: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    path = FREEBSD / "cores/limit64k/crash.581.0.11.fbsdlab.core"
    assert main(["analyze", str(path)]) != 0
    told = capsys.readouterr().err
    assert f"{path} is empty" in told
    assert "RLIMIT_CORE" in told


@pytest.mark.corpus
@pytest.mark.parametrize("case", ["threads_zst", "big_gz"])
def test_a_compressed_core_that_was_cut_is_read_as_far_as_it_goes(
    corpus: Corpus, case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = expected(case)
    data = (FREEBSD / facts["core"]).read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(data[: len(data) * 3 // 4])
    assert main(["analyze", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [thread["tid"] for thread in told["threads"]] == facts["thread_ids"]
    notes = [note["message"] for note in told["notes"]]
    assert any("compressed core is damaged or cut" in note for note in notes)
    assert told["truncated"]


@pytest.mark.corpus
def test_a_wrong_checksum_is_told(
    corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The kernel's zstd frame ends with four bytes of it."""
    facts = expected("threads_zst")
    data = (FREEBSD / facts["core"]).read_bytes()
    path = tmp_path / "changed"
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert main(["analyze", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    notes = [note["message"] for note in told["notes"]]
    assert any("compressed core is damaged or cut" in note for note in notes)


@pytest.mark.corpus
def test_what_is_missing_of_a_core_without_build_ids_is_told(
    corpus: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    path = FREEBSD / "cores/big_gz/crash.540.0.11.fbsdlab.core.gz"
    assert main(["symbols", "list", str(path)]) == 0
    told = capsys.readouterr().out
    assert "only a copy of the file helps" in told
    assert "1 modules, 1 of them lack something" in told
