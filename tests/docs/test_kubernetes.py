"""The manifests for Kubernetes: what the API takes, and what they name exists.

No cluster is started: the API's own schemas (package kubernetes-validate) say what it
takes, and the rest is compared with what it is about.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coresnap.config import load_config
from coresnap.config.places import SEARCH_PATH, STORE_SEARCH_PATH
from coresnap.config.store_reading import load_store_config
from coresnap.views.cli.main import command_parser, load
from coresnap.views.cli.program import CORESNAP
from docs.pages import DOCS, REPOSITORY

yaml = pytest.importorskip("yaml", reason="needs PyYAML")
schemas = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")

MANIFESTS = sorted((REPOSITORY / "packaging" / "kubernetes").glob("*.yaml"))
VERSIONS = ("1.28", schemas.latest_version())
"""The oldest that the manifests are for, and the newest that there is."""
PAGE = DOCS / "howto" / "kubernetes.md"


def manifest(name: str) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load((MANIFESTS[0].parent / f"{name}.yaml").read_text())


def containers() -> Iterator[dict[str, Any]]:
    pod = manifest("daemonset")["spec"]["template"]["spec"]
    yield from pod["initContainers"]
    yield from pod["containers"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_the_api_takes_every_manifest(path: Path, version: str) -> None:
    schemas.validate(yaml.safe_load(path.read_text()), version, strict=True)


def test_a_field_that_does_not_exist_is_found() -> None:
    wrong = manifest("daemonset")
    wrong["spec"]["template"]["spec"]["hostNetworks"] = True

    with pytest.raises(schemas.ValidationError):
        schemas.validate(wrong, VERSIONS[-1], strict=True)


def test_the_settings_can_be_read_and_fit_what_is_mounted(tmp_path: Path) -> None:
    path = tmp_path / "coresnap.conf"
    path.write_text(manifest("configmap")["data"]["coresnap.conf"])
    settings = load_config(path)

    for container in containers():
        mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
        assert str(settings.root) in mounts
        assert str(settings.handler.parent) in mounts
        assert str(settings.socket.parent) in mounts
        assert Path(next(m for m in mounts if m.endswith(".conf"))) in SEARCH_PATH
        assert Path(next(m for m in mounts if m.endswith(".cf"))) in STORE_SEARCH_PATH


def test_what_the_node_s_kernel_uses_has_the_same_path_in_the_node() -> None:
    pod = manifest("daemonset")["spec"]["template"]["spec"]
    paths = {
        v["name"]: v["hostPath"]["path"] for v in pod["volumes"] if "hostPath" in v
    }

    assert len(paths) == 3
    for container in containers():
        mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
        assert {name: mounts[name] for name in paths} == paths


def test_the_store_s_settings_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "coroner.cf"
    path.write_text(manifest("secret")["stringData"]["coroner.cf"])
    os.chmod(path, 0o600)

    assert load_store_config(path).tokens


def test_every_name_of_a_volume_and_its_source_is_there() -> None:
    pod = manifest("daemonset")["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}

    assert volumes["settings"]["configMap"]["name"] == "coresnap"
    assert manifest("configmap")["metadata"]["name"] == "coresnap"
    assert volumes["store"]["secret"]["secretName"] == "coresnap"
    assert manifest("secret")["metadata"]["name"] == "coresnap"
    for container in containers():
        assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    for name in ("configmap", "secret", "daemonset"):
        assert manifest(name)["metadata"]["namespace"] == "coresnap"


def _command_lines() -> Iterator[list[str]]:
    for container in containers():
        yield container["command"]
        if "readinessProbe" in container:
            shell = container["readinessProbe"]["exec"]["command"]
            yield shell[-1].partition(" ||")[0].split()


def test_every_command_is_one_of_a_package_and_has_these_options() -> None:
    packaged = (REPOSITORY / "packaging" / "nfpm" / "coresnap.toml").read_text()
    units = "".join(
        path.read_text() for path in (REPOSITORY / "packaging/systemd").iterdir()
    )
    lines = list(_command_lines())

    assert [line[1:] for line in lines] == [
        ["install"],
        ["--foreground"],
        ["status", "--check"],
    ]
    for program, *words in lines:
        assert program in packaged or program in units
        name = "daemon" if program.endswith("coresnapd") else words.pop(0)
        command_parser(load(name, CORESNAP), CORESNAP).parse_args(words)


def test_the_probe_asks_where_metrics_are_served(tmp_path: Path) -> None:
    path = tmp_path / "coresnap.conf"
    path.write_text(manifest("configmap")["data"]["coresnap.conf"])
    (daemon,) = manifest("daemonset")["spec"]["template"]["spec"]["containers"]
    asked = daemon["livenessProbe"]["httpGet"]

    assert f"metrics.listen = {asked['host']}:{asked['port']}" in path.read_text()
    assert f"{asked['host']}:{asked['port']}{asked['path']}" in (
        DOCS / "metrics.md"
    ).read_text().replace("http://", "")


def test_the_page_names_every_manifest() -> None:
    text = PAGE.read_text()

    for path in MANIFESTS:
        assert path.name in text
