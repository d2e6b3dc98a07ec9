"""The peer of `turns`: a bare Flask view that checks the same signature and answers a fixed document."""

from __future__ import annotations

import os

from flask import Flask, Response, request

from ivr import config
from ivr.twilio.signature import SignatureCheck

settings = config.load(os.environ)
check = SignatureCheck(settings.public_url, [settings.auth_token], settings.shared_key)
DOCUMENT = '<?xml version="1.0" encoding="UTF-8"?><Response><Say language="it-IT">Buongiorno.</Say></Response>'

app = Flask(__name__)


@app.post("/<path:anything>")
def answer(anything: str) -> Response:
    del anything
    if not check.accepts(request.path, request.form.to_dict(flat=False), request.headers, request.get_data()):
        return Response("The signature does not match.", status=403)
    return Response(DOCUMENT, mimetype="text/xml")
