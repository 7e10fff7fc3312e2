// The page Library: which list, its order and layout are in the address; entries are loaded as they are reached.
const PER_PAGE = 100, TYPED_MS = 250;

// The address of the list with some choices changed; defaults are left out.
const listAddress = (data, changed) => {
  const { show, by, backwards, filter, genre, layout, own, orders } = { ...data, ...changed };
  return address("library", Object.fromEntries(Object.entries({ show, by: by === orders[0][0] ? "" : by, backwards: backwards ? "1" : "", filter, genre, as: layout === own ? "" : layout }).filter(([, value]) => value)));
};

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".library");
  root.__off?.();
  if (!root.children.length) root.replaceChildren(h("div", { class: "controls" }), h("div", {}), h("div", { class: "end" }));
  const [controls, list] = root.children;
  drawControls(root, controls, data);
  const drawn = JSON.stringify([data.show, data.by, data.backwards, data.filter, data.genre, data.layout, data.items]);
  if (root.dataset.drawn !== drawn) {
    root.dataset.drawn = drawn;
    root.__data = data;
    fillList(list, data);
  }
  drawEnd(root);
  const update = () => { if (data.songs) mark(list); };
  addEventListener("segue:state", update);
  update();
  return (root.__off = () => { removeEventListener("segue:state", update); root.__watch?.disconnect(); });
}

const drawControls = (root, controls, data) => {
  const chosen = JSON.stringify([data.show, data.by, data.backwards, data.genre, data.layout, data.total]);
  const before = controls.querySelector("input[type=search]");
  if (before && before !== before.getRootNode().activeElement && before.value.trim() !== data.filter) before.value = data.filter;
  if (root.dataset.controls === chosen) return;
  root.dataset.controls = chosen;
  const focused = controls.getRootNode().activeElement?.dataset?.focus;
  const goes = (changed) => () => visit(listAddress(root.__data, changed));
  const views = data.views.map(([view, label]) => h("li", {}, linkTo(address("library", { show: view }), { "aria-current": view === data.show ? "page" : null, "data-focus": view }, label)));
  let timer = 0;
  const field = h("input", { type: "search", maxlength: 100, value: before && root.__data?.show === data.show ? before.value : data.filter, placeholder: gettext("Filter"), "aria-label": gettext("Filter this list"), "data-focus": "filter", oninput: () => {
    clearTimeout(timer);
    timer = setTimeout(() => { // the words are part of the address, but each letter is no entry of the history
      history.replaceState({}, "", listAddress(root.__data, { filter: field.value.trim() }));
      dispatchEvent(new PopStateEvent("popstate", { state: {} }));
    }, TYPED_MS);
  } });
  const orders = h("select", { "aria-label": gettext("Order"), "data-focus": "order", onchange: () => visit(listAddress(root.__data, { by: orders.value, backwards: false })) },
    ...data.orders.map(([order, label]) => h("option", { value: order, selected: order === data.by }, label)));
  const layout = (name, symbol, label) => button(symbol, label, goes({ layout: name }), { "aria-pressed": String(data.layout === name), class: data.layout === name ? "on" : null, "data-focus": name });
  controls.replaceChildren(
    h("nav", { "aria-label": gettext("Lists of the library") }, h("ul", {}, ...views)),
    h("div", { class: "tools", role: "group", "aria-label": gettext("How the list is shown") }, field,
      data.orders.length > 1 ? orders : null,
      button("order", data.backwards ? gettext("Reversed order; change it back") : gettext("Reverse the order"), goes({ backwards: !data.backwards }), { "aria-pressed": String(data.backwards), class: data.backwards ? "on" : null, "data-focus": "backwards" }),
      layout("grid", "grid", gettext("As a grid")), layout("table", "queue", gettext("As a table")),
      data.genre ? h("button", { type: "button", class: "chip", "aria-label": gettext("All genres, not {genre} alone", { genre: data.genre }), onclick: goes({ genre: "" }) }, h("span", { dir: "auto" }, data.genre), icon("close")) : null,
      data.total ? h("span", { class: "total" }, data.total) : null));
  const shown = controls.querySelector("[aria-current]"), row = shown?.closest("ul"); // the row alone is scrolled, not the page
  if (row) row.scrollLeft = Math.max(0, shown.offsetLeft + shown.offsetWidth + 40 - row.offsetLeft - row.clientWidth);
  if (focused) controls.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
};

const fillList = (list, data) => {
  list.__data = { ...data, whole: true, items: [...data.items], layout: data.layout === "table" ? "list" : "grid" };
  list.className = `${data.songs ? "tracks" : "entries"} ${list.__data.layout}`;
  list.classList.toggle("none", !data.items.length); // an empty list would look as if songs were on their way
  list.replaceChildren(...shownEntries(list, data.items));
  if (list.__selection) list.__selection.touched = false;
  chooseIn(list);
};

const shownEntries = (list, items) => {
  const { songs, layout } = list.__data;
  return items.map((item) => (songs ? (layout === "list" ? row : card)(list, item) : choosable(entry(item, layout), item)));
};

// Below the list: nothing, an explanation of an empty list, or the button that loads more and is pressed by scrolling.
const drawEnd = (root) => {
  const [, list, end] = root.children;
  root.__watch?.disconnect();
  if (!list.__data.items.length) { end.replaceChildren(h("p", { class: "empty", role: "status" }, list.__data.empty)); return; }
  if (!list.__data.more) { end.replaceChildren(); return; }
  const more = h("button", { type: "button", class: "more", onclick: () => loadMore(root, more) }, gettext("Show more"));
  end.replaceChildren(more);
  root.__watch = new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) loadMore(root, more); }, { rootMargin: "1200px" });
  root.__watch.observe(more);
};

const loadMore = async (root, more) => {
  const list = root.children[1], { __data: data } = list;
  if (more.disabled) return;
  more.disabled = true;
  const focused = more.getRootNode().activeElement === more;
  const { show, by, backwards, filter, genre, items } = data;
  const asked = new URLSearchParams({ show, by, backwards: backwards ? "1" : "0", filter, genre, after: items.at(-1).id, shown: items.length, limit: PER_PAGE });
  try {
    const answer = await fetch(`/api/library?${asked}`);
    if (!answer.ok) throw new Error(String(answer.status));
    const next = await answer.json();
    if (list.__data !== data) return; // another list by now
    const added = shownEntries(list, next.items);
    data.items.push(...next.items);
    data.more = next.more;
    list.append(...added);
    chooseIn(list);
    if (data.songs) mark(list);
    if (focused) added[0]?.querySelector("a, button")?.focus({ preventScroll: true });
    drawEnd(root);
  } catch {
    more.disabled = false; // a press tries again
    root.__watch?.disconnect();
    engineHere()?.say(gettext("The server does not respond"));
  }
};
