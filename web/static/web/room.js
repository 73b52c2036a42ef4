// In the room: what is typed is saved as it is typed, and of two who write at the same time nobody loses a line.
"use strict";
(() => {
  const SOON = 700, LATER = 5000;
  const json = { Accept: "application/json" };
  // Boxes that save themselves; what somebody else ticked meanwhile stays.
  document.querySelectorAll("form[data-saves]").forEach((form) => {
    const said = form.querySelector("[data-said]");
    form.querySelector("button").hidden = true;
    form.addEventListener("change", async (event) => {
      const was = event.target.closest("label").nextElementSibling, now = event.target.checked ? "yes" : "no";
      const body = new FormData(form), [who] = was.value.split(":");
      body.delete("was");
      body.append("was", was.value);
      was.value = `${who}:${now}`;
      try {
        const answer = await fetch(form.action, { method: "POST", body, headers: json, redirect: "manual" });
        if (!answer.ok) throw answer;
        said.textContent = `saved ${(await answer.json()).saved}`;
      } catch {
        said.textContent = "not saved: press the button to try again";
        was.value = `${who}:${now === "yes" ? "no" : "yes"}`;
        form.querySelector("button").hidden = false;
      }
    });
  });
  const form = document.querySelector("form[data-notes]");
  if (!form) return;
  const { notes: text, version, base } = form.elements;
  const said = form.querySelector("[data-said]"), panel = form.querySelector("[data-clash]"), key = form.dataset.notes;
  const part = (name) => panel.querySelector(`[data-${name}]`);
  let waiting = 0, sending = null, clash = null;
  const dirty = () => text.value !== base.value;
  const tell = (words) => { said.textContent = words; };
  // Kept in the page until it is saved, so that neither a lost connection nor a new look at the page loses it.
  const hold = () => {
    try {
      if (dirty()) sessionStorage.setItem(key, JSON.stringify({ text: text.value, base: base.value, version: version.value }));
      else sessionStorage.removeItem(key);
    } catch { /* no room to keep it: it stays in the field */ }
  };
  const take = (words, from, number) => {
    const at = [text.selectionStart, text.selectionEnd], top = text.scrollTop;
    text.value = words;
    base.value = from;
    version.value = number;
    text.setSelectionRange(...at);
    text.scrollTop = top;
    hold();
  };
  const later = (when) => { clearTimeout(waiting); waiting = setTimeout(save, when); };
  const show = (found, mine) => {
    clash = { ...found, mine };
    part("who").textContent = found.who;
    part("how").textContent = found.clean ? "You wrote different lines." : "You changed the same lines: both stand one after the other.";
    part("theirs").textContent = found.theirs;
    part("mine").textContent = mine;
    part("both").textContent = found.both;
    part("proposal").hidden = false;
    panel.hidden = false;
    tell("not saved: somebody wrote at the same time, see above");
  };
  const settled = () => { clash = null; panel.hidden = true; };
  const send = async () => {
    const mine = text.value, body = new FormData(form);
    tell("saving …");
    let answer;
    try {
      answer = await fetch(form.action, { method: "POST", body, headers: json, redirect: "manual" });
    } catch {
      tell("not saved: no connection. It is kept here, and sent again.");
      later(LATER);
      return false;
    }
    const found = (answer.headers.get("Content-Type") || "").includes("json") ? await answer.json() : {};
    if (answer.ok && found.saved) {
      base.value = mine;
      version.value = found.version;
      settled();
      tell(`saved ${found.saved}`);
      hold();
      if (dirty()) later(SOON);
      return true;
    }
    if (answer.status === 409 && found.both === found.theirs) {
      // All of mine is in what they wrote.
      if (text.value === mine) take(found.theirs, found.theirs, found.version);
      else later(SOON);
      settled();
      return true;
    }
    if (answer.status === 409) show(found, mine);
    else if (answer.status === 400 && found.problem) tell(`not saved: ${found.problem}`);
    else {
      tell(answer.type === "opaqueredirect" || answer.status === 403 ? "not saved: you are signed out. It is kept here: sign in in another window, then go on." : "not saved: something is wrong. It is kept here, and sent again.");
      later(LATER * 3);
    }
    return false;
  };
  const save = async () => {
    clearTimeout(waiting);
    if (sending) await sending;
    if (!dirty()) return true;
    sending = send();
    try { return await sending; } finally { sending = null; }
  };
  text.addEventListener("input", () => {
    hold();
    tell("not saved yet");
    later(SOON);
  });
  part("keep").addEventListener("click", async () => {
    // What was typed since both were shown belongs to it too.
    for (let tries = 0; clash && tries < 9; tries += 1) {
      if (text.value !== clash.mine) await save();
      else {
        take(clash.both, clash.theirs, clash.version);
        settled();
        await save();
      }
    }
    text.focus();
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.value === "end") {
      try { sessionStorage.removeItem(key); } catch { /* nothing was kept */ }
      return;
    }
    event.preventDefault();
    save();
  });
  // Other forms leave the page: what is typed goes first.
  document.addEventListener("submit", async (event) => {
    if (event.target === form || event.defaultPrevented || !dirty() || event.target.dataset.sent) return;
    event.preventDefault();
    event.target.dataset.sent = "yes";
    await save();
    event.target.requestSubmit(event.submitter);
  });
  // What others wrote comes in while nothing of one's own is open.
  const look = async () => {
    if (document.hidden || sending) return;
    try {
      const answer = await fetch(form.action, { headers: json, redirect: "manual" });
      if (!answer.ok) return;
      const found = await answer.json();
      if (found.seen !== form.dataset.seen) document.querySelector("[data-others]").hidden = false;
      if (String(found.version) === version.value || sending) return;
      if (dirty()) {
        if (!clash) later(0);
        return;
      }
      take(found.notes, found.notes, found.version);
      tell(`somebody wrote, ${found.at}`);
    } catch { /* no connection: the next look tells */ }
  };
  setInterval(look, LATER);
  addEventListener("online", () => later(0));
  let kept = null;
  try { kept = JSON.parse(sessionStorage.getItem(key)); } catch { /* nothing that can be read */ }
  if (panel.hidden && kept && kept.text !== text.value) {
    take(kept.text, kept.base, kept.version);
    tell("not saved yet");
    later(0);
  } else if (panel.hidden) hold();
})();
