"""What happened, told: a customer's calls as sentences, and one call as a dialogue; in Italian and in English."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from ivr.core import events as e
from ivr.core.reasons import reason
from ivr.core.upcast import EventUnreadable, event_of
from ivr.core.words import CallId, Language


class Stored(Protocol):
    """An event as it lies in the log."""

    @property
    def call(self) -> CallId: ...
    @property
    def seq(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def schema(self) -> int: ...
    @property
    def happened_at(self) -> datetime: ...
    @property
    def data(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Entry:
    """One sentence of a timeline; ``at`` is in the zone it was asked for."""

    at: datetime
    call: CallId
    kind: str
    text: str


@dataclass(frozen=True)
class Line:
    """One line of a dialogue; ``who`` is ``line``, ``caller`` or ``note``."""

    at: datetime
    who: str
    text: str


@dataclass(frozen=True)
class _Teller:
    """How one language tells things."""

    sentences: Mapping[type[e.CallEvent], Callable[[Any, _Teller, ZoneInfo], str]]
    unreadable: str
    sure: Mapping[str, str]
    outcomes: Mapping[str, str]
    read: Mapping[str, str]
    cases: Mapping[str, str]
    promises: Mapping[str, str]
    results: Mapping[str, str]
    date: str
    silence: str
    private: str

    def when(self, iso: str, zone: ZoneInfo) -> str:
        return datetime.fromisoformat(iso).astimezone(zone).strftime(self.date)


UNTOLD: frozenset[type[e.CallEvent]] = frozenset({e.NodeEntered, e.NodeLeft})
"""Steps through the flow: the path tells them, not a sentence each."""

ONLY_SPOKEN: frozenset[type[e.CallEvent]] = frozenset({e.SaidToCaller})
"""Part of the dialogue, too long for a timeline."""


def _length(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _why(because: str) -> str:
    return reason(because, Language("it"))


_ITALIAN_CONSENT: Mapping[tuple[bool, str], str] = {
    (True, "stayed"): "Ha sentito l'avviso che il colloquio viene registrato ed è rimasto in linea.",
    (True, ""): "Ha acconsentito alla registrazione premendo 1.",
    (False, "silence"): "Non ha risposto alla domanda sulla registrazione: non si registra.",
    (False, ""): "Non ha acconsentito alla registrazione: non si registra.",
}
_ENGLISH_CONSENT: Mapping[tuple[bool, str], str] = {
    (True, "stayed"): "Heard the notice that the talk is recorded, and stayed on the line.",
    (True, ""): "Agreed to the recording by pressing 1.",
    (False, "silence"): "Did not answer whether the talk may be recorded: it is not.",
    (False, ""): "Did not agree to the recording: there is none.",
}
_ITALIAN_PAUSES: Mapping[str, str] = {
    "private": "dati riservati",
    "hold": "in attesa",
    "outside": "con un numero esterno",
    "line": "di nuovo in fila",
    "agent": "l'operatore ha finito",
    "limit": "tempo massimo della pausa",
    "talk": "si torna a parlare",
}
_ENGLISH_PAUSES: Mapping[str, str] = {
    "private": "private data",
    "hold": "on hold",
    "outside": "with a number outside",
    "line": "back in line",
    "agent": "the agent is done",
    "limit": "the longest pause is over",
    "talk": "they talk again",
}
_ITALIAN_LANGUAGES: Mapping[str, str] = {"it": "italiano", "en": "inglese"}
_ITALIAN_PROOFS: Mapping[str, str] = {"pin": "PIN", "order": "numero d'ordine e CAP"}
_ITALIAN_RECORDS: Mapping[str, str] = {
    "order": "ordine",
    "customer": "cliente",
    "case": "pratica",
    "callback": "richiamata",
}
_ITALIAN_FETCHES: Mapping[str, str] = {"success": "arrivata", "failure": "errore", "timeout": "fuori tempo"}
_ITALIAN_ENDS: Mapping[str, str] = {
    "hung_up": "ha riagganciato",
    "voicemail": "per lasciare un messaggio",
    "callback": "per essere richiamato",
    "failed": "per un guasto",
    "declined": "non può rispondere ora",
    "missed": "non ha risposto",
    "lapsed": "non ha risposto in tempo",
    "let_go": "la chiamata non c'era più",
    "lost": "linea caduta",
    "handed": "trasferito",
    "agent": "ha chiuso l'operatore",
    "customer": "ha chiuso il cliente",
}
_ITALIAN_TEXTS: Mapping[str, str] = {
    "sent": "inviato",
    "failed": "non inviato",
    "unknown": "consegnato al gestore, che non ha risposto",
}
_ITALIAN_DIALS: Mapping[str, str] = {
    "completed": "finito",
    "busy": "occupato",
    "no_answer": "nessuna risposta",
    "failed": "non riuscito",
}
_ITALIAN_BACK: Mapping[str, str] = {
    "refused": "rifiutato, torna indietro",
    "unanswered": "senza risposta, torna indietro",
}
_ITALIAN_OUTCOMES: Mapping[str, str] = {
    "answered": "ha avuto risposta",
    "solved": "risolto",
    "follow_up": "da ricontattare",
}
_ENGLISH_LANGUAGES: Mapping[str, str] = {"it": "Italian", "en": "English"}
_ENGLISH_ENDS: Mapping[str, str] = {
    "hung_up": "hung up",
    "voicemail": "to leave a message",
    "callback": "to be called back",
    "failed": "something broke",
    "declined": "cannot answer now",
    "missed": "did not answer",
    "lapsed": "did not answer in time",
    "let_go": "the call was gone",
    "lost": "the line dropped",
    "handed": "transferred",
    "agent": "the agent hung up",
    "customer": "the customer hung up",
}
_ENGLISH_PROOFS: Mapping[str, str] = {"pin": "PIN", "order": "order number and postcode"}
_ENGLISH_FETCHES: Mapping[str, str] = {"success": "it came", "failure": "an error", "timeout": "too late"}
_ITALIAN_CHOICES: Mapping[str, str] = {
    "keep": "la tiene",
    "wait": "attende in linea a quel posto",
    "cancel": "l'ha annullata",
}
_ENGLISH_CHOICES: Mapping[str, str] = {
    "keep": "keeps it",
    "wait": "waits on the line at that place",
    "cancel": "cancelled it",
}
_ITALIAN_ATTEMPTS: Mapping[str, str] = {
    "reached": "ha risposto",
    "busy": "occupato",
    "no_answer": "nessuna risposta",
    "machine": "nessuno ha premuto 1",
    "refused": "non desidera essere richiamato",
    "failed": "numero non raggiungibile",
    "lost": "non riuscito da parte nostra",
    "called_off": "annullato mentre squillava",
}
_ENGLISH_ATTEMPTS: Mapping[str, str] = {
    "reached": "answered",
    "busy": "engaged",
    "no_answer": "no answer",
    "machine": "nobody pressed 1",
    "refused": "wants no call",
    "failed": "the number cannot be reached",
    "lost": "failed on our side",
    "called_off": "called off while it rang",
}
_ENGLISH_RECORDS: Mapping[str, str] = {"callback": "call back"}
_ENGLISH_TEXTS: Mapping[str, str] = {
    "sent": "was sent",
    "failed": "was not sent",
    "unknown": "was handed to the carrier, which did not answer",
}
_ENGLISH_DIALS: Mapping[str, str] = {
    "completed": "over",
    "busy": "busy",
    "no_answer": "no answer",
    "failed": "it failed",
}
_ENGLISH_BACK: Mapping[str, str] = {"refused": "refused: back again", "unanswered": "unanswered: back again"}
_ENGLISH_OUTCOMES: Mapping[str, str] = {"answered": "answered", "solved": "solved", "follow_up": "to be followed up"}

_ITALIAN = _Teller(
    sentences={
        e.CallRang: lambda it, t, _: f"Ha chiamato la linea {it.line} ({t.sure.get(it.sure, it.sure)}).",
        e.SaidToCaller: lambda it, *_: it.text,
        e.CallerAnswered: lambda it, t, _: _answered(it, t, "ha premuto", "ha detto"),
        e.CallerSilent: lambda it, *_: f"Nessuna risposta a «{it.node}» (tentativo {it.tries}).",
        e.CallerMistook: lambda it, *_: f"Risposta non valida a «{it.node}» (tentativo {it.tries}).",
        e.LanguageChosen: lambda it, *_: f"Lingua scelta: {_ITALIAN_LANGUAGES.get(it.language, it.language)}.",
        e.PaceChosen: lambda it, *_: "Ha chiesto il ritmo lento." if it.slow else "Ha chiesto il ritmo normale.",
        e.CallerVerified: lambda it, *_: f"Identità verificata ({_ITALIAN_PROOFS.get(it.by, it.by)}).",
        e.VerificationFailed: lambda it, *_: f"Verifica non riuscita ({_ITALIAN_PROOFS.get(it.by, it.by)}).",
        e.RecordLooked: lambda it, *_: (
            f"Cercato in archivio: {_ITALIAN_RECORDS.get(it.record, it.record)}, "
            f"{'trovato' if it.found else 'non trovato'}."
        ),
        e.CaseOpened: lambda it, t, _: f"Aperta una pratica: {t.cases.get(it.case, it.case)}, codice {it.code}.",
        e.VoicemailTaken: lambda it, t, zone: (
            f"Ha lasciato un messaggio per «{it.queue}»"
            + (f" di {_length(it.seconds)}" if it.seconds is not None else "")
            + (f"; risposta promessa entro il {t.when(it.due, zone)}." if it.due else ".")
        ),
        e.VoicemailEmpty: lambda it, *_: f"Nessun messaggio lasciato per «{it.queue}».",
        e.VoicemailKept: lambda it, *_: f"Messaggio al sicuro da noi ({_length(it.seconds)}).",
        e.VoicemailRead: lambda it, t, _: f"Messaggio {t.read.get(it.state, it.state)}.",
        e.PromiseMade: lambda it, t, zone: (
            f"Promesso: {t.promises.get(it.what, it.what)} entro il {t.when(it.due, zone)}."
        ),
        e.PromiseWarned: lambda it, t, zone: (
            f"Sta per scadere: {t.promises.get(it.what, it.what)} entro il {t.when(it.due, zone)} («{it.owner}»)."
        ),
        e.PromiseLate: lambda it, t, zone: (
            f"In ritardo: {t.promises.get(it.what, it.what)}, promesso entro il {t.when(it.due, zone)} («{it.owner}»)."
        ),
        e.PromiseMoved: lambda it, t, zone: (
            f"Da spostare al {t.when(it.new_due, zone)}: {t.promises.get(it.what, it.what)} ({_why(it.because)}); "
            "il cliente va avvisato."
        ),
        e.PromiseMoveTold: lambda it, t, zone: (
            f"Cliente avvisato: {t.promises.get(it.what, it.what)} entro il {t.when(it.due, zone)}."
        ),
        e.PromiseClosed: lambda it, t, _: (
            f"Promessa {t.results.get(it.result, it.result)}: {t.promises.get(it.what, it.what)}"
            + (f" ({_why(it.because)})." if it.because else ".")
        ),
        e.VoicemailAnswered: lambda it, *_: f"Risposto al messaggio ({it.by}).",
        e.CallbackPromised: lambda it, t, zone: (
            "Ha chiesto di essere richiamato"
            + (" a un altro numero" if it.other_number else "")
            + (f", il {t.when(it.slot, zone)}." if it.slot else f", entro il {t.when(it.due, zone)}.")
        ),
        e.CallbackChosen: lambda it, *_: f"Ha già una richiamata: {_ITALIAN_CHOICES.get(it.choice, it.choice)}.",
        e.CallbackRefused: lambda it, *_: f"Numero non richiamabile ({_why(it.because)}).",
        e.CallbackTried: lambda it, *_: (
            f"Richiamata, tentativo {it.attempt}: {_ITALIAN_ATTEMPTS.get(it.outcome, it.outcome)}."
        ),
        e.QueueJoined: lambda it, *_: f"{'Torna in coda' if it.again else 'In coda'} per «{it.queue}».",
        e.QueueLeft: lambda it, *_: (
            f"Ha lasciato la coda «{it.queue}» dopo {_length(it.waited)} ({_ITALIAN_ENDS.get(it.how, it.how)})."
        ),
        e.AgentOffered: lambda it, *_: f"Proposta a {it.agent}.",
        e.OfferEnded: lambda it, *_: f"{it.agent}: {_ITALIAN_ENDS.get(it.how, it.how)}; il posto in coda resta.",
        e.AgentJoined: lambda it, *_: f"Ha risposto {it.agent}, dopo {_length(it.waited)} di attesa.",
        e.TalkEnded: lambda it, *_: (
            f"Fine del colloquio con {it.agent}, durato {_length(it.seconds)} ({_ITALIAN_ENDS.get(it.how, it.how)})."
        ),
        e.Transferred: lambda it, *_: (
            f"Trasferito da {it.agent} a {it.to_agent or 'coda «' + it.queue + '»'}"
            + (f" ({_ITALIAN_BACK[it.because]})." if it.because in _ITALIAN_BACK else ".")
        ),
        e.TalkHeld: lambda it, *_: f"{it.agent}: messo in attesa." if it.on else f"{it.agent}: ripreso il colloquio.",
        e.RecordingConsent: lambda it, *_: _ITALIAN_CONSENT.get((it.given, it.how), _ITALIAN_CONSENT[it.given, ""]),
        e.RecordingBegan: lambda *_: "Da qui il colloquio viene registrato.",
        e.RecordingPaused: lambda it, *_: (
            f"Registrazione {'sospesa' if it.on else 'ripresa'}: {_ITALIAN_PAUSES.get(it.because, it.because)}."
        ),
        e.RecordingWithdrawn: lambda it, *_: (
            f"Consenso alla registrazione ritirato, annotato da {it.agent}: la registrazione finisce qui."
        ),
        e.RecordingFailed: lambda it, *_: f"Il colloquio non è registrato: {_why(it.because)}.",
        e.RecordingKept: lambda it, *_: f"Registrazione al sicuro da noi ({_length(it.seconds)}).",
        e.TalkOutcome: lambda it, *_: f"Esito secondo {it.agent}: {_ITALIAN_OUTCOMES.get(it.outcome, it.outcome)}.",
        e.SurveyAnswered: lambda it, *_: (
            f"Sondaggio «{it.survey}», domanda «{it.question}»: «{it.value}»" + (", scontento." if it.unhappy else ".")
        ),
        e.TextPromised: lambda *_: "Promesso un messaggio scritto.",
        e.TextReceived: lambda it, *_: (
            "Messaggio scritto ricevuto." if it.received else f"Messaggio scritto non ricevuto ({_why(it.because)})."
        ),
        e.TextEnded: lambda it, *_: (
            f"Messaggio scritto {_ITALIAN_TEXTS.get(it.state, it.state)}"
            + (f" ({_why(it.because)})." if it.because else ".")
        ),
        e.TransferBegan: lambda it, *_: f"In trasferimento al numero {it.number} (passo «{it.node}»).",
        e.TransferConnected: lambda it, *_: f"Ha parlato con il numero esterno (passo «{it.node}»).",
        e.TransferEnded: lambda it, *_: f"Trasferimento: {_ITALIAN_DIALS.get(it.how, it.how)}.",
        e.FetchAsked: lambda it, *_: f"Chiesto a {it.host} (passo «{it.node}»).",
        e.FetchEnded: lambda it, *_: f"Risposta al passo «{it.node}»: {_ITALIAN_FETCHES.get(it.state, it.state)}.",
        e.NodeFailed: lambda it, *_: f"Il passo «{it.node}» non è riuscito: {_why(it.because)}.",
        e.FallbackSpoken: lambda it, *_: f"Risposta di emergenza: {_why(it.because)}.",
        e.OddFact: lambda it, *_: f"Notizia fuori posto dal gestore: {_why(it.what)} ({_why(it.because)}).",
        e.CallEnded: lambda it, t, _: f"Chiamata finita: {t.outcomes.get(it.outcome, it.outcome)}{_after(it)}.",
    },
    unreadable="È successo qualcosa che questa versione non sa leggere ({kind}).",
    sure={
        "known": "identità provata",
        "maybe": "numero di questo cliente",
        "shared": "numero di più clienti",
        "similar": "numero simile a uno noto",
        "new": "numero nuovo",
        "withheld": "numero nascosto",
    },
    outcomes={
        "answered": "ha parlato con una persona",
        "voicemail": "ha lasciato un messaggio",
        "callback": "sarà richiamato",
        "abandoned": "finita senza risposta",
        "self_service": "ha fatto da sé",
        "transferred": "passata a un altro numero",
        "failed": "non riuscita",
    },
    read={
        "read": "trascritto",
        "silent": "senza parole",
        "partly_read": "trascritto in parte",
        "unreadable": "non leggibile",
        "needs_ffmpeg": "in attesa di ffmpeg per la trascrizione",
        "no_model": "in attesa di un modello per la trascrizione",
    },
    cases={"question": "domanda", "order": "ordine", "complaint": "reclamo", "suggestion": "suggerimento"},
    promises={
        "answer_voicemail": "rispondere al messaggio",
        "callback": "richiamare",
        "appointment": "appuntamento",
        "follow_up": "farsi risentire",
    },
    results={
        "kept": "mantenuta",
        "late": "mantenuta in ritardo",
        "broken": "non mantenuta",
        "withdrawn": "ritirata",
    },
    date="%d/%m/%Y alle %H:%M",
    silence="(silenzio)",
    private="ha digitato {what} cifre riservate",
)


_ENGLISH = _Teller(
    sentences={
        e.CallRang: lambda it, t, _: f"Rang the line {it.line} ({t.sure.get(it.sure, it.sure)}).",
        e.SaidToCaller: lambda it, *_: it.text,
        e.CallerAnswered: lambda it, t, _: _answered(it, t, "pressed", "said"),
        e.CallerSilent: lambda it, *_: f"No answer at “{it.node}” (try {it.tries}).",
        e.CallerMistook: lambda it, *_: f"Not a valid answer at “{it.node}” (try {it.tries}).",
        e.LanguageChosen: lambda it, *_: f"Chose {_ENGLISH_LANGUAGES.get(it.language, it.language)}.",
        e.PaceChosen: lambda it, *_: "Asked for the slow pace." if it.slow else "Asked for the normal pace.",
        e.CallerVerified: lambda it, *_: f"Proved who they are ({_ENGLISH_PROOFS.get(it.by, it.by)}).",
        e.VerificationFailed: lambda it, *_: f"Could not prove who they are ({_ENGLISH_PROOFS.get(it.by, it.by)}).",
        e.RecordLooked: lambda it, *_: (
            f"Looked up the {_ENGLISH_RECORDS.get(it.record, it.record)}: {'found' if it.found else 'not found'}."
        ),
        e.CaseOpened: lambda it, t, _: f"Opened a case: {t.cases.get(it.case, it.case)}, code {it.code}.",
        e.VoicemailTaken: lambda it, t, zone: (
            f"Left a message for “{it.queue}”"
            + (f" of {_length(it.seconds)}" if it.seconds is not None else "")
            + (f"; an answer is promised by {t.when(it.due, zone)}." if it.due else ".")
        ),
        e.VoicemailEmpty: lambda it, *_: f"Left no message for “{it.queue}”.",
        e.VoicemailKept: lambda it, *_: f"The message is safe with us ({_length(it.seconds)}).",
        e.VoicemailRead: lambda it, t, _: f"The message {t.read.get(it.state, it.state)}.",
        e.PromiseMade: lambda it, t, zone: (
            f"Was promised: {t.promises.get(it.what, it.what)} by {t.when(it.due, zone)}."
        ),
        e.PromiseWarned: lambda it, t, zone: (
            f"Nearly due: {t.promises.get(it.what, it.what)} by {t.when(it.due, zone)} (“{it.owner}”)."
        ),
        e.PromiseLate: lambda it, t, zone: (
            f"Late: {t.promises.get(it.what, it.what)}, promised by {t.when(it.due, zone)} (“{it.owner}”)."
        ),
        e.PromiseMoved: lambda it, t, zone: (
            f"To be moved to {t.when(it.new_due, zone)}: {t.promises.get(it.what, it.what)} ({it.because}); "
            "the customer must be told."
        ),
        e.PromiseMoveTold: lambda it, t, zone: (
            f"The customer was told: {t.promises.get(it.what, it.what)} by {t.when(it.due, zone)}."
        ),
        e.PromiseClosed: lambda it, t, _: (
            f"Promise {t.results.get(it.result, it.result)}: {t.promises.get(it.what, it.what)}"
            + (f" ({it.because})." if it.because else ".")
        ),
        e.VoicemailAnswered: lambda it, *_: f"The message was answered ({it.by}).",
        e.CallbackPromised: lambda it, t, zone: (
            "Asked to be called back"
            + (" on another number" if it.other_number else "")
            + (f", on {t.when(it.slot, zone)}." if it.slot else f", by {t.when(it.due, zone)}.")
        ),
        e.CallbackChosen: lambda it, *_: f"Has a call back already: {_ENGLISH_CHOICES.get(it.choice, it.choice)}.",
        e.CallbackRefused: lambda it, *_: f"A number that is not called back ({it.because}).",
        e.CallbackTried: lambda it, *_: (
            f"Call back, attempt {it.attempt}: {_ENGLISH_ATTEMPTS.get(it.outcome, it.outcome)}."
        ),
        e.QueueJoined: lambda it, *_: f"{'Back in line' if it.again else 'In line'} for “{it.queue}”.",
        e.QueueLeft: lambda it, *_: (
            f"Left the queue “{it.queue}” after {_length(it.waited)} ({_ENGLISH_ENDS.get(it.how, it.how)})."
        ),
        e.AgentOffered: lambda it, *_: f"Offered to {it.agent}.",
        e.OfferEnded: lambda it, *_: f"{it.agent}: {_ENGLISH_ENDS.get(it.how, it.how)}; the place in line is kept.",
        e.AgentJoined: lambda it, *_: f"{it.agent} answered, after a wait of {_length(it.waited)}.",
        e.TalkEnded: lambda it, *_: (
            f"The talk with {it.agent} ended after {_length(it.seconds)} ({_ENGLISH_ENDS.get(it.how, it.how)})."
        ),
        e.Transferred: lambda it, *_: (
            f"Transferred by {it.agent} to {it.to_agent or 'queue “' + it.queue + '”'}"
            + (f" ({_ENGLISH_BACK[it.because]})." if it.because in _ENGLISH_BACK else ".")
        ),
        e.TalkHeld: lambda it, *_: f"{it.agent} put them on hold." if it.on else f"{it.agent} resumed the talk.",
        e.RecordingConsent: lambda it, *_: _ENGLISH_CONSENT.get((it.given, it.how), _ENGLISH_CONSENT[it.given, ""]),
        e.RecordingBegan: lambda *_: "From here on the talk is recorded.",
        e.RecordingPaused: lambda it, *_: (
            f"Recording {'paused' if it.on else 'resumed'}: {_ENGLISH_PAUSES.get(it.because, it.because)}."
        ),
        e.RecordingWithdrawn: lambda it, *_: (
            f"Consent to the recording withdrawn, noted by {it.agent}: the recording ends here."
        ),
        e.RecordingFailed: lambda it, *_: f"The talk is not recorded: {it.because}.",
        e.RecordingKept: lambda it, *_: f"The recording is safe with us ({_length(it.seconds)}).",
        e.TalkOutcome: lambda it, *_: f"By {it.agent}: {_ENGLISH_OUTCOMES.get(it.outcome, it.outcome)}.",
        e.SurveyAnswered: lambda it, *_: (
            f"Survey “{it.survey}”, question “{it.question}”: “{it.value}”" + (", unhappy." if it.unhappy else ".")
        ),
        e.TextPromised: lambda *_: "Was promised a written message.",
        e.TextReceived: lambda it, *_: (
            "The written message was received."
            if it.received
            else f"The written message was not received ({it.because})."
        ),
        e.TextEnded: lambda it, *_: (
            f"The written message {_ENGLISH_TEXTS.get(it.state, it.state)}"
            + (f" ({it.because})." if it.because else ".")
        ),
        e.TransferBegan: lambda it, *_: f"Being put through to {it.number} (step “{it.node}”).",
        e.TransferConnected: lambda it, *_: f"Talked with the number outside (step “{it.node}”).",
        e.TransferEnded: lambda it, *_: f"The transfer: {_ENGLISH_DIALS.get(it.how, it.how)}.",
        e.FetchAsked: lambda it, *_: f"Asked {it.host} (step “{it.node}”).",
        e.FetchEnded: lambda it, *_: f"The answer for step “{it.node}”: {_ENGLISH_FETCHES.get(it.state, it.state)}.",
        e.NodeFailed: lambda it, *_: f"The step “{it.node}” failed: {it.because}.",
        e.FallbackSpoken: lambda it, *_: f"The fallback answered: {it.because}.",
        e.OddFact: lambda it, *_: f"Odd news from the carrier: {it.what} ({it.because}).",
        e.CallEnded: lambda it, t, _: f"The call ended: {t.outcomes.get(it.outcome, it.outcome)}{_after(it)}.",
    },
    unreadable="Something happened that this version cannot read ({kind}).",
    sure={
        "known": "identity proven",
        "maybe": "this customer's number",
        "shared": "a number of several customers",
        "similar": "a number similar to one we know",
        "new": "a new number",
        "withheld": "number withheld",
    },
    outcomes={
        "answered": "spoke to a person",
        "voicemail": "left a message",
        "callback": "will be called back",
        "abandoned": "ended without an answer",
        "self_service": "served themselves",
        "transferred": "put through to another number",
        "failed": "failed",
    },
    read={
        "read": "was transcribed",
        "silent": "has no words in it",
        "partly_read": "was transcribed in part",
        "unreadable": "cannot be read",
        "needs_ffmpeg": "waits for ffmpeg to be transcribed",
        "no_model": "waits for a model to be transcribed",
    },
    cases={"question": "question", "order": "order", "complaint": "complaint", "suggestion": "suggestion"},
    promises={
        "answer_voicemail": "an answer to the message",
        "callback": "a call back",
        "appointment": "an appointment",
        "follow_up": "to hear from us again",
    },
    results={"kept": "kept", "late": "kept late", "broken": "broken", "withdrawn": "withdrawn"},
    date="%d %b %Y at %H:%M",
    silence="(silence)",
    private="entered {what} private digits",
)


_TELLERS = {"it": _ITALIAN, "en": _ENGLISH}
LANGUAGES = tuple(_TELLERS)


def timeline(
    stored: Iterable[Stored],
    language: Language,
    zone: ZoneInfo,
    transcripts: Mapping[str, str] | None = None,
) -> list[Entry]:
    """A customer's events as sentences, in their order; ``transcripts`` gives a voicemail's text by its id.

    Other languages than Italian are told in English. An event that cannot be read is a sentence saying so.
    """
    teller = _TELLERS.get(language, _ENGLISH)
    entries = []
    for each in stored:
        event = _read(each)
        if type(event) in UNTOLD | ONLY_SPOKEN:
            continue
        text = _sentence(each, event, teller, zone)
        if isinstance(event, e.VoicemailRead) and (words := (transcripts or {}).get(event.voicemail)):
            text = f"{text[:-1]}: «{words}»." if teller is _ITALIAN else f"{text[:-1]}: “{words}”."
        entries.append(Entry(each.happened_at.astimezone(zone), each.call, each.kind, text))
    return entries


def dialogue(stored: Iterable[Stored], language: Language, zone: ZoneInfo) -> list[Line]:
    """One call as it was heard: what the line said, what the caller did, and notes between."""
    teller = _TELLERS.get(language, _ENGLISH)
    lines = []
    for each in stored:
        event, at = _read(each), each.happened_at.astimezone(zone)
        match event:
            case e.SaidToCaller():
                lines.append(Line(at, "line", event.text))
            case e.CallerAnswered():
                lines.append(Line(at, "caller", _acted(event, teller)))
            case e.CallerSilent():
                lines.append(Line(at, "caller", teller.silence))
            case _ if type(event) not in UNTOLD:
                lines.append(Line(at, "note", _sentence(each, event, teller, zone)))
    return lines


def path(stored: Iterable[Stored]) -> list[str]:
    """The nodes a call entered, in order."""
    return [event.node for each in stored if isinstance(event := _read(each), e.NodeEntered)]


def _read(each: Stored) -> e.CallEvent | None:
    try:
        return event_of(each.kind, each.schema, each.data)
    except EventUnreadable:
        return None


def _sentence(each: Stored, event: e.CallEvent | None, teller: _Teller, zone: ZoneInfo) -> str:
    if event is None:
        return teller.unreadable.format(kind=each.kind)
    return teller.sentences[type(event)](event, teller, zone)


def _answered(event: e.CallerAnswered, teller: _Teller, pressed: str, said: str) -> str:
    if event.masked:
        text = teller.private.format(what=event.what)
    elif event.how == "keys":
        text = f"{pressed} {event.what}"
    else:
        text = f"{said}: {event.what}"
    return f"{text[0].upper()}{text[1:]}."


def _acted(event: e.CallerAnswered, teller: _Teller) -> str:
    if event.masked:
        return f"({teller.private.format(what=event.what)})"
    return f"[{event.what}]" if event.how == "keys" else event.what


def _after(event: e.CallEnded) -> str:
    return "" if event.seconds is None else f" ({_length(event.seconds)})"
