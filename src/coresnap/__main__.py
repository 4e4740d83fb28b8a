"""``python -m coresnap`` is the ``coresnap`` command."""

import sys

from coresnap.views.cli.main import main

sys.exit(main())
