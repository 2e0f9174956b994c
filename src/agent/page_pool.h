/* SPDX-License-Identifier: MPL-2.0 */
/*
 * page_pool - the buffers that pages are written to, used again.
 *
 * A page of a megabyte from fresh memory costs more in page faults than in writing. A buffer goes
 * from the handler to the HTTP library and comes back when the last byte is sent.
 *
 * Thread: any.
 */
#ifndef AGENT_PAGE_POOL_H
#define AGENT_PAGE_POOL_H

#include "base/string_buffer.h"

#define PAGE_POOL_MAX 4u /* kept; more are freed when they come back */

struct page {
    struct string_buffer text;
    struct page_pool *pool;
    struct page *next;
};

struct page_pool;

int page_pool_new(struct page_pool **ret_pool);

/* After every page has come back. */
void page_pool_destroy(struct page_pool **self_p);

/* An empty page; NULL: out of memory. */
struct page *page_pool_take(struct page_pool *self);

/* Gives it back; the form of a free_body function. */
void page_pool_give(void *page);

#endif
