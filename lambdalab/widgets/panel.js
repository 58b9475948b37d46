// A panel in the page: what can be moved, what it shows, and the same in words.

let panels = 0;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Each maker returns a row and `put`, which moves the control to a value without telling anyone.

function slider(control, id, tell) {
  const last = control.places.length - 1;
  const input = element("input", { id, type: "range", min: 0, max: last, step: 1 });
  const output = element("output", { for: id });
  const write = () => {
    output.textContent = control.texts[input.value];
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    write();
    tell(control.places[input.value]);
  });
  const put = (value) => {
    const distances = control.places.map((place) => Math.abs(place - value));
    input.value = distances.indexOf(Math.min(...distances));
    write();
  };
  return { parts: [element("label", { for: id }, control.label), input, output], put };
}

function choice(control, id, tell) {
  const options = control.options.map(([value, text]) => element("option", { value }, text));
  const select = element("select", { id }, ...options);
  select.addEventListener("change", () => tell(select.value));
  const put = (value) => { select.value = value; };
  return { parts: [element("label", { for: id }, control.label), select], put };
}

function toggle(control, id, tell) {
  const input = element("input", { id, type: "checkbox" });
  input.addEventListener("change", () => tell(input.checked));
  const put = (value) => { input.checked = value; };
  return { parts: [element("label", { for: id }, control.label), input], put };
}

const MAKERS = { slider, choice, switch: toggle };

export function row(control, id, tell) {
  const made = MAKERS[control.kind](control, id, tell);
  const box = element("div", { class: `lambdalab-control lambdalab-${control.kind}` });
  box.append(...made.parts);
  return { box, put: made.put };
}

// The page asks for one picture at a time: what is moved while the kernel draws is asked for when
// it has answered, and only where the controls stand by then.
function conversation(model) {
  let values = { ...model.get("asked").values };
  let waiting = false;
  const moved = new Set();
  // The kernel may put controls elsewhere meanwhile, under the number of an older question.
  let number = 0;
  const ask = () => {
    waiting = true;
    number = Math.max(number, model.get("asked").number) + 1;
    model.set("asked", { number, values: { ...values }, moved: [...moved] });
    moved.clear();
    model.save_changes();
  };
  return {
    move(name, value) {
      values[name] = value;
      moved.add(name);
      if (!waiting) ask();
    },
    answered() {
      waiting = waiting && model.get("shown").number < number;
      if (!waiting && moved.size) ask();
    },
    reset() {
      if (!waiting) values = { ...model.get("asked").values };
      return values;
    },
  };
}

function controlsOf(model, id, talk) {
  const rows = new Map();
  const box = element("div", { class: "lambdalab-controls", role: "group" });
  box.setAttribute("aria-label", "Settings");
  for (const control of model.get("controls")) {
    if (control.kind === "action") {
      const button = element("button", { type: "button" }, control.label);
      button.addEventListener("click", () => model.send({ start: control.name }));
      box.append(element("div", { class: "lambdalab-control lambdalab-action" }, button));
      continue;
    }
    const made = row(control, `${id}-${control.name}`, (value) => talk.move(control.name, value));
    made.box.dataset.name = control.name;
    rows.set(control.name, made);
    box.append(made.box);
  }
  const put = () => {
    const values = talk.reset();
    for (const [name, made] of rows) made.put(values[name]);
  };
  put();
  return { box, put };
}

function questionOf(model, id) {
  const question = model.get("question");
  const box = element("div", { class: "lambdalab-question" });
  if (!question.text) return { box, draw: () => {} };
  let guess = question.value;
  const made = row(question.control, `${id}-guess`, (value) => { guess = value; });
  made.put(guess);
  const button = element("button", { type: "button" }, "Show what happens");
  button.addEventListener("click", () => model.send({ guess }));
  box.append(element("p", {}, question.text), made.box, button);
  const draw = () => { button.hidden = model.get("guessed"); };
  draw();
  return { box, draw };
}

function pictureOf(model, id) {
  const picture = element("div", { class: "lambdalab-picture", tabindex: 0, role: "group" });
  picture.setAttribute("aria-label", "Picture");
  const verdict = element("p", { class: "lambdalab-verdict" });
  const answer = element("p", { class: "lambdalab-answer" });
  const table = element("div", { class: "lambdalab-table", tabindex: 0, role: "region" });
  table.setAttribute("aria-label", "The data as a table");
  const details = element("details", {}, element("summary", {}, "The data as a table"), table);
  const words = element("div", { "aria-live": "polite" }, answer, verdict);
  const box = element("div", { class: "lambdalab-shown" }, words, picture, details);
  const draw = () => {
    const shown = model.get("shown");
    box.hidden = !shown.picture;
    answer.textContent = model.get("answer");
    if (!shown.picture) return;
    picture.innerHTML = shown.picture;
    table.innerHTML = shown.table;
    if (verdict.textContent !== shown.verdict) verdict.textContent = shown.verdict;
    box.dataset.number = shown.number;
  };
  draw();
  return { box, draw };
}

function troubleOf(model) {
  const error = element("p", { class: "lambdalab-error", role: "alert" });
  const text = element("span", {});
  const stop = element("button", { type: "button" }, "Stop");
  stop.addEventListener("click", () => model.send({ stop: true }));
  const busy = element("p", { class: "lambdalab-busy", role: "status" }, text, stop);
  const draw = () => {
    error.textContent = model.get("error");
    error.hidden = !error.textContent;
    text.textContent = model.get("busy");
    stop.hidden = !text.textContent;
    busy.classList.toggle("lambdalab-idle", !text.textContent);
  };
  draw();
  return { parts: [error, busy], draw };
}

// JupyterLab takes keys such as the arrows for itself, unless the very element with the focus forbids.
export function keepKeys(whole) {
  for (const each of whole.querySelectorAll("input, select, button, summary, [tabindex]")) {
    each.setAttribute("data-lm-suppress-shortcuts", "true");
  }
}

export function draw({ model, el }) {
  const id = `lambdalab-${++panels}`;
  const talk = conversation(model);
  const heading = element("p", { class: "lambdalab-heading", id }, model.get("heading"));
  const controls = controlsOf(model, id, talk);
  const question = questionOf(model, id);
  const picture = pictureOf(model, id);
  const trouble = troubleOf(model);
  const whole = element("section", { class: "lambdalab-panel", "aria-labelledby": id });
  whole.append(heading, controls.box, question.box, ...trouble.parts, picture.box);
  keepKeys(whole);
  el.append(whole);
  const on = [
    ["change:shown", () => { picture.draw(); talk.answered(); }],
    ["change:answer", () => { question.draw(); picture.draw(); }],
    ["change:asked", controls.put],
    ["change:error", trouble.draw],
    ["change:busy", trouble.draw],
  ];
  for (const [event, act] of on) model.on(event, act);
  return () => on.forEach(([event, act]) => model.off(event, act));
}

export default { render: draw };
