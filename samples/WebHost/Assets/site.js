"use strict";
document.addEventListener("click", async event => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = document.getElementById(button.dataset.copy).textContent;
    try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { button.textContent = "Select and copy"; }
});

// A value that is not sensitive is shown while it is typed.
document.addEventListener("change", event => {
    const value = event.target.name === "sensitive" && event.target.form.querySelector("[data-sensitive]");
    if (value) value.type = event.target.checked ? "password" : "text";
});

// The progress of a move. A change of the account reloads the page.
const state = document.getElementById("state");
if (state) {
    history.replaceState(null, "", location.pathname); // a result in the address is shown once
    const events = new EventSource("/Encryption/Events");
    events.addEventListener("state", event => {
        const now = JSON.parse(event.data);
        if (String(now.version) !== state.dataset.version) { events.close(); location.assign("/Encryption"); return; } // not reload, which could send a form again
        const bar = document.getElementById("move-progress");
        if (bar) {
            bar.max = Math.max(1, now.total);
            bar.value = now.processed;
            document.getElementById("move-text").textContent = now.text;
        }
    });
    addEventListener("pagehide", () => events.close());
}

// "Test connection": steps appear as they end.
const form = document.getElementById("test-form");
if (form) form.addEventListener("submit", async event => {
    event.preventDefault();
    const [steps, result, section, button, error] =
        ["steps", "test-result", "activate-section", "test-connection", "test-error"].map(id => document.getElementById(id));
    steps.replaceChildren();
    error.textContent = "";
    section.hidden = true;
    button.disabled = true;
    button.classList.remove("quiet");
    result.textContent = "The test runs.";
    try {
        const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "text/event-stream" } });
        if (!answer.ok) { error.textContent = answer.status === 400 ? await answer.text() : "The test failed. Load the page again."; result.textContent = ""; return; }
        let done = null;
        for await (const [name, data] of read(answer.body)) name === "step" ? show(steps, data) : done = data;
        if (done && done.draft) {
            document.getElementById("draft").value = done.draft;
            section.hidden = false;
            button.classList.add("quiet");
            result.textContent = "The connection works. Nothing has changed yet.";
        } else {
            result.textContent = "The connection does not work yet. Correct what the steps say, then test again.";
        }
    } catch {
        result.textContent = "";
        error.textContent = "The test was interrupted. Try again.";
    } finally {
        button.disabled = false;
    }
});

async function* read(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
        const { value, done } = await reader.read();
        text += value ?? "";
        const blocks = text.split("\n\n");
        text = blocks.pop();
        for (const block of blocks) {
            const fields = Object.fromEntries(block.split("\n").map(line => line.split(/: ?(.*)/s, 2)));
            yield [fields.event, JSON.parse(fields.data)];
        }
        if (done) return;
    }
}

function show(steps, step) {
    let item = steps.querySelector(`[data-check="${step.check}"][data-outcome="Waiting"]`);
    if (!item) { item = document.createElement("li"); steps.append(item); }
    item.dataset.check = step.check;
    item.dataset.outcome = step.outcome;
    const title = document.createElement("strong");
    title.textContent = step.title;
    item.replaceChildren(title, ` ${step.message} ${step.outcome === "Waiting" ? "" : step.remedy ?? ""}`);
    if (step.policy && step.outcome !== "Waiting") {
        const policy = document.createElement("pre");
        policy.textContent = step.policy;
        item.append(policy);
    }
}

// The form works without this script, which adds the progress.
const upload = document.getElementById("upload-form");
if (upload) upload.addEventListener("submit", event => {
    event.preventDefault();
    const [bar, status, button] = ["upload-progress", "upload-status", "upload-button"].map(id => document.getElementById(id));
    const request = new XMLHttpRequest();
    request.open("POST", upload.action);
    request.upload.addEventListener("progress", now => { if (now.lengthComputable) { bar.max = now.total; bar.value = now.loaded; } });
    request.addEventListener("load", () => {
        if (request.status === 200) { location.assign(request.responseURL); return; }
        button.disabled = false;
        status.textContent = request.status === 409 || request.status === 503
            ? "The key of this account cannot be used at the moment. The page Encryption says why." : "The upload failed. Try again.";
    });
    request.addEventListener("error", () => { button.disabled = false; status.textContent = "The upload was interrupted. Try again."; });
    button.disabled = true;
    bar.hidden = false;
    status.textContent = "The upload runs.";
    request.send(new FormData(upload));
});
