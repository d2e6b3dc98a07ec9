from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import date
from pathlib import Path

import pytest

from ivr.core.company import Company
from ivr.core.flow.graph import layout, mermaid, svg
from ivr.core.flow.model import Flow
from ivr.flowfiles.shelf import read_folder

FLOWS = Path(__file__).resolve().parents[3] / "call_flows"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def shipped() -> tuple[Flow, Company]:
    shelf = read_folder(FLOWS, date(2026, 11, 22))
    assert shelf.company is not None
    return shelf.flows["numero_verde"], shelf.company


def test_mermaid_names_every_node_and_every_way(shipped: tuple[Flow, Company]) -> None:
    flow, _ = shipped
    text = mermaid(flow)
    assert text.startswith("flowchart TD\n")
    for name in flow.nodes:
        assert f": {name}" in text
    ways = sum(len(node.ways()) for node in flow.nodes.values())
    assert len(re.findall(r" -->\|", text)) == ways
    assert "menu: main" in text
    assert '|"1 un ordine"|' in text


def test_what_would_end_a_mermaid_text_is_written_as_a_code(shipped: tuple[Flow, Company]) -> None:
    for line in mermaid(shipped[0]).splitlines()[2:]:
        assert len(re.findall('"', line)) == 2, line


def test_the_picture_is_well_formed_and_can_be_read_aloud(shipped: tuple[Flow, Company]) -> None:
    flow, company = shipped
    picture = ET.fromstring(svg(flow, company))
    title, description = picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")
    assert title is not None
    assert title.text == "Call flow numero_verde"
    assert description is not None
    assert description.text is not None
    assert all(name in description.text for name in flow.nodes)
    drawn = " ".join(text.text or "" for text in picture.iter(f"{SVG}text"))
    assert all(name in drawn for name in flow.nodes)
    assert "Officine Verdi: numero_verde" in drawn


def test_no_card_lies_on_another_and_all_lie_inside(shipped: tuple[Flow, Company]) -> None:
    plan = layout(shipped[0])
    cards = list(plan.cards.values())
    assert len(cards) == len(shipped[0].nodes)
    for at, card in enumerate(cards):
        assert card.x >= 0
        assert card.x + 240 <= plan.width
        assert card.y + card.height <= plan.height
        for other in cards[at + 1 :]:
            apart = abs(card.x - other.x) >= 240 or card.y + card.height <= other.y or other.y + other.height <= card.y
            assert apart, (card.node.name, other.node.name)


def test_each_node_is_reached_by_a_line_or_named_by_a_card(shipped: tuple[Flow, Company]) -> None:
    flow, _ = shipped
    named = {way.to for card in layout(flow).cards.values() for way in card.ways}
    assert named | {flow.start} == set(flow.nodes)


def test_the_same_flow_is_drawn_the_same(shipped: tuple[Flow, Company]) -> None:
    assert svg(*shipped) == svg(*shipped)
