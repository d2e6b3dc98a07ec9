"""The app for a server: `gunicorn ivr.wsgi:app`."""

import os

from ivr import config, logs, wiring
from ivr.worker.later import dramatiq_later

logs.configure()
settings = config.load(os.environ)
app = wiring.web_app(wiring.open_office(settings, dramatiq_later(settings.redis_url)))
