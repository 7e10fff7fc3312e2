// The service worker: without a network it opens the page that plays saved songs. With one, every page comes from the
// server, so that none is older than it. VERSION, that of the page, stands before this script (dashboard/api/offline.py).
const PAGES = "segue.page.", KEPT = PAGES + VERSION, PAGE = "/offline", PATIENCE_MS = 10000;
const NO_PAGE = /^\/(api|rest|1|s|static|_stcore|component|media|auth|oauth2callback|operator|icons|offline)(\/|$)/;

const keepPage = async () => {
  const answer = await fetch(PAGE, { cache: "reload" });
  const whole = answer.status === 200 && answer.type === "basic" && !answer.redirected && (answer.headers.get("content-type") ?? "").startsWith("text/html");
  if (!whole || answer.headers.get("etag") !== `"${VERSION}"`) throw new Error("this page is of another version"); // tried again at the next visit
  await (await caches.open(KEPT)).put(PAGE, answer);
};
const keptPage = async () => (await caches.open(KEPT)).match(PAGE);

self.addEventListener("install", (event) => { self.skipWaiting(); event.waitUntil(keepPage()); });
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith(PAGES) && name !== KEPT) await caches.delete(name);
  await self.clients.claim();
})()));

// A request of the worker's own: browsers leave out cookies of the one that a log-in at another site has redirected.
const ask = ({ url }) => fetch(url, { credentials: "same-origin", redirect: "manual", cache: "no-cache", headers: { accept: "text/html" } });
const page = async (asked) => {
  const late = new Promise((done) => setTimeout(() => keptPage().then((kept) => kept && done(kept)), PATIENCE_MS));
  try { return await Promise.race([asked, late]); } catch { return await keptPage() ?? Response.error(); }
};
// navigator.onLine tells nothing of a server that is away.
const cover = async (request) => {
  try { return await fetch(request); } catch { return await caches.match(request, { ignoreVary: true }) ?? Response.error(); }
};

// The last words of a page that closes (engine/parting.js).
const PARTING = new Set(["/api/events", "/api/queue"]);
self.addEventListener("message", (event) => {
  const { path, body } = event.data ?? {};
  if (!PARTING.has(path) || typeof body !== "string") return;
  const headers = { "content-type": "application/json" };
  event.waitUntil(fetch(path, { method: "POST", credentials: "same-origin", headers, body }).catch(() => {})); // the outbox keeps it
});

self.addEventListener("fetch", (event) => {
  const { request } = event, { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && !NO_PAGE.test(pathname)) {
    const asked = ask(request);
    event.waitUntil(asked.catch(() => {}));
    event.respondWith(page(asked));
  } else if (pathname.startsWith("/api/covers/")) event.respondWith(cover(request));
});
