// Keeps what is open fresh while something runs: a log grows, other pages load their middle again.
// Asks only while it is seen, and follows a log only while its end is in view. Without scripts there are links.

const PAUSE = 2000, MOST = 3000;
const log = document.querySelector(".log[data-source]");
const page = () => document.querySelector("main[data-live]");
const seen = () => document.visibilityState === "visible";
const atEnd = () => innerHeight + scrollY >= document.documentElement.scrollHeight - 160;

function tell(text) {
  const line = document.getElementById("follow");
  if (line && line.textContent !== text) line.textContent = text;
}

async function follow() {
  const answer = await fetch(`${log.dataset.source}&from=${log.dataset.next}`);
  if (!answer.ok) throw new Error(answer.status);
  const piece = document.createElement("template");
  piece.innerHTML = await answer.text();
  // The last line may not have ended when it was fetched: what comes now is all of it.
  document.getElementById(`L${log.dataset.next}`)?.remove();
  log.append(piece.content);
  while (log.childElementCount > MOST) log.firstElementChild.remove();
  log.dataset.next = answer.headers.get("x-next");
  scrollTo(0, document.documentElement.scrollHeight);
  if (answer.headers.get("x-status") !== "running") location.reload();
}

async function refresh() {
  const answer = await fetch(location.href);
  if (!answer.ok) throw new Error(answer.status);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  page().replaceWith(fresh.querySelector("main"));
  document.title = fresh.title;
  document.querySelector("link[rel=icon]").href = fresh.querySelector("link[rel=icon]").href;
}

async function look() {
  try {
    if (log && seen()) {
      tell(atEnd() ? "Following" : "Follow: paused, scroll to the end");
      if (atEnd()) await follow();
    } else if (page() && seen() && !document.querySelector("main :focus")) {
      await refresh();
    }
  } catch {
    tell("Live updates paused, reconnecting…");
  }
  if (log || page()) setTimeout(look, PAUSE);
}

// A link to a line in a section that is folded.
function unfold() {
  const place = /^#L\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
  const section = place && place.closest("details");
  if (!section || section.open || place.matches("summary")) return;
  section.open = true;
  place.scrollIntoView();
}

unfold();
addEventListener("hashchange", unfold);

// A link to a line that this window does not hold.
const line = /^#L(\d+)/.exec(location.hash);
if (line && !document.getElementById(`L${line[1]}`) && document.querySelector(".log[data-window]")) {
  const place = new URL(location.href);
  place.search = `?line=${line[1]}`;
  location.replace(place);
} else if (log) {
  if (!line) scrollTo(0, document.documentElement.scrollHeight);
  setTimeout(look, PAUSE);
} else if (page()) {
  setTimeout(look, PAUSE);
}
