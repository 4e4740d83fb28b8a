"""Attributes become known as they arrive, within bounds, and lose no value."""

from __future__ import annotations

import threading

import attrs
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coresnap.store.access.projects import ensure_project
from coresnap.store.attributes.attribute import Kind
from coresnap.store.attributes.caps import NAMES, PER_FAULT
from coresnap.store.attributes.catalogue import CATALOGUE
from coresnap.store.attributes.discovery import note
from coresnap.store.attributes.known import known
from coresnap.store.attributes.losses import list_losses
from coresnap.store.fault import Value
from coresnap.store.project import Project
from coresnap.store.state.state import State
from store.arrivals import make_sent
from store.statements import counted_statements


@attrs.frozen
class World:
    state: State
    project: Project

    def note(self, **attributes: Value) -> dict[str, Value]:
        return self.note_all(attributes)

    def note_all(self, attributes: dict[str, Value]) -> dict[str, Value]:
        arrival = msgspec.structs.replace(make_sent(1).arrival, attributes=attributes)
        with self.state.write() as connection:
            return note(connection, self.project, arrival)

    def kind(self, name: str) -> Kind:
        with self.state.read() as connection:
            return known(connection, self.project)[name].kind

    def format(self, name: str) -> str:
        with self.state.read() as connection:
            return known(connection, self.project)[name].format

    def losses(self) -> dict[str, int]:
        with self.state.read() as connection:
            return {
                loss.reason: loss.count
                for loss in list_losses(connection, self.project)
            }


@pytest.fixture
def world(state: State, project: Project) -> World:
    return World(state, project)


def test_the_catalogue_is_known_without_any_fault(world: World) -> None:
    with world.state.read() as connection:
        assert known(connection, world.project) == CATALOGUE


def test_a_new_attribute_is_registered_with_the_kind_of_its_value(
    world: World,
) -> None:
    assert world.note(dc="moon", build=7, ratio=0.5) == {
        "build": 7,
        "dc": "moon",
        "ratio": 0.5,
    }

    assert world.kind("dc") is Kind.TEXT
    assert world.kind("build") is Kind.INTEGER
    assert world.kind("ratio") is Kind.NUMBER


def test_what_one_project_learns_another_does_not_know(world: World) -> None:
    world.note(dc="moon")
    with world.state.write() as connection:
        other = ensure_project(connection, "cf", "other")
        assert "dc" not in known(connection, other)


def test_a_put_without_anything_new_asks_the_state_nothing(world: World) -> None:
    world.note(dc="moon", hostname="one")
    world.note(dc="mars", hostname="one")

    arrival = msgspec.structs.replace(make_sent(1).arrival, attributes={"dc": "io"})
    with (
        world.state.write() as connection,
        counted_statements(connection) as statements,
    ):
        note(connection, world.project, arrival)

    assert statements == []


def test_a_rolled_back_registration_is_not_remembered(world: World) -> None:
    arrival = msgspec.structs.replace(make_sent(1).arrival, attributes={"dc": "io"})

    def fail() -> None:
        with world.state.write() as connection:
            note(connection, world.project, arrival)
            note(connection, world.project, arrival)
            raise RuntimeError("the fault was not accepted after all")

    with pytest.raises(RuntimeError):
        fail()

    with world.state.read() as connection:
        assert "dc" not in known(connection, world.project)
    world.note(dc="io")
    assert world.kind("dc") is Kind.TEXT


@pytest.mark.parametrize(
    ("values", "kind", "last"),
    [
        ([1, 0.5], Kind.NUMBER, 0.5),
        ([0.5, 1], Kind.NUMBER, 1.0),
        ([1, "one"], Kind.TEXT, "one"),
        ([0.5, "half"], Kind.TEXT, "half"),
        (["one", 1], Kind.TEXT, "1"),
        ([1, 1 << 64], Kind.TEXT, str(1 << 64)),
        ([0.5, (1 << 53) + 1], Kind.TEXT, str((1 << 53) + 1)),
    ],
)
def test_a_value_of_another_kind_widens_the_attribute(
    world: World, values: list[Value], kind: Kind, last: Value
) -> None:
    for value in values:
        noted = world.note(x=value)

    assert world.kind("x") is kind
    assert noted == {"x": last}
    assert world.losses() == {}


def test_ours_never_change_their_kind(world: World) -> None:
    assert world.note_all({"process.id": "seven", "application": 7}) == {
        "application": "7"
    }

    assert world.kind("process.id") is Kind.INTEGER
    assert world.losses() == {"kind": 1}


def test_an_address_of_the_kernel_s_half_has_a_sign(world: World) -> None:
    assert world.note_all({"fault.address": (1 << 64) - 1}) == {"fault.address": -1}


def test_more_attributes_than_a_fault_may_have_are_counted(world: World) -> None:
    many: dict[str, Value] = {f"a{n:03}": n for n in range(PER_FAULT + 3)}

    noted = world.note_all({**many, "hostname": "zeus"})

    assert len(noted) == PER_FAULT
    assert noted["hostname"] == "zeus"
    assert world.losses() == {"number": 4}


def test_more_attributes_than_a_project_may_have_are_counted(world: World) -> None:
    for start in range(0, NAMES, PER_FAULT):
        world.note_all({f"a{n}": n for n in range(start, start + PER_FAULT)})

    assert world.note_all({"b": 1, "a1": 2}) == {"a1": 2}
    assert world.losses() == {"project": 4 * PER_FAULT - NAMES + 1}
    with world.state.read() as connection:
        assert len(known(connection, world.project)) == len(CATALOGUE) + NAMES


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "name"),
        ("a b", "name"),
        ("x" * 129, "name"),
        ("naïve", "name"),
        ("object", "reserved"),
        ("group.state", "reserved"),
    ],
)
def test_a_name_that_cannot_be_is_left_out(
    world: World, name: str, reason: str
) -> None:
    assert world.note_all({name: 1}) == {}
    assert world.losses() == {reason: 1}


def test_long_texts_are_cut_where_a_character_ends(world: World) -> None:
    noted = world.note(text="a" + "é" * 1000, callstack="f\n" * 40_000)

    assert noted["text"] == "a" + "é" * 511
    assert len(str(noted["callstack"])) == 64 * 1024
    assert world.losses() == {"size": 2}


def test_what_is_no_number_is_left_out(world: World) -> None:
    assert world.note(x=float("nan"), y=float("-inf")) == {}
    assert world.losses() == {"kind": 2}


@pytest.mark.parametrize(
    ("name", "value", "format"),
    [
        ("trace", "6f0e9f5e-3d2b-4a51-9e6a-0c9b7a3b9c11", "uuid"),
        ("peer", "10.0.0.1", "ip"),
        ("peer", "fe80::1", "ip"),
        ("release", "1.22.3-rc.1", "semver"),
        ("commit", "59329d9aabbccddeeff00112233445566778899a", "commit"),
        ("image", "ab" * 32, "sha256"),
        ("ticket", "https://tickets.example/1", "url"),
        ("db.host", "zeus", "hostname"),
        ("cache.size", 4096, "bytes"),
        ("deploy.time", 1461535521, "timestamp"),
        ("deploy.time", 12, "none"),
        ("answer", 42, "none"),
        ("words", "some words", "none"),
        ("version.text", "1.2", "none"),
    ],
)
def test_a_format_is_guessed_by_name_and_value(
    world: World, name: str, value: Value, format: str
) -> None:
    world.note_all({name: value})
    assert world.format(name) == format


def test_a_guess_is_given_up_when_a_value_does_not_fit(world: World) -> None:
    world.note(release="1.2.3")
    world.note(release="unknown")

    assert world.format("release") == "none"
    world.note(release="1.2.4")
    assert world.format("release") == "none"


@pytest.mark.parametrize(
    ("name", "is_protected"),
    [
        ("environment.home", True),
        ("process.arguments", True),
        ("command_line", True),
        ("env.PATH", True),
        ("dc", False),
        ("argument.count", False),
        ("environmental", False),
    ],
)
def test_arguments_and_environment_are_protected(
    world: World, name: str, is_protected: bool
) -> None:
    world.note_all({name: "x"})
    with world.state.read() as connection:
        assert known(connection, world.project)[name].is_protected is is_protected


def test_several_servers_agree(state: State, project: Project) -> None:
    url = state.engine.url.render_as_string(hide_password=False)
    others = [State(url) for _ in range(4)]
    worlds = [World(one, project) for one in (state, *others)]
    failures = []

    def work(world: World, number: int) -> None:
        try:
            for n in range(20):
                world.note_all({f"own{number}.{n}": n, "shared": n, f"s{n}": number})
            world.note_all({"shared": f"text{number}"})
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(w, n)) for n, w in enumerate(worlds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    for world in worlds:
        assert world.kind("shared") is Kind.TEXT
        with world.state.read() as connection:
            found = known(connection, project)
        assert len(found) == len(CATALOGUE) + 5 * 20 + 1 + 20
    for other in others:
        other.close()


_VALUES = st.one_of(
    st.integers(-(1 << 70), 1 << 70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(
        alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=50
    ),
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(_VALUES, min_size=1, max_size=6), st.uuids())
def test_no_value_is_ever_lost(world: World, values: list[Value], name: object) -> None:
    for value in values:
        noted = world.note_all({f"x{name}": value})[f"x{name}"]
        # As text it says the same as before.
        assert noted == value or noted == str(value)
    kind = world.kind(f"x{name}")
    if any(isinstance(value, str) for value in values):
        assert kind is Kind.TEXT
    assert world.losses() == {}
