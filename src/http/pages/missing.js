/* SPDX-License-Identifier: MPL-2.0 */
/* Programs of which less is known than could be: what is the reason, and what is to be done. */
import { count } from "./words.js";

/* zmq_tap_missing_processes: the tap is there and tells nothing. */
const TAP = {
    off: "ZMQ_EXPORTER_TAP=off is in its environment",
    set_user_id: "it is set-user-id or has capabilities, so nothing is preloaded into it",
    c_library: "its C library is not glibc 2.28 or later",
    other_directory: "its ZMQ_EXPORTER_DIR is not the exporter's --tap.directory",
    directory: "it cannot write into the segment directory: is that in its root, writable (ReadWritePaths= of a service), and not full?",
    dlsym: "ZMQ_EXPORTER_TAP_DLSYM=off is in its environment",
    deepbind: "it reaches libzmq past the tap, as PHP's extensions do; ZMQ_EXPORTER_TAP_LOG=stderr says if it is something else",
};

/* zmq_unseen_processes: no tap, and the reader does not see it either. */
const READER = {
    permission: "the exporter may not look at it; run the reader with CAP_SYS_PTRACE (zmq_exporter-peek@.service), or start it with the tap",
    word_size: "it is a 32-bit program; start it with the tap",
    type_information: "its libzmq has no type information; start it with the tap",
    context: "no context was found in it; start it with the tap",
    layout: "its libzmq is laid out as none that is known; start it with the tap",
    time: "looking at it took too long; start it with the tap",
    limit: "more programs than the reader follows; leave some out, or start it with the tap",
    failed: "the reader ended or hung while it looked; start it with the tap",
};

function itemsOf(program, name, texts, what) {
    const found = program.values[name];
    return (Array.isArray(found) ? found : []).filter(({ reason }) => texts[reason]).map(({ reason, value }) => ({
        program: program.labels.program,
        where: `${count(value)} ${value === 1 ? "process" : "processes"}`,
        text: `${what}: ${texts[reason]}`,
    }));
}

/* What to show first: [{ program, where, text }]. */
export function missing(programs) {
    return programs.flatMap((program) => [
        ...itemsOf(program, "zmq_unseen_processes", READER, "not seen"),
        ...itemsOf(program, "zmq_tap_missing_processes", TAP, "has the tap, which tells nothing"),
    ]);
}
