"use strict";
(() => {
  const data = JSON.parse(document.getElementById("topics-data").textContent);
  const map = document.getElementById("map");
  const circles = [...map.querySelectorAll(".topic")];
  const radii = circles.map((g) => Number(g.querySelector("circle").getAttribute("r")));
  const slider = document.getElementById("lambda");
  const shown = document.getElementById("lambda-value");
  const select = document.getElementById("chosen");
  const list = document.getElementById("terms");
  const title = document.getElementById("terms-title");
  const examples = document.getElementById("examples");
  const raised = document.getElementById("raised");
  let chosen = null; // place of a topic, or null for all

  const number = (x) =>
    x >= 99.5 ? Math.round(x).toLocaleString("en") : x >= 9.95 ? x.toFixed(0) : x.toFixed(1);
  const percent = (x) => `${(100 * x).toFixed(1)} %`;

  // The words to show: [word, tokens in the topic or null, tokens in all topics], the first first.
  function ranked() {
    if (chosen === null) return data.salient.map((w) => [w, null, data.all[w]]);
    const topic = data.topics[chosen];
    const weight = Number(slider.value);
    return topic.w
      .map((w, i) => {
        const p = Math.log(topic.p[i]);
        return [weight * p + (1 - weight) * (p - data.logp[w]), w, topic.p[i] * topic.tokens];
      })
      .sort((a, b) => b[0] - a[0] || a[1] - b[1])
      .slice(0, data.bars)
      .map(([, w, tokens]) => [w, tokens, Math.max(tokens, data.all[w])]);
  }

  function element(name, className, text) {
    const found = document.createElement(name);
    if (className) found.className = className;
    if (text !== undefined) found.textContent = text;
    return found;
  }

  function draw() {
    const words = ranked();
    const most = Math.max(...words.map((one) => one[2]), 1e-300);
    list.replaceChildren(
      ...words.map(([w, own, all]) => {
        const line = element("li");
        line.tabIndex = 0;
        line.dataset.word = data.words[w];
        const word = element("span", "word", data.words[w]);
        word.title = data.words[w];
        const track = element("span", "track");
        const everywhere = element("i", "everywhere");
        everywhere.style.width = `${(100 * all) / most}%`;
        track.append(everywhere);
        line.ariaLabel =
          own === null
            ? `${data.words[w]}: ${number(all)} tokens in all topics`
            : `${data.words[w]}: ${number(own)} tokens in the topic of ${number(all)} in all`;
        if (own !== null) {
          const part = element("i", "own");
          part.style.width = `${(100 * own) / most}%`;
          track.append(part);
        }
        line.append(word, track, element("span", "value", number(own === null ? all : own)));
        for (const event of ["mouseenter", "focus"]) line.addEventListener(event, () => locate(w));
        for (const event of ["mouseleave", "blur"]) line.addEventListener(event, () => locate(null));
        return line;
      }),
    );
    const topic = chosen === null ? null : data.topics[chosen];
    title.textContent =
      topic === null
        ? "The words that tell most about which topic a token is from; tokens in all topics."
        : `Topic ${topic.k}: ${percent(topic.share)} of the tokens, about ${number(topic.tokens)}. ` +
          "The most relevant words, with expected tokens in the topic.";
    shown.textContent = Number(slider.value).toFixed(2);
  }

  // Show on the map where the tokens of a word are; null: how large the topics are.
  function locate(w) {
    const share = new Map();
    if (w !== null) {
      const where = data.where[w];
      for (let i = 0; i < where.length; i += 2) share.set(where[i], where[i + 1]);
    }
    circles.forEach((g, place) => {
      const r = w === null ? radii[place] : 55 * Math.sqrt(share.get(place) || 0);
      g.querySelector("circle").setAttribute("r", r.toFixed(1));
    });
    raise();
  }

  // A copy of the chosen circle above its neighbours, which can be clicked through it.
  function raise() {
    raised.replaceChildren();
    if (chosen === null) return;
    for (const name of ["circle", "text"]) {
      raised.append(circles[chosen].querySelector(name).cloneNode(true));
    }
  }

  function choose(place, focus) {
    chosen = place;
    circles.forEach((g, i) => {
      const own = i === place;
      g.setAttribute("aria-selected", own);
      g.tabIndex = own || (place === null && i === 0) ? 0 : -1;
    });
    if (place !== null && focus) circles[place].focus({ preventScroll: true });
    select.value = place === null ? "" : String(place);
    slider.disabled = place === null;
    raise();
    if (examples) {
      examples.replaceChildren();
      const held = place === null ? null : document.getElementById(`examples-${place}`);
      if (held) {
        examples.append(element("h3", "", `Example documents of topic ${data.topics[place].k}`));
        const beside = element("div", "columns");
        for (const p of held.querySelectorAll("p")) beside.append(p.cloneNode(true));
        examples.append(beside);
      }
    }
    draw();
  }

  map.addEventListener("click", (event) => {
    const g = event.target.closest(".topic");
    choose(g ? Number(g.dataset.place) : null, true);
  });
  map.addEventListener("keydown", (event) => {
    const last = circles.length - 1;
    const at = circles.indexOf(document.activeElement);
    const moves = {
      ArrowRight: Math.min(last, (chosen === null ? -1 : at) + 1),
      ArrowLeft: Math.max(0, at - 1),
      Home: 0,
      End: last,
      Enter: at,
      " ": at,
    };
    moves.ArrowDown = moves.ArrowRight;
    moves.ArrowUp = moves.ArrowLeft;
    if (event.key === "Escape") choose(null, false);
    else if (event.key in moves && moves[event.key] >= 0) choose(moves[event.key], true);
    else return;
    event.preventDefault();
  });
  slider.addEventListener("input", draw);
  select.addEventListener("change", () => choose(select.value === "" ? null : Number(select.value), false));
  for (const button of document.querySelectorAll(".go")) {
    const place = Number(button.dataset.place);
    if (place > circles.length - 1) continue;
    button.disabled = false;
    button.addEventListener("click", () => {
      choose(place, true);
      document.getElementById("explore").scrollIntoView();
    });
  }
  select.disabled = false;
  choose(circles.length ? 0 : null, false);
})();
