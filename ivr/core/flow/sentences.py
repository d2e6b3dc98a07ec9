"""The sentences the house itself says, in each language it knows; a company's phrase of the same name replaces one.

Italian callers are addressed in the formal plural ("premete"); only the sentences a menu makes of its options say
"premi", short as a menu must be. A key stands in the text as its digit, ``*`` and ``#`` as words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ivr.core.company import Company
from ivr.core.flow.text import Prompt, Slot, Template
from ivr.core.words import Language

ITALIAN, ENGLISH = Language("it"), Language("en")

LANGUAGES: tuple[Language, ...] = (ITALIAN, ENGLISH)
"""The languages in which every sentence below exists: a flow may speak these."""

KEYS: Mapping[Language, Mapping[str, str]] = {
    ITALIAN: {"*": "asterisco", "#": "cancelletto"},
    ENGLISH: {"*": "star", "#": "hash"},
}


def template(text: str) -> Template:
    """Text with ``{name}`` or ``{name:style}`` slots; text without braces is one part."""
    parts: list[str | Slot] = []
    for at, piece in enumerate(re.split(r"\{([^{}]+)\}", text)):
        if at % 2:
            name, _, style = piece.partition(":")
            parts.append(Slot(name, style or None))
        elif piece:
            parts.append(piece)
    return Template(tuple(parts))


def _both(it: str, en: str) -> Prompt:
    return Prompt({ITALIAN: template(it), ENGLISH: template(en)})


BUILT_IN: Mapping[str, Prompt] = {
    # Menus
    "option": _both("Per {purpose}, premi {keys}.", "For {purpose}, press {keys}."),
    "more_options": _both("Per altre scelte, premi cancelletto.", "For more choices, press hash."),
    "repeat_hint": _both("Per riascoltare, premi asterisco.", "To hear this again, press star."),
    "person_hint": _both("Per parlare con una persona, premi 0.", "To speak to a person, press 0."),
    "speech_notice": _both(
        "Potete anche rispondere a voce: vi ascolta un servizio automatico del gestore telefonico.",
        "You can also answer by voice: an automatic service of the phone company listens.",
    ),
    # Silence and mistakes
    "not_heard": _both("Non abbiamo ricevuto risposta.", "We did not hear an answer."),
    "not_understood": _both("Non abbiamo capito.", "We did not understand."),
    "wrong_key": _both("Questo tasto non è tra le scelte.", "That key is not one of the choices."),
    # Entries
    "too_short": _both("Le cifre digitate sono poche.", "That is too few digits."),
    "too_long": _both("Le cifre digitate sono troppe.", "That is too many digits."),
    "wrong_check": _both(
        "Il numero digitato non è corretto: controllatelo, per favore.", "That number is not right: please check it."
    ),
    "not_a_number": _both("Il numero digitato non è valido.", "That is not a number we can use."),
    "not_money": _both(
        "L'importo digitato non è valido: digitate gli euro, asterisco e i centesimi.",
        "That amount is not valid: key in the whole amount, star and the cents.",
    ),
    "not_a_date": _both(
        "La data digitata non è valida: digitate due cifre per il giorno, due per il mese e quattro per l'anno.",
        "That date is not valid: key in two digits for the day, two for the month and four for the year.",
    ),
    "not_a_phone_number": _both("Il numero di telefono digitato non è valido.", "That is not a valid phone number."),
    "read_back": _both("Avete digitato {entry}.", "You keyed in {entry}."),
    "confirm": _both("Se è giusto premete 1, altrimenti premete 2.", "If that is right press 1, otherwise press 2."),
    "ask_again": _both("Digitate di nuovo, per favore.", "Please key it in again."),
    "not_verified": _both("Il codice digitato non corrisponde.", "That does not match our records."),
    # To agents
    "whisper": _both(
        "{queue}. {caller}, in attesa da {wait}. Per rispondere premete 1; se ora non potete, premete 2.",
        "{queue}. {caller}, waiting for {wait}. To take the call press 1; if you cannot now, press 2.",
    ),
    "whisper_reason": _both(
        "{queue}. {caller}, per {reason}, in attesa da {wait}. Per rispondere premete 1; se ora non potete, premete 2.",
        "{queue}. {caller}, for {reason}, waiting for {wait}. To take the call press 1; if you cannot now, press 2.",
    ),
    "whisper_callback": _both(
        "{queue}. Da richiamare: {caller}. Per farlo premete 1 e restate in linea; se ora non potete, premete 2.",
        "{queue}. To be called back: {caller}. To talk to them press 1 and hold on; if you cannot now, press 2.",
    ),
    "whisper_again": _both(
        "Per rispondere premete 1; se ora non potete, premete 2.", "To take the call press 1; if you cannot, press 2."
    ),
    "offer_gone": _both("La chiamata non è più in attesa. Grazie.", "That call is no longer waiting. Thank you."),
    "offer_declined": _both("Va bene, la passiamo ad altri.", "All right, we pass it on."),
    "calling_them": _both("Chiamiamo il cliente: restate in linea.", "We are calling the customer: please hold on."),
    "someone": _both("Numero nascosto", "Number withheld"),
    "talk_over": _both("Grazie, arrivederci.", "Thank you, goodbye."),
    "whisper_consult": _both(
        "{agent} vi chiede nel suo colloquio. Per entrare premete 1; se ora non potete, premete 2.",
        "{agent} asks you into their talk. To come in press 1; if you cannot now, press 2.",
    ),
    "whisper_from": _both("Da {agent}.", "From {agent}."),
    # To agents who press the star key in a talk
    "keys_menu": _both(
        "Il cliente è in attesa. Per tornare da lui premete 1, per passarlo a un ufficio 2, per sentire prima "
        "qualcuno 3, per parlare in tre 4, per chiudere 5, per passarlo a un numero 6.",
        "The customer is on hold. To go back to them press 1, to pass them to a department 2, to speak to somebody "
        "first 3, to talk all three 4, to end the call 5, to pass them to a number 6.",
    ),
    "keys_guest_menu": _both(
        "Per parlare tutti insieme premete 1, per lasciare il cliente a chi avete chiamato 2, per congedare chi avete "
        "chiamato 3, per chiudere 5.",
        "To talk all together press 1, to leave the customer with whom you called 2, to send away whom you called 3, "
        "to end the call 5.",
    ),
    "keys_queue": _both("Per {queue} premete {key}.", "For {queue} press {key}."),
    "keys_somebody": _both(
        "Digitate il numero, e poi cancelletto. Per il primo collega libero, 0 e cancelletto.",
        "Key in the number, then hash. For the next colleague who is free, 0 and hash.",
    ),
    "keys_number": _both("Digitate il numero, e poi cancelletto.", "Key in the number, then hash."),
    "keys_rung": _both(
        "Chiamiamo: restate in linea. Per le altre scelte premete asterisco.",
        "We are calling: please hold on. For the other choices press star.",
    ),
    "keys_refused": _both("A quel numero non è possibile.", "That is not possible with that number."),
    "keys_nobody": _both("Nessun collega è libero.", "No colleague is free."),
    "keys_handed": _both("Fatto. Grazie, arrivederci.", "Done. Thank you, goodbye."),
    # To a number outside
    "outside_asked": _both(
        "Qui {us}: vi passiamo un cliente. Per rispondere premete 1; se ora non potete, premete 2.",
        "This is {us}: we have a customer for you. To take the call press 1; if you cannot now, press 2.",
    ),
    # To agents who ring us
    "staff_who": _both(
        "Digitate il numero a cui vi chiamiamo, e poi cancelletto.", "Key in the number we ring you at, then hash."
    ),
    "staff_pin": _both("Digitate il vostro PIN, e poi cancelletto.", "Key in your PIN, then hash."),
    "staff_wrong": _both("Non corrisponde.", "That does not match."),
    "staff_refused": _both(
        "Troppi tentativi: riprovate fra un'ora.", "Too many attempts: please try again in an hour."
    ),
    "staff_available": _both("{agent}, disponibile.", "{agent}, available."),
    "staff_break": _both("{agent}, in pausa.", "{agent}, on a break."),
    "staff_off": _both("{agent}, fuori servizio.", "{agent}, off duty."),
    "staff_unreachable": _both(
        "Le ultime chiamate non vi hanno raggiunto: non ve ne passiamo altre.",
        "The last calls did not reach you: we pass on no more.",
    ),
    "staff_menu": _both(
        "Per essere disponibili premete 1, per una pausa 2, per finire 3, per l'esito dell'ultimo colloquio 4, "
        "per le prossime promesse 5.",
        "To be available press 1, for a break 2, to finish 3, for the outcome of your last talk 4, "
        "for the next promises 5.",
    ),
    "staff_breaks": _both(
        "Per il pranzo premete 1, per una pausa breve 2, per la formazione 3.",
        "For lunch press 1, for a short break 2, for training 3.",
    ),
    "staff_outcome": _both(
        "{customer}. Se ha avuto risposta premete 1, se è risolto 2, se va ricontattato 3.",
        "{customer}. If they had an answer press 1, if it is solved 2, if they need a follow-up 3.",
    ),
    "staff_no_talk": _both("Non c'è un colloquio di cui dare l'esito.", "There is no talk to give an outcome of."),
    "staff_noted": _both("Annotato.", "Noted."),
    "staff_follow_up": _both("Annotato: da ricontattare {due}.", "Noted: to be followed up {due}."),
    "staff_no_promises": _both("Nessuna promessa da mantenere.", "There are no promises to keep."),
    "staff_answer_voicemail": _both(
        "Rispondere al messaggio di {customer}, {due}.", "Answer the message of {customer}, {due}."
    ),
    "staff_callback": _both("Richiamare {customer}, {due}.", "Call {customer} back, {due}."),
    "staff_appointment": _both("Appuntamento con {customer}, {due}.", "An appointment with {customer}, {due}."),
    "staff_follow_up_due": _both("Ricontattare {customer}, {due}.", "Follow up {customer}, {due}."),
    "staff_customer": _both("cliente senza nome", "a customer without a name"),
    # In line
    "place_kept": _both(
        "Bentornati: abbiamo tenuto il vostro posto in coda.",
        "Welcome back: we have kept your place in line.",
    ),
    "line_dropped": _both(
        "Ci scusiamo, la linea con l'operatore è caduta. Restate in linea: il vostro posto è in testa alla coda.",
        "We are sorry, the agent's line dropped. Please stay on the line: your place is at the head of the queue.",
    ),
    "handed_over": _both(
        "Vi passiamo a chi può aiutarvi: restate in linea, non perdete il vostro posto.",
        "We are passing you on to somebody who can help: please hold the line, you keep your place.",
    ),
    "recording_notice": _both(
        "Per la qualità del servizio questa conversazione viene registrata.",
        "This conversation is recorded for the quality of our service.",
    ),
    "recording_ask": _both(
        "Con il vostro consenso registriamo la conversazione, per la qualità del servizio.",
        "With your consent we record the conversation, for the quality of our service.",
    ),
    "recording_ask_key": _both(
        "Se siete d'accordo premete 1; altrimenti restate in linea.",
        "If you agree press 1; otherwise stay on the line.",
    ),
    "hold_words": _both(
        "Siete in attesa: torniamo subito da voi, restate in linea.",
        "You are on hold: we will be right back with you, please stay on the line.",
    ),
    # Cases and messages
    "case_code": _both("Il vostro codice è {code}.", "Your code is {code}."),
    "case_code_again": _both("Ripeto, il vostro codice è {code}.", "Once more, your code is {code}."),
    "message_kept": _both("Abbiamo ricevuto il vostro messaggio.", "We have your message."),
    "message_promise": _both("Vi rispondiamo entro {due}.", "We will answer by {due}."),
    "message_empty": _both("Non abbiamo sentito alcun messaggio.", "We did not hear a message."),
    # Callbacks: to which number
    "callback_number": _both("Vi richiamiamo al numero {number}.", "We would call you back on {number}."),
    "callback_number_keys": _both(
        "Se va bene premete 1, per un altro numero premete 2.",
        "If that is right press 1, for another number press 2.",
    ),
    "callback_type": _both(
        "Digitate il numero a cui richiamarvi, e poi cancelletto.", "Key in the number to call you on, then hash."
    ),
    "callback_ours": _both("Questo numero è nostro.", "That is a number of our own."),
    "callback_country": _both(
        "Non possiamo chiamare i numeri di questo paese.", "We cannot call numbers of that country."
    ),
    "callback_kind": _both("Non possiamo chiamare numeri di questo tipo.", "We cannot call numbers of that kind."),
    "callback_too_often": _both(
        "Per questo numero abbiamo già preso molte richieste.", "We have taken many requests for that number already."
    ),
    "callback_too_many": _both(
        "In questo momento non possiamo prendere altre richieste di richiamata.",
        "We cannot take more requests for a call back right now.",
    ),
    # Callbacks: when, and the confirmation
    "callback_when": _both("Quando possiamo richiamarvi?", "When may we call you back?"),
    "callback_soon_key": _both("Appena è il vostro turno, premete {key}.", "As soon as it is your turn, press {key}."),
    "callback_slot_key": _both("Per {when}, premete {key}.", "For {when}, press {key}."),
    "callback_no_slot": _both("Non ci sono orari liberi per richiamarvi.", "There is no free time to call you back."),
    "callback_slot_gone": _both("Quell'orario è stato appena preso.", "That time has just been taken."),
    "callback_shows": _both(
        "Sul vostro telefono apparirà il numero {number}.", "Your phone will show the number {number}."
    ),
    "callback_shows_other": _both(
        "Sul vostro telefono potrebbe apparire un numero diverso dal nostro.",
        "Your phone may show another number than ours.",
    ),
    "callback_sure_soon": _both(
        "Volete essere richiamati appena è il vostro turno, al più tardi {due}?",
        "Shall we call you back as soon as it is your turn, at the latest {due}?",
    ),
    "callback_sure_slot": _both("Volete essere richiamati {when}?", "Shall we call you back {when}?"),
    "callback_sure_keys": _both(
        "Per confermare premete 1, per rinunciare premete 2.", "To confirm press 1, for no call back press 2."
    ),
    "callback_promised_soon": _both(
        "Siamo d'accordo: vi richiamiamo appena è il vostro turno, al più tardi {due}.",
        "It is agreed: we will call you back as soon as it is your turn, at the latest {due}.",
    ),
    "callback_promised_slot": _both(
        "Siamo d'accordo: vi richiamiamo {when}.", "It is agreed: we will call you back {when}."
    ),
    # Callbacks: who has one and rings again
    "callback_there": _both("Avete già una richiamata in programma.", "You already have a call back."),
    "callback_there_place": _both(
        "Avete già una richiamata in programma: siete al posto {place} della fila.",
        "You already have a call back: you are number {place} in line.",
    ),
    "callback_there_slot": _both(
        "Avete già una richiamata in programma, {when}.", "You already have a call back, {when}."
    ),
    "callback_keep_key": _both("Per lasciarla così premete 1.", "To keep it press 1."),
    "callback_wait_key": _both(
        "Per attendere in linea, a quel posto, premete 2.", "To wait on the line at that place press 2."
    ),
    "callback_cancel_key": _both("Per annullarla premete 3.", "To cancel it press 3."),
    "callback_kept": _both("Va bene: vi richiamiamo.", "All right: we will call you back."),
    "callback_waits": _both("Il vostro posto in fila resta quello.", "You keep that place in line."),
    "callback_cancelled": _both("La richiamata è annullata.", "The call back is cancelled."),
    "callback_known": _both(
        "Per questo numero c'è già una richiamata in programma.", "A call back to that number is planned already."
    ),
    # Callbacks: when we call
    "callback_greeting": _both(
        "Buongiorno, qui {us}. Ci avevate chiesto di richiamarvi.",
        "Hello, this is {us}. You asked us to call you back.",
    ),
    "callback_missed": _both(
        "Vi avevamo già cercato, senza trovarvi.", "We tried to reach you before, without success."
    ),
    "callback_late": _both(
        "Ci scusiamo: vi chiamiamo più tardi di quanto vi avevamo promesso.",
        "We are sorry: we are calling later than we promised.",
    ),
    "callback_talk": _both(
        "Per parlare con noi premete 1. Se non serve più, premete 2.",
        "To speak to us press 1. If it is no longer needed, press 2.",
    ),
    "callback_dropped": _both(
        "Mi dispiace, la linea è caduta: vi richiamiamo subito.",
        "I am sorry, the line dropped: we will call you again at once.",
    ),
    "callback_text_again": _both(
        "{us}: vi abbiamo cercato per la richiamata che avete chiesto. Riproviamo {when}.",
        "{us}: we tried to call you back, as you asked. We will try again {when}.",
    ),
    "callback_text_moved": _both(
        "{us}: ci scusiamo, non possiamo richiamarvi quando vi avevamo detto. Vi richiamiamo entro {due}.",
        "{us}: we are sorry, we cannot call you back when we said. We will call you by {due}.",
    ),
    "callback_text_last": _both(
        "{us}: vi abbiamo cercato più volte senza trovarvi. Se ci chiamate da questo numero entro 48 ore avete la "
        "precedenza.",
        "{us}: we tried several times to call you back. If you ring us from this number within 48 hours you go "
        "forward in line.",
    ),
    "callback_text_given_up": _both(
        "{us}: ci scusiamo, non riusciamo a richiamarvi. Se ci chiamate da questo numero entro 48 ore avete la "
        "precedenza.",
        "{us}: we are sorry, we are not able to call you back. If you ring us from this number within 48 hours you go "
        "forward in line.",
    ),
    "callback_text_code": _both(
        "Da un altro numero, con il codice {code}.", "From another number, with the code {code}."
    ),
    "mail_subject": _both("{us}: la vostra richiamata", "{us}: your call back"),
    "callback_joining": _both("Vi mettiamo in contatto.", "We are putting you through."),
    "callback_not_wanted": _both("Va bene, non vi richiameremo.", "All right, we will not call again."),
    # Text messages, transfers and surveys
    "text_promised": _both("Vi mandiamo un messaggio di testo.", "We are sending you a text message."),
    "no_text": _both(
        "A questo numero non possiamo mandare messaggi di testo.", "We cannot send text messages to this number."
    ),
    "transfer": _both("Vi mettiamo in comunicazione: un momento.", "We are putting you through: one moment."),
    "transfer_busy": _both("Il numero è occupato.", "The line is busy."),
    "transfer_no_answer": _both("Non risponde nessuno.", "Nobody is answering."),
    "transfer_failed": _both(
        "Mi dispiace, non siamo riusciti a mettervi in comunicazione.", "I am sorry, we could not put you through."
    ),
    "transfer_back": _both(
        "Torniamo da chi vi ha risposto: restate in linea, non perdete il vostro posto.",
        "We are going back to the person who answered you: please hold the line, you keep your place.",
    ),
    "survey_thanks": _both("Grazie per le risposte.", "Thank you for your answers."),
    "follow_up": _both(
        "Ci dispiace. Vi ricontattiamo noi entro {due}.", "We are sorry. We will get back to you by {due}."
    ),
    # Going on and ending
    "failed": _both("Mi dispiace, questo servizio non risponde.", "I am sorry, this service is not answering."),
    "wait": _both("Un momento, per favore.", "One moment, please."),
    "goodbye": _both("Arrivederci.", "Goodbye."),
    "cannot_go_on": _both(
        "Mi dispiace, non possiamo proseguire. Richiamate più tardi, per favore.",
        "I am sorry, we cannot go on. Please call again later.",
    ),
    # Waiting in line
    "wait_greeting": _both(
        "{title}: vi risponderà una persona, restate in linea.",
        "{title}: a person will answer you, please hold the line.",
    ),
    "wait_next": _both("Siete i prossimi.", "You are next."),
    "wait_one_ahead": _both("Prima di voi c'è una persona.", "There is one person ahead of you."),
    "wait_ahead": _both("Prima di voi ci sono {ahead} persone.", "There are {ahead} people ahead of you."),
    "wait_between": _both("Di solito si aspetta da {low} a {high}.", "The wait is usually {low} to {high}."),
    "wait_about": _both("Di solito si aspetta circa {high}.", "The wait is usually about {high}."),
    "wait_less": _both("Di solito si aspetta meno di {high}.", "The wait is usually less than {high}."),
    "wait_more": _both("Di solito si aspetta più di {low}.", "The wait is usually more than {low}."),
    "wait_thanks": _both("Grazie di aspettare.", "Thank you for waiting."),
    "wait_kept": _both(
        "Vi teniamo il posto: appena è libera, vi risponde una persona.",
        "We are keeping your place: a person will answer as soon as one is free.",
    ),
    "wait_for_callback": _both("essere richiamati senza perdere il posto", "a call back that keeps your place"),
    "wait_for_slot": _both("essere richiamati più tardi", "a call back later"),
    "wait_for_voicemail": _both("lasciare un messaggio", "leaving a message"),
    "wait_for_information": _both("ascoltare le novità mentre aspettate", "our news while you wait"),
    "wait_for_language": _both("Per l'italiano, premi {keys}.", "For English, press {keys}."),
    "wait_person": _both(
        "Siete già in linea per parlare con una persona.", "You are already in line to speak to a person."
    ),
    "wait_no_news": _both("In questo momento non ci sono novità.", "There is no news just now."),
    "wait_no_callback": _both(
        "In questo momento non possiamo prendere altre richieste di richiamata.",
        "We cannot take on any more call backs just now.",
    ),
    # Hours: what {closed.because} adds to "Siamo chiusi" / "We are closed"; its own separator comes first
    "closed_holiday": _both(" per festa: {name}", " for a public holiday: {name}"),
    "closed_closing": _both(": {because}", ": {because}"),
    "closed_emergency": _both(" per un imprevisto", " due to an unforeseen event"),
    "closed_emergency_because": _both(": {because}", ": {because}"),
}


def sentence(company: Company, name: str) -> Prompt:
    """The company's own phrase of this name, or ours; KeyError when neither has it."""
    return company.phrases.get(name) or BUILT_IN[name]


def key_words(keys: str, language: Language) -> str:
    """Keys as a caller is told them: ``12``, ``asterisco``, ``hash``."""
    words = KEYS.get(language, {})
    return "".join(words.get(key, key) for key in keys)
