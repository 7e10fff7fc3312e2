// The library as a map on a canvas: drag, wheel, pinch or keys move and zoom, a click shows nearby songs.
const HUES = [165, 35, 265, 5, 205, 95, 320, 55, 235, 130];
const MAX_ZOOM = 400;

class LibraryMap {
  constructor(root) {
    Object.assign(this, { root, x: 0, y: 0, zoom: 1, hidden: new Set(), pointers: new Map(), off: [] });
    this.canvas = h("canvas", { tabindex: 0, role: "application", "aria-label": gettext("Map of the library: arrow keys move, plus and minus zoom, Enter shows the songs in the middle") });
    this.legend = h("div", { class: "legend", role: "group", "aria-label": gettext("Genres") });
    this.tip = h("div", { class: "tip", hidden: true });
    this.near = h("div", { class: "tracks list near none", role: "region", "aria-label": gettext("Songs around the point") });
    this.note = h("p", { class: "hint" }, gettext("Loading the map…"));
    const zooming = h("div", { class: "zooming" }, button("add", gettext("Zoom in"), () => this.zoomAt(1.8)), button("minus", gettext("Zoom out"), () => this.zoomAt(1 / 1.8)), button("home", gettext("Show all"), () => this.home()));
    root.replaceChildren(h("div", { class: "sky" }, this.canvas, zooming, this.tip), this.legend, this.note, this.near);
    this.listen();
  }
  async load(track) {
    this.wanted = track;
    let answer, here;
    try {
      [answer, here] = await Promise.all([fetch("/api/map"), fetch(`/api/map/here?track=${encodeURIComponent(track)}`)]);
      if (!answer.ok) { this.note.textContent = answer.status === 503 ? gettext("There is no map yet: the index has not been built.") : gettext("The map could not be loaded. Reload the page."); return; }
      const data = await answer.arrayBuffer(), size = new DataView(data).getUint32(0, true);
      const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, size)));
      Object.assign(this, head, { points: new Int16Array(data, 4 + size, 2 * head.count), codes: new Uint8Array(data, 4 + size + 4 * head.count, head.count) });
      const place = here.ok ? await here.json() : {};
      Object.assign(this, { taste: place.taste ?? null, chosen: place.row ?? null });
    } catch { this.note.textContent = gettext("The map could not be loaded: the server does not respond."); return; }
    this.sort();
    this.drawLegend();
    if (this.chosen !== null) { [this.x, this.y] = this.at(this.chosen); this.zoom = 8; this.show(this.chosen); }
    this.describe();
    this.draw();
  }
  at(row) { return [this.points[2 * row] / 32767, this.points[2 * row + 1] / 32767]; }
  sort() { // group rows by colour: fillStyle is then set once per colour
    this.groups = [...this.genres.map(() => []), []];
    for (let row = 0; row < this.count; row++) if (this.codes[row] !== 255) this.groups[Math.min(this.codes[row], this.genres.length)].push(row);
  }
  colour(code) {
    if (code >= this.genres.length) return this.dark ? "rgb(150 150 150 / .7)" : "rgb(120 120 120 / .7)";
    return `hsl(${HUES[code]} ${this.dark ? "70% 66%" : "62% 40%"})`;
  }
  describe() {
    this.note.textContent = [ngettext("{count} song; similar songs are near each other.", "{count} songs; similar songs are near each other.", this.count),
      this.taste ? gettext("The ring marks your taste.") : "", gettext("Drag to move, zoom in, and select a point to list the songs around it.")].filter(Boolean).join(" ");
  }
  drawLegend() {
    this.swatches = [];
    this.legend.replaceChildren(...this.groups.map((rows, code) => {
      if (!rows.length) return null;
      const swatch = h("i");
      this.swatches.push([swatch, code]);
      const toggle = h("button", { type: "button", "aria-pressed": "true", title: gettext("Show or hide"), onclick: () => {
        if (this.hidden.has(code)) this.hidden.delete(code); else this.hidden.add(code);
        toggle.setAttribute("aria-pressed", String(!this.hidden.has(code)));
        this.draw();
      } }, swatch, h("span", {}, code < this.genres.length ? this.genres[code] : gettext("other")), h("small", {}, number(rows.length)));
      return toggle;
    }).filter(Boolean));
  }
  // --- drawing
  place() {
    const { clientWidth: w, clientHeight: tall } = this.canvas, ratio = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(w * ratio) || this.canvas.height !== Math.round(tall * ratio)) {
      this.canvas.width = Math.round(w * ratio); this.canvas.height = Math.round(tall * ratio);
    }
    return { w: this.canvas.width, tall: this.canvas.height, ratio, sx: this.canvas.width / 2.12 * this.zoom, sy: this.canvas.height / 2.12 * this.zoom };
  }
  draw() { if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.paint(); }); }
  paint() {
    if (!this.points || !this.canvas.isConnected) return;
    const began = performance.now(), { w, tall, ratio, sx, sy } = this.place(), paint = this.canvas.getContext("2d");
    const base = getComputedStyle(this.root).getPropertyValue("--st-background-color").trim();
    const probe = getComputedStyle(this.root).color.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0];
    this.dark = probe[0] + probe[1] + probe[2] > 384;
    this.base = base;
    for (const [swatch, code] of this.swatches) swatch.style.background = this.colour(code);
    paint.clearRect(0, 0, w, tall);
    const crowd = this.count / this.zoom ** 1.3;
    const size = Math.max(1.2, Math.min(9, 90 / Math.sqrt(crowd) + 1.2)) * ratio, half = size / 2, round = size > 5;
    const ox = w / 2 - this.x * sx, oy = tall / 2 + this.y * sy, fx = sx / 32767, fy = sy / 32767, points = this.points;
    for (let code = this.groups.length - 1; code >= 0; code--) {
      if (this.hidden.has(code)) continue;
      paint.fillStyle = this.colour(code);
      paint.globalAlpha = crowd > 20000 ? 0.55 : 0.85;
      for (const row of this.groups[code]) {
        const px = ox + points[2 * row] * fx, py = oy - points[2 * row + 1] * fy;
        if (px < -size || py < -size || px > w + size || py > tall + size) continue;
        if (round) { paint.beginPath(); paint.arc(px, py, half, 0, 7); paint.fill(); } else paint.fillRect(px - half, py - half, size, size);
      }
    }
    paint.globalAlpha = 1;
    const ring = ([x, y], radius, colour) => {
      paint.strokeStyle = colour; paint.lineWidth = 2.5 * ratio;
      paint.beginPath(); paint.arc(w / 2 + (x - this.x) * sx, tall / 2 - (y - this.y) * sy, radius * ratio, 0, 7); paint.stroke();
    };
    const ink = this.dark ? "#fff" : "#111";
    if (this.taste) {
      ring(this.taste, 11, ink); ring(this.taste, 4, ink);
      paint.fillStyle = ink; paint.font = `600 ${13 * ratio}px sans-serif`;
      const right = w / 2 + (this.taste[0] - this.x) * sx + 16 * ratio, wide = paint.measureText(gettext("you")).width;
      const left = right + wide + 4 * ratio > w && right - 16 * ratio < w; // near the edge there is no room on the right
      paint.fillText(gettext("you"), left ? right - 32 * ratio - wide : right, tall / 2 - (this.taste[1] - this.y) * sy + 4 * ratio);
    }
    if (this.chosen !== null) ring(this.at(this.chosen), 8, ink);
    this.took = performance.now() - began;
  }
  // --- moving and zooming
  toMap(clientX, clientY) {
    const box = this.canvas.getBoundingClientRect(), { sx, sy, ratio } = this.place();
    return [this.x + (clientX - box.left - box.width / 2) * ratio / sx, this.y - (clientY - box.top - box.height / 2) * ratio / sy];
  }
  clamp() { this.x = Math.max(-1, Math.min(1, this.x)); this.y = Math.max(-1, Math.min(1, this.y)); this.draw(); }
  zoomAt(by, clientX, clientY) {
    const before = clientX === undefined ? null : this.toMap(clientX, clientY);
    this.zoom = Math.max(1, Math.min(MAX_ZOOM, this.zoom * by));
    if (before) { const after = this.toMap(clientX, clientY); this.x += before[0] - after[0]; this.y += before[1] - after[1]; }
    this.clamp();
  }
  home() { Object.assign(this, { x: 0, y: 0, zoom: 1 }); this.draw(); }
  closest(clientX, clientY, pixels) { // a scan of all points takes about 1 ms per 100,000
    if (!this.points) return null;
    const box = this.canvas.getBoundingClientRect(), { sx, sy, ratio } = this.place();
    const mx = (clientX - box.left - box.width / 2) * ratio + this.x * sx, my = this.y * sy - (clientY - box.top - box.height / 2) * ratio;
    let best = (pixels * ratio) ** 2, closest = null;
    for (let row = 0; row < this.count; row++) {
      const dx = this.points[2 * row] / 32767 * sx - mx, dy = this.points[2 * row + 1] / 32767 * sy - my, d = dx * dx + dy * dy;
      if (d < best && this.codes[row] !== 255 && !this.hidden.has(Math.min(this.codes[row], this.genres.length))) { best = d; closest = row; }
    }
    return closest;
  }
  around(row, many) { // the rows of the nearest points on the map
    const [x, y] = this.at(row), { sx, sy } = this.place(), kept = [];
    for (let other = 0; other < this.count; other++) {
      if (this.codes[other] === 255 || this.hidden.has(Math.min(this.codes[other], this.genres.length))) continue;
      const d = ((this.points[2 * other] / 32767 - x) * sx) ** 2 + ((this.points[2 * other + 1] / 32767 - y) * sy) ** 2;
      if (kept.length < many || d < kept.at(-1)[0]) { kept.push([d, other]); kept.sort((a, b) => a[0] - b[0]); kept.length = Math.min(kept.length, many); }
    }
    return kept.map(([, other]) => other);
  }
  async names(rows) {
    const answer = await fetch(`/api/map/tracks?version=${encodeURIComponent(this.version)}&rows=${rows.join(",")}`);
    if (answer.status === 409) { await this.load(""); return []; }
    return answer.ok ? (await answer.json()).items : [];
  }
  async show(row) {
    this.chosen = row;
    this.draw();
    let items = [];
    try { items = await this.names([row, ...this.around(row, 9).filter((other) => other !== row)]); } catch { /* show none */ }
    if (this.chosen !== row) return;
    this.near.__data = { items, layout: "list", whole: true };
    this.near.classList.toggle("none", !items.length);
    draw(this.near, this.near.__data);
    mark(this.near);
    this.tip.hidden = true;
  }
  async hover(clientX, clientY) {
    const row = this.closest(clientX, clientY, 10);
    if (row === this.hovered) return;
    this.hovered = row;
    this.tip.hidden = true;
    if (row === null) return;
    await new Promise((done) => setTimeout(done, 90));
    if (this.hovered !== row) return;
    const [item] = await this.names([row]).catch(() => []);
    if (this.hovered !== row || !item) return;
    const box = this.canvas.getBoundingClientRect();
    this.tip.replaceChildren(h("b", { dir: "auto" }, item.title), h("span", {}, [item.artist, item.genre].filter(Boolean).join(" · ")));
    this.tip.hidden = false;
    this.tip.style.left = `${Math.max(0, Math.min(clientX - box.left + 12, box.width - this.tip.offsetWidth - 4))}px`;
    this.tip.style.top = `${Math.max(0, clientY - box.top - this.tip.offsetHeight - 10)}px`;
  }
  listen() {
    const c = this.canvas, on = (target, kind, does, options) => { target.addEventListener(kind, does, options); this.off.push(() => target.removeEventListener(kind, does, options)); };
    on(c, "pointerdown", (event) => { c.setPointerCapture(event.pointerId); this.pointers.set(event.pointerId, [event.clientX, event.clientY]); this.moved = this.pointers.size > 1; this.tip.hidden = true; });
    on(c, "pointermove", (event) => {
      const last = this.pointers.get(event.pointerId);
      if (!last) { if (event.pointerType === "mouse") this.hover(event.clientX, event.clientY); return; }
      const { sx, sy, ratio } = this.place(), now = [event.clientX, event.clientY];
      const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, where]) => where);
      if (Math.hypot(now[0] - last[0], now[1] - last[1]) < 3 && !this.moved) return;
      this.moved = true;
      this.pointers.set(event.pointerId, now);
      if (others.length) {
        const far = (where) => Math.hypot(where[0] - others[0][0], where[1] - others[0][1]) || 1;
        this.zoomAt(far(now) / far(last), (now[0] + others[0][0]) / 2, (now[1] + others[0][1]) / 2);
      } else { this.x -= (now[0] - last[0]) * ratio / sx; this.y += (now[1] - last[1]) * ratio / sy; this.clamp(); }
    });
    const up = (event) => {
      const had = this.pointers.delete(event.pointerId);
      if (!had || this.moved || event.type === "pointercancel") return;
      const row = this.closest(event.clientX, event.clientY, event.pointerType === "touch" ? 24 : 14);
      if (row !== null) this.show(row);
    };
    on(c, "pointerup", up);
    on(c, "pointercancel", up);
    on(c, "pointerleave", () => { this.hovered = null; this.tip.hidden = true; });
    on(c, "wheel", (event) => { event.preventDefault(); this.zoomAt(Math.exp(-event.deltaY * 0.0016), event.clientX, event.clientY); }, { passive: false });
    on(c, "dblclick", (event) => this.zoomAt(2.5, event.clientX, event.clientY));
    on(c, "keydown", (event) => {
      const step = 0.15 / this.zoom, move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
      if (move) { this.x += move[0]; this.y += move[1]; this.clamp(); }
      else if (event.key === "+" || event.key === "=") this.zoomAt(1.5);
      else if (event.key === "-") this.zoomAt(1 / 1.5);
      else if (event.key === "Home") this.home();
      else if (event.key === "Enter") { const box = c.getBoundingClientRect(), row = this.closest(box.left + box.width / 2, box.top + box.height / 2, Infinity); if (row !== null) this.show(row); }
      else return;
      event.preventDefault();
      event.stopPropagation(); // the player uses the same keys
    });
    on(window, "segue:state", () => this.near.children.length && mark(this.near));
    on(matchMedia("(prefers-color-scheme: dark)"), "change", () => this.draw());
    const sized = new ResizeObserver(() => this.draw());
    sized.observe(c);
    this.off.push(() => sized.disconnect());
  }
  end() { for (const stop of this.off) stop(); cancelAnimationFrame(this.frame); }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".map");
  if (!root.__map) { root.__map = new LibraryMap(root); root.__map.load(data.track); }
  else if (data.track && data.track !== root.__map.wanted) root.__map.load(data.track);
  else root.__map.draw();
  return () => { root.__map?.end(); root.__map = null; };
}
