"""A snapshot in which everything that a process chooses is an attack."""

from __future__ import annotations

from typing import Any

import msgspec

from coresnap.model import (
    Alias,
    Annotation,
    Classifier,
    Mapping,
    Module,
    Note,
    Search,
    Snapshot,
    VariableKind,
)
from snapshot.specimens import frame, full, thread, variable

__all__ = ["ATTACK", "hostile"]

ATTACK = "</style><script>alert(1)</script>\x1b[31m\u202egnp`| @all www.evil.example"
"""HTML, a terminal's command, text turned around, Markdown, a call and a link."""


def hostile(attack: str = ATTACK) -> Snapshot:
    """Return a snapshot whose names, values and paths all are ``attack``."""
    inner = variable(attack, attack, kind=VariableKind.MEMBER, text=attack)
    owned = variable(
        attack, attack, members=(inner, inner), annotations=(_said(attack),)
    )
    frames = (
        frame(
            function=attack,
            file=attack,
            line=1,
            variables=(owned, owned),
            source=(attack,),
            source_start=1,
            annotations=(_said(attack),),
            interpreter=attack,
            language=attack,
        ),
    )
    return msgspec.structs.replace(
        full(),
        command=attack,
        arguments=attack,
        summary=attack,
        quality_reason=attack,
        threads=(thread(name=attack, frames=frames, registers={attack: 0x1000}),),
        globals=(owned,),
        modules=(
            Module(
                attack,
                0x400000,
                0x404000,
                0,
                problem=attack,
                searches=(Search(attack, attack, attack),),
            ),
        ),
        mappings=(Mapping(0x1000, 0x2000, attack, path=attack),),
        classifiers=(Classifier(attack, attack, (attack,), summary=attack),),
        annotations=(_said(attack),),
        aliases=(Alias(attack, attack, 0x1000, 0, type=attack, remark=attack),),
        notes=(Note(attack, attack),),
        attributes={"application": attack, attack: attack},
        assets=_assets(attack),
    )


def _said(attack: str) -> Annotation:
    data: dict[str, Any] = {attack: [attack, {attack: attack}]}
    return Annotation("warning", attack, attack, data, attack)


def _assets(attack: str) -> dict[str, bytes]:
    text = attack.encode()
    return {
        attack: b"",
        "process/cwd": text,
        "process/environ": b"NAME=" + text + b"\0",
        "process/fd": b"3 " + text + b"\0",
    }
