"""A whole coroner over HTTP: puts per second, and the time that a question takes.

Runs `coroner serve` with its defaults below a directory, as its own process on this
machine, and speaks with it as `coroner` does, over connections that are kept.

    python benchmarks/store_http.py puts --seconds 20 --clients 8 --before 100000
    python benchmarks/store_http.py queries --count 1000000
    python benchmarks/store_http.py fresh

``puts`` sends distinct snapshots of a real crash, whole ones; with ``--plain`` without
``coroner``'s client, whose processor time is that of other machines than a store's.
``queries`` fills the store through its own queue and indexer, then asks. ``fresh`` is
how long after a put the fault can be asked for. Clients and server share processors.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import msgspec
from sqlalchemy import Connection, insert, update
from store_faults import END, faults
from store_queries import questions
from store_senders import PROJECT, Sent, client_of, send

from coresnap.model import Snapshot
from coresnap.model.notice import Event
from coresnap.snapshot.container import pack_snapshot
from coresnap.store.accepting.arrival import Arrival
from coresnap.store.accepting.indexer import Indexer
from coresnap.store.accepting.queue import add_fault
from coresnap.store.accepting.rows import FaultRow
from coresnap.store.access.projects import ensure_project
from coresnap.store.api.queries import QUERY
from coresnap.store.api.telling import (
    SET_CHANNEL,
    SET_TELLING_RULE,
    NewChannel,
    RateOf,
    TellingRule,
)
from coresnap.store.attributes.discovery import note as note_attributes
from coresnap.store.client.client import Client
from coresnap.store.client.putting import put_snapshot
from coresnap.store.fault import Fault
from coresnap.store.groups.noting import note as note_group
from coresnap.store.index.contract import Segment
from coresnap.store.opening import StoreSettings, open_store
from coresnap.store.project import Project
from coresnap.store.query.query import (
    Condition,
    Fold,
    FoldName,
    Operator,
    Order,
    OrderBy,
    Query,
)
from coresnap.store.state.tables.faults import FAULTS, LAST_SEQUENCE, Body
from coresnap.store.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from kernel import kernel_core

BATCH = 2000
MAINTAINED = 100_000
"""Faults after which the index is maintained; a server does it by the clock."""
SERVE = "from coresnap.views.cli.process import run_coroner as run; run()"


@contextlib.contextmanager
def served(directory: Path, python: str = sys.executable) -> Iterator[tuple[Path, int]]:
    """Run a server; yield its coroner.cf and its process id."""
    words = ["serve", "--data", str(directory), "--listen", "http://127.0.0.1:0"]
    server = subprocess.Popen(
        [python, "-c", SERVE, *words, "--project", PROJECT],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    try:
        for line in server.stderr:
            if found := re.search(r"listens on (http://\S+)", line):
                break
        else:
            raise SystemExit("the server does not start")
        config = directory / "bench.cf"
        text = (directory / "coroner.cf").read_text()
        text = re.sub(r"(?m)^(write|read) = .*$", rf"\1 = {found[1]}", text)
        config.write_text(text)
        threading.Thread(target=drain, args=(server.stderr,), daemon=True).start()
        yield config, server.pid
    finally:
        server.terminate()
        server.wait()


def drain(stream: Any) -> None:  # noqa: ANN401
    for _ in stream:
        pass


def processor_seconds(pid: int) -> float:
    """Of a process and its children that live."""
    total = 0
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        with contextlib.suppress(OSError, IndexError):
            stat = Path("/proc", name, "stat").read_text()
            fields = stat.rpartition(")")[2].split()
            if pid in (int(name), int(fields[1])):
                total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Peak resident bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


# --- puts ---------------------------------------------------------------------------


def real_snapshot(directory: Path) -> Snapshot:
    """Of a small program that crashed through the kernel."""
    import coresnap

    source = Path(__file__).parent / "programs" / "tiny.c"
    program = directory / "tiny"
    subprocess.run(["cc", "-g", "-O0", str(source), "-o", str(program)], check=True)
    return coresnap.analyze(kernel_core([str(program)], directory))


def distinct(snapshot: Snapshot, number: int) -> bytes:
    """The same crash on another host at another time; of a thousand kinds."""
    attributes = {
        **snapshot.attributes,
        "coresnap.object": f"{number:032x}",
        "hostname": f"host-{number % 500}",
        "timestamp": int(time.time()) - number % 1000,
    }
    return pack_snapshot(
        msgspec.structs.replace(
            snapshot, attributes=attributes, fingerprint=f"{number % 1000:064x}"
        )
    )


def puts(options: argparse.Namespace) -> None:
    with contextlib.ExitStack() as stack:
        directory, _ = filled(options, stack, options.before)
        snapshot = real_snapshot(directory)
        per_client = options.seconds * 600 // options.clients
        bodies = [
            [distinct(snapshot, c * per_client + n) for n in range(per_client)]
            for c in range(options.clients)
        ]
        with served(directory / "store") as (config, pid):
            if options.rules:
                set_rules(config)
            done: multiprocessing.Queue[Sent] = multiprocessing.Queue()
            before, begun = processor_seconds(pid), time.monotonic()
            end = begun + options.seconds
            clients = [
                multiprocessing.Process(
                    target=send,
                    args=(config, b, end, done),
                    kwargs={"plain": options.plain},
                )
                for b in bodies
            ]
            for one in clients:
                one.start()
            sent = [done.get() for _ in clients]
            times = sorted(t for one in sent for t in one.times)
            seconds = time.monotonic() - begun
            used = processor_seconds(pid) - before
            rows = {
                f"puts per second, {options.clients} clients": len(times) / seconds,
                "bytes of a snapshot": len(bodies[0][0]),
                "ms of a put, median": statistics.median(times) * 1e3,
                "ms of a put, 99 %": times[len(times) * 99 // 100] * 1e3,
                "processor ms of the server for a put": used / len(times) * 1e3,
                "processor ms of its client": sum(one.processor for one in sent)
                / len(times)
                * 1e3,
                "peak memory of the server, MB": resident(pid) / 1e6,
            }
            print("| | |\n|---|---|")
            for row, value in rows.items():
                print(f"| {row} | {value:,.1f} |")


def set_rules(config: Path) -> None:
    """Let the server look for what people want to be told; nobody takes it."""
    with client_of(config) as client:
        settings = {"url": "https://127.0.0.1/", "secret": "s" * 32}
        client.call(SET_CHANNEL, NewChannel("webhook", settings), channel="nobody")
        here = Condition("hostname", Operator.IS_SET)
        for number in range(3):
            rule = TellingRule(
                "nobody",
                (Event.NEW_GROUP, Event.REGRESSION),
                filter=here,
                hosts=1_000_000,
                rate=RateOf(1_000_000),
            )
            often = msgspec.structs.replace(rule, rate=RateOf(1), hosts=1)
            wanted = often if number == 0 else rule
            client.call(SET_TELLING_RULE, wanted, rule=f"rule{number}")


def fresh(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="coroner-bench-") as name:
        directory = Path(name)
        snapshot = real_snapshot(directory)
        with served(directory / "store") as (config, _), client_of(config) as client:
            times = []
            for number in range(options.runs + 1):
                begun = time.perf_counter()
                put_snapshot(client, io.BytesIO(distinct(snapshot, number)))
                ours = Condition("object", Operator.EQUAL, f"{number:032x}")
                while not client.call(QUERY, Query(filter=ours, limit=1)).faults:
                    time.sleep(0.005)
                times.append(time.perf_counter() - begun)
            median = statistics.median(times[1:]) * 1e3
            print(f"put to queryable: {median:.0f} ms (median)")


# --- queries ------------------------------------------------------------------------


def filled(
    options: argparse.Namespace, stack: contextlib.ExitStack, count: int
) -> tuple[Path, list[Fault]]:
    """Return a directory with a store of ``count`` faults, and some of them."""
    if options.directory is None:
        name = tempfile.TemporaryDirectory(prefix="coroner-bench-", dir="/var/tmp")
        directory = Path(stack.enter_context(name))
    else:
        directory = options.directory
        directory.mkdir(parents=True, exist_ok=True)
    kept = directory / "sample.json"
    if kept.exists():
        return directory, msgspec.json.decode(kept.read_bytes(), type=list[Fault])
    sample = load(directory / "store", count, is_direct=options.direct)
    kept.write_bytes(msgspec.json.encode(sample))
    return directory, sample


def load(directory: Path, count: int, *, is_direct: bool) -> list[Fault]:
    """Fill the store; return some of the faults."""
    store = open_store(StoreSettings(directory))
    with store.state.write() as connection:
        project = ensure_project(connection, "default", PROJECT)
    write = writer(store, project, is_direct=is_direct)
    sample: list[Fault] = []
    batch: list[Fault] = []
    begun = time.monotonic()
    for fault in faults(count):
        batch.append(fault)
        if fault.sequence % max(1, count // 5000) == 0:
            sample.append(fault)
        if len(batch) == BATCH:
            write(batch)
            batch = []
            if fault.sequence % MAINTAINED == 0:
                store.index.maintain(project.id)
    if batch:
        write(batch)
    store.index.maintain(project.id)
    seconds = time.monotonic() - begun
    size = store.index.disk_size(project.id)
    each = size / max(1, count)
    print(f"loaded {count:,} faults in {seconds:.0f} s, {each:.0f} bytes each")
    store.close()
    return sample


def writer(
    store: Store, project: Project, *, is_direct: bool
) -> Callable[[list[Fault]], None]:
    """Return what brings a batch of faults into the store."""
    indexer = Indexer(store, most=BATCH)
    known: set[str] = set()

    def through_queue(batch: list[Fault]) -> None:
        with store.state.write() as connection:
            rows = [attrs.asdict(row_of(project, fault)) for fault in batch]
            connection.execute(insert(FAULTS), rows)
            note_new(connection, project, batch, known)
            for fault in batch:
                add_fault(connection, project.id, fault)
        indexer.run_once()

    def direct(batch: list[Fault]) -> None:
        with store.state.write() as connection:
            note_new(connection, project, batch, known)
        number = batch[0].sequence // BATCH + 1
        store.index.write(Segment(project.id, number, tuple(batch)))

    return direct if is_direct else through_queue


def note_new(
    connection: Connection, project: Project, batch: list[Fault], known: set[str]
) -> None:
    """Let the state know sequences, attributes and groups that are new."""
    connection.execute(update(LAST_SEQUENCE).values(value=batch[-1].sequence))
    for fault in batch:
        if fault.fingerprint not in known or not known.issuperset(fault.attributes):
            arrival = arrival_of(fault)
            note_attributes(connection, project, arrival)
            if fault.fingerprint not in known:
                note_group(connection, project, fault, arrival)
            known |= {fault.fingerprint, *fault.attributes}


def row_of(project: Project, fault: Fault) -> FaultRow:
    """Of a fault whose body was not kept."""
    return FaultRow(
        project=project.id,
        object=fault.object,
        sequence=fault.sequence,
        fingerprint=fault.fingerprint,
        digest="0" * 64,
        upload="0" * 32,
        size=0,
        body=Body.SUMMARY,
        time=fault.time,
        received=fault.received,
    )


def arrival_of(fault: Fault) -> Arrival:
    stack = tuple(str(fault.attributes["callstack"]).split("\n"))
    return Arrival(
        object=fault.object,
        digest="0" * 64,
        size=1,
        time=fault.time,
        fingerprint=fault.fingerprint,
        title=f"{fault.attributes['application']}: {stack[0]}",
        callstack=stack,
        attributes=fault.attributes,
    )


def group_list(end: int) -> Query:
    """What `coroner list blackhole -R -H10` asks."""
    names = ("classifiers", "hostname", "application")
    return Query(
        group=("group", "group.state", "group.assignee", "group.first_seen"),
        folds=(
            Fold(FoldName.RANGE, "timestamp"),
            Fold(FoldName.BIN, "timestamp", size=30, lower=end - 30 * 86400, upper=end),
            Fold(FoldName.TAIL, "callstack"),
            *(Fold(FoldName.DISTRIBUTION, name, size=5) for name in names),
        ),
        order=(Order(OrderBy.FOLD, descending=True, fold=0, part=1),),
        limit=10,
    )


def timed(client: Client, query: Query, runs: int) -> tuple[float, float, int]:
    """Median and worst milliseconds of the whole call, and the faults that passed."""
    times, passed = [], 0
    for _ in range(runs + 1):
        begun = time.perf_counter()
        passed = client.call(QUERY, query).faults
        times.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(times[1:]), max(times[1:]), passed


def queries(options: argparse.Namespace) -> None:
    with contextlib.ExitStack() as stack:
        directory, sample = filled(options, stack, options.count)
        asked: list[tuple[str, Query]] = [
            ("list of groups, the most recent ten", group_list(END)),
            ("histogram of hosts", attribute("hostname")),
            ("histogram of versions", attribute("version")),
            ("histogram of customers (discovered)", attribute("customer")),
            ("histogram of a rare attribute", attribute(rare_attribute(sample))),
        ]
        asked += [(q.name, q.query) for q in questions(sample, END)]
        config, pid = stack.enter_context(served(directory / "store"))
        client = stack.enter_context(client_of(config))
        print("| question | ms, median | worst | faults |\n|---|---|---|---|")
        for name_of, query in asked:
            median, worst, passed = timed(client, query, options.runs)
            print(
                f"| {name_of} | {median:.0f} | {worst:.0f} | {passed:,} |", flush=True
            )
        print(f"| peak memory of the server | {resident(pid) / 1e6:.0f} MB | | |")


def rare_attribute(sample: list[Fault]) -> str:
    """One that too few faults have to get a column before it is asked for often."""
    return next(name for name in sample[0].attributes if name.startswith("custom."))


def attribute(name: str) -> Query:
    return Query(folds=(Fold(FoldName.DISTRIBUTION, name, size=20),))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    modes: dict[str, Callable[[argparse.Namespace], None]] = {
        "puts": puts,
        "queries": queries,
        "fresh": fresh,
    }
    parser.add_argument("mode", choices=modes)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument(
        "--plain", action="store_true", help="puts without coroner's client"
    )
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument(
        "--before", type=int, default=0, help="faults that are there before the puts"
    )
    parser.add_argument(
        "--rules", action="store_true", help="puts: with rules that tell people"
    )
    parser.add_argument(
        "--direct",
        action="store_true",
        help="fill the index alone, past queue and segments: for more than 10^6 faults",
    )
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument(
        "--directory", type=Path, help="keep the store, and use it again if it is there"
    )
    options = parser.parse_args()
    modes[options.mode](options)


if __name__ == "__main__":
    main()
