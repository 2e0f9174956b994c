/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What is wrong, in words, the cause before its symptoms: the first thing on the page.
 *
 * A line is kept while its problem lasts, and written anew only where it says something else; what
 * is selected stays.
 */
import { checkLink, violationsOf } from "./policy.js";
import { count, element, runbookAddress, socketAddress, visible } from "./words.js";

const MAX_PROBLEMS = 12;

const find = (selector) => document.querySelector(`#problems ${selector}`);
const made = new Map(); // key of a line: its nodes

function isSelected(place) {
    const selection = getSelection();
    return selection.rangeCount > 0 && !selection.isCollapsed && selection.containsNode(place, true);
}

/* A problem, with where it is and what to do about it. */
function problemLine(problem) {
    const item = element("li"), title = element("b"), words = element("div");
    const name = element("a", visible(problem.program), "name");
    name.href = socketAddress(problem);
    const pid = element("a", `pid ${problem.pid}`, "pid");
    pid.href = socketAddress(problem);
    title.append(name, pid, element("span", `${problem.type} ${visible(problem.address)}`));
    const text = document.createTextNode("");
    const link = element("a", "what to do", "runbook");
    link.href = runbookAddress(problem);
    const peers = element("span", null, "peers"), checks = element("span", null, "breaks");
    words.append(text, " ", link, peers, checks);
    item.append(title, words);
    return { item, text, peers, checks };
}

/* Those that cannot send because of it, by their processes. */
function updatePeers(place, blocked) {
    const key = JSON.stringify(blocked);
    if (place.dataset.key === key) return;
    place.dataset.key = key;
    place.replaceChildren(...(blocked.length ? ["sending to it: "] : []), ...blocked.flatMap((party, i) => {
        const link = element("a", `${visible(party.program)}, pid ${party.pid}`);
        link.href = socketAddress(party);
        return i ? ["; ", link] : [link];
    }));
}

function updateProblem(nodes, problem) {
    const kind = problem.severity === "critical" ? "bad" : "warn", words = visible(problem.text);
    if (nodes.item.className !== kind) nodes.item.className = kind;
    if (nodes.text.data !== words) nodes.text.data = words;
    updatePeers(nodes.peers, problem.blocked);
    const list = violationsOf(problem), key = list.map((one) => one.check).join();
    if (nodes.checks.dataset.key === key) return;
    nodes.checks.dataset.key = key;
    nodes.checks.replaceChildren(...(list.length ? [list.length > 1 ? "breaks the checks " : "breaks the check "] : []),
        ...list.flatMap((one, i) => (i ? [", ", checkLink(one)] : [checkLink(one)])));
}

/* Programs that were given the tap, or could be, and are not on the page. */
function missingLine({ program, where, text }) {
    const item = element("li", null, "warn unheard"), title = element("b", visible(program));
    title.append(element("span", where));
    item.append(title, element("div", text));
    return { item };
}

function lineOf(key, make) {
    if (!made.has(key)) made.set(key, make());
    return made.get(key);
}

function arrange(lines) {
    const place = find("ul"), wanted = new Set(lines);
    for (const line of [...place.children]) if (!wanted.has(line)) line.remove();
    let at = place.firstChild;
    for (const line of lines) {
        if (at === line) at = at.nextSibling;
        else place.insertBefore(line, at);
    }
}

export function drawProblems(list, isComplete, unheard) {
    const title = list.length === 0 ? "No problem is seen"
        : list.length === 1 ? "1 problem" : `${isComplete ? "" : "more than "}${count(list.length)} problems`;
    const keys = new Set(), items = [];
    for (const problem of list.slice(0, MAX_PROBLEMS)) {
        const key = JSON.stringify([problem.kind, problem.pid, problem.program, problem.type, problem.address, problem.socket]);
        const nodes = lineOf(key, () => problemLine(problem));
        if (!isSelected(nodes.item)) updateProblem(nodes, problem);
        keys.add(key);
        items.push(nodes.item);
    }
    for (const one of unheard.slice(0, MAX_PROBLEMS)) {
        const key = JSON.stringify(one);
        items.push(lineOf(key, () => missingLine(one)).item);
        keys.add(key);
    }
    if (isSelected(find("ul"))) return;
    for (const key of made.keys()) if (!keys.has(key)) made.delete(key);
    arrange(items);
    find("h2").textContent = title;
    document.querySelector("#problems").dataset.n = list.length;
    find(".empty").hidden = list.length <= MAX_PROBLEMS;
    find(".empty").textContent = `${count(list.length - MAX_PROBLEMS)} more are not shown; api/v1/problems has them.`;
}
