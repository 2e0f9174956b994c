/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The table of socket groups. Each row's nodes are made once and kept; an update writes only what is
 * different, and moves only what has another place. Rows in which text is selected stay as they are.
 *
 * Numbers are written where they can be seen. A row out of sight is stale until it comes into sight,
 * or until somebody selects text or prints, which takes all rows.
 */
import { detailRow } from "./lists.js";
import { checkLink, violationsOf } from "./policy.js";
import { greatest, makeSpark, sparkOf } from "./spark.js";
import { DASH, count, element, known, level, percent, rateText, since, socketAddress, visible } from "./words.js";

const MAX_ROWS = 2500;
const NEAR_PX = 200;

const body = document.querySelector("#sockets tbody");
const made = new Map(); // id of a row: its nodes
export const details = new Map(); // id of a row that is open: its single sockets, null while awaited

let onToggle = () => {};
export const whenToggled = (call) => { onToggle = call; };

/* The rows on the screen, or nearly: their ids. Lines lie one below the other, so the first of them is
 * found by halving. */
export function rowsInSight() {
    const lines = body.children, above = (line) => line.getBoundingClientRect().bottom < -NEAR_PX;
    let low = 0, high = lines.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (above(lines[middle])) low = middle + 1;
        else high = middle;
    }
    const ids = [];
    for (; low < lines.length && lines[low].getBoundingClientRect().top < innerHeight + NEAR_PX; low++)
        if (lines[low].dataset.id) ids.push(Number(lines[low].dataset.id));
    return ids;
}

/* A cell of which text and class are written if they change. */
function slot(line, label) {
    const cell = element("td", "");
    cell.setAttribute("role", "cell");
    if (label) cell.dataset.label = label;
    const words = document.createTextNode("");
    cell.append(words);
    line.append(cell);
    let text, className;
    return (newText, newClass) => {
        if (newText !== text) words.data = text = newText;
        if (newClass !== className) cell.className = className = newClass;
        return cell;
    };
}

function numberSlot(line, label) {
    const write = slot(line, label);
    return (value, text, kind) => (known(value) ? write(text(value), `number ${value === 0 ? "zero" : kind || ""}`)
        : write(DASH, "number unknown"));
}

function queueTitle(depth, hwm, age) {
    if (!known(depth)) return "not known";
    const title = hwm === 0 ? `${count(depth)} messages, no high water mark`
        : `${count(depth)} messages over all peers; the high water mark is ${known(hwm) ? count(hwm) : "not known"} for each`;
    return age > 0 ? `${title}; the oldest has waited for ${since(age)}` : title;
}

function queueSlot(line, label) {
    const cell = slot(line, label)("", "queue");
    const box = element("div"), track = element("div"), bar = element("i");
    const depthText = element("span", ""), ratioText = element("small", "");
    track.append(bar);
    box.append(depthText, track, ratioText);
    cell.append(box);
    let was;
    return (depth, hwm, ratio, age) => {
        const title = queueTitle(depth, hwm, age), key = `${ratio} ${title}`;
        if (key === was) return;
        was = key;
        box.className = `fill ${known(depth) ? known(ratio) ? level(ratio) : "" : "unknown"}`;
        box.title = title;
        track.hidden = !known(depth) || hwm === 0;
        ratioText.hidden = !known(depth);
        depthText.textContent = known(depth) ? count(depth) : DASH;
        ratioText.textContent = known(ratio) ? percent(ratio) : hwm === 0 ? "no limit" : "";
        bar.style.width = `${Math.min(1, ratio || 0) * 100}%`;
    };
}

function programSlot(line, row) {
    const cell = slot(line)("", "program");
    const button = element("button", visible(row.program));
    cell.append(button);
    button.addEventListener("click", () => {
        if (!details.delete(row.id)) details.set(row.id, null);
        onToggle();
    });
    return button;
}

function checksSlot(line) {
    const cell = slot(line, "Policy")("", "checks");
    let was;
    return (row) => {
        const list = violationsOf(row), key = list.map((one) => one.check).join();
        if (key === was) return;
        was = key;
        const more = element("a", `+${list.length - 1}`, "more");
        more.href = `${socketAddress(row)}#policy`;
        more.title = list.map((one) => one.check).join(", ");
        cell.replaceChildren(...(list.length ? [checkLink(list[0])] : []), ...(list.length > 1 ? [more] : []));
        cell.classList.toggle("none", list.length === 0);
    };
}

function sparkSlot(line, row) {
    const cell = slot(line, "Last 10 min")("", "history");
    let link, spark;
    return (history) => {
        if (!spark) { // most rows never come into sight
            link = element("a");
            spark = makeSpark();
            link.href = socketAddress(row);
            link.append(spark.root);
            cell.append(link);
        }
        const shown = sparkOf(history, row.id);
        const lost = (shown.drops || []).reduce((sum, n) => sum + (n || 0), 0) * history.interval;
        const words = ["the last ten minutes",
            shown.line && `up to ${rateText(greatest(shown.line))} messages a second`,
            shown.area && (shown.isRatio ? `a queue up to ${percent(greatest(shown.area))} full` : `up to ${count(greatest(shown.area))} messages queued`),
            lost > 0 && `about ${count(lost)} dropped`].filter(Boolean).join(", ");
        link.title = `${words}; opens the page of this socket`;
        spark.draw(shown, words);
    };
}

function build(row) {
    const line = element("tr");
    line.setAttribute("role", "row");
    line.dataset.id = row.id;
    line.dataset.key = row.key;
    const nodes = {
        row,
        line,
        button: programSlot(line, row),
        type: slot(line),
        address: slot(line),
        peers: numberSlot(line, "Peers"),
        send: queueSlot(line, "Send queue"),
        receive: queueSlot(line, "Receive queue"),
        sentRate: numberSlot(line, "Sent /s"),
        receivedRate: numberSlot(line, "Received /s"),
        dropped: numberSlot(line, "Dropped"),
        failures: numberSlot(line, "Failed handshakes"),
        disconnects: numberSlot(line, "Disconnects"),
        checks: checksSlot(line),
        spark: sparkSlot(line, row),
        detail: null,
        isStale: true,
    };
    nodes.type(row.type, "type");
    nodes.address(visible(row.socket ? `${row.socket} (${row.address})` : row.address || "not bound or connected"), "address")
        .title = visible(row.address);
    return nodes;
}

function update(nodes, row) {
    const kind = row.sockets || row.isSilent ? "" : "closed";
    if (nodes.line.className !== kind) nodes.line.className = kind;
    nodes.peers(row.peers, count);
    nodes.send(row.sendQueue, row.sendHwm, row.sendFill, row.sendAge);
    nodes.receive(row.receiveQueue, row.receiveHwm, row.receiveFill, row.receiveAge);
    nodes.sentRate(row.sentRate, rateText);
    nodes.receivedRate(row.receivedRate, rateText);
    nodes.dropped(row.dropped, count, row.droppedRecent ? "bad" : "");
    nodes.failures(row.failures, count, row.failuresRecent ? "bad" : "");
    nodes.disconnects(row.disconnects, count, row.disconnectsRecent > 5 ? "warn" : "");
    nodes.checks(row);
}

function drawDetail(nodes, row, now) {
    nodes.button.setAttribute("aria-expanded", details.has(row.id));
    if (!details.has(row.id)) {
        nodes.detail = nodes.shown = null;
        return;
    }
    const answer = details.get(row.id);
    if (nodes.detail && nodes.shown === answer) return;
    const fresh = detailRow(answer, 13, now);
    if (nodes.detail?.isConnected) nodes.detail.replaceWith(fresh);
    nodes.detail = fresh;
    nodes.shown = answer;
}

/* Whether somebody is selecting text in it. */
export function isSelected(place) {
    const selection = getSelection();
    return selection.rangeCount > 0 && !selection.isCollapsed && selection.containsNode(place, true);
}

let arranged = []; // the table's lines

/* Puts `lines` into the table in this order, with as few moves as that takes. */
function arrange(lines) {
    if (lines.length === arranged.length && lines.every((line, i) => line === arranged[i])) return;
    arranged = lines;
    const wanted = new Set(lines);
    for (const line of [...body.children]) if (!wanted.has(line)) line.remove();
    let at = body.firstChild;
    for (const line of lines) {
        if (at === line) at = at.nextSibling;
        else body.insertBefore(line, at);
    }
}

function drawStale(nodes, isHeld) {
    if (!nodes.isStale || (isHeld && (isSelected(nodes.line) || (nodes.detail && isSelected(nodes.detail))))) return;
    nodes.isStale = false;
    update(nodes, nodes.row);
}

function drawStaleInSight() {
    const isHeld = isSelected(body);
    for (const id of rowsInSight()) drawStale(made.get(id), isHeld);
}

function drawAllStale() {
    const isHeld = isSelected(body);
    for (const nodes of made.values()) drawStale(nodes, isHeld);
}

/*
 * Shows `rows` in their order; `changed` are those whose numbers are not as they were the last time,
 * null: all. Returns how many rows there is no room for.
 */
export function drawRows(rows, changed, now) {
    const isHeld = isSelected(body);
    const shown = rows.slice(0, MAX_ROWS);
    const focused = document.activeElement;
    const lines = [];
    for (const row of shown) {
        let nodes = made.get(row.id);
        if (!nodes) {
            made.set(row.id, nodes = build(row));
            drawStale(nodes, false);
        }
        nodes.row = row;
        nodes.isStale ||= !changed || changed.has(row);
        if ((details.has(row.id) || nodes.detail) && !(isHeld && nodes.detail && isSelected(nodes.detail))) drawDetail(nodes, row, now);
        lines.push(nodes.line);
        if (nodes.detail) lines.push(nodes.detail);
    }
    if (!isHeld) arrange(lines);
    drawStaleInSight();
    /* Whoever was on a row's button by keyboard stays there when the row moves. */
    if (focused !== document.activeElement && focused?.isConnected) focused.focus();
    return rows.length - shown.length;
}

/* Rows that are not shown now, and would be drawn from old numbers later. */
export function markStale(rows) {
    for (const row of rows) if (made.has(row.id)) made.get(row.id).isStale = true;
}

export function forget(id) {
    const nodes = made.get(id);
    if (!nodes) return;
    nodes.line.remove();
    nodes.detail?.remove();
    made.delete(id);
    details.delete(id);
}

/* Of the rows in sight, where there is something new. */
export function drawSparks(history, ids) {
    for (const id of ids) {
        const nodes = made.get(id), key = `${history.tick} ${history.rows.get(id)?.last}`;
        if (nodes.drawn === key) continue;
        nodes.drawn = key;
        nodes.spark(history);
    }
}

let isAwaited = false;

function drawNextFrame() {
    if (isAwaited) return;
    isAwaited = true;
    requestAnimationFrame(() => {
        isAwaited = false;
        drawStaleInSight();
    });
}

addEventListener("scroll", drawNextFrame, { passive: true });
addEventListener("resize", drawNextFrame);
addEventListener("beforeprint", drawAllStale);
document.addEventListener("selectstart", drawAllStale);
