"use strict";
// One file for the page and for its microphone: the audio thread loads it too and takes only the first part.

if (typeof registerProcessor === "function") {
  registerProcessor("microphone", class extends AudioWorkletProcessor {
    process(inputs) {
      const channel = inputs[0][0];
      if (channel) this.port.postMessage(channel.slice());
      return true;
    }
  });
} else {
  phone();
}

function phone() {
  const TEXT = {
    it: {
      page: "Telefono · Numero Verde", skip: "Vai al dialogo", title: "Telefono", to: "Numero da chiamare",
      from: "Il tuo numero", call: "Chiama", hangup: "Riaggancia", keys: "Tasti",
      hint: "Funzionano anche i tasti 0–9, * e # della tastiera.", dialogue: "Dialogo", sound: "Audio",
      empty: "Chiama il numero: qui leggerai ciò che la linea dice, mentre lo ascolti.",
      speak: "La tua voce",
      speak_idle: "Durante una chiamata puoi parlare, per esempio dopo il segnale della segreteria.",
      speak_ready: "Parla al microfono o scegli un file: la linea ti sente subito.",
      speak_recording: "La linea sta registrando: parla adesso. Per finire premi # oppure riaggancia.",
      microphone: "Parla al microfono", microphone_on: "Chiudi il microfono", file: "Fai sentire un file WAV",
      words: "Parole per il riconoscimento vocale", say: "Di’",
      idle: "Pronto", ringing: "Squilla…", talking: "In linea", recording: "La linea registra", ended: "Chiamata finita",
      line: "Linea", you: "Tu", answered: "Risposta", busy: "Occupato", connected: "Qualcuno è in linea",
      alone: "Nessun altro in linea", tone: "Segnale acustico",
      pressed: key => `tasto ${key}`, played: "Musica o messaggio registrato", spoke: seconds => `voce, ${seconds} s`,
      said: words => `«${words}»`, question: "La linea aspetta una risposta", why: { completed: "", busy: "occupato",
        "no-answer": "nessuna risposta", failed: "non raggiungibile", canceled: "annullata" },
      lost: "Nessuna risposta dalla rete telefonica: riprovo…", no_microphone: "Il microfono non è disponibile: scegli un file WAV.",
    },
    en: {
      page: "Phone · Numero Verde", skip: "Skip to the dialogue", title: "Phone", to: "Number to call",
      from: "Your number", call: "Call", hangup: "Hang up", keys: "Keys",
      hint: "The keys 0–9, * and # of your keyboard work, too.", dialogue: "Dialogue", sound: "Sound",
      empty: "Call the number: what the line says is written here while you hear it.",
      speak: "Your voice",
      speak_idle: "During a call you can speak, for example after the beep of the voicemail.",
      speak_ready: "Use the microphone or choose a file: the line hears you at once.",
      speak_recording: "The line is recording: speak now. To finish press # or hang up.",
      microphone: "Use the microphone", microphone_on: "Close the microphone", file: "Play a WAV file into the call",
      words: "Words for speech recognition", say: "Say",
      idle: "Ready", ringing: "Ringing…", talking: "Connected", recording: "The line is recording", ended: "Call ended",
      line: "Line", you: "You", answered: "Answered", busy: "Busy", connected: "Somebody is on the line",
      alone: "Nobody else is on the line", tone: "Beep",
      pressed: key => `key ${key}`, played: "Music or a recorded message", spoke: seconds => `voice, ${seconds} s`,
      said: words => `“${words}”`, question: "The line waits for an answer", why: { completed: "", busy: "busy",
        "no-answer": "no answer", failed: "cannot be reached", canceled: "cancelled" },
      lost: "The phone network does not answer: trying again…", no_microphone: "No microphone is available: choose a WAV file.",
    },
  };
  const KEYS = [["1", ""], ["2", "ABC"], ["3", "DEF"], ["4", "GHI"], ["5", "JKL"], ["6", "MNO"], ["7", "PQRS"],
    ["8", "TUV"], ["9", "WXYZ"], ["*", ""], ["0", "+"], ["#", ""]];
  const TONES = { 1: [697, 1209], 2: [697, 1336], 3: [697, 1477], 4: [770, 1209], 5: [770, 1336], 6: [770, 1477],
    7: [852, 1209], 8: [852, 1336], 9: [852, 1477], "*": [941, 1209], 0: [941, 1336], "#": [941, 1477] };
  const VOICE_RATE = 16000;  // samples a second sent into the line
  const CHUNK = 1.0;  // seconds of microphone sent at once, well below the line's patience with silence
  const POLL = 20;  // seconds

  const at = id => document.getElementById(id);
  const page = document.documentElement;
  let language = localStorage.getItem("language") || ((navigator.language || "it").startsWith("it") ? "it" : "en");
  let call = null;  // {sid, after, sounds, since, state}
  let context = null;
  let microphone = null;

  // ---- Words on the page ----------------------------------------------------------------------------------------

  const words = () => TEXT[language];

  function speakLanguage(chosen) {
    language = chosen;
    localStorage.setItem("language", chosen);
    page.lang = chosen;
    document.title = words().page;
    for (const element of document.querySelectorAll("[data-text]")) element.textContent = words()[element.dataset.text];
    for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", words()[element.dataset.label]);
    for (const button of document.querySelectorAll("[data-language]"))
      button.setAttribute("aria-pressed", String(button.dataset.language === chosen));
  }

  function put(element, name) {
    element.dataset.text = name;
    element.textContent = words()[name];
  }

  function show(state) {
    const active = state === "ringing" || state === "talking" || state === "recording";
    const talking = state === "talking" || state === "recording";
    page.dataset.call = state;
    put(at("state"), state);
    put(at("call").firstElementChild, active ? "hangup" : "call");
    put(at("speak-hint"), state === "recording" ? "speak_recording" : talking ? "speak_ready" : "speak_idle");
    for (const id of ["to", "from"]) at(id).readOnly = active;
    for (const id of ["microphone", "file", "words", "say"]) at(id).disabled = !talking;
    for (const button of at("keys").children) button.disabled = !talking;
    if (call) call.state = state;
  }

  function entry(kind, text, lang) {
    const item = document.createElement("li");
    item.className = kind;
    if (kind !== "note") {
      const who = document.createElement("span");
      who.className = "who";
      who.textContent = words()[kind];
      item.append(who);
    }
    const said = document.createElement("span");
    said.className = "words";
    if (lang) said.lang = lang;
    said.textContent = text;
    item.append(said);
    at("dialogue").append(item);
    at("dialogue").scrollTop = at("dialogue").scrollHeight;
    return item;
  }

  const problem = text => { at("problem").textContent = text; };

  // ---- The network ----------------------------------------------------------------------------------------------

  async function ask(path, options) {
    const answer = await fetch(path, options);
    const body = await answer.json();
    if (!answer.ok) throw new Refused(body.error);
    return body;
  }

  class Refused extends Error {}

  const tell = (what, body) => ask(`/phones/calls/${call.sid}/${what}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body || {}),
  });

  async function attempt(action) {
    try {
      problem("");
      return await action();
    } catch (error) {
      problem(error instanceof Refused ? error.message : words().lost);
      return null;
    }
  }

  async function dial() {
    audio();
    at("dialogue").replaceChildren();
    const body = { from: at("from").value.replace(/\s/g, ""), to: at("to").value.replace(/\s/g, "") };
    const made = await attempt(() => ask("/phones/calls", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    }));
    if (!made) return;
    call = { sid: made.sid, after: 0, sounds: 0, since: null, entries: new Map(), state: "ringing" };
    show("ringing");
    listen(call);
  }

  async function listen(mine) {
    let pause = 250;
    while (call === mine) {
      try {
        const news = await ask(`/phones/calls/${mine.sid}/perceived?after=${mine.after}&sounds=${mine.sounds}&wait=${POLL}`);
        pause = 250;
        problem("");
        // By the clock of the network: what was perceived before a sound began stands before it.
        const all = [...news.perceived.map(p => [p.at, () => notice(mine, p)]), ...news.sounds.map(s => [s.started, () => hear(mine, s)])];
        all.sort((one, other) => one[0] < other[0] ? -1 : one[0] > other[0] ? 1 : 0);
        mine.after += news.perceived.length;
        mine.sounds += news.sounds.length;
        for (const [, happen] of all) happen();
        if (news.over) return;
      } catch (error) {
        if (error instanceof Refused) { problem(error.message); return over(mine, ""); }
        problem(words().lost);
        await new Promise(done => setTimeout(done, pause));
        pause = Math.min(pause * 2, 5000);
      }
    }
  }

  function notice(mine, news) {
    if (call !== mine) return;
    switch (news.kind) {
      case "ringback": ringback(true); break;
      case "answered":
        ringback(false);
        mine.since = Date.now();
        show("talking");
        entry("note", words().answered);
        break;
      case "said":
      case "played": finished(mine, news); break;
      case "question": announce("question"); break;
      case "tone":
        entry("note", words().tone);
        beep();
        show("recording");
        break;
      case "connected":
      case "alone": entry("note", words()[news.kind]); break;
      case "busy": entry("note", words().busy); break;
      case "ended": over(mine, news.text); break;
    }
  }

  function announce(name) {
    if (call.state === "recording") show("talking");
    at("dialogue").lastElementChild?.classList.remove("now");
    at("state").textContent = words()[name];
    at("state").dataset.text = name;
  }

  function hear(mine, sound) {
    if (call !== mine) return;
    show("talking");
    for (const item of at("dialogue").querySelectorAll(".now")) item.classList.remove("now");
    const item = entry("line", sound.kind === "said" ? sound.text : words().played, sound.kind === "said" ? sound.language : "");
    item.classList.add("now");
    mine.last = item;
    play(sound.audio);
  }

  function finished(mine, news) {
    mine.last?.classList.remove("now");
    if (news.cut) {
      mine.last?.classList.add("cut");
      hush();
    }
  }

  function over(mine, why) {
    if (call !== mine) return;
    ringback(false);
    hush();
    closeMicrophone();
    const reason = words().why[why];
    entry("note", words().ended + (reason ? `: ${reason}` : ""));
    for (const item of at("dialogue").querySelectorAll(".now")) item.classList.remove("now");
    call = null;
    show("ended");
  }

  async function press(key) {
    if (!call || page.dataset.call === "ringing") return;
    const button = [...at("keys").children].find(candidate => candidate.dataset.key === key);
    button.classList.add("pressed");
    setTimeout(() => button.classList.remove("pressed"), 180);
    tone(TONES[key], 0.12, 0.06);
    entry("you", words().pressed(key));
    await attempt(() => tell("keys", { digits: key }));
  }

  async function hangUp() {
    const mine = call;
    await attempt(() => tell("hangup"));
    over(mine, "");
  }

  // ---- Sound ----------------------------------------------------------------------------------------------------

  const player = new Audio();
  const waiting = [];
  player.addEventListener("ended", () => next());

  function play(address) {
    waiting.push(address);
    if (player.paused || player.ended) next();
  }

  function next() {
    const address = waiting.shift();
    if (!address) return;
    player.src = address;
    player.muted = !at("sound").checked;
    // A refused start (no gesture yet, or music kept elsewhere) leaves the words on the page.
    player.play().catch(() => next());
  }

  function hush() {
    waiting.length = 0;
    player.pause();
  }

  function audio() {
    context = context || new AudioContext();
    if (context.state === "suspended") context.resume();
    return context;
  }

  function tone(frequencies, seconds, volume) {
    if (!at("sound").checked) return;
    const now = audio().currentTime;
    const gain = context.createGain();
    gain.gain.setValueAtTime(volume, now);
    gain.gain.setTargetAtTime(0, now + seconds, 0.01);
    gain.connect(context.destination);
    for (const frequency of frequencies) {
      const oscillator = context.createOscillator();
      oscillator.frequency.value = frequency;
      oscillator.connect(gain);
      oscillator.start(now);
      oscillator.stop(now + seconds + 0.1);
    }
  }

  const beep = () => tone([1000], 0.35, 0.15);

  let ringer = 0;
  function ringback(on) {
    clearInterval(ringer);
    if (!on) return;
    tone([425], 1, 0.05);
    ringer = setInterval(() => tone([425], 1, 0.05), 5000);
  }

  // ---- Voice ----------------------------------------------------------------------------------------------------

  async function openMicrophone() {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
      await audio().audioWorklet.addModule("/browser/phone.js");
      const source = context.createMediaStreamSource(stream);
      const node = new AudioWorkletNode(context, "microphone");
      microphone = { stream, source, node, heard: [], samples: 0 };
      node.port.onmessage = event => heard(event.data);
      source.connect(node);
    } catch {
      problem(words().no_microphone);
      return;
    }
    at("microphone").setAttribute("aria-pressed", "true");
    put(at("microphone").lastElementChild, "microphone_on");
    document.querySelector(".meter").classList.add("on");
  }

  function heard(samples) {
    if (!microphone) return;
    microphone.heard.push(samples);
    microphone.samples += samples.length;
    let loudest = 0;
    for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
    at("level").style.width = `${Math.min(100, Math.round(loudest * 140))}%`;
    if (microphone.samples >= context.sampleRate * CHUNK) send();
  }

  function send() {
    const { heard, samples } = microphone;
    microphone.heard = [];
    microphone.samples = 0;
    if (!samples || !call) return;
    const all = new Float32Array(samples);
    let filled = 0;
    for (const part of heard) { all.set(part, filled); filled += part.length; }
    speak(wav(thinned(all, context.sampleRate)));
  }

  function closeMicrophone() {
    if (!microphone) return;
    send();
    microphone.source.disconnect();
    for (const track of microphone.stream.getTracks()) track.stop();
    microphone = null;
    at("microphone").setAttribute("aria-pressed", "false");
    put(at("microphone").lastElementChild, "microphone");
    document.querySelector(".meter").classList.remove("on");
  }

  // Each new sample is the mean of those it stands for, which is filter enough for a telephone.
  function thinned(samples, rate) {
    const step = rate / VOICE_RATE;
    const kept = new Float32Array(Math.floor(samples.length / step));
    for (let n = 0; n < kept.length; n++) {
      const from = Math.floor(n * step), to = Math.max(from + 1, Math.floor((n + 1) * step));
      let sum = 0;
      for (let i = from; i < to; i++) sum += samples[i];
      kept[n] = sum / (to - from);
    }
    return kept;
  }

  function wav(samples) {
    const data = new DataView(new ArrayBuffer(44 + samples.length * 2));
    const text = (offset, letters) => [...letters].forEach((letter, n) => data.setUint8(offset + n, letter.charCodeAt(0)));
    text(0, "RIFF"); data.setUint32(4, 36 + samples.length * 2, true); text(8, "WAVEfmt ");
    data.setUint32(16, 16, true); data.setUint16(20, 1, true); data.setUint16(22, 1, true);
    data.setUint32(24, VOICE_RATE, true); data.setUint32(28, VOICE_RATE * 2, true);
    data.setUint16(32, 2, true); data.setUint16(34, 16, true);
    text(36, "data"); data.setUint32(40, samples.length * 2, true);
    samples.forEach((sample, n) => data.setInt16(44 + n * 2, Math.max(-1, Math.min(1, sample)) * 32767, true));
    return data.buffer;
  }

  // One after the other: pieces of a voice must not overtake each other.
  let sending = Promise.resolve(null);
  function speak(body) {
    const mine = call;
    sending = sending.then(() => mine && attempt(() => ask(`/phones/calls/${mine.sid}/voice`, {
      method: "POST", headers: { "Content-Type": "audio/wav" }, body,
    })));
    return sending;
  }

  async function speakFile(file) {
    const spoken = await speak(await file.arrayBuffer());
    if (spoken && call) entry("you", words().spoke(Math.round(spoken.seconds)));
    at("file").value = "";
  }

  async function sayWords() {
    const text = at("words").value.trim();
    if (!text || !call) return;
    at("words").value = "";
    entry("you", words().said(text));
    await attempt(() => tell("words", { text, confidence: 0.9 }));
  }

  // ---- The page begins ------------------------------------------------------------------------------------------

  for (const [key, letters] of KEYS) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.key = key;
    button.append(key, Object.assign(document.createElement("small"), { textContent: letters, ariaHidden: "true" }));
    button.addEventListener("click", () => press(key));
    at("keys").append(button);
  }
  for (const button of document.querySelectorAll("[data-language]"))
    button.addEventListener("click", () => speakLanguage(button.dataset.language));
  at("dial-form").addEventListener("submit", event => {
    event.preventDefault();
    if (call) hangUp(); else dial();
  });
  at("words-form").addEventListener("submit", event => { event.preventDefault(); sayWords(); });
  at("microphone").addEventListener("click", () => microphone ? closeMicrophone() : openMicrophone());
  at("file").addEventListener("change", () => at("file").files[0] && speakFile(at("file").files[0]));
  at("sound").addEventListener("change", () => { player.muted = !at("sound").checked; });
  document.addEventListener("keydown", event => {
    const typing = event.target.matches("input[type=text], input[type=tel]") && !event.target.readOnly;
    if (call && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && event.key in TONES) {
      event.preventDefault();
      press(event.key);
    }
  });
  addEventListener("pagehide", () => {
    if (call) navigator.sendBeacon(`/phones/calls/${call.sid}/hangup`);
  });
  setInterval(() => {
    const seconds = call && call.since ? Math.floor((Date.now() - call.since) / 1000) : null;
    at("clock").textContent = seconds === null ? "" : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }, 500);

  speakLanguage(language);
  show("idle");
  ask("/phones/lines").then(({ lines }) => {
    for (const line of lines) at("lines").append(Object.assign(document.createElement("option"), { value: line.number, label: line.name }));
    if (lines.length && !at("to").value) at("to").value = lines[0].number;
  }).catch(() => problem(words().lost));
}
