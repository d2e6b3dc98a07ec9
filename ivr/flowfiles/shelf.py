"""Flow files on their shelf: a folder read and checked, versions kept, one published for each line."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Lock

import phonenumbers

from ivr.core.company import Company
from ivr.core.errors import FlowRefused, NoSuchFlow, NoSuchLine
from ivr.core.flow.check import CompanyFault, Facts, check, check_company
from ivr.core.flow.faults import Fault
from ivr.core.flow.model import NOWHERE, AnyNode, Flow, FlowVersion, Mark, Subflow
from ivr.core.words import FlowVersionId, PhoneNumber
from ivr.flowfiles.agents import parse_agents
from ivr.flowfiles.company import parse_company
from ivr.flowfiles.marks import LARGEST, Tree, places, read_one
from ivr.flowfiles.parse import Parsed, parse_flow
from ivr.flowfiles.problems import ERROR, Notes, Problem, errors, in_order
from ivr.flowfiles.secrets import find_secrets
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock

COMPANY = "company.yaml"
AGENTS = "agents.yaml"
CALLS = ".calls.yaml"


@dataclass(frozen=True)
class Shelf:
    """A folder's flows as far as they could be read, its files' texts, and every problem."""

    company: Company | None
    flows: Mapping[str, Flow]
    texts: Mapping[str, str]  # file name -> text
    problems: tuple[Problem, ...]
    files: Mapping[str, str] = field(default_factory=dict)  # flow -> file name

    def closure(self, flow: str) -> Mapping[str, str]:
        """The texts a version of this flow consists of: itself, its subflows, the company; raises NoSuchFlow."""
        if flow not in self.flows:
            raise NoSuchFlow(f"there is no flow '{flow}' in this folder")
        names = (COMPANY, *(self.files[name] for name in _with_subflows(flow, self.flows)))
        return {name: self.texts[name] for name in sorted(names) if name in self.texts}

    def lines(self) -> tuple[str, ...]:
        """The flows that lines ring at."""
        rung = [line.flow for line in self.company.lines.values()] if self.company else []
        return tuple(name for name in dict.fromkeys(rung) if name in self.flows)


def read_folder(folder: Path, today: date) -> Shelf:
    """Every flow of a folder and all that is wrong with it; raises NoSuchFlow where there is no such folder."""
    if not folder.is_dir():
        raise NoSuchFlow(f"there is no folder {folder}")
    sources: dict[str, bytes] = {}
    notes = Notes()
    for path in sorted(folder.glob("*.y*ml")):
        if path.suffix not in (".yaml", ".yml") or path.name.endswith(CALLS):
            continue
        try:
            with path.open("rb") as opened:
                sources[path.name] = opened.read(LARGEST + 1)
        except OSError as refused:
            notes.error(Mark(str(path), 1, 1), "unreadable", f"the file cannot be read: {refused.strerror}")
    return read_sources(sources, today, prefix=f"{folder}/", found=notes.found)


def read_sources(
    sources: Mapping[str, bytes | str], today: date, prefix: str = "", found: Iterable[Problem] = ()
) -> Shelf:
    """The flows of named texts, read and checked; ``prefix`` stands before the names in problems."""
    read = _read(sources, prefix)
    problems = [*found, *read.problems]
    for name, source in sources.items():
        if len(source) <= LARGEST:
            problems += find_secrets(prefix + name, _text(source))
    if read.company is not None:
        facts = Facts(today=today, number_kind=number_kind)
        problems += _check_flows(read, read.company, facts)
        problems += _check_company(read.company, tuple(read.flows), facts, read.company_marks)
    texts = {name: _text(source) for name, source in sources.items()}
    return Shelf(read.company, read.flows, texts, in_order(problems), read.files)


@dataclass(frozen=True)
class _Read:
    """Files read and not yet checked."""

    company: Company | None
    company_marks: Mapping[str, Mark]
    flows: Mapping[str, Flow]
    files: Mapping[str, str]
    broken: Mapping[str, frozenset[str]]  # flow -> nodes that are stand-ins
    problems: tuple[Problem, ...]


def _read(sources: Mapping[str, bytes | str], prefix: str = "") -> _Read:
    problems: list[Problem] = []
    trees: dict[str, Tree] = {}
    for name, source in sources.items():
        tree, refused = read_one(prefix + name, source)
        problems += refused
        if tree is not None:
            trees[name] = tree
    company = _company(prefix, trees, sources, problems)
    if company is not None and AGENTS in trees:
        problems += parse_agents(trees[AGENTS], company)[1]
    parsed = {name: parse_flow(tree, company) for name, tree in trees.items() if name not in (COMPANY, AGENTS)}
    for name, flow_file in parsed.items():
        problems += flow_file.problems
        _check_file_name(prefix + name, flow_file, problems)
    flows, files = _by_name(parsed, problems)
    return _Read(
        company,
        dict(places(trees[COMPANY])) if COMPANY in trees else {},
        flows,
        files,
        {name: parsed[file].broken for name, file in files.items()},
        tuple(problems),
    )


def _text(source: bytes | str) -> str:
    return source.decode("utf-8-sig", "replace") if isinstance(source, bytes) else source.removeprefix("\ufeff")


def _company(
    prefix: str, trees: Mapping[str, Tree], sources: Mapping[str, bytes | str], problems: list[Problem]
) -> Company | None:
    if COMPANY in trees:
        company, refused = parse_company(trees[COMPANY])
        problems += refused
        return company
    if COMPANY not in sources:
        text = "there is no company.yaml here, which names lines, hours and queues"
        problems.append(Problem(prefix + COMPANY, 1, 1, ERROR, "no-company", text, "add one beside the flows"))
    return None


def _check_file_name(file: str, parsed: Parsed, problems: list[Problem]) -> None:
    flow = parsed.flow
    if flow is not None and flow.name and Path(file).stem != flow.name:
        mark = flow.marks.get("flow", flow.mark)
        text = f"flow '{flow.name}' stands in a file of another name"
        problems.append(
            Problem(mark.file, mark.line, mark.column, ERROR, "file-name", text, f"call the file {flow.name}.yaml")
        )


def _by_name(parsed: Mapping[str, Parsed], problems: list[Problem]) -> tuple[dict[str, Flow], dict[str, str]]:
    flows: dict[str, Flow] = {}
    files: dict[str, str] = {}
    for file, read in parsed.items():
        flow = read.flow
        if flow is None or not flow.name:
            continue
        if flow.name in flows:
            mark = flow.marks.get("flow", flow.mark)
            text = f"flow '{flow.name}' stands in {files[flow.name]}, too"
            problems.append(Problem(mark.file, mark.line, mark.column, ERROR, "repeated-flow", text, "rename one"))
            continue
        flows[flow.name], files[flow.name] = flow, file
    return flows, files


def _check_flows(read: _Read, company: Company, facts: Facts) -> list[Problem]:
    called: dict[str, set[str]] = {}
    for name, flow in read.flows.items():
        for node in flow.nodes.values():
            if isinstance(node, Subflow):
                called.setdefault(node.flow, set()).add(name)
    found: list[Problem] = []
    for name, flow in read.flows.items():
        others = {other: below for other, below in read.flows.items() if other != name}
        own = replace(facts, called_by=frozenset(called.get(name, ())))
        for fault in check(flow, company, others, own, read.broken[name]):
            found.append(_problem(fault, fault.mark))
    return found


def _check_company(
    company: Company, flows: tuple[str, ...], facts: Facts, marks: Mapping[str, Mark]
) -> Iterable[Problem]:
    for fault in check_company(company, flows, facts):
        yield _problem(fault, marks.get(fault.path, marks.get(fault.path.partition(".")[0], NOWHERE)))


def _problem(fault: Fault | CompanyFault, mark: Mark) -> Problem:
    return Problem(mark.file, mark.line, mark.column, fault.severity, fault.code, fault.text, fault.suggestion)


def number_kind(number: str) -> str:
    """``premium``, ``toll_free``, ``other``, or ``invalid`` where no country gives out such a number."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return "invalid"
    if not phonenumbers.is_possible_number(parsed):
        return "invalid"
    match phonenumbers.number_type(parsed):
        case phonenumbers.PhoneNumberType.PREMIUM_RATE | phonenumbers.PhoneNumberType.SHARED_COST:
            return "premium"
        case phonenumbers.PhoneNumberType.TOLL_FREE:
            return "toll_free"
        case _:
            return "other"


# --- Versions ---------------------------------------------------------------------------------------------------------


def version_id(files: Mapping[str, str]) -> FlowVersionId:
    """The hash of a closure: the same files with the same texts are the same version, everywhere and always."""
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name].encode()):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return FlowVersionId(digest.hexdigest())


def build_version(flow: str, files: Mapping[str, str], today: date) -> FlowVersion:
    """The version that these texts make, checked; raises FlowRefused with every error in it."""
    refuse(read_sources(files, today).problems)
    return _version(_read(files), flow, files)


def _version(read: _Read, flow: str, files: Mapping[str, str]) -> FlowVersion:
    if read.company is None or flow not in read.flows:
        raise FlowRefused(f"flow '{flow}' is not among {', '.join(sorted(files))}")
    subflows = {name: below for name, below in read.flows.items() if name != flow}
    return FlowVersion(version_id(files), read.flows[flow], read.company, subflows)


def refuse(problems: Iterable[Problem]) -> None:
    """Raises FlowRefused with every error, one a line; warnings pass."""
    wrong = errors(problems)
    if wrong:
        raise FlowRefused("\n".join(str(problem) for problem in wrong))


def publish_folder(folder: Path, records: Records, by: str, why: str, now: datetime) -> list[FlowVersionId]:
    """Keep a version of each flow that a line rings at, and let its lines ring there from now on.

    Raises FlowRefused with all errors of the folder; then nothing is published.
    """
    shelf = read_folder(folder, now.date())
    refuse(shelf.problems)
    published: list[FlowVersionId] = []
    with records.write() as transaction:
        for flow in shelf.lines():
            files = shelf.closure(flow)
            version = version_id(files)
            transaction.flows.keep(version, flow, files, now)
            for alias in (flow, *_numbers(shelf.company, flow)):
                if transaction.flows.published(alias) != version:
                    transaction.flows.publish(alias, version, by, why, now)
            published.append(version)
    return published


def roll_back(records: Records, flow: str, version: FlowVersionId, by: str, why: str, now: datetime) -> FlowVersion:
    """Let the lines of a flow ring at an older version again; raises NoSuchFlow, FlowRefused."""
    with records.write() as transaction:
        files = transaction.flows.text(version)
        if files is None:
            raise NoSuchFlow(f"no version {version} is on record")
        built = pinned(files)
        if built.flow.name != flow:
            raise NoSuchFlow(f"version {version} is one of flow '{built.flow.name}'")
        for alias in (flow, *_numbers(built.company, flow)):
            transaction.flows.publish(alias, version, by, why, now)
    return built


def _numbers(company: Company | None, flow: str) -> tuple[str, ...]:
    lines = company.lines.values() if company else ()
    return tuple(alias_of(line.number) for line in lines if line.flow == flow)


def alias_of(number: PhoneNumber) -> str:
    """The name under which the version that answers a number is published."""
    return f"number:{number!s}"


def _with_subflows(flow: str, flows: Mapping[str, Flow]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    todo = [flow]
    while todo:
        name = todo.pop()
        if name in flows and name not in found:
            found[name] = None
            todo += [node.flow for node in flows[name].nodes.values() if isinstance(node, Subflow)]
    return tuple(found)


class FlowShelf:
    """The port ``Flows`` over stored versions; each version is read and checked once in a process."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records, self._clock = records, clock
        self._built: dict[FlowVersionId, FlowVersion] = {}
        self._lock = Lock()

    def for_number(self, number: PhoneNumber) -> FlowVersion:
        """The published version of the line with this number; raises NoSuchLine, FlowRefused, RecordsUnavailable."""
        with self._records.read() as transaction:
            published = transaction.flows.published(alias_of(number))
        if published is None:
            raise NoSuchLine
        version = self.version(published)
        if not any(line.number == number and line.flow == version.flow.name for line in version.company.lines.values()):
            raise NoSuchLine
        return version

    def version(self, version: FlowVersionId, tx: Transaction | None = None) -> FlowVersion:
        """A version on record; raises NoSuchFlow, FlowRefused, RecordsUnavailable."""
        known = self._built.get(version)
        if known is not None:
            return known
        if tx is not None:
            files = tx.flows.text(version)
        else:
            with self._records.read() as transaction:
                files = transaction.flows.text(version)
        if files is None:
            raise NoSuchFlow(f"no version {version} is on record")
        built = pinned(files)
        with self._lock:
            return self._built.setdefault(version, built)


def pinned(files: Mapping[str, str]) -> FlowVersion:
    """A version as it was published: read, not judged again, since calls may be pinned to it.

    Its flow is the one that no other flow of the closure runs as a step.
    """
    read = _read(files)
    refuse(read.problems)
    below = {other for name in read.flows for other in _with_subflows(name, read.flows) if other != name}
    top = next((name for name in read.flows if name not in below), "")
    return _version(read, top, files)


# --- Differences ------------------------------------------------------------------------------------------------------


def diff(before: FlowVersion | None, after: FlowVersion) -> tuple[str, ...]:
    """What changed between two versions, node by node, in words."""
    old = _nodes_of(before) if before else {}
    new = _nodes_of(after)
    said = [f"{name}: new {new[name].kind}" for name in new if name not in old]
    said += [f"{name}: removed ({old[name].kind})" for name in old if name not in new]
    for name in new:
        if name in old and old[name] != new[name]:
            said += [f"{name}: {change}" for change in _changes(old[name], new[name])]
    if before is not None and before.company != after.company:
        said += [f"company: {part}" for part in _company_changes(before.company, after.company)]
    return tuple(said)


def unified(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The texts of two versions as a unified diff."""
    parts: list[str] = []
    for name in sorted({*before, *after}):
        parts += difflib.unified_diff(
            before.get(name, "").splitlines(keepends=True),
            after.get(name, "").splitlines(keepends=True),
            f"before/{name}",
            f"after/{name}",
        )
    return "".join(parts)


def _nodes_of(version: FlowVersion) -> dict[str, AnyNode]:
    flows = (version.flow, *version.subflows.values())
    return {f"{flow.name}.{name}": node for flow in flows for name, node in flow.nodes.items()}


def _changes(old: AnyNode, new: AnyNode) -> Sequence[str]:
    """The keys that differ, with the way out's old and new target where it is one."""
    if old.kind != new.kind:
        return (f"{old.kind} becomes {new.kind}",)
    said: list[str] = []
    for part in fields(old):
        if not part.compare or part.name in ("name", "mark"):
            continue
        before, after = getattr(old, part.name), getattr(new, part.name)
        if before == after:
            continue
        short = all(isinstance(value, str | int | timedelta | None) for value in (before, after))
        said.append(f"{part.name} {before} → {after}" if short else f"{part.name} changed")
    return said


def _company_changes(old: Company, new: Company) -> Sequence[str]:
    said: list[str] = []
    for part in fields(old):
        before, after = getattr(old, part.name), getattr(new, part.name)
        if before == after:
            continue
        if not isinstance(before, Mapping) or not isinstance(after, Mapping):
            said.append(f"{part.name} changed")
            continue
        said += [f"{part.name}.{key} added" for key in after if key not in before]
        said += [f"{part.name}.{key} removed" for key in before if key not in after]
        said += [f"{part.name}.{key} changed" for key in after if key in before and before[key] != after[key]]
    return said
