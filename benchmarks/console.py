"""The console's pages with many faults, alone and while fifty people read (wrk).

    python benchmarks/console.py [--count 1000000] [--readers 50] [--seconds 10]

`coroner serve` runs with its defaults as a process of its own, on a store that was
filled past the HTTP interface; a page is a request over a connection that is kept.
While the readers load the list of groups each page is asked again, so that both columns
are of one run. Needs wrk.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import threading
import time
from pathlib import Path

import httpx2
from fault_page import visitor
from store_http import filled, resident, served
from store_senders import PROJECT

from coresnap.config.store_reading import load_store_config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--direct", action="store_true")
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        directory, _ = filled(options, stack, options.count)
        config, pid = stack.enter_context(served(directory / "store"))
        http = stack.enter_context(visitor(config))
        pages = addresses(load_store_config(config).universe, http)
        alone = {name: timed(http, path, options.runs) for name, path in pages.items()}
        before = resident(pid)
        rate, beside = under_load(options, http, pages)
        print(f"| page, {options.count:,} faults | ms alone | kB |", end="")
        print(f" ms beside {options.readers} readers |\n|---|---|---|---|")
        for name, (median, size) in alone.items():
            print(f"| {name} | {median:.0f} | {size / 1e3:.1f} | {beside[name]:.0f} |")
        print(f"\n{rate}")
        print(
            f"peak memory of the server: {before / 1e6:.0f} MB before, "
            f"{resident(pid) / 1e6:.0f} MB after"
        )


def addresses(universe: str, http: httpx2.Client) -> dict[str, str]:
    """Return name to path; the group is the first of the list."""
    base = f"/{universe}/{PROJECT}"
    listed = http.get(f"{base}/groups").text
    group = listed.partition(f'href="{base}/groups/')[2][:64]
    return {
        "projects": "/",
        "list of groups": f"{base}/groups",
        "a group": f"{base}/groups/{group}",
        "explore, grouped": f"{base}/explore?group=version&fold=histogram:hostname",
        "flame graph": f"{base}/flame",
        "versions": f"{base}/versions",
        "status": "/status",
    }


def timed(http: httpx2.Client, path: str, runs: int) -> tuple[float, int]:
    """Return the median milliseconds and the bytes of a page; the first run warms."""
    times, size = [], 0
    for _ in range(runs + 1):
        begun = time.perf_counter()
        answer = http.get(path)
        times.append((time.perf_counter() - begun) * 1e3)
        answer.raise_for_status()
        size = len(answer.content)
    return statistics.median(times[1:]), size


def under_load(
    options: argparse.Namespace, http: httpx2.Client, pages: dict[str, str]
) -> tuple[str, dict[str, float]]:
    """Ask each page again and again while readers load the list of groups."""
    cookie = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
    address = f"{http.base_url}{pages['list of groups']}".replace("//", "/")
    wrk = subprocess.Popen(
        [
            "wrk",
            *("-t1", f"-c{options.readers}", f"-d{options.seconds}s"),
            *("--timeout", "30s", "-H", f"cookie: {cookie}"),
            address.replace(":/", "://", 1),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    times: dict[str, list[float]] = {name: [] for name in pages}
    done = threading.Event()

    def watch() -> None:
        wrk.wait()
        done.set()

    threading.Thread(target=watch, daemon=True).start()
    while not done.is_set():
        for name, path in pages.items():
            begun = time.perf_counter()
            http.get(path).raise_for_status()
            times[name].append((time.perf_counter() - begun) * 1e3)
    assert wrk.stdout is not None
    lines = wrk.stdout.read().splitlines()
    told = [
        line.strip() for line in lines if "Requests/sec" in line or "Latency" in line
    ]
    return "; ".join(told), {n: statistics.median(t) for n, t in times.items()}


if __name__ == "__main__":
    main()
