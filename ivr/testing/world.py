"""A whole line in one process and one thread: exchange, app, records and jobs on one virtual clock.

The exchange's scheduler is the clock of everything; a seed replays a run byte for byte.
"""

from __future__ import annotations
