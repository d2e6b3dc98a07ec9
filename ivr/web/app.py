"""The web app: the carrier's doors, health, figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from flask import Flask, Response, abort, send_from_directory
from prometheus_client import CollectorRegistry, generate_latest

from ivr.web.api import Api, api_v1
from ivr.web.doors import Doors
from ivr.web.figures import BoardFigures
from ivr.web.hooks import hooks

LARGEST_REQUEST = 256 * 1024
"""Bytes; a carrier's webhook has a few thousand."""


def create_app(doors: Doors, sounds: Path | None, ready: Mapping[str, Callable[[], bool]], api: Api) -> Flask:
    """The app over built use cases; ``ready`` names the checks of /readyz."""
    app = Flask("ivr.web", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    app.config["MAX_FORM_PARTS"] = 500
    app.extensions["ivr.doors"] = doors
    app.register_blueprint(hooks)
    app.extensions["ivr.api"] = api
    app.register_blueprint(api_v1)
    board = CollectorRegistry()
    board.register(BoardFigures(api.board))

    @app.get("/healthz")
    def alive() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    def readiness() -> tuple[dict[str, str], int]:
        states = {name: "ok" if check() else "down" for name, check in ready.items()}
        return states, 200 if all(state == "ok" for state in states.values()) else 503

    @app.get("/metrics")
    def figures() -> Response:
        told = generate_latest(doors.counters.registry) + generate_latest(board)
        return Response(told, mimetype="text/plain; version=0.0.4")

    @app.get("/sounds/<name>.wav")
    def sound(name: str) -> Response:
        if sounds is None:
            abort(404)
        return send_from_directory(sounds.resolve(), f"{name}.wav", mimetype="audio/wav")

    return app
