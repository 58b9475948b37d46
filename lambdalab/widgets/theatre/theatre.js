
// The theatre: what the kernel has told of a run, played in the page. The kernel is told where it
// stands when it rests, and is asked for nothing, so that it plays on while a cell runs.

const REST = 300;
const PLACES = 400;

// How many of the sorted `rows` have a first member of at most `value`.
function until(rows, value) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle][0] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The axis: from a time to its place (0 to 1) and back; long waits are short on it.
function axisOf(knots) {
  const between = (from, to, value) => {
    let index = 1;
    let last = knots.length - 1;
    while (index < last) {
      const middle = (index + last) >> 1;
      if (knots[middle][from] < value) index = middle + 1;
      else last = middle;
    }
    const [before, after] = [knots[index - 1], knots[index]];
    const length = after[from] - before[from];
    const share = length > 0 ? (value - before[from]) / length : 0;
    return before[to] + Math.min(Math.max(share, 0), 1) * (after[to] - before[to]);
  };
  return { place: (time) => between(0, 1, time), time: (place) => between(1, 0, place) };
}

function laneOf(lane, words, several) {
  const who = element("span", { class: "lambdalab-lane-who" });
  who.append(element("b", {}, lane.environment), several ? ` ${lane.function}` : "");
  who.title = `${lane.environment} (${lane.function})`;
  const swatch = element("span", { class: "lambdalab-swatch" });
  const word = element("span");
  const doing = element("span", { class: "lambdalab-lane-state" }, swatch, word);
  const strip = element("div", { class: "lambdalab-strip" });
  for (const [kind, from, to] of lane.spans) {
    const span = element("div", { class: "lambdalab-span", "data-kind": kind });
    span.style.left = `${from * 100}%`;
    if (to > from) span.style.width = `${(to - from) * 100}%`;
    strip.append(span);
  }
  const name = element("div", { class: "lambdalab-lane-name" }, who, doing);
  const box = element("div", { class: "lambdalab-lane" }, name, strip);
  let shown = null;
  const draw = (time) => {
    const place = until(lane.states, time);
    if (place === shown) return;
    shown = place;
    const state = place ? lane.states[place - 1][1] : lane.first[0];
    word.textContent = state;
    swatch.dataset.kind = lane.refused && place ? "throttle" : words[state] ?? "";
  };
  return { box, draw };
}

// Environments as rows of a table: the same that `now.table()` has in Python.
function rowsOf(stage) {
  const body = element("tbody");
  const rows = stage.lanes.map((lane) => {
    const head = element("th", { scope: "row" }, lane.environment);
    const cells = ["", "", "", "", ""].map((text) => element("td", {}, text));
    body.append(element("tr", {}, head, ...cells));
    return { lane, cells, shown: null };
  });
  const heads = stage.headings.map((text) => element("th", { scope: "col" }, text));
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body);
  const draw = (time) => {
    for (const row of rows) {
      const place = until(row.lane.states, time);
      if (place === row.shown) continue;
      row.shown = place;
      const told = place ? row.lane.states[place - 1].slice(1) : row.lane.first;
      [row.lane.function, ...told].forEach((text, index) => {
        row.cells[index].textContent = text;
      });
    }
  };
  return { table, draw };
}

function rulerOf(stage) {
  const ruler = element("div", { class: "lambdalab-ruler" });
  const put = (place, text, name, width) => {
    const label = element("span", { class: name }, text);
    // At the edges a label stays inside.
    const half = text.length * 3.5;
    label.classList.toggle("lambdalab-left", place * width < half);
    label.classList.toggle("lambdalab-right", (1 - place) * width < half);
    label.style.left = `${place * 100}%`;
    ruler.append(label);
  };
  // As many labels as have room.
  const draw = (width) => {
    ruler.replaceChildren();
    for (const [from, to] of stage.cuts) {
      const cut = element("i");
      cut.style.left = `${from * 100}%`;
      cut.style.width = `${(to - from) * 100}%`;
      ruler.append(cut);
    }
    const fill = (labels, room, name) => {
      let last = -room;
      for (const [place, text] of labels) {
        if (place * width - last < room) continue;
        last = place * width;
        put(place, text, name, width);
      }
    };
    fill(stage.ticks, 80, "lambdalab-tick");
    fill(stage.cuts.map(([from, to, text]) => [(from + to) / 2, text]), 110, "lambdalab-cut");
  };
  return { ruler, draw };
}

function keyOf(stage) {
  const items = stage.kinds.map(([kind, name]) => {
    const swatch = element("span", { class: "lambdalab-swatch", "data-kind": kind });
    return element("li", {}, swatch, name);
  });
  return element("ul", { class: "lambdalab-key" }, ...items);
}

// What of one replay is drawn; `draw` takes a time and its place.
function sceneOf(stage) {
  const several = new Set(stage.lanes.map((lane) => lane.function)).size > 1;
  const lanes = stage.lanes.map((lane) => laneOf(lane, stage.words, several));
  const ruler = rulerOf(stage);
  const axis = element("div", { class: "lambdalab-axis" }, element("span"), ruler.ruler);
  const picture = element("div", { class: "lambdalab-lanes", role: "img", "aria-label": stage.alt });
  picture.classList.toggle("lambdalab-several", several);
  picture.append(...lanes.map((lane) => lane.box), axis);
  const rows = rowsOf(stage);
  const draw = (time, place) => {
    picture.style.setProperty("--lambdalab-moment", `${place * 100}%`);
    for (const lane of lanes) lane.draw(time);
    rows.draw(time);
  };
  return { picture, table: rows.table, key: keyOf(stage), draw, fit: ruler.draw };
}

// What moves the moment: the scene is drawn anew with each movement.
function transportOf(model, id) {
  const button = (text, name) => element("button", { type: "button", class: name }, text);
  const [back, play, on] = [button("Previous", ""), button("Play", "lambdalab-play"), button("Next", "")];
  const scrub = element("input", { id: `${id}-time`, type: "range", min: 0, max: PLACES, step: 1 });
  const clock = element("output", { for: `${id}-time`, class: "lambdalab-clock" });
  const now = element("p", { class: "lambdalab-now" });
  const aside = element("p", { class: "lambdalab-aside", role: "status" });
  const speed = row(model.get("speeds"), `${id}-speed`, (value) => {
    model.set("speed", value);
    model.save_changes();
  });
  speed.put(model.get("speed"));

  let stage = null;
  let scene = null;
  let axis = null;
  let time = 0;
  let place = 0;
  let frame = null;
  let resting = null;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  const happened = () => until(stage.happenings, time);
  const draw = () => {
    const count = happened();
    const text = count ? stage.happenings[count - 1][1] : "nothing has happened yet";
    if (now.textContent !== text) now.textContent = text;
    clock.textContent = `${time.toFixed(3)} s`;
    scrub.value = Math.round(place * PLACES);
    scrub.setAttribute("aria-valuetext", clock.textContent);
    scene.draw(time, place);
  };
  // When it rests, the kernel learns where it stands, and whoever listens what happens there.
  const rest = () => {
    clearTimeout(resting);
    resting = setTimeout(() => {
      resting = null;
      if (!stage || frame !== null) return;
      aside.textContent = `${clock.textContent}: ${now.textContent}`;
      if (model.get("time") !== time) {
        model.set("time", time);
        model.save_changes();
      }
    }, REST);
  };
  const seek = (to) => {
    time = to;
    place = axis.place(to);
    draw();
    rest();
  };
  const pause = () => {
    if (frame !== null) cancelAnimationFrame(frame);
    frame = null;
    play.textContent = "Play";
    rest();
  };
  const seconds = () => {
    const pace = model.get("speed");
    return pace === "real" ? stage.seconds : Number(pace);
  };
  const start = () => {
    if (place >= 1) seek(0);
    play.textContent = "Pause";
    aside.textContent = "";
    let before = performance.now();
    let shown = happened();
    const next = (moment) => {
      place = Math.min(1, place + Math.max(0, moment - before) / 1000 / seconds());
      before = moment;
      time = axis.time(place);
      // Whoever wants no motion sees one moment after the other.
      if (!still.matches || happened() !== shown || place >= 1) draw();
      shown = happened();
      if (place >= 1) pause();
      else frame = requestAnimationFrame(next);
    };
    frame = requestAnimationFrame(next);
  };
  const step = (steps) => {
    pause();
    const times = stage.happenings;
    let index = happened() - 1;
    if (steps < 0 && index >= 0 && times[index][0] < time) index += 1;
    seek(times[Math.min(Math.max(index + steps, 0), times.length - 1)][0]);
  };
  play.addEventListener("click", () => (frame === null ? start() : pause()));
  back.addEventListener("click", () => step(-1));
  on.addEventListener("click", () => step(1));
  scrub.addEventListener("input", () => {
    pause();
    place = scrub.value / PLACES;
    time = Math.round(axis.time(place) * 1e6) / 1e6;
    draw();
    rest();
  });

  const bar = element("div", { class: "lambdalab-transport", role: "group", "aria-label": "Play" });
  bar.append(back, play, on, speed.box);
  const line = element("div", { class: "lambdalab-scrub" });
  line.append(element("label", { for: `${id}-time` }, "Moment"), scrub, clock);
  return {
    parts: [bar, line, now, aside],
    take(told, made) {
      // Where the reader has moved it to may be news to the kernel.
      const moved = stage !== null && (resting !== null || frame !== null);
      pause();
      [stage, scene, axis] = [told, made, axisOf(told.knots)];
      const last = stage.happenings[stage.happenings.length - 1][0];
      seek(Math.min(moved ? time : model.get("time"), last));
    },
    follow() {
      if (stage && model.get("time") !== time) {
        pause();
        seek(model.get("time"));
      }
    },
    hurry: () => speed.put(model.get("speed")),
    stop: pause,
  };
}

function stageOf(model, id) {
  const transport = transportOf(model, id);
  const verdict = element("p", { class: "lambdalab-verdict" });
  const answer = element("p", { class: "lambdalab-answer" });
  const words = element("div", { "aria-live": "polite" }, answer, verdict);
  const scene = element("div", { class: "lambdalab-scene" });
  const region = (label, name) => {
    const box = element("div", { class: `lambdalab-table ${name}`, tabindex: 0, role: "region" });
    box.setAttribute("aria-label", label);
    return { box, whole: element("details", {}, element("summary", {}, label), box) };
  };
  const states = region("Every environment at this moment, as a table", "lambdalab-states");
  const table = region("The whole run as a table", "lambdalab-run");
  const played = element("div", {}, ...transport.parts, scene, states.whole);
  const box = element("div", { class: "lambdalab-shown" }, words, played, table.whole);
  let fit = () => {};
  const sizes = new ResizeObserver(() => {
    box.classList.toggle("lambdalab-slim", box.clientWidth < 560);
    const strip = scene.querySelector(".lambdalab-ruler");
    if (strip) fit(strip.clientWidth);
  });
  sizes.observe(box);
  let before = null;
  const draw = () => {
    const shown = model.get("shown");
    box.hidden = !shown.verdict;
    answer.textContent = model.get("answer");
    if (!shown.verdict) return;
    if (verdict.textContent !== shown.verdict) verdict.textContent = shown.verdict;
    table.box.innerHTML = shown.table;
    played.hidden = !shown.stage.lanes;
    table.whole.hidden = played.hidden;
    if (shown.stage.lanes && shown.stage !== before) {
      before = shown.stage;
      const made = sceneOf(shown.stage);
      scene.replaceChildren(made.picture, made.key);
      states.box.replaceChildren(made.table);
      fit = made.fit;
      transport.take(shown.stage, made);
      fit(scene.querySelector(".lambdalab-ruler").clientWidth);
    }
    box.dataset.number = shown.number;
  };
  draw();
  const end = () => {
    transport.stop();
    sizes.disconnect();
  };
  return { box, draw, end, follow: transport.follow, hurry: transport.hurry };
}

function drawTheatre({ model, el }) {
  const id = `lambdalab-${++panels}`;
  const talk = conversation(model);
  const heading = element("p", { class: "lambdalab-heading", id }, model.get("heading"));
  const controls = controlsOf(model, id, talk);
  controls.box.hidden = !model.get("controls").length;
  const question = questionOf(model, id);
  const stage = stageOf(model, id);
  const trouble = troubleOf(model);
  const whole = element("section", { class: "lambdalab-panel", "aria-labelledby": id });
  whole.append(heading, controls.box, question.box, ...trouble.parts, stage.box);
  keepKeys(whole);
  el.append(whole);
  const on = [
    ["change:shown", () => { stage.draw(); talk.answered(); }],
    ["change:answer", () => { question.draw(); stage.draw(); }],
    ["change:asked", controls.put],
    ["change:error", trouble.draw],
    ["change:busy", trouble.draw],
    ["change:time", stage.follow],
    ["change:speed", stage.hurry],
  ];
  for (const [event, act] of on) model.on(event, act);
  return () => {
    stage.end();
    on.forEach(([event, act]) => model.off(event, act));
  };
}

export default { render: drawTheatre };
