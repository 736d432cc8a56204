// What the page does besides being read: it finds hosts, unfolds the one that a link leads to, lists files, changes colours.
const byId = (id) => document.getElementById(id);
const hosts = [...document.querySelectorAll("#hosts > details")];
const search = byId("search");
document.querySelector(".tools").hidden = false;

// ── Files: packed as src/report/page/files.ts says ──
const data = byId("files") === null ? undefined : JSON.parse(byId("files").textContent);
const CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
// Two characters are three digits.
const digits = (packed) =>
  packed.replace(/../g, ([high, low]) => {
    const bits = CHARACTERS.indexOf(high) * 64 + CHARACTERS.indexOf(low);
    return bits.toString(16).padStart(3, "0");
  });

function listFiles(host) {
  const own = data?.hosts[host.id.slice("host-".length)];
  if (own === undefined || host.querySelector(".list") !== null) return;
  const [set, sizes, hashes] = own;
  const numbers = data.sets[set].split(" ");
  const lines = data.sizes[sizes].split(" ").map((size, index) => {
    const bytes = String(Number.parseInt(size, 36)).padStart(7);
    return `${digits(hashes.slice(index * 6, index * 6 + 6))}  ${bytes}  /${data.paths[numbers[index]]}`;
  });
  const heading = document.createElement("h3");
  heading.textContent = `${lines.length} files: the first digits of SHA-256, bytes, path`;
  const list = document.createElement("pre");
  list.className = "list";
  list.tabIndex = 0;
  list.textContent = lines.join("\n");
  host.append(heading, list);
}
for (const host of hosts) host.addEventListener("toggle", () => host.open && listFiles(host));

// ── Links ──
function unfold() {
  const host = byId(location.hash.slice(1));
  if (host === null || !hosts.includes(host)) return;
  host.hidden = false;
  host.open = true;
  host.scrollIntoView();
  host.querySelector("summary").focus({ preventScroll: true });
}
addEventListener("hashchange", unfold);
unfold();
// The same link again is no change of the hash.
document.addEventListener("click", ({ target }) => {
  const link = target.closest("a[href^='#host-']");
  if (link?.getAttribute("href") === location.hash) unfold();
});

// ── Search ──
const texts = new Map();
const textOf = (host) => {
  if (!texts.has(host)) {
    const parts = [...host.querySelectorAll(":scope > summary, :scope > dl")];
    texts.set(host, parts.map(({ textContent }) => textContent.toLowerCase()).join("\n"));
  }
  return texts.get(host);
};
const nodes = new Map([...document.querySelectorAll("svg a.node")].map((node) => [node.getAttribute("href"), node]));
function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const host of hosts) {
    const isHit = words.every((word) => textOf(host).includes(word));
    count += isHit ? 1 : 0;
    host.hidden = !isHit;
    nodes.get(`#${host.id}`)?.classList.toggle("hit", isHit);
  }
  document.body.classList.toggle("finding", words.length > 0);
  byId("found").textContent = words.length === 0 ? "" : `${count} of ${hosts.length}`;
}
search.addEventListener("input", find);
search.addEventListener("keydown", ({ key }) => {
  const first = hosts.find((host) => !host.hidden);
  if (key === "Enter" && first !== undefined) location.hash = first.id;
  if (key !== "Escape") return;
  search.value = "";
  find();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || /^(INPUT|TEXTAREA)$/.test(event.target.tagName)) return;
  event.preventDefault();
  search.focus();
});

// ── Light and dark ──
const themes = ["auto", "light", "dark"];
const button = byId("theme");
function show(theme) {
  document.documentElement.dataset.theme = theme;
  button.textContent = `Theme: ${theme}`;
}
button.addEventListener("click", () => {
  const next = themes[(themes.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % themes.length];
  show(next);
  try {
    localStorage.setItem("netgen-theme", next);
  } catch {
    // Where nothing may be kept, it counts for this time.
  }
});
try {
  const kept = localStorage.getItem("netgen-theme");
  if (themes.includes(kept)) show(kept);
} catch {
  // As above.
}

// ── Print: what is folded up is not printed, and what was is folded up again ──
addEventListener("beforeprint", () => {
  for (const host of hosts.filter(({ open }) => !open)) {
    host.dataset.folded = "";
    listFiles(host);
    host.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const host of hosts.filter(({ dataset }) => "folded" in dataset)) {
    delete host.dataset.folded;
    host.open = false;
  }
});
