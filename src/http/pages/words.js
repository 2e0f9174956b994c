/* SPDX-License-Identifier: MPL-2.0 */
/* Numbers as words, and cells of tables. Text goes into the page as text only. */

export const NEAR = 0.8;
export const FULL = 0.95;
export const OLD_S = 60; // as the alerts on ages have it
export const VERY_OLD_S = 300;
export const DASH = "\u2013";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const decimal = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export const known = (value) => value !== undefined && value !== null;
export const count = (n) => (n >= 1e6 ? short.format(n) : whole.format(n));
export const percent = (ratio) => `${Math.round(ratio * 100)} %`;
export const rateText = (n) => (n >= 1000 ? count(n) : decimal.format(n));
export const level = (ratio) => (ratio >= FULL ? "bad" : ratio >= NEAR ? "warn" : "");

export function age(seconds) {
    const years = seconds / (365.25 * 86400);
    return years >= 1 ? `${decimal.format(years)} years` : `${whole.format(seconds / 86400)} days`;
}

/* "12 s", "3 min", "5 h", "2 days" */
export function since(seconds) {
    for (const [unit, size] of [["days", 86400], ["h", 3600], ["min", 60]])
        if (seconds >= size) return `${whole.format(Math.floor(seconds / size))} ${unit}`;
    return `${whole.format(Math.max(0, Math.floor(seconds)))} s`;
}

export function duration(seconds) {
    return seconds >= 1 ? `${decimal.format(seconds)} s` : `${decimal.format(seconds * 1000)} ms`;
}

/* Control characters, and those that change the direction of text, as their numbers: a name may
 * not make a line look like another. */
export function visible(text) {
    return String(text).replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
        (c) => `\u27e8U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`);
}

export const until = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/* The page of a socket, or of a group's sockets. `of` has labels, and a pid and serial where one is meant. */
export function socketAddress(of) {
    const query = new URLSearchParams();
    for (const name of ["pid", "serial", "program", "type", "address", "socket"]) if (known(of[name])) query.set(name, of[name]);
    return `socket?${query}`;
}

export function runbookAddress({ runbook, program, type, address }) {
    return `runbooks/${runbook}?${new URLSearchParams({ program, type, address })}`;
}

export async function get(path) {
    const response = await fetch(path, { cache: "no-store" });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.json();
}

export function showState(state, text) {
    document.body.dataset.state = state;
    document.querySelector("#state").textContent = text;
}

export function element(name, text, className) {
    const made = document.createElement(name);
    if (known(text)) made.textContent = text;
    if (className) made.className = className;
    return made;
}

export function cell(row, text, className) {
    const made = element("td", text, className);
    row.append(made);
    return made;
}

export function numberCell(row, value, text, kind) {
    if (!known(value)) return cell(row, DASH, "number unknown");
    return cell(row, text(value), `number ${value === 0 ? "zero" : kind || ""}`);
}
