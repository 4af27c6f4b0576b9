"use strict";

const $ = (id) => document.getElementById(id);
const conversation = crypto.randomUUID ? crypto.randomUUID() : String(Date.now());

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Where the service has keys, one is asked for once and kept until the tab is closed.
async function send(url, options = {}) {
  const key = sessionStorage.getItem("key");
  const headers = key ? { ...options.headers, authorization: `Bearer ${key}` } : options.headers;
  return fetch(url, { ...options, headers });
}

async function getJson(url, options) {
  let response = await send(url, options);
  if (response.status === 401) {
    const key = prompt("金鑰 Key（ken_…）");
    if (key) {
      sessionStorage.setItem("key", key.trim());
      response = await send(url, options);
    }
  }
  const body = await response.json();
  if (!response.ok && !("ready" in body)) {
    const faults = (body.errors || []).map((fault) => fault.detail).join("; ");
    throw new Error([body.title, faults || body.detail].filter(Boolean).join(": "));
  }
  return body;
}

async function showState() {
  try {
    const state = await getJson("/readyz");
    const changes = state.workspaces.reduce((sum, w) => sum + w.indexed, 0);
    const text = changes ? `就緒 · ${changes} 筆變更已索引` : "就緒";
    $("state").textContent = state.ready ? text : "索引追趕中 …";
    if (!state.ready) setTimeout(showState, 1000);
  } catch (error) {
    $("state").textContent = "連不上服務";
  }
}

const words = {
  answered: "已回答 Answered", refused: "無法回答 Refused", clarify: "需要釐清 Clarify", handoff: "轉接真人 Handoff",
};

function showAnswer(answer) {
  const verdict = $("verdict");
  verdict.className = answer.outcome;
  const note = [answer.reason ? answer.reason : answer.strategy, ...answer.notes].join(" · ");
  verdict.replaceChildren(
    element("b", { textContent: words[answer.outcome] || answer.outcome }),
    ` · ${note} · ${Math.round(answer.confidence * 100)} %`,
  );
  $("text").replaceChildren(answer.text);
  for (const citation of answer.citations) {
    const link = element("a", { href: `#source-${citation.number}`, textContent: `[${citation.number}]` });
    $("text").append(element("sup", {}, link));
  }
  for (const choice of answer.suggestions) {
    const button = element("button", { type: "button", className: "choice", textContent: choice });
    button.addEventListener("click", () => {
      $("question").value = choice;
      $("ask").requestSubmit();
    });
    $("text").append(button);
  }
  const t = answer.timings_ms;
  const stages = ["embed", "keyword", "vector", "fuse", "load", "admit", "compose", "generate"];
  $("timings").textContent = `${t.total.toFixed(1)} ms = ` + stages.map((s) => `${s} ${t[s].toFixed(1)}`).join(" · ");
  $("answer").hidden = false;
}

// Spans count bytes of UTF-8, scripts count UTF-16 units.
function byteSlice(bytes, start, end) {
  return new TextDecoder().decode(bytes.slice(start, end));
}

async function showSource(citation) {
  const item = element("li", { id: `source-${citation.number}` });
  const title = citation.uri && /^https?:/.test(citation.uri)
    ? element("a", { href: citation.uri, textContent: citation.title, rel: "noopener" })
    : citation.title;
  item.append(element("div", { className: "title" }, `[${citation.number}] `, title));
  item.append(element("div", { className: "path", textContent: citation.heading_path.join(" › ") }));
  const quote = element("blockquote", {}, element("mark", { textContent: citation.quote }));
  item.append(quote);
  try {
    const id = encodeURIComponent(citation.document_id);
    const document_ = await getJson(`/v1/documents/${id}?version=${citation.document_version}`);
    const bytes = new TextEncoder().encode(document_.text);
    const mark = element("mark", { textContent: byteSlice(bytes, citation.start, citation.end) });
    quote.replaceChildren(byteSlice(bytes, 0, citation.start), mark, byteSlice(bytes, citation.end));
    quote.scrollTop = mark.offsetTop - quote.offsetTop - 24;
  } catch (error) {
    // The quotation alone is shown.
  }
  return item;
}

$("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  $("error").hidden = true;
  try {
    const answer = await getJson("/v1/answers", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ question: $("question").value, conversation_id: conversation, channel: "web" }),
    });
    showAnswer(answer);
    const list = $("sources").querySelector("ol");
    $("sources").hidden = answer.citations.length === 0;
    list.replaceChildren();
    for (const citation of answer.citations) {
      list.append(await showSource(citation));
    }
    for (const quote of list.querySelectorAll("blockquote")) {
      const mark = quote.querySelector("mark");
      if (mark) quote.scrollTop = mark.offsetTop - quote.offsetTop - 24;
    }
  } catch (error) {
    $("error").textContent = error.message;
    $("error").hidden = false;
  } finally {
    button.disabled = false;
    $("question").select();
  }
});

showState();

// A link may carry a question: /?q=…
const asked = new URLSearchParams(location.search).get("q");
if (asked) {
  $("question").value = asked;
  $("ask").requestSubmit();
}
