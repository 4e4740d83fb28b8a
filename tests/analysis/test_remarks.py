"""Annotations reach their owners, and nothing else is made again."""

from __future__ import annotations

from coresnap.analysis.remarks import (
    annotated_frames,
    annotated_threads,
    annotated_variables,
)
from coresnap.model import (
    Annotation,
    Frame,
    Thread,
    Trust,
    UnwindEnd,
    Variable,
    VariableKind,
)

REMARK = Annotation("comment", "look here")
INNER = Variable("next", "struct node *", VariableKind.MEMBER, value=1)
NODE = Variable("*", "struct node", VariableKind.TARGET, members=(INNER,))
HEAD = Variable("head", "struct node *", VariableKind.LOCAL, target=NODE)
OTHER = Variable("count", "int", VariableKind.LOCAL, value=3)
FRAME = Frame(1, Trust.CFI, variables=(HEAD, OTHER))
THREAD = Thread(1, True, UnwindEnd.OUTERMOST, frames=(FRAME,))


def test_a_nested_variable_is_annotated_where_it_stands() -> None:
    (thread,) = annotated_threads([THREAD], {id(INNER): [REMARK]})
    head, other = thread.frames[0].variables
    assert head.target is not None
    assert head.target.members[0].annotations == (REMARK,)
    assert other is OTHER


def test_frames_and_threads_have_their_own() -> None:
    (thread,) = annotated_threads([THREAD], {id(FRAME): [REMARK], id(THREAD): [REMARK]})
    assert thread.annotations == thread.frames[0].annotations == (REMARK,)
    assert thread.frames[0].variables is FRAME.variables


def test_frames_alone_leave_the_variables_alone() -> None:
    (thread,) = annotated_frames([THREAD], {id(FRAME): [REMARK], id(INNER): [REMARK]})
    assert thread.frames[0].annotations == (REMARK,)
    assert thread.frames[0].variables is FRAME.variables


def test_what_is_not_spoken_of_stays_the_same_object() -> None:
    assert annotated_threads([THREAD], {})[0] is THREAD
    variables = (HEAD, OTHER)
    assert annotated_variables(variables, {}) is variables


def test_later_remarks_come_behind_earlier_ones() -> None:
    once = annotated_variables((OTHER,), {id(OTHER): [REMARK]})
    twice = annotated_variables(once, {id(once[0]): [REMARK]})
    assert twice[0].annotations == (REMARK, REMARK)
