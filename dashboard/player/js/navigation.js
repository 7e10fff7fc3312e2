// Links between pages. The address changes without a reload, so that the music continues; Streamlit follows it.
const address = (page, named) => `/${page}?${new URLSearchParams(named)}`;

const visit = (href) => {
  if (href === location.pathname + location.search) return;
  history.pushState({}, "", href);
  dispatchEvent(new PopStateEvent("popstate", { state: {} }));
};

const linkTo = (href, props, ...children) => h("a", { href: href || null, ...props, onclick: (event) => {
  if (!event.currentTarget.hasAttribute("href") || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a new tab or window
  event.preventDefault();
  visit(event.currentTarget.getAttribute("href"));
} }, ...children);
