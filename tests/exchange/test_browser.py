"""The browser phone in a real Chromium: a person dials, reads, hears, presses, speaks and hangs up.

Where Chromium is: IVR_TEST_CHROMIUM, else /usr/bin/chromium. Without one these tests fail; they do not skip.
"""

from __future__ import annotations

import io
import os
import re
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect, sync_playwright

from tests.exchange.test_server import LINE, Exchange

CHROMIUM = os.environ.get("IVR_TEST_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@pytest.fixture(scope="module")
def chromium():
    assert Path(CHROMIUM).exists(), f"no Chromium at {CHROMIUM}: install it, or name it in IVR_TEST_CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    made = Exchange()
    yield made
    made.close()


@pytest.fixture
def page(chromium, exchange) -> Iterator[Page]:
    context = chromium.new_context(locale="it-IT", viewport={"width": 1100, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if _is_wrong(message) else None)
    page.goto(exchange.server.url)
    expect(page.locator("#to")).to_have_value(LINE)
    yield page
    context.close()
    assert wrong == []


def _is_wrong(message: ConsoleMessage) -> bool:
    """Chromium logs each refusal of the network as an error, too; those are shown to the person."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


expect.set_options(timeout=60_000)  # milliseconds


def call(page: Page) -> None:
    page.get_by_role("button", name="Chiama").click()


def dialogue(page: Page, text: str):
    return page.locator("#dialogue li", has_text=text)


def test_a_person_dials_hears_and_presses_a_key(page, exchange):
    call(page)
    said = dialogue(page, "Premi uno.").locator(".words")
    expect(said).to_be_visible()
    assert said.get_attribute("lang") == "it-IT"
    expect(page.get_by_role("status")).to_have_text("La linea aspetta una risposta")
    heard = page.evaluate("() => performance.getEntriesByType('resource').map(entry => entry.name)")
    assert any("/audio/1.wav" in address for address in heard)
    page.get_by_role("button", name=re.compile("^1")).click()
    thanks = dialogue(page, "Thank you.").locator(".words")
    expect(thanks).to_be_visible()
    assert thanks.get_attribute("lang") == "en-GB"
    expect(page.get_by_role("status")).to_have_text("Chiamata finita")
    assert dict(exchange.company.told)["/pressed"]["Digits"] == "1"


def test_the_keyboard_is_enough(page, exchange):
    page.locator("#to").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("La linea aspetta una risposta")
    page.keyboard.press("1")
    expect(dialogue(page, "tasto 1")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Chiamata finita")
    assert dict(exchange.company.told)["/pressed"]["Digits"] == "1"


def test_the_microphone_is_recorded_by_the_voicemail(page, exchange):
    exchange.voice("/record")
    call(page)
    expect(page.get_by_role("status")).to_have_text("La linea registra")
    page.get_by_role("button", name="Parla al microfono").click()
    expect(page.get_by_role("button", name="Chiudi il microfono")).to_be_visible()
    page.wait_for_timeout(3_000)
    page.get_by_role("button", name="Chiudi il microfono").click()
    page.wait_for_timeout(1_500)
    page.get_by_role("button", name=re.compile("^#")).click()
    expect(page.get_by_role("status")).to_have_text("Chiamata finita")
    pressed = dict(exchange.company.told)["/pressed"]
    deadline = time.monotonic() + 60
    while not (recorded := exchange.network.recording(pressed["RecordingSid"]).wav) and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    with wave.open(io.BytesIO(recorded)) as wav:
        samples = memoryview(wav.readframes(wav.getnframes())).cast("h")
    assert len(samples) > 8000 and max(samples) > 1000  # Chromium's own test device beeps


def test_a_file_is_spoken_into_the_call(page, exchange, tmp_path):
    exchange.voice("/record")
    file = tmp_path / "message.wav"
    with wave.open(str(file), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(8000)
        wav.writeframes(b"\x00\x20\x00\xe0" * 8000)
    call(page)
    expect(page.get_by_role("status")).to_have_text("La linea registra")
    page.get_by_label("Fai sentire un file WAV").set_input_files(file)
    expect(dialogue(page, "voce, 2 s")).to_be_visible()
    page.wait_for_timeout(2_200)
    page.get_by_role("button", name="Riaggancia").click()
    expect(page.get_by_role("status")).to_have_text("Chiamata finita")


def test_english_is_one_press_away_and_stays(page):
    page.get_by_role("button", name="English").click()
    assert page.locator("html").get_attribute("lang") == "en"
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Phone")).to_be_visible()
    assert page.title() == "Phone · Numero Verde"


def test_a_number_that_nobody_has_is_told(page):
    page.locator("#to").fill("+390600000000")
    call(page)
    expect(page.get_by_role("alert")).not_to_be_empty()
    expect(page.get_by_role("button", name="Chiama")).to_be_visible()


def test_nothing_is_cut_off_on_a_small_phone(page):
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
