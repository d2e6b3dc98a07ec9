"""Why something is so, in the language of whoever reads it: the reasons that we write ourselves, told in Italian.

Reasons are kept as they were written, in English, with what they name in them. What a person wrote, and names, are told
as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ivr.core.words import Language

ITALIAN: Mapping[str, str] = {
    # Callbacks: attempts and ends
    "nobody answered": "nessuno ha risposto",
    "the line was busy": "la linea era occupata",
    "a machine answered": "ha risposto una segreteria",
    "the carrier could not dial the number": "il gestore non ha potuto comporre il numero",
    "{why}; attempt {number} follows": "{why}; segue il tentativo {number}",
    "{why}, and there is no hour left at which we may call": "{why}, e non resta un'ora in cui chiamare",
    "there is no hour left at which we may call": "non resta un'ora in cui chiamare",
    "there is no hour at which we may call": "non c'è un'ora in cui chiamare",
    "not reached in {number} attempts; the last time {why}": "non raggiunto in {number} tentativi; l'ultima: {why}",
    "the turn came outside of the hours at which we may call": "il turno è venuto fuori dalle ore in cui chiamare",
    "the customer was reached": "il cliente è stato raggiunto",
    "the customer wants no call": "il cliente non vuole essere chiamato",
    "the customer rang and cancelled it": "il cliente ha chiamato e l'ha annullata",
    "failed on our side": "non riuscita per colpa nostra",
    "failed on our side too often": "non riuscita troppe volte per colpa nostra",
    "rang again while we dialled": "ha richiamato mentre lo chiamavamo",
    "answered by {who}": "ha risposto {who}",
    "the message about it did not arrive": "il messaggio che lo diceva non è arrivato",
    # Callbacks: numbers
    "this is a number of our own": "è un numero nostro",
    "the number is of {where}; we call {countries}": "il numero è di {where}; chiamiamo {countries}",
    "no country we know": "un paese che non conosciamo",
    "nobody can have this number": "nessuno può avere questo numero",
    "asked for {number} times in 24 hours": "chiesto {number} volte in 24 ore",
    "{number} callbacks were asked for in 24 hours": "chieste {number} richiamate in 24 ore",
    "this is {what}": "è {what}",
    "a premium number": "un numero a pagamento",
    "a number with shared cost": "un numero a costo condiviso",
    "a toll-free number": "un numero verde",
    "a personal number that follows somebody around, and costs like one": "un numero personale, che costa come tale",
    "a pager": "un cercapersone",
    "a number of a company's own network": "un numero interno di un'azienda",
    "a voicemail service": "una segreteria",
    # Promises
    "nothing was done for {number} days past its time": "non è stato fatto nulla per {number} giorni oltre il termine",
    # Messages
    "the carrier says {status}": "il gestore dice {status}",
    "the carrier says {status}, code {code}": "il gestore dice {status}, codice {code}",
    "the carrier answered {status}": "il gestore ha risposto {status}",
    "the carrier answered {status}, code {code}": "il gestore ha risposto {status}, codice {code}",
    "the carrier's answer was lost": "la risposta del gestore è andata persa",
    "the carrier cannot be reached: {trouble}": "il gestore non è raggiungibile: {trouble}",
    "the mail server answered {status}": "il server di posta ha risposto {status}",
    "the mail server cannot be reached: {trouble}": "il server di posta non è raggiungibile: {trouble}",
    "nobody can be written to at this address": "a questo indirizzo non si può scrivere",
    "there is no mail server any more": "non c'è più un server di posta",
    # Steps that failed
    "it has no exit {exit}": "non ha l'uscita {exit}",
    "there is no flow {flow}": "non c'è il flusso {flow}",
    "there is no such node": "non c'è un passo con questo nome",
    "too many nodes in one turn": "troppi passi in un turno",
    "more than {number} flows inside one another": "più di {number} flussi uno dentro l'altro",
    "the carrier's queue: {how}": "la coda del gestore: {how}",
    "no line of the company has this flow, or no queue this name": "nessuna linea ha questo flusso, o nessuna coda "
    "questo nome",
    "there are no hours {name}": "non ci sono gli orari {name}",
    "the company has no survey {name}": "non c'è il sondaggio {name}",
    "what it connects to is no telephone number": "ciò a cui collega non è un numero di telefono",
    "nothing was fetched under {key}": "sotto {key} non è arrivato nulla",
    "there are no records of kind {kind}": "non ci sono schede del tipo {kind}",
    "no free case code was found": "non si è trovato un codice di pratica libero",
    "an answer of another kind: {kind}": "una risposta di altro tipo: {kind}",
    "The records cannot be reached right now.": "l'archivio non è raggiungibile in questo momento",
    "a survey asks for nothing": "un sondaggio non chiede nulla",
    # Recordings of talks
    "the carrier has no recording of it": "il gestore non ne ha una registrazione",
    "the carrier has not told the name of the leg": "il gestore non ha detto il nome della chiamata",
    "the carrier recorded nothing": "il gestore non ha registrato nulla",
    "the talk was over before it began": "il colloquio è finito prima che cominciasse",
    # Odd news, and the fallback
    "nothing of ours answered when it rang": "nulla di nostro ha risposto quando ha squillato",
    "turn {turn} by {door}": "turno {turn} da {door}",
    "moved there {number} times, and it did not come about": "portato lì {number} volte, senza effetto",
    "a turn of the {time}: the call stands at {turn}": "un turno {time}: la chiamata è al {turn}",
    "past": "passato",
    "future": "futuro",
    "status {status}": "stato {status}",
    "the call has ended": "la chiamata è finita",
    "voicemail {voicemail} has no audio": "il messaggio {voicemail} non ha audio",
    "the carrier has had none for {number} days": "il gestore non ne ha da {number} giorni",
    "recording {recording}": "registrazione {recording}",
    "talk recording {tape} is another": "la registrazione {tape} è un'altra",
    "our copy is not on the shelf": "la nostra copia non è al suo posto",
}
"""As it is written -> as it is told; what stands in braces is told in turn."""

_SLOT = re.compile(r"\{(\w+)\}")


def _pattern(written: str) -> re.Pattern[str]:
    parts = _SLOT.split(written)  # text, slot, text, slot, … text
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)), re.DOTALL
    )


# The more of a sentence is given, the earlier it comes: what could be anything is tried last.
_PATTERNS = [
    (_pattern(written), told)
    for written, told in sorted(ITALIAN.items(), key=lambda pair: -len(_SLOT.sub("", pair[0])))
]


def reason(because: str, language: Language) -> str:
    """A reason of ours in this language; any other text as it is. Other languages than Italian have it in English."""
    if language != "it":
        return because
    for pattern, told in _PATTERNS:
        found = pattern.fullmatch(because)
        if found is not None:
            slots = {name: reason(text, language) for name, text in found.groupdict().items()}
            return _SLOT.sub(lambda slot: slots[slot[1]], told)  # noqa: B023 (used before the next turn of the loop)
    return because
