"""A whole line in one process and one thread: exchange, app, records and jobs on one virtual clock.

The exchange's scheduler is the clock of everything; a seed replays a run byte for byte.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ivr import config, wiring
from ivr.exchange.network import Network
from ivr.exchange.phones import InProcessTelephones
from ivr.exchange.records import Account
from ivr.exchange.chance import Chance as NetworkChance
from ivr.exchange.rest import create_app as create_rest
from ivr.exchange.scheduler import VirtualScheduler
from ivr.exchange.webhooks import WsgiOutside
from ivr.flowfiles.shelf import publish_folder
from ivr.store.session import SqlRecords, upgrade
from ivr.twilio.rest import WsgiHttpClient
from ivr.worker.inline import InlineLater
from ivr.world.ids import Chance
