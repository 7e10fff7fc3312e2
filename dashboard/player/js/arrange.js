// The songs of a playlist in an order that the listener changes: by buttons, keys and dragging, several at once. The list
// changes at once; the changes are sent one after the other, and a list that was changed elsewhere is read again.
const arrangeable = (root, playlist, changed) => {
  Object.assign(root, { __playlist: playlist, __changed: changed });
  root.__remove = (elements) => arrange(root, elements, null);
  root.__move = (elements, step) => {
    const items = chosenItems(root, elements), places = items.map(({ place }) => place);
    arrange(root, elements, (step < 0 ? Math.min(...places) : Math.max(...places) - places.length + 1) + step);
  };
  if (root.__arranged) return;
  root.__arranged = true;
  const mark = (element, name) => {
    for (const one of root.querySelectorAll(".drop-before, .drop-after")) one.classList.remove("drop-before", "drop-after");
    if (element) element.classList.add(name);
  };
  const target = (event) => {
    const element = root.__selection?.at(event);
    if (!element || dragged?.selection.root !== root) return null;
    const { top, height } = element.getBoundingClientRect();
    return { element, below: event.clientY > top + height / 2 };
  };
  root.addEventListener("dragover", (event) => {
    const at = target(event);
    if (!at) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    mark(at.element, at.below ? "drop-after" : "drop-before");
  });
  root.addEventListener("dragleave", () => mark(null));
  root.addEventListener("drop", (event) => {
    const at = target(event);
    mark(null);
    if (!at) return;
    event.preventDefault();
    const { elements } = dragged, places = new Set(chosenItems(root, elements).map(({ place }) => place));
    const before = at.element.__item.place + (at.below ? 1 : 0);
    closeTray();
    arrange(root, elements, before - [...places].filter((place) => place < before).length);
  });
};

const chosenItems = (root, elements) => elements.map(({ __item }) => __item).sort((a, b) => a.place - b.place);

const arrange = (root, elements, to) => {
  const chosen = chosenItems(root, elements), gone = new Set(chosen), { __data: data } = root;
  if (!chosen.length) return;
  const items = data.items.filter((item) => !gone.has(item)), at = to === null ? 0 : Math.max(0, Math.min(to, items.length));
  const body = { tracks: chosen.map(({ place: from, id }) => ({ place: from, track: id })), to: to === null ? null : at };
  if (to !== null) items.splice(at, 0, ...chosen);
  const focused = root.getRootNode().activeElement, name = focused?.getAttribute("aria-label"), element = focused?.closest("article");
  const next = element && (gone.has(element.__item) && to === null ? root.querySelectorAll("article")[Math.min(chosen[0].place, items.length)] : element);
  for (const [number, item] of items.entries()) item.place = number; // the elements of songs stay, so that focus and covers do
  glide(root, () => {
    root.__data = { ...data, items };
    const known = new Map([...root.children].map((one) => [one.__item, one]));
    for (const one of known.values()) if (gone.has(one.__item) && to === null) one.remove();
    for (const item of items) root.append(known.get(item));
    for (const one of root.querySelectorAll("article")) {
      ends(one, items.length - 1);
      one.dataset.drawn = drawnOf(data, one.__item);
    }
  });
  root.__selection?.prune();
  (element?.isConnected ? [...element.querySelectorAll("button:not(:disabled)")].find((one) => one.getAttribute("aria-label") === name) ?? element.querySelector("a") : next?.querySelector("a, button"))?.focus({ preventScroll: true });
  send(root, body);
};

// The first song cannot go up, nor the last one down.
const ends = (element, last) => {
  const { place: at } = element.__item;
  element.querySelector("[data-way=up]").disabled = at === 0;
  element.querySelector("[data-way=down]").disabled = at >= last;
};

const send = (root, body) => {
  root.__waiting = (root.__waiting ?? 0) + 1;
  const say = (text) => engineHere()?.say(text);
  root.__sending = (root.__sending ?? Promise.resolve()).then(async () => {
    try {
      const answer = root.__refused ? { ok: false, status: 409 } : await post(`/api/playlists/${root.__playlist}/order`, body);
      if (answer.ok) root.__version = (await answer.json()).version; // older data of the page are late
      else {
        root.__refused = true; // the changes that follow belong to a list that is not the server's
        say(answer.status === 409 ? gettext("The playlist was changed elsewhere. It is shown again.") : gettext("Something went wrong. Try again."));
      }
    } catch { root.__refused = true; say(gettext("The server does not respond")); }
    root.__waiting -= 1;
    if (root.__waiting) return;
    if (root.__refused) { root.__version = 0; place(root, JSON.parse(root.__given)); }
    root.__refused = false;
    root.__changed(); // the page says the new length
  });
};
