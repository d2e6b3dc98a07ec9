"""All that is wrong with a flow that can be read, at once; its ways and variables are judged in ``paths``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlsplit

from ivr.core.company import Company, Item
from ivr.core.flow.faults import ERROR, WARNING, Fault, Faults, did_you_mean
from ivr.core.flow.model import (
    AnyNode,
    Callback,
    Collect,
    Flow,
    HoursNode,
    Http,
    Info,
    LanguageNode,
    Menu,
    Message,
    Option,
    Play,
    QueueNode,
    Return,
    Subflow,
    SurveyNode,
    Transfer,
    Verify,
    Voicemail,
)
from ivr.core.flow.paths import ALWAYS, DEEPEST, Net, check_variables, check_ways, spoken_in
from ivr.core.flow.sentences import BUILT_IN, LANGUAGES
from ivr.core.flow.text import Prompt
from ivr.core.words import Language

MOST_OPTIONS = 5
LONGEST_SENTENCE = 500  # characters: about 35 s of speech
LONGEST_MENU = 420  # characters of all options together: about 30 s
LONGEST_TEXT = 480  # characters of a text message: three parts
MOST_TRIES = 5
LONGEST_VOICEMAIL = timedelta(minutes=5)
SHORTEST_VOICEMAIL = timedelta(seconds=10)
LONGEST_FETCH = timedelta(seconds=10)
LONGEST_RING = timedelta(seconds=60)


def _any_number(_number: str) -> str:
    return "unknown"


@dataclass(frozen=True)
class Facts:
    """What the checker may know of the world: the day, the house's languages, and what kind a number is."""

    today: date
    languages: tuple[Language, ...] = LANGUAGES
    number_kind: Callable[[str], str] = _any_number  # "premium", "toll_free", "invalid", anything else
    called_by: frozenset[str] = field(default_factory=frozenset)  # flows that run this one as a step


def check(
    flow: Flow, company: Company, subflows: Mapping[str, Flow], facts: Facts, broken: frozenset[str] = frozenset()
) -> tuple[Fault, ...]:
    """Every fault of the flow, in the order of the file; ``broken`` nodes were unreadable and are not judged again."""
    faults = Faults(flow)
    net = Net(flow, subflows)
    _check_head(net, company, facts, faults)
    for name, node in flow.nodes.items():
        if name not in broken:
            _check_targets(net, node, faults)
            _check_prompts(flow, node, faults)
            _check_node(net, node, company, facts, faults)
    check_ways(net, faults)
    check_variables(net, company, faults, alone=not facts.called_by)
    kept = (fault for fault in faults.found if fault.path.partition(".")[0] not in broken or fault.code == "personal")
    return tuple(sorted(kept, key=lambda fault: (fault.mark.file, fault.mark.line, fault.mark.column, fault.code)))


# --- The flow as a whole ----------------------------------------------------------------------------------------------


def _check_head(net: Net, company: Company, facts: Facts, faults: Faults) -> None:
    flow = net.flow
    for key, target in (("start", flow.start), ("person", flow.person), ("if_all_fails", flow.if_all_fails)):
        if target and target not in flow.nodes:
            faults.of_flow(
                ERROR, "unknown-target", key, f"'{key}' is '{target}', which is not a node", _guess(net, target)
            )
    if not flow.languages:
        faults.of_flow(ERROR, "missing-language", "languages", "it speaks no language", "write languages: [it, en]")
    for language in flow.languages:
        if language not in facts.languages:
            faults.of_flow(
                ERROR,
                "unknown-language",
                "languages",
                f"the house has no sentences of its own in '{language}'",
                f"it speaks {', '.join(facts.languages)}",
            )
    for key, kinds in (("variables", flow.variables), ("parameters", flow.parameters), ("returns", flow.returns)):
        for name, kind in kinds.items():
            enumeration = kind.removeprefix("enum:")
            if kind != enumeration and enumeration not in company.words:
                _unknown_in_head(faults, f"{key}.{name}", "unknown-words", "words", enumeration, company.words)
    if flow.line is not None:
        _check_line(flow, company, faults)


def _check_line(flow: Flow, company: Company, faults: Faults) -> None:
    line = company.lines.get(flow.line or "")
    if line is None:
        _unknown_in_head(faults, "line", "unknown-line", "lines", flow.line or "", company.lines)
        return
    if line.flow != flow.name:
        text = f"line '{line.name}' rings at flow '{line.flow}', not here"
        faults.of_flow(ERROR, "line-elsewhere", "line", text, f"write flow: {flow.name} for the line in company.yaml")
    if flow.person is None:
        faults.of_flow(
            ERROR, "missing-person", "", "it does not say where 0 leads", "add 'person:' with the node of a queue"
        )
    if line.shows is None and any(_calls_back(node) for node in flow.nodes.values()):
        faults.of_flow(
            ERROR,
            "no-caller-id",
            "line",
            f"it promises calls back, and line '{line.name}' has no number to show",
            "add 'shows:' to the line in company.yaml",
        )


def _calls_back(node: AnyNode) -> bool:
    return isinstance(node, Callback) or (
        isinstance(node, QueueNode) and (node.offer_callback is not None or "callback" in node.keys.values())
    )


def _unknown_in_head(faults: Faults, key: str, code: str, section: str, said: str, known: Iterable[str]) -> None:
    faults.of_flow(
        ERROR, code, key, f"company.yaml has no '{said}' under '{section}'", did_you_mean(said, known) or "add it there"
    )


def _guess(net: Net, target: str) -> str:
    near = net.nearest(target)
    return f"did you mean '{near}'?" if near else f"add a node '{target}'"


# --- Ways out ---------------------------------------------------------------------------------------------------------


def _check_targets(net: Net, node: AnyNode, faults: Faults) -> None:
    for exit_, target in node.ways():
        if not target or target in net.flow.nodes:
            continue
        key = _key_of_exit(node, exit_)
        if key not in node.marks and target == net.flow.if_all_fails:
            continue  # a default; told once, at the head
        if key not in node.marks and target == (net.flow.person or ""):
            continue
        text = f"{_exit_in_words(node, exit_)} leads to '{target}', which is not a node"
        faults.of_node(node, ERROR, "unknown-target", key, text, _guess(net, target))


def _key_of_exit(node: AnyNode, exit_: str) -> str:
    """The key path at which a way out is written."""
    match node:
        case Menu() if exit_ not in ("no_input", "no_match"):
            return f"menu.{exit_}.to"
        case Menu() | Collect() if exit_ in ("no_input", "no_match"):
            return f"{exit_}.then"
        case QueueNode() if exit_ in ("callback", "voicemail"):
            return f"wait.{exit_}_to"
        case QueueNode() if exit_.startswith("overflow_"):
            return f"overflow.{exit_.removeprefix('overflow_')}.to"
        case Subflow() if exit_ in node.exits:
            return f"exits.{exit_}"
        case _ if node.kind == "branch" and exit_ != "otherwise":
            at = next(at for at, (name, _) in enumerate(node.ways(), 1) if name == exit_)
            return f"branch.{at}.to"
        case _:
            return exit_


def _exit_in_words(node: AnyNode, exit_: str) -> str:
    return f"key {exit_}" if isinstance(node, Menu) and exit_ not in ("no_input", "no_match") else f"'{exit_}'"


# --- Prompts ----------------------------------------------------------------------------------------------------------


def _check_prompts(flow: Flow, node: AnyNode, faults: Faults) -> None:
    for path, prompt in node.prompts():
        _check_languages(flow, node, path, prompt, faults)
        limit = LONGEST_TEXT if isinstance(node, Message) else LONGEST_SENTENCE
        for language, template in prompt.texts.items():
            if len(template.plain()) > limit:
                key = spoken_in(node, path, language)
                text = f"the text in {language} is {len(template.plain())} characters long"
                faults.of_node(node, WARNING, "long-prompt", key, text, f"say it in {limit}, or in two steps")


def _check_languages(flow: Flow, node: AnyNode, path: str, prompt: Prompt, faults: Faults) -> None:
    missing = [language for language in flow.languages if language not in prompt.texts]
    if missing:
        faults.of_node(
            node,
            ERROR,
            "missing-language",
            path,
            f"'{path}' is not said in {' and '.join(missing)}",
            f"add '{missing[0]}:' beside the others",
        )
    for language in prompt.texts:
        if language not in flow.languages and f"{path}.{language}" in node.marks:
            faults.of_node(
                node,
                WARNING,
                "unused-language",
                f"{path}.{language}",
                f"the flow does not speak '{language}'",
                did_you_mean(language, flow.languages) or f"it speaks {', '.join(flow.languages)}",
            )
    slots = {language: frozenset(slot.name for slot in text.slots()) for language, text in prompt.texts.items()}
    everywhere = prompt.slots()
    for language, here in slots.items():
        if here != everywhere:
            left_out = ", ".join(f"{{{name}}}" for name in sorted(everywhere - here))
            text = f"the text in {language} leaves out {left_out}"
            faults.of_node(node, WARNING, "slots-differ", spoken_in(node, path, language), text)


def _check_shared_prompt(net: Net, node: AnyNode, key: str, what: str, prompt: Prompt | None, faults: Faults) -> None:
    """A prompt of company.yaml that this node speaks."""
    missing = [language for language in net.flow.languages if prompt is not None and language not in prompt.texts]
    if missing:
        text = f"{what} of company.yaml is not said in {' and '.join(missing)}"
        faults.of_node(node, ERROR, "missing-language", key, text, f"add '{missing[0]}:' in company.yaml")


# --- Kinds ------------------------------------------------------------------------------------------------------------


def _check_node(net: Net, node: AnyNode, company: Company, facts: Facts, faults: Faults) -> None:
    match node:
        case Menu():
            _check_menu(net, node, faults)
        case Collect():
            _check_collect(node, faults)
        case Verify():
            _check_tries(node, "tries", node.tries, faults)
        case Play():
            _known(faults, node, "play", "unknown-sound", "sounds", node.sound, company.sounds)
        case HoursNode():
            _check_hours(net, node, company, faults)
        case LanguageNode():
            if len(net.flow.languages) < 2:
                faults.of_node(node, WARNING, "one-language", "language", "the flow speaks one language only")
        case Http():
            _check_http(node, company, faults)
        case Info():
            for at, name in enumerate(node.items, 1):
                _check_item(net, node, f"info.{at}", name, company, faults)
        case Voicemail():
            _check_voicemail(node, company, faults)
        case QueueNode():
            _check_queue(net, node, company, faults)
        case Callback():
            _known(faults, node, "callback", "unknown-queue", "queues", node.queue, company.queues)
            if node.slots is not None:
                _known(faults, node, "slots", "unknown-hours", "hours", node.slots, company.hours)
        case Transfer():
            _check_transfer(node, facts, faults)
        case SurveyNode():
            _check_survey(net, node, company, faults)
        case Message():
            _check_message(net, node, company, faults)
        case Subflow():
            _check_subflow(net, node, faults)
        case Return():
            _check_return(net, node, faults)
        case _:
            pass
    _check_enumerations(net, node, company, faults)


def _known(faults: Faults, node: AnyNode, key: str, code: str, section: str, said: str, known: Iterable[str]) -> bool:
    """Whether company.yaml has the name under the section; a fault when not."""
    known = tuple(known)
    if said and said not in known:
        text = f"company.yaml has no '{said}' under '{section}'"
        faults.of_node(node, ERROR, code, key, text, did_you_mean(said, known) or f"add it under '{section}'")
    return said in known


def _check_menu(net: Net, node: Menu, faults: Faults) -> None:
    for option in node.options:
        _check_option(net, node, option, faults)
    if len(node.options) > MOST_OPTIONS:
        text = f"it offers {len(node.options)} options; nobody remembers more than {MOST_OPTIONS}"
        faults.of_node(node, WARNING, "too-many-options", "menu", text, "move some into a second menu")
    _check_menu_length(net, node, faults)
    keys = [option.keys for option in node.options]
    for short in keys:
        for long in keys:
            if long != short and long.startswith(short):
                faults.of_node(
                    node,
                    WARNING,
                    "ambiguous-keys",
                    f"menu.{long}",
                    f"key {short} begins key {long}, so whoever presses {short} must wait",
                    "use other keys",
                )
    _check_tries(node, "no_input.tries", node.no_input.tries, faults)
    _check_tries(node, "no_match.tries", node.no_match.tries, faults)


def _check_option(net: Net, node: Menu, option: Option, faults: Faults) -> None:
    key = f"menu.{option.keys}"
    taken = {"0": "0 is always a person", "*": "* always repeats", "#": "# always gives more choices"}
    if option.keys[0] in taken:
        faults.of_node(node, ERROR, "reserved-key", key, f"{taken[option.keys[0]]}, in every menu", "use 1 to 9")
    if option.spoken_in_other and len(net.flow.languages) < 2:
        faults.of_node(node, ERROR, "one-language", f"{key}.spoken_in", "there is no other language to say it in")
    for language in option.speech:
        if language not in net.flow.languages:
            faults.of_node(node, WARNING, "unused-language", f"{key}.speech", f"the flow does not speak '{language}'")
    for language, template in option.words.texts.items() if option.words else ():
        digits = re.findall(r"[0-9]+", "".join(part for part in template.parts if isinstance(part, str)))
        if digits and option.keys not in digits:
            text = f"the words in {language} say {' and '.join(digits)}, and the key is {option.keys}"
            faults.of_node(node, WARNING, "words-and-key", f"{key}.words", text, f"say {option.keys}")


def _check_menu_length(net: Net, node: Menu, faults: Faults) -> None:
    for language in net.flow.languages:
        said = [node.ask, *(option.purpose or option.words for option in node.options)]
        length = sum(len(prompt.texts[language].plain()) for prompt in said if prompt and language in prompt.texts)
        if length > LONGEST_MENU:
            text = f"its options in {language} are {length} characters long together"
            faults.of_node(node, WARNING, "long-menu", "menu", text, f"say them in {LONGEST_MENU}")


def _check_tries(node: AnyNode, key: str, tries: int, faults: Faults) -> None:
    if tries < 1:
        faults.of_node(node, ERROR, "tries", key, "it never asks", "tries counts all asks: write 1 or more")
    elif tries > MOST_TRIES:
        faults.of_node(node, WARNING, "tries", key, f"it asks {tries} times", f"after {MOST_TRIES} let a person help")


def _check_collect(node: Collect, faults: Faults) -> None:
    _check_tries(node, "no_input.tries", node.no_input.tries, faults)
    _check_tries(node, "no_match.tries", node.no_match.tries, faults)
    if node.private and node.read_back:
        faults.of_node(
            node, ERROR, "private-read-back", "read_back", "what is private is never read back", "remove one of the two"
        )
    if node.check and node.type != "digits":
        text = f"a check digit belongs to digits, not to a {node.type}"
        faults.of_node(node, ERROR, "check-type", "check", text, "write type: digits")
    if not node.terminator and node.shortest != node.longest:
        text = f"nothing ends an entry of {node.shortest} to {node.longest} digits but silence"
        faults.of_node(node, WARNING, "no-terminator", "terminator", text, "leave the terminator #")


def _check_hours(net: Net, node: HoursNode, company: Company, faults: Faults) -> None:
    if not _known(faults, node, "hours", "unknown-hours", "hours", node.hours, company.hours):
        return
    hours = company.hours[node.hours]
    if not any(hours.week.values()):
        faults.of_node(
            node, WARNING, "never-open", "hours", f"'{node.hours}' is never open", "add a 'week' in company.yaml"
        )
    for closing in hours.closings:
        _check_shared_prompt(net, node, "hours", f"the closing '{closing.name}'", closing.because, faults)


def _check_http(node: Http, company: Company, faults: Faults) -> None:
    host = node.url.removeprefix("https://").partition("/")[0].rpartition("@")[2]
    if not node.url.startswith("https://"):
        faults.of_node(node, ERROR, "not-https", "http", "the address does not begin with https://", "use https")
    elif "{" in host:
        faults.of_node(node, ERROR, "unknown-host", "http", "the host of an address cannot be a variable")
    else:
        try:
            name = urlsplit(node.url).hostname or ""
        except ValueError:
            name = host
        _known(faults, node, "http", "unknown-host", "http_hosts", name, company.http_hosts)
    if node.limit > LONGEST_FETCH:
        text = f"the caller may wait {int(node.limit.total_seconds())} s for an answer"
        faults.of_node(node, WARNING, "long-fetch", "limit", text, "10 s is long on the telephone")


def _check_item(net: Net, node: AnyNode, key: str, name: str, company: Company, faults: Faults) -> None:
    if not _known(faults, node, key, "unknown-item", "items", name, company.items):
        return
    item = company.items[name]
    _check_shared_prompt(net, node, key, f"item '{name}'", item.says, faults)
    odd = item.says.slots() - ALWAYS
    if odd:
        text = f"item '{name}' speaks of {{{min(odd)}}}, which not every call has"
        faults.of_node(node, ERROR, "undefined", key, text, "write the value out")


def _is_over(item: Item, today: date) -> bool:
    return item.until is not None and item.until < today


def _check_voicemail(node: Voicemail, company: Company, faults: Faults) -> None:
    known = _known(faults, node, "voicemail", "unknown-queue", "queues", node.queue, company.queues)
    if node.longest > LONGEST_VOICEMAIL:
        text = f"a message of {int(node.longest.total_seconds())} s is more than anybody listens to"
        faults.of_node(node, WARNING, "long-voicemail", "longest", text, "2 min is plenty")
    if node.longest < SHORTEST_VOICEMAIL:
        faults.of_node(node, ERROR, "short-voicemail", "longest", "nobody can say anything in that time", "2 min")
    within = node.answer_within
    if known and within and within.counts == "open" and company.queues[node.queue].hours is None:
        text = f"it counts opening time, and queue '{node.queue}' has no hours"
        faults.of_node(node, ERROR, "no-hours", "answer_within", text, "add 'hours' to the queue, or count the clock")


def _check_queue(net: Net, node: QueueNode, company: Company, faults: Faults) -> None:
    if _known(faults, node, "queue", "unknown-queue", "queues", node.queue, company.queues):
        title = company.queues[node.queue].title
        _check_shared_prompt(net, node, "queue", f"the title of queue '{node.queue}'", title, faults)
    for key, skills in (("skills", node.skills), ("preferred", node.preferred)):
        for skill in skills:
            _known(faults, node, f"{key}.{skill}", "unknown-skill", "skills", skill, company.skills)
    for at, (_, names) in enumerate(node.relax, 1):
        for skill in names:
            if _known(faults, node, f"relax.{at}.skills", "unknown-skill", "skills", skill, company.skills):
                asked = (*node.skills, *company.queues[node.queue].skills) if node.queue in company.queues else ()
                if skill not in asked and asked:
                    text = f"skill '{skill}' is relaxed and was never asked for"
                    faults.of_node(node, WARNING, "idle-relax", f"relax.{at}.skills", text)
    for at, name in enumerate(node.information, 1):
        _check_item(net, node, f"wait.information.{at}", name, company, faults)
    _check_overflow(node, faults)


def _check_overflow(node: QueueNode, faults: Faults) -> None:
    soonest: timedelta | None = None
    for at, overflow in enumerate(node.overflow, 1):
        if soonest is not None and overflow.after is not None and overflow.after >= soonest:
            text = f"overflow {at} is never reached: one before it takes every caller by then"
            faults.of_node(node, WARNING, "unreachable-overflow", f"overflow.{at}", text, "put the longer wait last")
        if overflow.after is not None and overflow.when is None:
            soonest = overflow.after if soonest is None else min(soonest, overflow.after)
    for at, overflow in enumerate(node.overflow, 1):
        if overflow.to == node.name:
            faults.of_node(
                node, ERROR, "overflow-to-itself", f"overflow.{at}.to", "it overflows into itself", "lead it elsewhere"
            )


def _check_transfer(node: Transfer, facts: Facts, faults: Faults) -> None:
    kind = facts.number_kind(node.number) if node.number else "unknown"
    if kind == "premium":
        faults.of_node(
            node, ERROR, "premium-number", "transfer", "a transfer to a premium-rate number costs without end"
        )
    elif kind == "invalid":
        faults.of_node(node, WARNING, "odd-number", "transfer", "no country gives out such a number", "look again")
    if node.limit > LONGEST_RING:
        faults.of_node(node, WARNING, "long-ring", "limit", "it rings for more than a minute", "25 s is usual")


def _check_survey(net: Net, node: SurveyNode, company: Company, faults: Faults) -> None:
    if _known(faults, node, "survey", "unknown-survey", "surveys", node.survey, company.surveys):
        for question in company.surveys[node.survey].questions:
            _check_shared_prompt(net, node, "survey", f"question '{question.name}'", question.ask, faults)


def _check_message(net: Net, node: Message, company: Company, faults: Faults) -> None:
    line = company.lines.get(net.flow.line or "")
    if line is not None and line.texts_from is None:
        text = f"line '{line.name}' cannot send texts, so this always fails"
        faults.of_node(node, WARNING, "no-sender", "message", text, "add 'texts_from:' to the line in company.yaml")


def _check_subflow(net: Net, node: Subflow, faults: Faults) -> None:
    flow = net.subflows.get(node.flow)
    if node.flow == net.flow.name:
        faults.of_node(node, ERROR, "recursion", "subflow", "the flow runs itself as a step", "lead a way to its start")
        return
    if flow is None:
        if node.flow:
            cure = did_you_mean(node.flow, net.subflows) or f"add a file {node.flow}.yaml"
            faults.of_node(
                node, ERROR, "unknown-subflow", "subflow", f"there is no flow '{node.flow}' in this folder", cure
            )
        return
    trail = _descent(net, flow, (net.flow.name,))
    if trail:
        faults.of_node(
            node, ERROR, "recursion", "subflow", f"{' → '.join(trail)} goes in circles or too deep", "flatten it"
        )
    _check_hand_over(net, node, flow, faults)


def _descent(net: Net, flow: Flow, above: tuple[str, ...]) -> tuple[str, ...]:
    """The flows of a descent that comes round or goes deeper than allowed; empty when none does."""
    here = (*above, flow.name)
    if flow.name in above or len(above) > DEEPEST:
        return here
    below = [node.flow for node in flow.nodes.values() if isinstance(node, Subflow)]
    for name in dict.fromkeys(below):
        next_flow = net.flow if name == net.flow.name else net.subflows.get(name)
        trail = _descent(net, next_flow, here) if next_flow else ()
        if trail:
            return trail
    return ()


def _check_hand_over(net: Net, node: Subflow, flow: Flow, faults: Faults) -> None:
    offered = {inner.exit for inner in flow.nodes.values() if isinstance(inner, Return) and inner.exit}
    for exit_ in node.exits:
        if exit_ not in offered:
            cure = did_you_mean(exit_, offered) or f"it has {', '.join(sorted(offered)) or 'none'}"
            text = f"flow '{flow.name}' has no exit '{exit_}'"
            faults.of_node(node, ERROR, "unknown-exit", f"exits.{exit_}", text, cure)
    for exit_ in sorted(offered - set(node.exits)):
        text = f"exit '{exit_}' of flow '{flow.name}' leads nowhere"
        faults.of_node(node, ERROR, "missing-exit", "exits", text, f"add '{exit_}:' under 'exits'")
    given = [name for name, _ in node.parameters]
    for name in given:
        if name not in flow.parameters:
            text = f"flow '{flow.name}' takes no parameter '{name}'"
            near = did_you_mean(name, flow.parameters)
            faults.of_node(node, ERROR, "unknown-parameter", f"parameters.{name}", text, near)
    for name in flow.parameters:
        if name not in given:
            text = f"flow '{flow.name}' needs the parameter '{name}'"
            faults.of_node(node, ERROR, "missing-parameter", "parameters", text, f"add '{name}:' under 'parameters'")
    missing = [language for language in net.flow.languages if language not in flow.languages]
    if missing:
        text = f"flow '{flow.name}' does not speak {' and '.join(missing)}"
        faults.of_node(node, ERROR, "missing-language", "subflow", text, f"add it to the languages of {flow.name}")


def _check_return(net: Net, node: Return, faults: Faults) -> None:
    if net.flow.line is not None:
        text = "a flow with a line of its own has nowhere to return to"
        faults.of_node(node, ERROR, "return-to-nobody", "return", text, "end it with a hangup")
    given = [name for name, _ in node.gives]
    for name in given:
        if name not in net.flow.returns:
            text = f"'{name}' is not among the flow's 'returns'"
            cure = did_you_mean(name, net.flow.returns) or f"add '{name}:' with its type under 'returns'"
            faults.of_node(node, ERROR, "unknown-return", f"gives.{name}", text, cure)
    for name in net.flow.returns:
        if name not in given:
            text = f"'{name}' is among the flow's 'returns' and is not given here"
            faults.of_node(node, WARNING, "missing-return", "gives", text, f"add '{name}:' under 'gives'")


def _check_enumerations(net: Net, node: AnyNode, company: Company, faults: Faults) -> None:
    """Values of enumerations that a prompt speaks must have words in each language."""
    for path, prompt in node.prompts():
        for slot in sorted(prompt.slots()):
            enumeration = "order_status" if slot == "order.status" else _enumeration(net.flow, slot)
            if enumeration is None:
                continue
            if not _known(faults, node, path, "unknown-words", "words", enumeration, company.words):
                continue
            for value, words in company.words[enumeration].items():
                _check_shared_prompt(net, node, path, f"'{enumeration}.{value}' under 'words'", words, faults)


def _enumeration(flow: Flow, name: str) -> str | None:
    kind = flow.variables.get(name) or flow.parameters.get(name) or ""
    return kind.removeprefix("enum:") if kind.startswith("enum:") else None


# --- The company by itself --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CompanyFault:
    """A fault of company.yaml; ``path`` is the key path in the file."""

    path: str
    severity: str
    code: str
    text: str
    suggestion: str | None = None


def check_company(company: Company, flows: Iterable[str], facts: Facts) -> tuple[CompanyFault, ...]:
    """What is wrong with the company beside the flows: lines without a flow, premium numbers, items that are over."""
    found: list[CompanyFault] = []
    flows = tuple(flows)
    for name, line in company.lines.items():
        if line.flow and line.flow not in flows:
            text = f"line '{name}' rings at flow '{line.flow}', which is not in this folder"
            cure = did_you_mean(line.flow, flows) or f"add a file {line.flow}.yaml"
            found.append(CompanyFault(f"lines.{name}.flow", ERROR, "unknown-flow", text, cure))
        for key in ("shows", "reaches"):
            number = getattr(line, key)
            if number is not None and facts.number_kind(number) == "premium":
                text = f"line '{name}': '{key}' is a premium-rate number"
                found.append(CompanyFault(f"lines.{name}.{key}", ERROR, "premium-number", text))
    for name, item in company.items.items():
        if _is_over(item, facts.today):
            text = f"item '{name}' ended on {item.until} and is not read out any more"
            found.append(CompanyFault(f"items.{name}.until", WARNING, "expired-item", text, "renew or remove it"))
    for name, phrase in company.phrases.items():
        allowed = BUILT_IN[name].slots() if name in BUILT_IN else phrase.slots()
        for slot in sorted(phrase.slots() - allowed):
            text = f"phrase '{name}' replaces a sentence of the house and cannot say {{{slot}}}"
            cure = f"it may say {', '.join(f'{{{other}}}' for other in sorted(allowed)) or 'no variable'}"
            found.append(CompanyFault(f"phrases.{name}", ERROR, "undefined", text, cure))
    return tuple(found)
