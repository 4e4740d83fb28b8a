"""The page of one fault with 64 threads: in the console, as a report, and its parts.

    python benchmarks/fault_page.py [--runs 30]

The fault is a real one: `tests/cores/many_threads.c`, whose 64 threads stand in 64
stacks of up to 70 frames; gdb writes the core where it crashes. `coroner serve` runs
with its defaults as a process of its own; a page is a request over a connection that is
kept, with the HTML whole and not compressed. Needs gdb and a C compiler.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import msgspec
from measure import Series, interleaved
from store_http import served
from store_senders import PROJECT, client_of

from coresnap import analyze
from coresnap.config.store_reading import load_store_config
from coresnap.model import Snapshot
from coresnap.snapshot.container import open_snapshot, pack_snapshot, write_snapshot
from coresnap.store.client.putting import put_snapshot
from coresnap.views.fault.fault import Fault
from coresnap.views.fault.report import render_report

SOURCE = Path(__file__).parent.parent / "tests" / "cores" / "many_threads.c"
OBJECT = "f" * 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coresnap-bench-") as name:
        directory = Path(name)
        snapshot = crashed(directory)
        path = directory / "fault.csnap"
        size = write_snapshot(snapshot, path)
        frames = sum(len(thread.frames) for thread in snapshot.threads)
        print(f"{len(snapshot.threads)} threads, {frames} frames, {size:,} bytes\n")
        (directory / "data").mkdir()
        with served(directory / "data") as (config, _):
            put(config, snapshot)
            with visitor(config) as http:
                universe = load_store_config(config).universe
                base = f"/{universe}/{PROJECT}/faults/{OBJECT}"
                contenders = {**pages(http, base, snapshot), **parts(path)}
                rows = interleaved(contenders, options.runs)
    print("| | ms, median [min–max] | kB |\n|---|---|---|")
    for row in rows:
        print(line(row))


def line(row: Series) -> str:
    size = f"{row.peak_bytes / 1e3:.0f}" if row.peak_bytes else "–"
    return f"| {row.name} | {row.milliseconds()} | {size} |"


def crashed(directory: Path) -> Snapshot:
    """Return the snapshot of the program, stopped by gdb where it crashes."""
    program, core = directory / "many_threads", directory / "core"
    flags = ["-g", "-O0", "-pthread"]
    subprocess.run(["cc", *flags, str(SOURCE), "-o", str(program)], check=True)
    steps = ["run", f"generate-core-file {core}", "kill"]
    words = [word for step in steps for word in ("-ex", step)]
    gdb = ["gdb", "--nx", "--batch", *words, str(program)]
    subprocess.run(gdb, check=False, capture_output=True, timeout=120)
    return analyze(core)


def put(config: Path, snapshot: Snapshot) -> None:
    attributes = {
        **snapshot.attributes,
        "coresnap.object": OBJECT,
        "timestamp": int(time.time()),
    }
    body = pack_snapshot(msgspec.structs.replace(snapshot, attributes=attributes))
    with client_of(config) as client:
        put_snapshot(client, io.BytesIO(body))


def visitor(config: Path) -> httpx2.Client:
    """Return a browser, as far as requests go, that has logged in by a token."""
    known = load_store_config(config)
    http = httpx2.Client(base_url=known.read, timeout=60)
    http.headers["accept-encoding"] = "identity"
    http.cookies.set("coroner", next(iter(known.tokens.values())))
    return http


def pages(
    http: httpx2.Client, base: str, snapshot: Snapshot
) -> dict[str, Callable[[], tuple[float, int]]]:
    deepest = max(snapshot.threads, key=lambda thread: len(thread.frames))
    addresses = {
        "page: where it begins": base,
        "page: the deepest thread": f"{base}?at={deepest.tid}/30",
        "page: warnings": f"{base}?tab=warnings",
        "page: memory": f"{base}?tab=memory",
        "page: report as one file": f"{base}/report",
    }

    def page(address: str) -> Callable[[], tuple[float, int]]:
        def load() -> tuple[float, int]:
            begin = time.perf_counter()
            answer = http.get(address)
            seconds = time.perf_counter() - begin
            if answer.status_code != 200:
                sys.exit(f"{address}: {answer.status_code}")
            return seconds, len(answer.content)

        return load

    return {name: page(address) for name, address in addresses.items()}


def parts(path: Path) -> dict[str, Callable[[], tuple[float, int]]]:
    def opened() -> tuple[float, int]:
        begin = time.perf_counter()
        with open_snapshot(path) as reader:
            fault = Fault.opened(reader)
            _ = fault.groups, fault.start
        return time.perf_counter() - begin, 0

    def report() -> tuple[float, int]:
        begin = time.perf_counter()
        with open_snapshot(path) as reader:
            text = render_report(Fault.opened(reader))
        return time.perf_counter() - begin, len(text)

    return {
        "snapshot opened, threads folded": opened,
        "report, without a server": report,
    }


if __name__ == "__main__":
    main()
