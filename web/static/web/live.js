// What a form would mean, said while it is typed; its own button asks the same where scripts are off.
"use strict";
document.querySelectorAll("form[data-live]").forEach((form) => {
  const told = form.parentElement.querySelector("[data-told]");
  let waiting = 0, asked = 0;
  const ask = async () => {
    const fields = new FormData(form);
    ["csrfmiddlewaretoken", "reason"].forEach((name) => fields.delete(name));
    if (![...fields.values()].some((value) => value)) {
      told.hidden = true;
      return;
    }
    const mine = ++asked;
    const answer = await fetch(`${form.dataset.live}?${new URLSearchParams(fields)}`, { credentials: "same-origin" }).catch(() => null);
    if (mine !== asked || !answer || !answer.ok) return;
    told.textContent = (await answer.json()).said;
    told.hidden = false;
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 250);
  });
});
