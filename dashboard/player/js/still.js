// A list that changes by itself keeps still while it is in use: under the mouse, under a finger, with the focus of the
// keyboard, or with an open menu. The newest change appears after that.
const AFTER_MOUSE_MS = 250, AFTER_TOUCH_MS = 1500, AGAIN_MS = 500;

class Still {
  constructor(root, change) {
    Object.assign(this, { root, change, until: 0, waiting: null });
    root.addEventListener("pointerleave", () => this.rest(AFTER_MOUSE_MS));
    root.addEventListener("pointerup", (event) => { if (event.pointerType === "touch") this.rest(AFTER_TOUCH_MS); });
    root.addEventListener("focusout", () => this.settle());
  }
  get under() { return matchMedia("(hover: hover)").matches && this.root.matches(":hover"); } // after a touch, :hover stays
  get inUse() { return this.under || Boolean(this.root.querySelector(":focus-visible, .menu")); }
  rest(ms) {
    this.until = performance.now() + ms;
    this.settle();
  }
  show(change) {
    this.waiting = change;
    this.settle();
  }
  settle() {
    clearTimeout(this.timer);
    if (!this.waiting) return;
    const wait = this.root.isConnected && this.root.children.length ? Math.max(this.until - performance.now(), this.inUse ? AGAIN_MS : 0) : 0;
    if (wait > 0) { this.timer = setTimeout(() => this.settle(), wait); return; }
    const change = this.waiting;
    this.waiting = null;
    this.change(change);
  }
  end() { clearTimeout(this.timer); }
}

// Elements with the same `data-id` glide from their former place to the new one.
const glide = (root, change) => {
  const places = () => new Map([...root.children].map((element) => [element.dataset.id, element.getBoundingClientRect()]));
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return change();
  const before = places();
  change();
  const after = places();
  for (const element of root.children) {
    const was = before.get(element.dataset.id), is = after.get(element.dataset.id);
    if (was && (was.left !== is.left || was.top !== is.top)) {
      element.animate([{ transform: `translate(${was.left - is.left}px, ${was.top - is.top}px)` }, { transform: "none" }], { duration: 250, easing: "ease-out" });
    }
  }
};
