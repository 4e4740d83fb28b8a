"""Versions are ordered by the scheme that was declared, as the tools of that do."""

from __future__ import annotations

import itertools
import shutil
import subprocess

import pytest

from coresnap.store.groups.versions import Scheme, compare_versions, greatest

_ASCENDING = {
    # Section 11 of Semantic Versioning 2.0.0, and around it.
    Scheme.SEMVER: (
        "0.9",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "v1.0.0",
        "1.2",
        "1.2.3",
        "1.2.10",
        "1.2.10.1",
        "10",
    ),
    # tests/rpmvercmp.at of rpm.
    Scheme.RPM: (
        "1.0~rc1",
        "1.0~rc2",
        "1.0",
        "1.0^20160101",
        "1.0^20160102",
        "1.0.1^20160101",
        "1.0.1",
        "2.0",
        "2.0.1a",
        "5.5p1",
        "5.5p10",
        "1:0.1",
    ),
    Scheme.NUMBER: ("-3", "0", "1.50", "1.75", "12", "100"),
}


@pytest.mark.parametrize("scheme", _ASCENDING)
def test_every_two_versions_of_a_row_compare_as_they_stand(scheme: Scheme) -> None:
    if scheme is Scheme.RPM:
        row = [v for v in _ASCENDING[scheme] if v != "1.0.1^20160101"]
    else:
        row = list(_ASCENDING[scheme])
    for (at, one), (there, other) in itertools.product(enumerate(row), repeat=2):
        expected = (at > there) - (at < there)
        assert compare_versions(scheme, one, other) == expected, (one, other)


@pytest.mark.parametrize(
    ("one", "other", "order"),
    [
        ("1.0", "1_0", 0),
        ("2.0.1", "2.0.1a", -1),
        ("10xyz", "10.1xyz", -1),
        ("xyz10", "xyz10.1", -1),
        ("xyz.4", "8", -1),
        ("6.0.rc1", "6.0", 1),
        ("10b2", "10a1", 1),
        ("1.0aa", "1.0a", 1),
        ("10.0001", "10.1", 0),
        ("4.999.9", "5.0", -1),
        ("1.0~rc1~git123", "1.0~rc1", -1),
        ("1.0^", "1.0", 1),
        ("1.0^git1", "1.01", -1),
        ("1.0^20160101^git1", "1.0^20160102", -1),
        ("1.0~rc1^git1", "1.0~rc1", 1),
        ("1.0^git1~pre", "1.0^git1", -1),
        ("1.0-2", "1.0-10", -1),
        ("1.0-2", "1.0", 0),
    ],
)
def test_rpm_compares_as_rpmvercmp_documents(one: str, other: str, order: int) -> None:
    assert compare_versions(Scheme.RPM, one, other) == order
    assert compare_versions(Scheme.RPM, other, one) == -order


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not installed")
def test_dpkg_compares_as_dpkg_does() -> None:
    versions = (
        "0",
        "1.0~rc1-1",
        "1.0-1",
        "1.0-1+b1",
        "1.0-1.1",
        "1.0a-1",
        "1.0+dfsg-1",
        "1.0.1",
        "1.0~~",
        "1.0~",
        "1.10",
        "1.9",
        "2.36-9+deb12u10",
        "2.36-9+deb12u9",
        "1:0.1",
        "0:1.0-1",
        "1-2-3",
        "1.00",
    )
    for one, other in itertools.combinations(versions, 2):
        ours = compare_versions(Scheme.DPKG, one, other)
        sign = {-1: "lt", 0: "eq", 1: "gt"}[ours] if ours is not None else "none"
        done = subprocess.run(
            ["dpkg", "--compare-versions", one, sign, other], check=False
        )
        assert done.returncode == 0, (one, sign, other)


@pytest.mark.parametrize(
    ("scheme", "version"),
    [
        (Scheme.SEMVER, "main-4f1c"),
        (Scheme.SEMVER, "1.2.3.4.5.6"),
        (Scheme.SEMVER, ""),
        (Scheme.DPKG, "v1.0"),
        (Scheme.DPKG, "1.0_2"),
        (Scheme.RPM, "1.0 beta"),
        (Scheme.RPM, "1.0-2-3"),
        (Scheme.NUMBER, "1.2.3"),
        (Scheme.NUMBER, "1e9"),
        (Scheme.NUMBER, "9" * 129),
    ],
)
def test_what_is_no_version_compares_with_none(scheme: Scheme, version: str) -> None:
    assert compare_versions(scheme, version, "1.0") is None
    assert compare_versions(scheme, "1.0", version) is None
    assert greatest(scheme, [version, "1", "3", "2"]) == "3"
