/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_resident - gives memory back that only the start needed.
 *
 * A third of an idle exporter would be pages of libraries that were touched once, by relocation,
 * constructors and self-tests. They are clean and come back from the page cache if needed.
 */
#ifndef AGENT_AGENT_RESIDENT_H
#define AGENT_AGENT_RESIDENT_H

/* Once, when everything runs. */
void agent_resident_trim(void);

#endif
