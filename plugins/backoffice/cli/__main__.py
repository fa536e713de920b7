"""``python -m backoffice.cli``."""

from backoffice.cli import main

raise SystemExit(main())
