"""Settings -> Office: the only place where real tools are chosen and put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask
from twilio.http import HttpClient

from ivr.config import Settings
from ivr.core.flow.turn import Holidays, Wording
from ivr.core.words import PhoneNumber
from ivr.flowfiles.shelf import FlowShelf
from ivr.store.audio import FolderShelf
from ivr.store.session import SqlRecords, open_records
from ivr.switchboard.call_status import CallStatus
from ivr.switchboard.fetching import Fetching
from ivr.switchboard.ports import Clock, Flows, Ids, Later, Numbering, Records, Telephone, Transcriber
from ivr.switchboard.recording_ready import RecordingReady
from ivr.switchboard.ring import Ring
from ivr.switchboard.take_turn import Answer, TakeTurn
from ivr.switchboard.voicemail import Voicemails
from ivr.twilio import fallback, twiml
from ivr.twilio.rest import RestTelephone
from ivr.twilio.signature import SignatureCheck
from ivr.web.app import create_app
from ivr.web.doors import Doors
from ivr.world.clock import SystemClock
from ivr.world.holidays import PublicHolidays
from ivr.world.ids import Chance
from ivr.world.numbering import PhoneNumbers
from ivr.world.wording import BabelWording
