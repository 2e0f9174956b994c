/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the page knows of a group of sockets: a row's numbers, its rates, and what is wrong with it.
 *
 * Rates are differences between answers; answers are remembered for WINDOW_MS.
 */
import { NEAR, OLD_S, VERY_OLD_S, count, known, level, percent, since } from "./words.js";

const WINDOW_MS = 60000;
const RATE_MS = 10000;

const history = new Map(); // key of a row: [{time, counters}], oldest first

let firstAnswer = null; // ms

/* What "recent" is: the last minute, or as much of it as this page has seen. */
export function recently(now) {
    firstAnswer = firstAnswer ?? now;
    const seconds = Math.round((now - firstAnswer) / 1000);
    return seconds * 1000 >= WINDOW_MS ? "in the last minute" : `in the last ${seconds} s`;
}

function sumOf(list) {
    return Array.isArray(list) ? list.reduce((sum, member) => sum + member.value, 0) : list;
}

/* The part of a counter that came within the last `span` ms, and how long that was. */
function recent(key, name, now, span) {
    const past = history.get(key) || [];
    const first = past.find((entry) => now - entry.time <= span);
    const latest = past[past.length - 1];
    if (!first || first === latest || !known(first.counters[name])) return { n: 0, seconds: 0 };
    return { n: latest.counters[name] - first.counters[name], seconds: (latest.time - first.time) / 1000 };
}

function remember(key, now, counters) {
    const past = history.get(key) || [];
    past.push({ time: now, counters });
    while (past.length > 2 && now - past[0].time > WINDOW_MS) past.shift();
    history.set(key, past);
}

function rate(key, name, now) {
    const { n, seconds } = recent(key, name, now, RATE_MS);
    return seconds > 0 ? n / seconds : undefined;
}

/* The member of a list of values that has the most, by these names. */
function most(list, names) {
    const top = list.slice().sort((a, b) => b.value - a.value)[0];
    return top ? names.map((name) => top[name]).filter(Boolean).join(" ") : "";
}

/* What is wrong with a socket, in words. */
function problems(row, now) {
    const found = [], lately = recently(now);
    const say = (kind, text) => found.push({ kind, text });
    if (row.sendFill >= NEAR) say(level(row.sendFill), `send queue at ${percent(row.sendFill)} of its high water mark`);
    if (row.receiveFill >= NEAR) say(level(row.receiveFill), `receive queue at ${percent(row.receiveFill)} of its high water mark`);
    if (row.sendAge >= OLD_S && row.sendQueue > 1) say(row.sendAge >= VERY_OLD_S ? "bad" : "warn", `messages have waited to be sent for ${since(row.sendAge)}`);
    if (row.receiveAge >= OLD_S && row.receiveQueue > 1) say(row.receiveAge >= VERY_OLD_S ? "bad" : "warn", `messages have waited to be received for ${since(row.receiveAge)}`);
    if (row.droppedRecent > 0) say("bad", `${count(row.droppedRecent)} dropped ${lately} (${most(row.reasons, ["reason"])})`);
    if (row.failuresRecent > 0) say("bad", `${count(row.failuresRecent)} handshakes failed ${lately} (${most(row.causes, ["cause", "detail"])})`);
    if (row.disconnectsRecent > 5) say("warn", `${count(row.disconnectsRecent)} connections lost ${lately}`);
    return found;
}

export const worst = (row) => row.problems.reduce((sum, p) => sum + (p.kind === "bad" ? 100 : 10), 0) +
    Math.max(row.sendFill || 0, row.receiveFill || 0);

/* `now` is the time of the answer in ms, `silent` the programs that have silent processes. */
export function rowOf(group, now, silent) {
    const v = group.values, labels = group.labels;
    const key = JSON.stringify(labels);
    const counters = {
        sent: v.zmq_socket_sent_messages_total,
        received: v.zmq_socket_received_messages_total,
        dropped: sumOf(v.zmq_socket_dropped_messages_total),
        failures: sumOf(v.zmq_socket_handshake_failures_total),
        disconnects: v.zmq_socket_disconnects_total,
    };
    remember(key, now, counters);
    const row = {
        ...labels, ...counters, key,
        sockets: v.zmq_sockets || 0,
        isSilent: !known(v.zmq_sockets) && silent.has(labels.program),
        peers: v.zmq_socket_peers,
        sendQueue: v.zmq_socket_send_queue_messages,
        sendHwm: v.zmq_socket_send_hwm_messages,
        sendFill: v.zmq_socket_send_hwm_proximity_ratio,
        sendAge: v.zmq_socket_send_queue_oldest_message_age_seconds,
        receiveQueue: v.zmq_socket_receive_queue_messages,
        receiveHwm: v.zmq_socket_receive_hwm_messages,
        receiveFill: v.zmq_socket_receive_hwm_proximity_ratio,
        receiveAge: v.zmq_socket_receive_queue_oldest_message_age_seconds,
        sentRate: rate(key, "sent", now),
        receivedRate: rate(key, "received", now),
        droppedRecent: recent(key, "dropped", now, WINDOW_MS).n,
        failuresRecent: recent(key, "failures", now, WINDOW_MS).n,
        disconnectsRecent: recent(key, "disconnects", now, WINDOW_MS).n,
        causes: v.zmq_socket_handshake_failures_total || [],
        reasons: v.zmq_socket_dropped_messages_total || [],
    };
    return { ...row, problems: problems(row, now) };
}

/* Forgets rows that are no longer there. */
export function forgetOthers(rows) {
    const present = new Set(rows.map((row) => row.key));
    for (const key of history.keys()) if (!present.has(key)) history.delete(key);
}
