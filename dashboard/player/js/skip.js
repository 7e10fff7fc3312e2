// Two buttons before everything else on the page, seen only with the focus: to the content and to the player, which is
// the last of several hundred stops of the Tab key.
const SKIP_STYLE = `.segue-skip { position: fixed; left: 8px; top: 8px; z-index: 1000000; display: flex; gap: 8px; }
.segue-skip button { position: absolute; left: -10000px; font: 600 15px system-ui, sans-serif; padding: 10px 16px; border-radius: 10px; border: 2px solid; background: Canvas; color: CanvasText; white-space: nowrap; }
.segue-skip button:focus { position: static; }`;

const skipLinks = (player) => {
  document.querySelector(".segue-skip")?.remove();
  const content = () => {
    const main = document.querySelector("[data-testid=stMain], main");
    if (!main) return;
    main.tabIndex = -1;
    main.focus();
  };
  document.body.prepend(h("nav", { class: "segue-skip", "aria-label": gettext("Skip") }, h("style", {}, SKIP_STYLE),
    h("button", { type: "button", onclick: content }, gettext("To the content")),
    h("button", { type: "button", onclick: () => player.focus() }, gettext("To the player"))));
};
