// A line of goals: numbers dragged, and what the line would mean said beside them, without a reload.
"use strict";
(() => {
  const form = document.querySelector("form[data-preview]");
  if (!form) return;
  const field = (id) => document.getElementById(id);
  const parts = ["sentence", "side", "teams"];
  const part = (root, name) => root.querySelector(`[data-part=${name}]`);
  const LONGEST = 6000;
  let waiting = 0, going = null;
  const link = form.querySelector("[data-link]");

  // Numbers are dragged as well as typed; what is dragged is written into its field.
  const drags = [...form.querySelectorAll("input[data-drags]")];
  const number = (text) => Number.parseFloat(text.replace(/,/g, ""));
  const follow = () => drags.forEach((range) => {
    const typed = number(field(range.dataset.drags).value);
    if (!Number.isNaN(typed) && document.activeElement !== range) range.value = typed;
  });
  drags.forEach((range) => {
    range.hidden = false;
    range.addEventListener("input", () => { field(range.dataset.drags).value = range.value + range.dataset.unit; });
  });
  const weeks = form.querySelector("input[data-due]");
  const start = field(weeks.dataset.start), due = field(weeks.dataset.due);
  const DAY = 864e5;
  const followDue = () => {
    const days = (due.valueAsNumber - start.valueAsNumber) / DAY;
    if (days > 0 && document.activeElement !== weeks) weeks.value = Math.round(days / 7);
  };
  weeks.hidden = false;
  weeks.addEventListener("input", () => {
    if (start.value) due.valueAsNumber = start.valueAsNumber + weeks.value * 7 * DAY;
  });

  // Only what belongs to the choice made is shown.
  const choose = () => form.querySelectorAll("[data-when]").forEach((block) => {
    const [name, value] = block.dataset.when.split("=");
    block.hidden = form.elements[name].value !== value;
    if (!block.hidden) block.querySelectorAll("details").forEach((list) => { list.open = true; });
  });
  const filter = form.querySelector("[data-filters]");
  filter.addEventListener("input", (event) => {
    event.stopPropagation();
    const wanted = filter.value.toLowerCase();
    document.querySelectorAll(`#${filter.dataset.filters} > li`).forEach((line) => {
      line.hidden = !line.textContent.toLowerCase().includes(wanted) && !line.querySelector("input").checked;
    });
  });

  const swap = (text) => {
    const found = new DOMParser().parseFromString(text, "text/html");
    const held = document.activeElement && document.activeElement.id;
    parts.forEach((name) => {
      const here = part(document, name), there = part(found, name);
      const open = [...here.querySelectorAll("details")].map((one) => one.open);
      Object.assign(here.dataset, there.dataset);
      here.replaceChildren(...there.childNodes);
      here.querySelectorAll("details").forEach((one, at) => { one.open = open[at] || false; });
    });
    if (held && document.activeElement === document.body && field(held)) field(held).focus();
    const side = part(document, "side").dataset, range = drags.find((one) => one.dataset.drags === "line-target");
    Object.assign(range, { min: side.min, max: side.max, step: side.step });
    range.dataset.unit = side.unit;
    follow();
    tidy();
  };

  const ask = async () => {
    if (going) going.abort();
    const mine = going = new AbortController();
    const fields = new FormData(form);
    const short = new URLSearchParams([...fields].filter(([name]) => !["csrfmiddlewaretoken", "reason", "was", "find"].includes(name)));
    const query = `?${short}`, fits = query.length < LONGEST;
    const how = { credentials: "same-origin", signal: mine.signal };
    try {
      const answer = await (fits ? fetch(form.dataset.preview + query, how) : fetch(form.dataset.preview, { ...how, method: "POST", body: fields }));
      if (!answer.ok) throw new Error(String(answer.status));
      swap(await answer.text());
      if (link) Object.assign(link, { hidden: !fits, href: query });
      if (fits) history.replaceState(null, "", location.pathname + query);
    } catch (fault) {
      if (fault.name === "AbortError") return;
      part(document, "sentence").textContent = "What it would mean could not be asked just now. Preview and saving still work.";
    }
  };
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(ask, 120); };

  // The buttons of the page without scripts ask the same, in place.
  const tidy = () => document.querySelectorAll("[data-look]").forEach((button) => { button.hidden = button.form === form; });
  document.addEventListener("click", (event) => {
    const sort = event.target.closest("[data-sort]"), every = event.target.closest("[data-every]");
    if (!sort && !every) return;
    event.preventDefault();
    if (sort) field("sort").value = sort.dataset.sort;
    if (every) every.insertAdjacentHTML("afterend", '<input type="hidden" name="every" value="1" form="line">');
    ask();
  });
  form.addEventListener("submit", (event) => {
    if (!event.submitter || !("look" in event.submitter.dataset)) return;
    event.preventDefault();  // Enter in a field presses the first button there is
    ask();
  });
  const counted = form.querySelector("[data-chosen]");
  form.addEventListener("input", () => {
    counted.textContent = form.querySelectorAll("input[name=team]:checked").length;
    choose(); follow(); followDue(); soon();
  });
  document.addEventListener("change", (event) => { if (event.target.form === form && !form.contains(event.target)) soon(); });
  choose(); follow(); followDue(); tidy();
})();
