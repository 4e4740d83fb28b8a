"""catch.conf: what Python writes is what the handler reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catcher import NATIVE, WARNINGS
from coresnap.backends.handler_settings import handler_settings
from coresnap.backends.linux_files import write_handler_settings
from coresnap.config import Config, load_config
from coresnap.config.interpret import interpret
from coresnap.errors import ConfigError

pytestmark = pytest.mark.linux

DRIVER = NATIVE.parent / "tests" / "native" / "settings_driver.c"
MODULES = ("no", "container", "all")
WAYS = ("auto", "pipe", "memory")
NO_LIMIT = 2**64 - 1
MATCHING = "/usr/bin/service"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("driver") / "settings"
    sources = [DRIVER, NATIVE / "catch" / "settings.c", NATIVE / "catch" / "policy.c"]
    include = f"-I{NATIVE / 'catch'}"
    line = ["cc", *WARNINGS, "-O1", include, *map(str, sources), "-o", str(target)]
    subprocess.run(line, check=True)
    return target


def read(driver: Path, config: Config, executable: str, where: Path) -> dict[str, str]:
    """What the handler makes of ``config``."""
    path = where / "catch.conf"
    path.write_text(handler_settings(config, (11, 22)))
    path.chmod(0o600)
    run = subprocess.run(
        [driver, path, executable], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return dict(line.split("=", 1) for line in run.stdout.splitlines())


def expected(config: Config, executable: str) -> dict[str, str]:
    """What the handler is meant to make of it, from the nouns alone."""
    policy = config.policy_for(executable)
    environ = (*policy.environ_allow, *config.attributes_environ)

    def number(limit: int | None) -> str:
        return str(NO_LIMIT if limit is None else limit)

    return {
        "spool": str(config.spool),
        "socket": str(config.socket),
        "admission": str(config.admission),
        "owner": "1:11:22",
        "quota": str(config.dump_quota),
        "fetch": str(WAYS.index(config.fetch)),
        "drain": str(int(config.drain)),
        "important": number(config.important_first),
        "remember": str(config.storm_remember),
        "rate.global": f"{config.storm_rate_global.burst}/"
        f"{config.storm_rate_global.seconds}",
        "rules": str(len(config.applications)),
        "keep": policy.keep,
        "rate": f"{policy.storm_rate.burst}/{policy.storm_rate.seconds}",
        "kinds": f"{policy.storm_kinds.burst}/{policy.storm_kinds.seconds}",
        "budget": str(policy.parked_budget * 1_000_000),
        "logical": number(policy.limit_logical),
        "physical": number(policy.limit_physical),
        "modules": str(MODULES.index(policy.modules_keep)),
        "environ": ",".join(environ),
    }


# --- generated configurations ---------------------------------------------------

SIZES = st.sampled_from(["none", "1", "7 KiB", "3GB", "8388607TiB"])
DURATIONS = st.sampled_from(["1s", "90s", "5m", "12h", "30d", "36500d"])
RATES = st.sampled_from(["none", "1/1s", "10/10m", "999999999/36500d"])
BUDGETS = st.sampled_from(["none", "1ms", "500ms", "2m", "40d"])
NAMES = st.sampled_from(["", "*", "LANG", "LANG, LC_*, PATH"])
PER_APPLICATION = {
    "keep": st.sampled_from(["full", "stacks", "notes", "record", "nothing"]),
    "limit.logical": SIZES,
    "limit.physical": SIZES,
    "parked.budget": BUDGETS,
    "storm.rate": RATES,
    "storm.kinds": RATES,
    "modules.keep": st.sampled_from(MODULES),
    "environ.allow": NAMES,
}
GENERAL = {
    **PER_APPLICATION,
    "root": st.sampled_from(["/var/coresnap", "/srv/a = b/c,d", "/größe"]),
    "dump.quota": st.sampled_from(["0%", "10%", "100%"]),
    "important.first": SIZES,
    "storm.rate.global": RATES,
    "storm.remember": DURATIONS,
    "attributes.environ": NAMES,
    "fetch": st.sampled_from(WAYS),
    "drain": st.sampled_from(["yes", "no"]),
}
PATTERNS = st.sampled_from(
    [
        "*",
        "/usr/bin/*",
        "/usr/bin/serv[ia]ce",
        "*[!x]ice",
        r"/usr/bin/\service",
        "/usr/bin/service?",
        "/opt/größe/*",
        "a=b",
        "# no comment",
    ]
)


def some(values: dict[str, st.SearchStrategy[str]]) -> st.SearchStrategy[str]:
    """Lines for some of the keys."""
    lines = st.fixed_dictionaries({}, optional=values)
    return lines.map(lambda given: "".join(f"{k} = {v}\n" for k, v in given.items()))


TEXTS = st.builds(
    lambda general, rules: "".join(
        [
            f"[archive]\n{general}",
            *(f"[application {pattern}]\n{own}" for pattern, own in rules),
        ]
    ),
    some(GENERAL),
    st.lists(
        st.tuples(PATTERNS, some(PER_APPLICATION)), unique_by=lambda r: r[0], max_size=5
    ),
)


@pytest.mark.compiler
@settings(
    max_examples=60,
    deadline=None,  # each example starts a process
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=TEXTS, executable=st.sampled_from([MATCHING, "/opt/größe/x", "a=b"]))
def test_the_handler_reads_what_is_written(
    driver: Path, tmp_path: Path, text: str, executable: str
) -> None:
    reading = interpret(text)
    assert reading.errors == ()

    found = read(driver, reading.config, executable, tmp_path)
    assert found == expected(reading.config, executable)


@pytest.mark.compiler
def test_the_handler_takes_as_many_rules_as_may_be_written(
    driver: Path, tmp_path: Path
) -> None:
    sections = "".join(f"[application /{i}]\nkeep = notes\n" for i in range(64))

    assert interpret(sections).errors == ()
    found = read(driver, interpret(sections).config, "/63", tmp_path)
    assert found["rules"] == "64"
    assert found["keep"] == "notes"
    assert "more than 64" in interpret(sections + "[application /x]").errors[0].message


@pytest.mark.compiler
def test_the_defaults_of_both_are_the_same(driver: Path, tmp_path: Path) -> None:
    nothing = tmp_path / "empty.conf"
    nothing.write_text("")
    nothing.chmod(0o600)
    run = subprocess.run(
        [driver, nothing, MATCHING], capture_output=True, text=True, check=True
    )
    native = dict(line.split("=", 1) for line in run.stdout.splitlines())

    assert native == {**expected(interpret("").config, MATCHING), "owner": "0:0:0"}


def test_more_than_the_handler_reads_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "coresnap.conf"
    names = ", ".join(f"NAME_{i}" for i in range(9000))
    path.write_text(f"[archive]\nroot = {tmp_path}\nenviron.allow = {names}\n")

    with pytest.raises(ConfigError, match="which reads 65535"):
        write_handler_settings(load_config(path), (0, 0))
    assert not (tmp_path / "catch.conf").exists()
