"""Other people's cores: none of them gave up with words, and none is said to."""

from __future__ import annotations

import pytest

from conftest import CORPUS, Corpus
from coresnap.analysis.session import analyze

pytestmark = pytest.mark.corpus

NAMES = ("assert", "fatal", "fortify", "stack-smash", "exception", "panic", "oom")
CORES = sorted(
    path.relative_to(CORPUS).as_posix().removesuffix(".zst")
    for path in (CORPUS / "linux").glob("*/*core*.zst")
)


@pytest.mark.parametrize("name", CORES)
def test_nothing_was_said_where_nobody_spoke(corpus: Corpus, name: str) -> None:
    snapshot = analyze(corpus.path(name))
    assert [n for n in snapshot.notes if n.step.startswith("messages")] == []
    said = [c.name for c in snapshot.classifiers if c.name.startswith(NAMES)]
    certain = [
        c.name
        for c in snapshot.classifiers
        if c.name.startswith("security.") and c.confidence != "hint"
    ]
    assert said + certain == []
