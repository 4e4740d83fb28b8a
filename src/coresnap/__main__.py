"""``python -m coresnap`` is the ``coresnap`` command."""

from coresnap.views.cli.main import run_process

run_process()
