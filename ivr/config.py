"""Settings: the only reader of the environment; complete, or refused with every missing name at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from ivr.core.errors import SettingsIncomplete

BUNDLED_MODELS = Path(__file__).parent / "models"


@dataclass(frozen=True)
class Settings:
    """Everything that differs from one installation to the next. Values are passed on, Settings is not."""

    public_url: str
    database_url: str
    redis_url: str | None  # None: an embedded Redis under var_dir
    carrier: str  # "exchange" or "twilio"
    carrier_api_url: str | None
    account_sid: str
    auth_token: str = field(repr=False)
    second_auth_token: str | None = field(repr=False)  # during rotation
    shared_key: str | None = field(repr=False)  # newer HMAC-SHA256 signatures
    secret_key: str = field(repr=False)
    models_dir: Path
    flows_dir: Path
    recordings_dir: Path
    var_dir: Path
    web_port: int
    exchange_port: int
    fallback_url: str | None
    api_token: str | None = field(repr=False)  # None: the API is shut
    smtp_url: str | None = field(default=None, repr=False)  # None: the company has no mail server
    mail_from: str | None = None
    clock_shift: timedelta = timedelta()  # how far the line's clock goes before the machine's: for demonstrations

    @property
    def embedded_redis(self) -> bool:
        return self.redis_url is None


def load(environ: Mapping[str, str], dotenv: Path | None = Path(".env")) -> Settings:
    """Settings from the environment, over those of a ``.env`` file.

    Raises SettingsIncomplete naming every missing or unreadable setting at once, with what it is for.
    """
    filed = {k: v for k, v in dotenv_values(dotenv).items() if v is not None} if dotenv and dotenv.exists() else {}
    given = {**filed, **environ}
    wrong: list[str] = []

    def port(name: str, default: int) -> int:
        text = given.get(name, str(default))
        if not text.isdecimal() or not 0 < int(text) < 65536:
            wrong.append(f"{name}={text!r} is not a port (1 to 65535)")
            return default
        return int(text)

    def seconds(name: str) -> timedelta:
        text = given.get(name) or "0"
        try:
            return timedelta(seconds=float(text))
        except (ValueError, OverflowError):
            wrong.append(f"{name}={text!r} is not a number of seconds")
            return timedelta()

    web_port, exchange_port = port("IVR_WEB_PORT", 8080), port("IVR_EXCHANGE_PORT", 8081)
    var_dir = Path(given.get("IVR_VAR_DIR", "var"))
    carrier = given.get("IVR_CARRIER", "exchange")
    if carrier not in ("exchange", "twilio"):
        wrong.append(f"IVR_CARRIER={carrier!r} is neither exchange nor twilio")
    embedded = carrier == "exchange"

    def needed(name: str, default: str | None, why: str) -> str:
        value = given.get(name) or (default if embedded else None)
        if not value:
            wrong.append(f"{name} is missing: {why}")
            return ""
        return value

    public_url = needed(
        "IVR_PUBLIC_URL",
        f"http://127.0.0.1:{web_port}",
        "the address at which the carrier reaches us, which its signatures cover",
    ).rstrip("/")
    if public_url and (urlsplit(public_url).scheme not in ("http", "https") or not urlsplit(public_url).hostname):
        wrong.append(f"IVR_PUBLIC_URL={public_url!r} is not an http(s) address")
    smtp_url, mail_from = given.get("IVR_SMTP_URL") or None, given.get("IVR_MAIL_FROM") or None
    if smtp_url and (urlsplit(smtp_url).scheme not in ("smtp", "smtps") or not urlsplit(smtp_url).hostname):
        wrong.append("IVR_SMTP_URL is not smtp://[user:password@]host[:port], nor smtps://…")
    if smtp_url and not mail_from:
        wrong.append("IVR_MAIL_FROM is missing: who our e-mails are from")
    settings = Settings(
        public_url=public_url,
        database_url=given.get("IVR_DATABASE_URL") or f"sqlite:///{var_dir / 'ivr.db'}",
        redis_url=given.get("IVR_REDIS_URL") or None,
        carrier=carrier,
        carrier_api_url=given.get("IVR_CARRIER_API_URL") or (f"http://127.0.0.1:{exchange_port}" if embedded else None),
        account_sid=needed("TWILIO_ACCOUNT_SID", "AC" + 32 * "0", "the carrier's account"),
        auth_token=needed("TWILIO_AUTH_TOKEN", "exchange-in-the-box", "the carrier's token, which signs its requests"),
        second_auth_token=given.get("TWILIO_AUTH_TOKEN_SECONDARY") or None,
        shared_key=given.get("TWILIO_WEBHOOKS_SHARED_KEY") or None,
        secret_key=needed("IVR_SECRET_KEY", secrets.token_hex(16), "signs sessions and links"),
        models_dir=Path(given.get("IVR_MODELS_DIR") or BUNDLED_MODELS),
        flows_dir=Path(given.get("IVR_FLOWS_DIR", "call_flows")),
        recordings_dir=Path(given.get("IVR_RECORDINGS_DIR", "recordings")),
        var_dir=var_dir,
        web_port=web_port,
        exchange_port=exchange_port,
        fallback_url=given.get("IVR_FALLBACK_URL") or None,
        api_token=given.get("IVR_API_TOKEN") or None,
        smtp_url=smtp_url,
        mail_from=mail_from,
        clock_shift=seconds("IVR_CLOCK_SHIFT"),
    )
    if wrong:
        raise SettingsIncomplete("; ".join(wrong))
    return settings
