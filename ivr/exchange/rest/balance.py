"""The account's balance: nobody pays here (Twilio docs: Balance)."""

from __future__ import annotations

from ivr.exchange.network import Network
from ivr.exchange.rest.asked import Answer, Asked


def fetch(network: Network, _asked: Asked) -> Answer:
    return Answer(200, {"account_sid": network.account.sid, "balance": "0.00", "currency": "USD"})


ROUTES = [("GET", "/Balance.json", fetch)]
