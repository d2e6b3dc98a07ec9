"""`make bench`: every benchmark, one after another, into docs/benchmarks.md and a plot."""

from __future__ import annotations

import importlib
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import matplotlib.pyplot as plt

from bench import NAMES, Entry

DOCS = Path("docs")
OURS, AIM = "#0b6b3a", "#9a6700"


def main() -> None:
    """Run all, telling each figure as it comes, and write the page."""
    entries: list[Entry] = []

    def emit(entry: Entry) -> None:
        entries.append(entry)
        print(f"  {entry.bench}: {entry.value:g} {entry.unit}; {entry.peer}: {entry.peer_value:g}; ×{entry.ratio:g}")

    for name in NAMES:
        print(f"{name} …", flush=True)
        importlib.import_module(f"bench.{name}").run(emit)
    _plot(entries, DOCS / "benchmarks.svg")
    (DOCS / "benchmarks.md").write_text(_page(entries), encoding="utf-8")
    print(f"written: {DOCS / 'benchmarks.md'}")


def _page(entries: list[Entry]) -> str:
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Each figure stands beside its peer's, taken in the same run; a ratio above 1 is",
        "better than the peer. On a shared machine single figures swing, ratios less so. The peer of `waits` is",
        "queueing theory: a ratio of 1 is exact, and within 3 % of it the aim.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores.",
        "",
        "![Ratios to the peers](benchmarks.svg)",
        "",
        "| benchmark | ours | peer's | unit | ratio | aim | the peer | note |",
        "| --- | ---: | ---: | --- | ---: | ---: | --- | --- |",
    ]
    for entry in entries:
        aim = "" if entry.aim is None else f"≥ {entry.aim:g}"
        figures = f"{entry.value:g} | {entry.peer_value:g} | {entry.unit} | {entry.ratio:g} | {aim}"
        lines.append(f"| `{entry.bench}` | {figures} | {entry.peer} | {entry.note} |")
    return "\n".join(lines) + "\n"


def _plot(entries: list[Entry], path: Path) -> None:
    """Ratios as bars on a logarithmic scale, the aims as marks; the line at 1 is the peer."""
    plt.rcParams["svg.hashsalt"] = "numero-verde"
    shown = [entry for entry in reversed(entries) if entry.ratio > 0]
    figure, axes = plt.subplots(figsize=(9, 0.34 * len(shown) + 1.2))
    axes.barh([entry.bench for entry in shown], [entry.ratio for entry in shown], color=OURS, height=0.6)
    for place, entry in enumerate(shown):
        axes.text(entry.ratio * 1.04, place, f"{entry.ratio:g}", va="center", fontsize=8)
        if entry.aim is not None:
            axes.plot([entry.aim], [place], marker="|", markersize=16, markeredgewidth=2.5, color=AIM)
    axes.axvline(1, color="#444", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("ratio to the peer (the line at 1); brown marks are the aims")
    axes.tick_params(axis="y", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
