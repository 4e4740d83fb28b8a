"""The info file that savecore(8) of a real FreeBSD wrote."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import coresnap

CORPUS = Path(
    os.environ.get("CORESNAP_CORPUS", Path(__file__).parents[4] / "shared" / "corpus")
)
INFO = CORPUS / "freebsd" / "kernel" / "info.0"


@pytest.mark.skipif(not INFO.is_file(), reason="no corpus (CORESNAP_CORPUS)")
def test_a_real_info_alone_is_a_snapshot() -> None:
    snapshot = coresnap.analyze(INFO)

    assert (snapshot.system, snapshot.architecture) == ("FreeBSD", "x86-64")
    assert snapshot.attributes["kernel.panic"] == "general protection fault"
    assert snapshot.attributes["kernel.version"] == "FreeBSD 13.2-RELEASE CORESNAP"
    assert snapshot.attributes["hostname"] == "fbsdlab"
    assert snapshot.attributes["timestamp"] == 1795382728
    assert snapshot.attributes["kernel.dump"] == "info"
    assert snapshot.fingerprint
