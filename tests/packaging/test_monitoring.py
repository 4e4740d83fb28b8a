"""Alert rules and dashboards: what they ask for is told, and can be asked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import ruamel.yaml

from told import told_by_a_host, told_by_a_store

REPOSITORY = Path(__file__).parents[2]
MONITORING = REPOSITORY / "packaging" / "monitoring"
DASHBOARDS = sorted(MONITORING.glob("grafana-*.json"))
BY_PROMETHEUS = {"up": {"job", "instance"}}
EVERYWHERE = {"instance", "job", "le"}
_WORDS = {
    *("by", "on", "and", "sum", "max", "rate", "time", "bool", "count", "topk"),
    *("increase", "histogram_quantile", "predict_linear"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    return {
        **told_by_a_host(tmp_path_factory.mktemp("host")),
        **told_by_a_store(tmp_path_factory.mktemp("store")),
        **BY_PROMETHEUS,
    }


def rules() -> list[dict[str, Any]]:
    read = ruamel.yaml.YAML(typ="safe").load(MONITORING / "alerts.yaml")
    return [rule for group in read["groups"] for rule in group["rules"]]


def panels(dashboard: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dashboard.read_text())["panels"]
    return found


def expressions() -> list[str]:
    of_rules = [rule["expr"] for rule in rules()]
    of_panels = [
        target["expr"]
        for dashboard in DASHBOARDS
        for panel in panels(dashboard)
        for target in panel["targets"]
    ]
    return of_rules + of_panels


SELECTOR = re.compile(r"([a-z_]+)\s*(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*"')


def asked(expression: str) -> dict[str, set[str]]:
    """Samples of an expression, to the labels that it wants of them."""
    grouping = re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression)
    grouped = {name.strip() for names in grouping for name in names.split(",")}
    bare = re.sub(r"\b(?:by|on)\s*\([^)]*\)", "", expression)
    found: dict[str, set[str]] = {}
    for name, matchers in SELECTOR.findall(re.sub(r"\[[^\]]*\]", "", bare)):
        if name in _WORDS:
            continue
        found.setdefault(name, set()).update(MATCHER.findall(matchers))
    for labels in found.values():
        labels |= grouped if len(found) == 1 else set()
    return found


def test_a_selector_is_taken_apart() -> None:
    expression = 'sum by (a, le) (rate(x_total{b="1",c=~"2|3"}[5m])) > 2'

    assert asked(expression) == {"x_total": {"a", "b", "c", "le"}}


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_and_label_that_is_asked_for_is_told(
    expression: str, told: dict[str, set[str]]
) -> None:
    found = asked(expression)

    assert found
    for name, labels in found.items():
        assert name in told, f"{name}: {expression}"
        assert labels - EVERYWHERE <= told[name], expression


def test_every_value_of_a_label_that_is_asked_for_is_one_of_ours() -> None:
    from coresnap.collect.journal import Event, State
    from coresnap.store.api.endpoints import ENDPOINTS

    values: dict[str, set[str]] = {
        "event": set(Event),
        "state": set(State),
        "fate": {"archived", "suppressed", "refused"},
        "operation": {endpoint.operation for endpoint in ENDPOINTS},
        "status": {f"{number}xx" for number in range(1, 6)},
        "job": {"coresnap", "coroner"},
    }
    for expression in expressions():
        matchers = re.findall(r'(\w+)=~?"([^"$]*)"', expression)
        for label, wanted in matchers:
            assert set(wanted.split("|")) <= values[label], expression


# --- alerts ------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^### (\w+)$", page.read_text(), re.MULTILINE)
    return {heading.lower() for heading in headings}


def test_every_alert_says_what_to_do_and_nothing_else_does() -> None:
    named = set()
    for rule in rules():
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert anchor == rule["alert"].lower()
        assert anchor in anchors(REPOSITORY / page)
        named.add(anchor)
    alerts = {a for a in anchors(REPOSITORY / "docs/operate.md") if a.startswith("cor")}
    assert alerts == named


def test_every_alert_has_a_severity_and_words() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]


needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed"
)


def promtool(*words: str | Path) -> str:
    run = subprocess.run(
        ["promtool", *map(str, words)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.prometheus
@needs_promtool
def test_prometheus_takes_rules_and_settings() -> None:
    assert "rules found" in promtool("check", "rules", MONITORING / "alerts.yaml")
    promtool("check", "config", MONITORING / "prometheus.yaml")


@pytest.mark.prometheus
@needs_promtool
def test_the_ill_raise_every_alert_and_the_well_none() -> None:
    tests = Path(__file__).parent / "monitoring" / "alerts_test.yaml"

    promtool("test", "rules", tests)

    named = set(re.findall(r'alertname="(\w+)"', tests.read_text()))
    assert named == {rule["alert"] for rule in rules()}


@pytest.mark.prometheus
@needs_promtool
def test_a_rule_that_is_wrong_would_be_found(tmp_path: Path) -> None:
    broken = (MONITORING / "alerts.yaml").read_text()
    broken = broken.replace("coroner_queue_oldest_seconds > 60", "vector(0) > 1")
    (tmp_path / "alerts.yaml").write_text(broken)
    tests = (Path(__file__).parent / "monitoring" / "alerts_test.yaml").read_text()
    place = "../../../packaging/monitoring/alerts.yaml"
    (tmp_path / "test.yaml").write_text(tests.replace(place, "alerts.yaml"))

    run = subprocess.run(
        ["promtool", "test", "rules", str(tmp_path / "test.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode != 0
    assert "CoronerQueueOld" in run.stdout + run.stderr


# --- dashboards ------------------------------------------------------------


@pytest.mark.prometheus
@needs_promtool
def test_prometheus_understands_every_query_of_the_dashboards(tmp_path: Path) -> None:
    queries = [e.replace("$instance", ".*") for e in expressions()]
    records = [
        {"record": f"query{number}", "expr": query}
        for number, query in enumerate(queries)
    ]
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": records}]}))

    assert f"{len(queries)} rules found" in promtool("check", "rules", path)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_one_that_grafana_takes(dashboard: Path) -> None:
    found = json.loads(dashboard.read_text())
    variables = {one["name"]: one for one in found["templating"]["list"]}

    assert found["uid"]
    assert found["title"]
    assert isinstance(found["schemaVersion"], int)
    assert "id" not in found  # of a database, which an import has not yet
    assert variables["source"]["type"] == "datasource"
    numbers = [panel["id"] for panel in found["panels"]]
    assert len(set(numbers)) == len(numbers)
    for panel in found["panels"]:
        assert panel["type"] in ("stat", "timeseries")
        assert panel["datasource"]["uid"] == "${source}"
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references) > 0


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_stand_beside_and_below_one_another(dashboard: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(dashboard):
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + column, place["y"] + row)
            for column in range(place["w"])
            for row in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
