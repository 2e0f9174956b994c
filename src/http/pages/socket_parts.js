/* SPDX-License-Identifier: MPL-2.0 */
/* The parts of a socket's page: tables of what is known of it, charts of its last ten minutes. */
import { areaPath, greatest, linePath, svg } from "./spark.js";
import { DASH, cell, count, duration, element, known, level, numberCell, percent, rateText, since, visible } from "./words.js";

const bytes = (n) => (n < 1024 ? `${n} bytes` : n < 1048576 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1048576).toFixed(1)} MiB`);
const ms = (off) => (v) => (v === off ? "none" : `${v.toLocaleString("en")} ms`);
const long = (s) => (s >= 120 ? since(s) : duration(s));
const yes = (v) => (v ? "yes" : "no");
const MECHANISMS = ["NULL", "PLAIN", "CURVE", "GSSAPI"];

/* name of a field, title, how to write it, what is worth a colour */
const COUNTED = [
    ["send_queue_messages", "Send queue", count],
    ["send_hwm_proximity_ratio", "of its high water mark", percent, level],
    ["send_hwm_messages", "Send high water mark", (v) => (v ? count(v) : "no limit")],
    ["send_queue_oldest_message_age_seconds", "Oldest message to send", long, (v) => (v >= 300 ? "bad" : v >= 60 ? "warn" : "")],
    ["receive_queue_messages", "Receive queue", count],
    ["receive_hwm_proximity_ratio", "of its high water mark", percent, level],
    ["receive_hwm_messages", "Receive high water mark", (v) => (v ? count(v) : "no limit")],
    ["receive_queue_oldest_message_age_seconds", "Oldest message to receive", long, (v) => (v >= 300 ? "bad" : v >= 60 ? "warn" : "")],
    ["sent_messages", "Sent", count],
    ["sent_bytes", "Sent bytes", bytes],
    ["last_sent_timestamp_seconds", "Last sent", (v, now) => `${since(now - v)} ago`],
    ["received_messages", "Received", count],
    ["received_bytes", "Received bytes", bytes],
    ["last_received_timestamp_seconds", "Last received", (v, now) => `${since(now - v)} ago`],
    ["largest_sent_frame_bytes", "Largest frame sent", bytes],
    ["largest_received_frame_bytes", "Largest frame received", bytes],
    ["send_at_hwm_seconds", "Time with a full queue", duration, (v) => (v > 0 ? "warn" : "")],
    ["send_blocked_seconds", "Waited to send", duration],
    ["send_blocked_no_peer_seconds", "Waited for a peer", duration],
    ["send_would_block", "Told EAGAIN", count],
    ["send_would_block_no_peer", "Told EAGAIN without a peer", count],
];

const LOST = [
    ["dropped_hwm_messages", "A peer's queue was full", "hwm"],
    ["dropped_unroutable_messages", "No such peer", "unroutable"],
    ["dropped_linger_messages", "Closed before they were sent", "linger"],
    ["dropped_disconnect_messages", "The peer went away", "disconnect"],
];

/* Calls that libzmq refused, by errno name: what the program does. */
const API_ERRORS = {
    EFSM: "a send or receive out of turn",
    ENOTSUP: "a call that the type does not have",
    EHOSTUNREACH: "no such peer",
    EINVAL: "an argument that is not valid",
    ENOENT: "no such endpoint",
    ENODEV: "no such interface",
    EPROTONOSUPPORT: "a transport that libzmq does not have",
    ENOCOMPATPROTO: "a transport that the type cannot use",
    EFAULT: "an address that is not there",
    ENOTSOCK: "the socket was closed",
    EMTHREAD: "no I/O thread",
    ETERM: "its context was being ended",
};

const OPTIONS = [
    ["linger", "Linger", (v) => (v < 0 ? "for ever" : `${v} ms`)],
    ["maxmsgsize", "Largest message", (v) => (v < 0 ? "no limit" : bytes(v))],
    ["sndtimeo", "Send timeout", ms(-1)],
    ["rcvtimeo", "Receive timeout", ms(-1)],
    ["heartbeat_ivl", "Heartbeat", ms(0)],
    ["heartbeat_timeout", "Heartbeat timeout", (v) => (v < 0 ? "as the heartbeat" : `${v} ms`)],
    ["heartbeat_ttl", "Heartbeat time to live", ms(0)],
    ["handshake_ivl", "Handshake timeout", ms(0)],
    ["mechanism", "Mechanism", (v) => MECHANISMS[v] || String(v)],
    ["curve_server", "CURVE server", yes],
    ["plain_server", "PLAIN server", yes],
    ["zap_domain", "ZAP domain set", yes],
    ["conflate", "Conflate", yes],
    ["router_mandatory", "Router mandatory", yes],
    ["xpub_nodrop", "XPUB nodrop", yes],
    ["ipv6", "IPv6", yes],
    ["binds", "Endpoints bound", count],
    ["connects", "Endpoints connected to", count],
];

function tableRow(title, text, kind, note) {
    const row = element("tr");
    row.append(element("td", title, note ? "" : "words"), element("td", text, kind || ""));
    if (note) row.title = note;
    return row;
}

/* Writes a table only where it says something else, and not where text is selected. */
export function fillRows(section, rows) {
    section.hidden = rows.length === 0;
    const body = section.querySelector("tbody"), selection = getSelection();
    const key = rows.map((row) => row.outerHTML).join("");
    if (body.dataset.key === key || (!selection.isCollapsed && selection.containsNode(body, true))) return;
    body.dataset.key = key;
    body.replaceChildren(...rows);
}

export function countedRows({ fields }, now) {
    return COUNTED.filter(([name]) => known(fields[name]))
        .map(([name, title, text, kind]) => tableRow(title, text(fields[name], now), kind ? kind(fields[name]) : ""));
}

export function lostRows({ fields }) {
    return LOST.filter(([name]) => known(fields[name]))
        .map(([name, title, reason]) => tableRow(title, count(fields[name]), fields[name] ? "bad" : "zero", `reason ${reason}`));
}

export function misuseRows({ fields, api_errors: errors }) {
    const rows = Object.entries(errors || {}).sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, n]) => tableRow([name, API_ERRORS[name]].filter(Boolean).join(": "), count(n), name === "ETERM" ? "" : "bad", "calls that libzmq refused"));
    if (fields.concurrent_calls > 0)
        rows.push(tableRow("Calls while another thread was in one", `at least ${count(fields.concurrent_calls)}`, "bad", "a socket is for one thread at a time"));
    return rows;
}

export function eventRows({ events, handshake_failures: failures }) {
    const found = Object.entries(events || {}).map(([name, n]) => tableRow(name.replaceAll("_", " "), count(n)));
    return [...found, ...Object.entries(failures || {}).filter(([, n]) => n > 0)
        .map(([cause, n]) => tableRow(`handshakes failed: ${cause}`, count(n), "bad"))];
}

export function optionRows({ fields }) {
    return OPTIONS.filter(([name]) => known(fields[name])).map(([name, title, text]) => tableRow(title, text(fields[name]), "", `ZMQ_${name.toUpperCase()}`));
}

/* title, of a peer, how to write it */
const PEER = [
    ["Send queue", "send_queue", count],
    ["Receive queue", "receive_queue", count],
    ["Full for", "full_since", (v, now) => since(now - v), () => "bad"],
    ["Unsent in the kernel", "unsent_bytes", bytes],
    ["Unread in the kernel", "unread_bytes", bytes],
    ["Unread at the peer", "peer_unread_bytes", bytes],
    ["Sent again", "retransmits", count],
];

/* What is known of each connection, the fullest first. */
export function drawPeers(section, socket, now) {
    const peers = (socket.peers || []).slice().sort((a, b) =>
        (b.send_queue || 0) + (b.receive_queue || 0) - (a.send_queue || 0) - (a.receive_queue || 0));
    const shown = PEER.filter(([, name]) => peers.some((peer) => known(peer[name])));
    const head = element("tr");
    head.append(...["Peer", "Process", "Program", "Type"].map((title) => element("th", title)),
        ...shown.map(([title]) => element("th", title, "number")));
    section.querySelector("thead").replaceChildren(head);
    fillRows(section, peers.map((peer) => {
        const row = element("tr");
        cell(row, peer.address ? visible(peer.address) : DASH, "address");
        cell(row, known(peer.pid) ? String(peer.pid) : DASH, known(peer.pid) ? "" : "unknown");
        const name = cell(row, null, "program");
        if (known(peer.pid) && peer.type) {
            const link = element("a", visible(peer.program || "its socket"));
            link.href = `socket?${new URLSearchParams({ pid: peer.pid, type: peer.type })}`;
            name.append(link);
        } else {
            name.textContent = peer.program ? visible(peer.program) : DASH;
        }
        cell(row, peer.type || DASH, "type");
        for (const [, key, text, kind] of shown) numberCell(row, peer[key], (v) => text(v, now), kind ? kind() : "");
        return row;
    }));
    const n = socket.fields.peers;
    const empty = section.querySelector(".empty");
    section.querySelector(".scroll").hidden = peers.length === 0;
    section.hidden = peers.length === 0 && !known(n);
    empty.hidden = peers.length > 0 && !socket.n_peers_left_out;
    empty.textContent = socket.n_peers_left_out ? `${count(socket.n_peers_left_out)} more have less in their queues.`
        : n === 0 ? "It has no peer." : `${count(n)} ${n === 1 ? "peer has" : "peers have"} finished the handshake; who ${n === 1 ? "it is" : "they are"} only the reader tells, which does not see this process.`;
}

const WIDTH = 600, HEIGHT = 104;

/* One chart: `lines` are [{ values, name }], `areas` the same; `most` is the top, null: the greatest. */
export function chart(title, { areas = [], lines = [], most = null, text, kind = "" }) {
    const all = [...areas, ...lines].filter((one) => one.values);
    if (!all.length) return null;
    const top = most ?? Math.max(...all.map((one) => greatest(one.values)));
    const made = element("figure", null, "chart"), caption = element("figcaption");
    const ends = all.map((one) => one.values[one.values.length - 1]).filter(known);
    caption.append(element("b", title), element("span", ends.length ? `now ${text(Math.max(...ends))}` : "now not known"));
    const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
    root.setAttribute("aria-label", `${title}: at most ${text(Math.max(...all.map((one) => greatest(one.values))))}`);
    root.append(svg("path", { class: "grid", d: `M0 1H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}` }));
    for (const { values } of areas.filter((one) => one.values)) root.append(svg("path", { class: `area ${kind}`, d: areaPath(values, top, WIDTH, HEIGHT) }));
    lines.forEach(({ values }, i) => values && root.append(svg("path", { class: `line ${i ? "second" : ""}`, d: linePath(values, top, WIDTH, HEIGHT) })));
    const axis = element("div", null, "axis"), key = element("div", null, "key");
    axis.append(element("span", "10 min ago"), element("span", `top: ${text(top)}`), element("span", "now"));
    lines.forEach(({ values, name }, i) => {
        if (!values) return;
        const one = element("span");
        one.append(element("i", null, i ? "second" : ""), name);
        key.append(one);
    });
    made.append(caption, root, axis, ...(key.children.length > 1 ? [key] : []));
    return made;
}

export const levelOf = (values) => level(greatest(values));
export { percent, rateText };
