"""Queues and who waits in them (Twilio docs: Queue resource, Member subresource)."""

from __future__ import annotations

from typing import Any

from ivr.exchange.network import Network
from ivr.exchange.records import MemberResource, QueueResource
from ivr.exchange.rest.asked import Answer, Asked, method, needed, number, read, text, url
from ivr.exchange.rest.shown import account_uri, date, page, paging

_QUEUE = [text("FriendlyName", 64), number("MaxSize", 1, 5000)]


def create(network: Network, asked: Asked) -> Answer:
    values = read(asked.form, _QUEUE)
    needed(values, "friendly_name", 20001, "FriendlyName is required")
    return Answer(201, shown(network, network.create_queue(**values)))


def listed(network: Network, asked: Asked) -> Answer:
    values = read(asked.query, paging())
    return page(asked, values, "queues", network.queues(), lambda queue: queue.sid, lambda q: shown(network, q))


def fetch(network: Network, _asked: Asked, sid: str) -> Answer:
    return Answer(200, shown(network, network.queue(sid)))


def update(network: Network, asked: Asked, sid: str) -> Answer:
    return Answer(200, shown(network, network.update_queue(sid, **read(asked.form, _QUEUE))))


def delete(network: Network, _asked: Asked, sid: str) -> Answer:
    network.delete_queue(sid)
    return Answer(204)


def members(network: Network, asked: Asked, queue_sid: str) -> Answer:
    values = read(asked.query, paging())
    waiting = network.members(queue_sid)
    return page(asked, values, "queue_members", waiting, lambda m: m.call_sid, lambda m: member_shown(network, m))


def member(network: Network, _asked: Asked, queue_sid: str, call_sid: str) -> Answer:
    return Answer(200, member_shown(network, network.member(queue_sid, call_sid)))


def dequeue(network: Network, asked: Asked, queue_sid: str, call_sid: str) -> Answer:
    values = read(asked.form, [url("Url"), method("Method")])
    needed(values, "url", 21205, "Url parameter is required.")
    return Answer(200, member_shown(network, network.dequeue(queue_sid, call_sid, **values)))


def shown(network: Network, queue: QueueResource) -> dict[str, Any]:
    return {
        "sid": queue.sid,
        "account_sid": network.account.sid,
        "friendly_name": queue.friendly_name,
        "current_size": queue.current_size,
        "max_size": queue.max_size,
        "average_wait_time": queue.average_wait_time,
        "date_created": date(queue.date_created),
        "date_updated": date(queue.date_updated),
        "uri": f"{account_uri(network.account.sid)}/Queues/{queue.sid}.json",
    }


def member_shown(network: Network, member: MemberResource) -> dict[str, Any]:
    return {
        "call_sid": member.call_sid,
        "queue_sid": member.queue_sid,
        "date_enqueued": date(member.date_enqueued),
        "position": member.position,
        "wait_time": member.wait_time,
        "uri": f"{account_uri(network.account.sid)}/Queues/{member.queue_sid}/Members/{member.call_sid}.json",
    }


ROUTES = [
    ("POST", "/Queues.json", create),
    ("GET", "/Queues.json", listed),
    ("GET", "/Queues/<sid>.json", fetch),
    ("POST", "/Queues/<sid>.json", update),
    ("DELETE", "/Queues/<sid>.json", delete),
    ("GET", "/Queues/<queue_sid>/Members.json", members),
    ("GET", "/Queues/<queue_sid>/Members/<call_sid>.json", member),
    ("POST", "/Queues/<queue_sid>/Members/<call_sid>.json", dequeue),
]
