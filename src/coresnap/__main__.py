"""``python -m coresnap`` is the ``coresnap`` command."""

from coresnap.views.cli.process import run_process

run_process()
