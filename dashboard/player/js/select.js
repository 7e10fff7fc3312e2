// Several entries of a list at once. With a mouse as in a list of files: a click chooses an entry, ctrl-click adds one,
// shift-click all up to it. By keys: Ctrl+Space, Shift with the arrows, Ctrl+A, Escape. By touch: "Select" in the menu
// that a long press opens, then checkboxes.
const HELD_MS = 500, HELD_PX = 10;
const CONTROLS = "a, button, input, select, textarea, .menu";

class Selection {
  constructor(root) {
    Object.assign(this, { root, chosen: new Set(), from: null });
    root.addEventListener("click", (event) => this.click(event), true);
    root.addEventListener("dblclick", (event) => this.doubleClick(event));
    root.addEventListener("mousedown", (event) => { if (event.shiftKey && this.at(event)) event.preventDefault(); }); // no text is marked
    root.addEventListener("contextmenu", (event) => this.menu(event));
    root.addEventListener("pointerdown", (event) => this.hold(event));
    for (const end of ["pointerup", "pointercancel", "pointerleave", "scroll"]) root.addEventListener(end, () => clearTimeout(this.holding));
    root.addEventListener("pointermove", ({ clientX, clientY }) => { if (Math.hypot(clientX - this.x, clientY - this.y) > HELD_PX) clearTimeout(this.holding); });
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("dragstart", (event) => this.drag(event));
    root.addEventListener("dragend", () => closeTray());
  }
  get all() { return [...this.root.children].filter((element) => element.__item); }
  at(event) { const element = event.composedPath().find((one) => one.__item && this.root.contains(one)); return element ?? null; }
  get elements() { return this.all.filter((element) => this.chosen.has(element)); }

  // --- choosing
  click(event) {
    const element = this.at(event);
    if (this.swallowed && !event.target.closest(".menu, .many")) { this.swallowed = false; event.preventDefault(); event.stopPropagation(); return; } // the end of a long press
    if (!element || event.button || event.target.closest(CONTROLS)) return;
    if (event.shiftKey) this.extend(element);
    else if (event.ctrlKey || event.metaKey || this.touched) this.toggle(element);
    else this.only(element);
  }
  only(element) { this.chosen = new Set([element]); this.from = element; this.show(); }
  toggle(element) {
    if (!this.chosen.delete(element)) this.chosen.add(element);
    this.from = element;
    this.show();
  }
  extend(element) { // all from the last chosen entry to this one
    const { all } = this, [first, last] = [all.indexOf(this.from), all.indexOf(element)].sort((a, b) => a - b);
    this.chosen = new Set(all.slice(Math.max(0, first), last + 1));
    if (!this.from) this.from = element;
    this.show();
  }
  clear() { this.chosen.clear(); this.touched = false; this.show(); }
  prune() { this.chosen = new Set(this.elements); this.show(); }
  show() {
    const { all, chosen } = this, boxes = chosen.size > 1 || this.touched;
    for (const element of all) {
      element.classList.toggle("chosen", chosen.has(element));
      let box = element.querySelector(":scope > .box");
      if (boxes && !box) element.append(box = h("input", { type: "checkbox", class: "box", onchange: () => this.toggle(element) }));
      else if (!boxes && box) box.remove();
      if (!boxes) continue;
      box.checked = chosen.has(element);
      box.setAttribute("aria-label", gettext("Select {title}", { title: titleOf(element.__item) }));
    }
    this.bar();
  }
  bar() { // above the player, where it moves nothing
    const several = this.chosen.size > 1 || (this.touched && this.chosen.size > 0);
    if (!several) { this.actions?.remove(); this.actions = null; return; }
    if (!this.actions?.isConnected) {
      const act = (name, text, does) => h("button", { type: "button", "aria-label": text, title: text, onclick: does }, icon(name));
      const songs = async (does) => { const items = await Promise.resolve(this.songs()).catch(() => []), engine = engineHere(); if (engine && items.length) does(engine, items); };
      this.status = h("span", { role: "status" });
      this.actions = h("div", { class: "many", role: "group", popover: "manual", "aria-label": gettext("Selected entries") }, this.status,
        act("play", gettext("Play"), () => songs((e, items) => e.playAll(items))),
        act("playnext", gettext("Play next"), () => songs((e, items) => e.playNext(...items))),
        act("add", gettext("Add to the queue"), () => songs((e, items) => e.add(...items))),
        ...(this.root.__remove ? [act("remove", gettext("Remove from the playlist"), () => this.root.__remove(this.elements))] : []),
        act("more", gettext("More options"), (event) => showMenu(event.currentTarget, this.subject(null))),
        act("close", gettext("Select nothing"), () => this.clear()));
      this.root.parentNode.append(this.actions);
      this.actions.showPopover();
    }
    const text = ngettext("{count} selected", "{count} selected", this.chosen.size);
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  // --- actions on the entries
  songs(elements = this.elements) {
    const { __data: data } = this.root;
    return data.show && !data.songs ? Promise.all(elements.map(({ __item }) => songsOf(data.show, __item.id))).then((lists) => lists.flat()) : elements.map(({ __item }) => __item);
  }
  subject(element) { // of the menu: all chosen entries, or the one below the pointer
    const elements = !element || this.chosen.has(element) ? this.elements : [element];
    const { __data: data } = this.root, song = !data.show || data.songs, [one] = elements, single = elements.length === 1;
    const others = [
      ...(single && !song ? [["next", gettext("Open"), () => visit(one.__item.href)]] : []),
      ...(this.root.__remove ? [["remove", gettext("Remove from the playlist"), () => this.root.__remove(elements)]] : []),
      this.chosen.has(one) ? ["close", gettext("Select nothing"), () => this.clear()] : ["select", gettext("Select"), () => { this.touched = true; this.toggle(one); }],
    ];
    return { title: single ? titleOf(one.__item) : ngettext("{count} selected", "{count} selected", elements.length), item: single && song ? one.__item : null, songs: () => this.songs(elements), others };
  }
  menu(event) {
    const element = this.at(event);
    if (!element || event.target.closest("input, .menu")) return;
    event.preventDefault();
    clearTimeout(this.holding);
    if (this.menuAt && performance.now() - this.menuAt < HELD_MS) return; // the long press has opened it
    const { clientX: x, clientY: y } = event, keyed = !x && !y; // the context menu key
    showMenu(element, this.subject(element), keyed ? null : { x, y, touch: event.pointerType === "touch" });
  }
  hold(event) {
    const element = this.at(event);
    clearTimeout(this.holding);
    this.swallowed = false;
    if (event.pointerType === "mouse" || !element || event.target.closest("input, .menu, .many")) return;
    this.x = event.clientX;
    this.y = event.clientY;
    this.holding = setTimeout(() => {
      this.menuAt = performance.now();
      this.swallowed = true;
      showMenu(element, this.subject(element), { x: this.x, y: this.y, touch: true });
    }, HELD_MS);
  }
  async doubleClick(event) {
    const element = this.at(event);
    if (!element || event.target.closest(CONTROLS) || event.ctrlKey || event.shiftKey || event.metaKey) return;
    const { __data: data } = this.root;
    if (!data.show || data.songs) { playFrom(data, element.__item); return; }
    const items = await songsOf(data.show, element.__item.id).catch(() => []);
    engineHere()?.playAll(items);
  }

  // --- by keys
  key(event) {
    const element = this.at(event);
    if (!element || event.target.closest(".menu, .many")) return;
    const ctrl = event.ctrlKey || event.metaKey, step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === " " && ctrl) { this.toggle(element); event.preventDefault(); }
    else if (event.key.toLowerCase() === "a" && ctrl) { this.chosen = new Set(this.all); this.show(); event.preventDefault(); }
    else if (event.key === "Escape" && this.chosen.size) { this.clear(); event.preventDefault(); }
    else if (event.key === "Delete" && this.root.__remove) { this.root.__remove(this.chosen.has(element) ? this.elements : [element]); event.preventDefault(); }
    else if (step && event.altKey && this.root.__move) { this.root.__move(this.chosen.has(element) ? this.elements : [element], step); event.preventDefault(); }
    else if (step && !ctrl && !event.altKey && this.root.classList.contains("list")) {
      const { all } = this, next = all[all.indexOf(element) + step];
      if (!next) return;
      event.preventDefault();
      event.stopPropagation();
      if (event.shiftKey) { this.from ??= element; this.extend(next); }
      next.querySelector(".title")?.focus();
    }
  }

  // --- by dragging
  drag(event) {
    const element = this.at(event);
    if (!element) return;
    const elements = this.chosen.has(element) ? this.elements : [element], { __data: data } = this.root;
    dragged = { selection: this, elements, songs: () => this.songs(elements) };
    event.dataTransfer.effectAllowed = "copyMove";
    event.dataTransfer.setData("text/plain", elements.map(({ __item }) => titleOf(__item)).join("\n"));
    event.dataTransfer.setDragImage(element, 20, 20);
    openTray(this.root);
  }
}

const titleOf = (item) => item.title ?? item.name;

const HOVERS = matchMedia("(hover: hover)").matches;
const choosable = (element, item) => Object.assign(element, { __item: item, draggable: HOVERS });

const chooseIn = (root) => {
  root.__selection ??= new Selection(root);
  root.__selection.prune();
};

// --- the places to which songs can be dragged: the queue and the playlists, at the side while something is dragged
let dragged = null, tray = null;
const closeTray = () => { tray?.remove(); tray = null; dragged = null; window.__segueDragged = null; };

const openTray = (root) => {
  tray?.remove();
  window.__segueDragged = dragged; // for the panel of the queue
  const target = (symbol, text, does) => {
    const element = h("li", {}, icon(symbol), h("span", { dir: "auto" }, text));
    element.addEventListener("dragover", (event) => { event.preventDefault(); event.dataTransfer.dropEffect = "copy"; element.classList.add("over"); });
    element.addEventListener("dragleave", () => element.classList.remove("over"));
    element.addEventListener("drop", async (event) => {
      event.preventDefault();
      const songs = dragged?.songs;
      closeTray();
      const items = await Promise.resolve(songs?.()).catch(() => null);
      if (items?.length) does(items);
    });
    return element;
  };
  const list = h("ul", {}, target("add", gettext("Add to the queue"), (items) => engineHere()?.add(...items)));
  const mine = tray = h("div", { class: "tray", popover: "manual", "aria-hidden": "true" }, h("p", {}, gettext("Drop here")), list);
  setTimeout(() => { // a change of the page in the event itself would end the drag
    if (tray !== mine) return;
    root.parentNode.append(mine);
    mine.showPopover();
  });
  fetch("/api/playlists").then((answer) => answer.json()).then((playlists) => list.append(...playlists.filter((one) => !one.by_rules).map((playlist) => target("queue", playlist.name, (items) => addToPlaylist(items, playlist))))).catch(() => {});
};
