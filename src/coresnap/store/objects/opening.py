"""From a URL to the place where bodies are kept."""

from __future__ import annotations

import configparser
import urllib.parse
from pathlib import Path

from coresnap.errors import ConfigError
from coresnap.store.objects.contract import Objects
from coresnap.store.objects.files import FileObjects

__all__ = ["open_objects"]

_FORM = "Write a path, or s3://bucket/prefix?endpoint=URL&region=NAME&credentials=FILE."
_PARAMETERS = frozenset({"endpoint", "region", "credentials"})


def open_objects(url: str) -> Objects:
    """Open a directory by path or ``file://`` URL, or a bucket by ``s3://`` URL.

    Credentials stand in the environment, where boto3 looks for them, or in the file
    that the URL names: section ``[default]`` with ``aws_access_key_id`` and
    ``aws_secret_access_key``.
    Raises ConfigError for what is none of these, StorageError if it cannot be used.
    """
    parsed = urllib.parse.urlsplit(url)
    if parsed.scheme == "s3":
        return _open_bucket(parsed)
    if parsed.scheme not in ("", "file") or parsed.netloc or not parsed.path:
        raise ConfigError(f"cannot keep objects at {parsed.scheme}://", remedy=_FORM)
    is_url = parsed.scheme == "file"
    return FileObjects(Path(urllib.parse.unquote(parsed.path) if is_url else url))


def _open_bucket(parsed: urllib.parse.SplitResult) -> Objects:
    try:
        from coresnap.store.objects.s3 import Bucket, S3Objects
    except ImportError:
        raise ConfigError(
            "objects are in S3, and boto3 is not installed",
            remedy="Run pip install 'coresnap[s3]'.",
        ) from None
    given = urllib.parse.parse_qs(parsed.query)
    if parsed.username or not parsed.hostname or not given.keys() <= _PARAMETERS:
        raise ConfigError("the URL of the bucket cannot be used", remedy=_FORM)
    values = {name: texts[-1] for name, texts in given.items()}
    access, secret = _credentials(values.get("credentials"))
    prefix = parsed.path.strip("/")
    bucket = Bucket(
        parsed.netloc,
        prefix=f"{prefix}/" if prefix else "",
        endpoint=values.get("endpoint"),
        region=values.get("region"),
        access_key=access,
        secret_key=secret,
    )
    return S3Objects(bucket)


def _credentials(path: str | None) -> tuple[str | None, str | None]:
    if path is None:
        return None, None
    parser = configparser.ConfigParser(interpolation=None)
    try:
        with open(path) as file:
            parser.read_file(file)
        section = parser["default"]
        return section["aws_access_key_id"], section["aws_secret_access_key"]
    except (OSError, KeyError, configparser.Error, UnicodeDecodeError):
        # Not the error's text: configparser quotes lines, and these are secret.
        raise ConfigError(
            f"cannot take credentials for S3 from {path}",
            remedy="It needs a section [default] with aws_access_key_id and "
            "aws_secret_access_key.",
        ) from None
