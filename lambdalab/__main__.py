"""``python -m lambdalab`` is the ``lambdalab`` command."""

import sys

from lambdalab.cli import main

sys.exit(main())
