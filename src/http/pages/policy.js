/* SPDX-License-Identifier: MPL-2.0 */
/* Which policy checks a group of sockets breaks, and links to what these checks are about. */
import { element } from "./words.js";

const SEVERITIES = ["critical", "high", "medium", "low"];

let broken = new Map(); // place: [{ check, severity }], worst first

const place = (program, type, address) => JSON.stringify([program, type || "", address || ""]);

/* `programs` are rows of that section. */
export function takeViolations(programs) {
    broken = new Map();
    for (const { labels, values } of programs) {
        if (!values.zmq_policy_violations) continue;
        const key = place(labels.program, labels.type, labels.address);
        broken.set(key, [...(broken.get(key) || []), { check: labels.check, severity: labels.severity }]);
    }
    for (const list of broken.values()) list.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || (a.check < b.check ? -1 : 1));
}

export const violationsOf = ({ program, type, address }) => broken.get(place(program, type, address)) || [];

export function checkLink({ check, severity }) {
    const link = element("a", check.replaceAll("_", " "), `check ${severity}`);
    link.href = `checks/${encodeURIComponent(check)}`;
    link.title = `${severity}: what the check ${check} is about, and how to mend or exempt it`;
    return link;
}
