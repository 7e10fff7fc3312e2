// The parts that make the page an app: the manifest, and the worker that opens a page without a network.
const MANIFEST = [["manifest", "/manifest.webmanifest"], ["apple-touch-icon", "/icons/180.png"]];

const makeInstallable = () => {
  for (const [rel, href] of MANIFEST) if (!document.querySelector(`link[rel=${rel}]`)) document.head.append(h("link", { rel, href }));
  navigator.serviceWorker?.register("/service-worker.js").catch(() => { /* not allowed in this browser: everything else works */ });
};
