"""Keys and what they lead to, in the real application."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from coresnap.model import Annotation, MemoryRange
from coresnap.views.fault.position import Position
from coresnap.views.viewer.app import Viewer
from coresnap.views.viewer.tabs.catalogue import TABS
from snapshot.specimens import frame, full, thread, variable
from views.viewer.opened import HEAP, crash, drive, seen

HOSTILE = "\x1b[2J[bold red]<b>\u202eevil\n" + "x" * 1_000_000


async def type_in(pilot: Pilot[None], text: str) -> None:
    """Type a command or a pattern, and Enter."""
    names = {" ": "space", "/": "slash", ":": "colon", ">": "greater_than_sign"}
    await pilot.press(*(names.get(one, one) for one in text), "enter")
    await pilot.pause()


def text_of(viewer: Viewer) -> str:
    return "\n".join(seen(viewer))


def shown(viewer: Viewer) -> list[str]:
    """The lines of the tab."""
    lines = viewer.router.list.lines
    return [lines[number].text for number in range(len(lines))]


def status(viewer: Viewer) -> str:
    return str(viewer.status.content)


def test_it_opens_at_the_frame_that_failed_with_identical_stacks_folded() -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        text = text_of(viewer)
        assert "SIGSEGV" in seen(viewer)[0]
        assert "F   4242 popper pop" in text
        assert "+ 4243 ×3 worker" in text
        assert "#0" in text
        assert "/src/queue.c:13" in text
        assert "struct node *head" in text
        assert viewer.navigator.position(viewer.pane) == Position("4242", 0)

    drive(crash(), act)


def test_threads_of_one_stack_are_opened_and_closed() -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await pilot.press("1", "j", "plus")
        assert "| 4245" in text_of(viewer)
        await pilot.press("j", "j", "j")
        assert str(viewer.navigator.position(viewer.pane)) == "4245"
        await pilot.press("minus")
        assert "| 4245" not in text_of(viewer)

    drive(crash(), act)


def test_frames_lead_to_variables_which_open_with_their_remarks() -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await pilot.press("3", "plus")
        text = text_of(viewer)
        assert "int value = 7" in text
        assert "warning: this node was freed" in text
        await pilot.press("2", "j")
        await pilot.pause()
        assert "int argc = 3" in text_of(viewer)

    drive(crash(), act)


def test_the_memory_tab_follows_the_pointer_and_says_that_it_is_freed() -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await pilot.press("3")
        await type_in(pilot, ":memory")
        line = viewer.router.list.line
        assert line is not None
        assert line.text.startswith(f"{HEAP:012x} ")
        assert " - " in line.text
        assert "free block" in line.text
        assert "free" in {span.style for span in line.spans}

    drive(crash(), act)


def test_an_address_that_was_not_kept_is_refused_with_what_lies_there() -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await type_in(pilot, ":x 400010")
        assert status(viewer).startswith("no memory was kept at 0x400010 (queue+0x10)")
        await type_in(pilot, ":x zebra")
        assert "is no address" in status(viewer)

    drive(crash(), act)


def test_a_warning_leads_to_its_owner_and_ctrl_o_back() -> None:
    owned = frame(function="owner", annotations=(Annotation("critical", "look here"),))
    other = thread(5000, frames=(owned,))
    snapshot = crash(threads=(*crash().threads, other))

    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await pilot.press("w")
        await type_in(pilot, "/look here")
        await pilot.press("enter")
        await pilot.pause()
        assert viewer.navigator.position(viewer.pane) == Position("5000", 0)
        await pilot.press("ctrl+o")
        assert viewer.navigator.position(viewer.pane) == Position("4242", 0)

    drive(snapshot, act)


def test_a_position_is_told_and_leads_back_to_the_same_value() -> None:
    told = []

    async def tell(viewer: Viewer, pilot: Pilot[None]) -> None:
        await pilot.press("3", "plus", "j", "j", "u")
        told.append(status(viewer))

    async def come(viewer: Viewer, pilot: Pilot[None]) -> None:
        value = viewer.navigator.looked.value
        assert value is not None
        assert value.label == "int value"

    drive(crash(), tell)
    assert told == ["4242/0/head->value"]
    drive(crash(), come, Position.parse(told[0]))


def test_a_place_that_is_not_there_is_told() -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await type_in(pilot, ":j 1/2")
        assert "no thread 1" in status(viewer)
        await type_in(pilot, ":j nowhere")
        assert "is no position" in status(viewer)
        await type_in(pilot, ":99")
        assert "no frame 99" in status(viewer)
        await type_in(pilot, ":1")
        assert viewer.navigator.position(viewer.pane) == Position("4242", 1)

    drive(crash(), act)


def test_marks_are_places_to_go_back_to() -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await pilot.press("j", "m", "a")
        await type_in(pilot, ":0")
        await pilot.press("apostrophe", "a")
        await pilot.pause()
        assert viewer.navigator.position(viewer.pane) == Position("4242", 1)
        await pilot.press("apostrophe", "b")
        await pilot.pause()
        assert status(viewer) == "there is no mark b"

    drive(crash(), act)


def test_a_search_goes_round_and_back_and_refuses_what_is_no_expression() -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await pilot.press("1")
        await type_in(pilot, "/worker")
        assert viewer.navigator.threads.cursor == 1
        await pilot.press("n", "N")
        assert viewer.navigator.threads.cursor == 1
        await type_in(pilot, "/nobody")
        assert status(viewer) == "not found: nobody"
        await type_in(pilot, "/(")
        assert "no regular expression" in status(viewer)

    drive(crash(), act)


def test_threads_are_sorted_and_ungrouped_with_the_one_that_failed_first() -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await type_in(pilot, ":ungroup")
        await type_in(pilot, ":rsort tid")
        pane = viewer.navigator.threads
        lines = [pane.lines[n].text.split()[:2] for n in range(len(pane.lines))]
        assert lines == [
            ["F", "4242"],
            ["4245", "worker"],
            ["4244", "worker"],
            ["4243", "worker"],
        ]
        await type_in(pilot, ":group name")
        assert len(viewer.navigator.threads.lines) == 2
        await type_in(pilot, ":sort colour")
        assert "no order" in status(viewer)

    drive(crash(), act)


def test_a_kept_file_is_shown_and_saved_and_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await type_in(pilot, ":kept")
        await pilot.press("j", "enter")
        assert "Name:\\tqueue" in text_of(viewer)
        await type_in(pilot, ":s")
        assert (tmp_path / "status").read_bytes() == b"Name:\tqueue\n"
        await type_in(pilot, ":s")
        assert "is there already" in status(viewer)

    drive(crash(), act)


def test_a_pane_is_shown_alone_and_all_again() -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        height = viewer.navigator.frames.size.height
        await pilot.press("M")
        await pilot.pause()
        assert viewer.navigator.frames.size.height > 2 * height
        await pilot.press("M")
        await pilot.pause()
        assert viewer.navigator.frames.size.height == height

    drive(crash(), act)


def test_source_and_instructions_stand_around_the_frame() -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await type_in(pilot, ":source")
        shown_here = shown(viewer)
        assert any("> 48895008" in one and "mov" in one for one in shown_here)
        await pilot.press("2", "j")
        await pilot.pause()
        assert "     40 >     pop(head);" in shown(viewer)

    drive(crash(), act)


def test_files_and_sockets_of_the_process_have_a_tab() -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await type_in(pilot, ":files")
        assert "     3 socket:[tcp *:80 *:0]" in shown(viewer)

    drive(crash(), act)


def test_a_click_selects_a_line_and_a_tab() -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await pilot.click(viewer.navigator.frames, offset=(3, 1))
        await pilot.pause()
        assert viewer.navigator.position(viewer.pane) == Position("4242", 1)
        await pilot.click(viewer.router.bar, offset=(15, 0))
        await pilot.pause()
        assert viewer.router.tab.name == "source"

    drive(crash(), act)


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (20, 6)])
def test_every_tab_can_be_shown_of_every_snapshot(size: tuple[int, int]) -> None:
    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        for tab in TABS:
            viewer.action_open(tab.name)
            await pilot.pause()
            assert len(viewer.router.list.lines)
            await pilot.press("enter", "G", "enter")
            await pilot.pause()

    drive(full(), act, size=size)
    drive(crash(threads=(), memory=(), assets={}, modules=()), act, size=size)


def test_what_a_process_chose_is_escaped_cut_and_never_markup() -> None:
    hostile = thread(
        name=HOSTILE,
        frames=(
            frame(
                function=HOSTILE,
                file=HOSTILE,
                module=HOSTILE,
                variables=(variable(HOSTILE, HOSTILE, text=HOSTILE),),
                annotations=(Annotation("warning", HOSTILE),),
            ),
        ),
        registers={HOSTILE: 1},
    )
    snapshot = crash(
        threads=(hostile,),
        command=HOSTILE,
        assets={HOSTILE: HOSTILE.encode()},
        attributes={HOSTILE: HOSTILE},
    )

    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        for tab in TABS:
            viewer.action_open(tab.name)
            await pilot.pause()
            text = "".join(seen(viewer))
            assert "\x1b" not in text
            assert "\u202e" not in text
        await pilot.press("1", "u")
        assert "\\e[2J[bold red]<b>" in text_of(viewer)
        for pane in viewer.panes:
            for number in range(len(pane.lines)):
                assert len(pane.lines[number].text) < 5000

    drive(snapshot, act)


def test_a_hundred_million_bytes_are_read_as_far_as_they_are_seen() -> None:
    snapshot = crash(memory=(MemoryRange(0x10000, bytes(100_000_000)),))

    async def act(viewer: Viewer, pilot: Pilot[None]) -> None:
        await type_in(pilot, ":memory")
        assert len(viewer.router.list.lines) == 6_250_000
        await pilot.press("G")
        await pilot.pause()
        assert f"{0x10000 + 100_000_000 - 16:012x}" in text_of(viewer)

    drive(snapshot, act)
