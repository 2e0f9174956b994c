/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The page of a socket: which one is in the address, `pid` and `serial`, or the labels of its group.
 * Of a group with several sockets it shows what they have in common, and links to each.
 */
import { drawPeers, chart, countedRows, eventRows, fillRows, levelOf, lostRows, misuseRows, optionRows, percent, rateText } from "./socket_parts.js";
import { History } from "./spark.js";
import { DASH, cell, count, duration, element, get, known, numberCell, runbookAddress, showState, since, socketAddress, until, visible } from "./words.js";
import { checkLink } from "./policy.js";

const INTERVAL_MS = 1000, POLICY_MS = 10000;

const query = new URLSearchParams(location.search);
const wanted = new URLSearchParams([...query].filter(([name]) => ["pid", "serial", "program", "type", "address"].includes(name)));
const find = (selector) => document.querySelector(selector);
const history = new History();

/* The labels of the group, which a socket has, or the address where none is open. */
let labels = Object.fromEntries(["program", "type", "address", "socket"].map((name) => [name, query.get(name)]).filter(([, value]) => value !== null));
let asked = { history: -1e9, policy: -1e9 };

function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
}

function drawName(sockets) {
    const one = sockets.length === 1 ? sockets[0] : null;
    const title = find("#name h1"), key = JSON.stringify(labels);
    if (title.dataset.key !== key) {
        title.dataset.key = key;
        title.replaceChildren(visible(labels.program ?? ""), element("small", labels.type ?? ""),
            element("code", visible(labels.socket ? `${labels.socket} (${labels.address})` : labels.address || "not bound or connected")));
        document.title = `${visible(labels.program ?? "socket")} ${labels.type ?? ""}`;
    }
    const facts = one ? [["process", `${one.pid}${one.is_silent ? ", silent: its tap does not write" : ""}`], ["command", visible(one.command)],
        ["libzmq", one.library || "not known"], ["open for", known(one.fields.opened_timestamp_seconds) ? since(Date.now() / 1000 - one.fields.opened_timestamp_seconds) : DASH],
        ["seen", one.seen_by === "peek" ? "from outside: no drops, handshakes or bytes" : "by its tap"]]
        : [["open sockets", count(sockets.length)]];
    const place = find("#name .facts"), text = JSON.stringify(facts);
    if (place.dataset.key === text || (!getSelection().isCollapsed && getSelection().containsNode(place, true))) return;
    place.dataset.key = text;
    place.replaceChildren(...facts.map(([name, value]) => {
        const fact = element("span", `${name} `);
        fact.append(element("b", value));
        return fact;
    }));
}

/* Of a group: its sockets, each with a link. */
function drawSeveral(section, sockets) {
    section.hidden = sockets.length < 2;
    if (section.hidden) return;
    const head = element("tr");
    head.append(...["Process", "Socket", "Program", "Address"].map((title) => element("th", title)),
        ...["Peers", "Send queue", "Receive queue", "Oldest"].map((title) => element("th", title, "number")));
    section.querySelector("thead").replaceChildren(head);
    fillRows(section, sockets.map((socket) => {
        const row = element("tr"), link = element("a", String(socket.pid)), f = socket.fields;
        link.href = socketAddress({ ...socket, serial: f.serial });
        cell(row).append(link);
        cell(row, `${socket.type} ${known(f.serial) ? `no. ${f.serial}` : ""}`, "type");
        cell(row, visible(socket.command), "program");
        cell(row, visible(socket.address), "address");
        numberCell(row, f.peers, count);
        numberCell(row, f.send_queue_messages, count);
        numberCell(row, f.receive_queue_messages, count);
        const ages = [f.send_queue_oldest_message_age_seconds, f.receive_queue_oldest_message_age_seconds].filter(known);
        numberCell(row, ages.length ? Math.max(...ages) : undefined, duration);
        return row;
    }));
}

const problemLines = new Map();

function isAbout(problem, sockets) {
    const fits = (party) => party.program === labels.program && party.type === labels.type && party.address === labels.address &&
        sockets.some((socket) => socket.pid === party.pid);
    return fits(problem) ? "its own" : problem.blocked.some(fits) ? "blocked" : problem.kind === "tap_silent" && sockets.some((socket) => socket.pid === problem.pid) ? "its own" : null;
}

function drawProblems(problems, sockets) {
    const shown = problems.map((problem) => ({ problem, how: isAbout(problem, sockets) })).filter(({ how }) => how);
    find("#problems").hidden = shown.length === 0;
    const items = shown.map(({ problem, how }) => {
        const key = JSON.stringify([problem.kind, problem.pid, problem.address, how]);
        if (!problemLines.has(key)) {
            const item = element("li"), words = document.createTextNode(""), link = element("a", "what to do", "runbook");
            link.href = runbookAddress(problem);
            const line = element("div");
            if (how === "blocked") {
                const cause = element("a", visible(problem.program));
                cause.href = socketAddress(problem);
                line.append("blocked by ", cause, `, pid ${problem.pid}, which `);
            }
            line.append(words, " ", link);
            item.append(line);
            problemLines.set(key, { item, words });
        }
        const { item, words } = problemLines.get(key);
        item.className = problem.severity === "critical" ? "bad" : "warn";
        if (words.data !== visible(problem.text)) words.data = visible(problem.text);
        return item;
    });
    const place = find("#problems ul");
    if (items.length !== place.children.length || items.some((item, i) => place.children[i] !== item)) place.replaceChildren(...items);
}

function drawHistory(answer) {
    history.take(answer);
    const id = answer.rows[0]?.id, series = (name) => history.series(id, name);
    const fill = [series("send_hwm_proximity_ratio"), series("receive_hwm_proximity_ratio")];
    const queues = [series("send_queue_messages"), series("receive_queue_messages")];
    const charts = id === undefined ? [] : [
        fill[0] && chart("Send queue, of its high water mark", { areas: [{ values: fill[0] }], most: 1, text: percent, kind: levelOf(fill[0]) }),
        fill[1] && chart("Receive queue, of its high water mark", { areas: [{ values: fill[1] }], most: 1, text: percent, kind: levelOf(fill[1]) }),
        chart("Messages queued", { lines: [{ values: queues[0], name: "to send" }, { values: queues[1], name: "to receive" }], text: count }),
        chart("Messages a second", { lines: [{ values: series("sent_messages_per_second"), name: "sent" },
            { values: series("received_messages_per_second"), name: "received" }], text: rateText }),
        chart("Dropped a second", { areas: [{ values: series("dropped_messages_per_second") }], text: rateText, kind: "drops" }),
    ].filter(Boolean);
    find("#history .charts").replaceChildren(...charts);
    find("#history").hidden = charts.length === 0;
}

function drawPolicy(violations, sockets) {
    const mine = violations.filter((one) => one.program === labels.program &&
        ((one.type === labels.type && one.address === labels.address) || (!one.type && !one.address)));
    const place = find("#policy ul"), key = JSON.stringify(mine);
    if (place.dataset.key !== key) {
        place.dataset.key = key;
        place.replaceChildren(...mine.map((one) => {
            const item = element("li", null, one.severity), link = element("span");
            link.append(checkLink(one));
            item.append(element("span", one.severity), link, element("span", visible(one.detail) + (one.count > 1 ? ` (${one.count} of them)` : "")));
            return item;
        }));
    }
    const empty = find("#policy .empty");
    empty.hidden = mine.length > 0;
    empty.textContent = sockets.every((socket) => socket.seen_by === "peek") ? "Options are not seen from outside; checks need the tap." : "It breaks no policy check.";
}

function drawUnmeasured(sockets) {
    const gaps = new Map(sockets.flatMap((socket) => socket.not_measured || []).map((gap) => [gap.capability, gap]));
    find("#unmeasured").hidden = gaps.size === 0;
    setText(find("#unmeasured"), `Not measured, or only bounded, in this process: ${[...gaps.values()]
        .map((gap) => `${gap.capability.replaceAll("_", " ")} (${gap.reason})`).join("; ")}.`);
}

function draw(answer, problems) {
    const sockets = answer.open, one = sockets.length === 1 ? sockets[0] : null, now = problems.time;
    if (sockets.length) labels = Object.fromEntries(["program", "type", "address", "socket"].map((name) => [name, sockets[0][name]]).filter(([, value]) => known(value)));
    drawName(sockets);
    drawSeveral(find("#several"), sockets);
    drawProblems(problems.problems, sockets);
    for (const [name, rows] of [["counted", countedRows], ["lost", lostRows], ["misuse", misuseRows], ["events", eventRows], ["options", optionRows]])
        fillRows(find(`#${name}`), one ? rows(one, now) : []);
    find("#peers").hidden = !one;
    if (one) drawPeers(find("#peers"), one, now);
    drawUnmeasured(sockets);
    setText(find("#history .of"), one && answer.in_group > 1 ? `Of its group, ${answer.in_group} sockets.` : "");
    find("main").hidden = false;
    return sockets;
}

async function askOpen() {
    const answer = await get(`api/v1/sockets/open?${wanted}`);
    if (answer.open.length === 1) {
        const { program, type, address } = answer.open[0];
        answer.in_group = (await get(`api/v1/sockets/open?${new URLSearchParams({ program, type, address })}`)).open.length;
    }
    return answer;
}

async function refresh() {
    try {
        const [answer, problems] = await Promise.all([askOpen(), get("api/v1/problems")]);
        const sockets = draw(answer, problems), now = performance.now();
        if (labels.program !== undefined && now - asked.history >= history.interval * 1000) {
            asked.history = now;
            drawHistory(await get(`api/v1/history?${new URLSearchParams(labels)}`));
        }
        if (now - asked.policy >= POLICY_MS) {
            asked.policy = now;
            drawPolicy((await get("api/v1/audit?format=json")).violations, sockets);
        }
        if (sockets.length) showState("live", `live, ${new Date(problems.time * 1000).toLocaleTimeString()}`);
        else showState("lost", "no such socket is open: it was closed, or its program has ended");
    } catch (error) {
        showState("lost", `no answer from the exporter (${error.message}); these are old numbers`);
    }
    await until(INTERVAL_MS);
    refresh();
}

find("#json").href = `api/v1/sockets/open?${wanted}`;
refresh();
