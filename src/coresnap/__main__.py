"""``python -m coresnap`` is the ``coresnap`` command."""

import sys

from coresnap.views.cli.main import run_process

sys.exit(run_process())
