/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the page knows of a group of sockets: a row's numbers, its rates, and how bad it is.
 *
 * Rates are differences between answers. A row that did not change is not in an answer: its counters
 * are as they were. So a row is computed anew while one of its counters moved within the last minute.
 */
import { NEAR, OLD_S, VERY_OLD_S, known, level } from "./words.js";

const WINDOW_MS = 60000;
const RATE_MS = 10000;
const CALM_MS = 60000; // a row that is well again keeps its place for so long

const NAMES = ["sent", "received", "dropped", "failures", "disconnects"];

const answers = []; // when they were, ms, of the last minute
let firstAnswer = null;

export function noteAnswer(now) {
    firstAnswer = firstAnswer ?? now;
    answers.push(now);
    while (answers.length > 2 && now - answers[0] > WINDOW_MS) answers.shift();
}

/* What "recent" is: the last minute, or as much of it as this page has seen. */
export function recently(now) {
    const seconds = Math.round((now - firstAnswer) / 1000);
    return seconds * 1000 >= WINDOW_MS ? "in the last minute" : `in the last ${seconds} s`;
}

function sumOf(list) {
    return Array.isArray(list) ? list.reduce((sum, member) => sum + member.value, 0) : list;
}

/* The first of the answers of the last `span` ms before `now`. */
const begins = new Map(); // span: { now, from }

function beginOf(now, span) {
    if (begins.get(span)?.now !== now) begins.set(span, { now, from: answers.find((time) => now - time <= span) ?? now });
    return begins.get(span).from;
}

/* The last entry that is not after `from`: of a minute it is among the first that are kept, of seconds
 * among the last. */
function entryAt(past, from, span) {
    let i = span < WINDOW_MS ? past.length - 1 : 0;
    while (i > 0 && past[i].time > from) i--;
    while (i + 1 < past.length && past[i + 1].time <= from) i++;
    return past[i];
}

/* The part of a counter that came within the last `span` ms, and how long that was. */
function recent(past, name, now, span) {
    const latest = past[past.length - 1].counters[name];
    const from = Math.max(beginOf(now, span), past[0].time);
    const base = entryAt(past, from, span).counters[name];
    if (from >= now || !known(base) || !known(latest)) return { n: 0, seconds: 0 };
    return { n: Math.max(0, latest - base), seconds: (now - from) / 1000 };
}

/* The oldest entry that is kept is what the minute began with. */
function remember(row, now, counters) {
    const latest = row.past[row.past.length - 1];
    if (!latest || NAMES.some((name) => latest.counters[name] !== counters[name])) row.past.push({ time: now, counters });
    while (row.past.length > 1 && now - row.past[1].time > WINDOW_MS) row.past.shift();
}

function rate(row, name, now) {
    const { n, seconds } = recent(row.past, name, now, RATE_MS);
    return seconds > 0 && known(row[name]) ? n / seconds : undefined;
}

/* 2: something is lost or stands still; 1: it may come to that; 0: well. */
function badness(row) {
    const fill = Math.max(row.sendFill || 0, row.receiveFill || 0);
    const age = Math.max(row.sendQueue > 1 ? row.sendAge || 0 : 0, row.receiveQueue > 1 ? row.receiveAge || 0 : 0);
    if (level(fill) === "bad" || age >= VERY_OLD_S || row.droppedRecent > 0 || row.failuresRecent > 0) return 2;
    return fill >= NEAR || age >= OLD_S || row.disconnectsRecent > 5 ? 1 : 0;
}

/* Worse at once, better after a while: rows do not jump. */
function rank(row, now) {
    const current = badness(row);
    if (current >= (row.rank || 0)) row.worstAt = now;
    else if (now - row.worstAt < CALM_MS) return row.rank;
    return current;
}

export function isMoving(row, now) {
    return row.past.length > 1 || now - row.past[0].time <= RATE_MS + 2000 || (row.rank > 0 && now - row.worstAt < CALM_MS + 2000);
}

/* Fills in `row`, an object that is kept from answer to answer. `now` is the time of the answer in
 * ms, `silent` the programs that have silent processes. */
export function compute(row, group, now, silent) {
    const v = group.values;
    const counters = {
        sent: v.zmq_socket_sent_messages_total,
        received: v.zmq_socket_received_messages_total,
        dropped: sumOf(v.zmq_socket_dropped_messages_total),
        failures: sumOf(v.zmq_socket_handshake_failures_total),
        disconnects: v.zmq_socket_disconnects_total,
    };
    if (!row.past) Object.assign(row, group.labels, { id: group.id, key: JSON.stringify(group.labels), past: [] });
    remember(row, now, counters);
    Object.assign(row, counters, {
        sockets: v.zmq_sockets || 0,
        isSilent: !known(v.zmq_sockets) && silent.has(group.labels.program),
        peers: v.zmq_socket_peers,
        sendQueue: v.zmq_socket_send_queue_messages,
        sendHwm: v.zmq_socket_send_hwm_messages,
        sendFill: v.zmq_socket_send_hwm_proximity_ratio,
        sendAge: v.zmq_socket_send_queue_oldest_message_age_seconds,
        receiveQueue: v.zmq_socket_receive_queue_messages,
        receiveHwm: v.zmq_socket_receive_hwm_messages,
        receiveFill: v.zmq_socket_receive_hwm_proximity_ratio,
        receiveAge: v.zmq_socket_receive_queue_oldest_message_age_seconds,
    });
    row.sentRate = rate(row, "sent", now);
    row.receivedRate = rate(row, "received", now);
    for (const name of ["dropped", "failures", "disconnects"]) row[`${name}Recent`] = recent(row.past, name, now, WINDOW_MS).n;
    row.rank = rank(row, now);
    return row;
}
