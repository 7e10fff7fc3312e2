// The rules of a playlist that updates itself: rows of a field, a comparison and a value.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".rules");
  const drawn = JSON.stringify(data);
  if (root.dataset.drawn === drawn) return;
  root.dataset.drawn = drawn;
  const fault = h("p", { class: "fault", role: "alert" }), rows = h("ol", {});
  const choice = (label, options, value) => {
    const select = h("select", { "aria-label": label }, ...options.map(([own, text]) => h("option", { value: own }, text)));
    select.value = options.some(([own]) => own === value) ? value : options[0][0];
    return select;
  };
  const row = (rule) => {
    const field = choice(gettext("Property"), data.fields.map(({ name, label }) => [name, label]), rule.field), parts = h("span", { class: "parts" });
    const fill = ({ operator, value } = {}) => {
      const { kind, operators, choices, label } = data.fields.find(({ name }) => name === field.value);
      const compared = choice(gettext("Comparison"), operators, operator);
      const text = h("input", kind === "text" ? { type: "text", required: true, maxlength: 300, dir: "auto", "aria-label": label, list: field.value === "genre" ? "rule-genres" : null, value }
        : { type: "number", required: true, min: 0, max: 100000, step: 1, "aria-label": label, value });
      const given = choices ? choice(label, choices, value) : text;
      parts.replaceChildren(...(operators.length > 1 ? [compared] : []), given, ...(kind === "days" ? [gettext("days")] : []));
      element.__rule = () => ({ field: field.value, operator: compared.value, value: choices || kind === "text" ? given.value : Number(given.value) });
    };
    const element = h("li", {}, field, parts, button("close", gettext("Remove this rule"), () => {
      const next = element.nextElementSibling ?? element.previousElementSibling;
      element.remove();
      (next?.querySelector("select") ?? add).focus();
    }));
    field.addEventListener("change", () => fill());
    fill(rule);
    return element;
  };
  const every = choice(gettext("How many rules a song fits"), [["every", gettext("every rule")], ["some", gettext("at least one rule")]], data.rules.every ? "every" : "some");
  const add = h("button", { type: "button", class: "plain", onclick: () => { const one = row({ field: data.fields[0].name }); rows.append(one); one.querySelector("select").focus(); } }, icon("add"), h("span", {}, gettext("Add a rule")));
  const order = choice(gettext("Order"), data.orders, data.rules.order), most = h("input", { type: "number", required: true, min: 1, max: data.most, step: 1, value: data.rules.most });
  const name = h("input", { type: "text", required: true, maxlength: data.longest, dir: "auto" });
  rows.append(...data.rules.rules.map(row));
  const save = async (event) => {
    event.preventDefault();
    const rules = { every: every.value === "every", rules: [...rows.children].map((one) => one.__rule()), order: order.value, most: Number(most.value) };
    const [method, path, body] = data.id ? ["PUT", `/api/playlists/${encodeURIComponent(data.id)}`, { rules }] : ["POST", "/api/playlists", { name: name.value, rules }];
    fault.textContent = "";
    try {
      const answer = await fetch(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
      if (!answer.ok) { fault.textContent = answer.status === 422 ? await answer.text() : gettext("Something went wrong. Try again."); return; }
      if (data.id) { window.__segue?.say(gettext("The rules were saved.")); setTriggerValue("changed", Date.now()); }
      else visit(address("playlists", { id: (await answer.json()).id }));
    } catch { fault.textContent = gettext("The server does not respond"); }
  };
  root.replaceChildren(h("form", { onsubmit: save },
    ...(data.id ? [] : [h("label", { class: "name" }, gettext("Name"), name)]),
    h("label", {}, gettext("Songs that fit"), every), rows, h("datalist", { id: "rule-genres" }, ...data.genres.map((genre) => h("option", { value: genre }))), add,
    h("div", { class: "end" }, h("label", {}, gettext("Order"), order), h("label", {}, gettext("Most songs"), most)),
    fault, h("button", { type: "submit", class: "send" }, data.id ? gettext("Save the rules") : gettext("Create"))));
}
