/* SPDX-License-Identifier: MPL-2.0 */
/*
 * page_pool - what a page is made with and in, used again.
 *
 * Fresh memory costs page faults and a coder's tables take long to lay out. A page goes from the
 * handler to the HTTP library and comes back when the last byte is sent.
 *
 * Thread: any.
 */
#ifndef AGENT_PAGE_POOL_H
#define AGENT_PAGE_POOL_H

#include "metrics/gzip.h"

#define PAGE_POOL_MAX  4u /* kept; more are freed when they come back */
#define PAGE_POOL_BUSY 8u
#define PAGE_PIECE     ((size_t)64 << 10)

struct page {
    struct string_buffer body;
    struct gzip *gzip; /* NULL until page_prepare_coding() */
    char *piece;       /* PAGE_PIECE bytes, for what is to be coded; the same */
    struct page_pool *pool;
    struct page *next;
};

struct page_pool;

int page_pool_new(struct page_pool **ret_pool);

/* After every page has come back. */
void page_pool_destroy(struct page_pool **self_p);

/* An empty page; NULL: out of memory. */
struct page *page_pool_take(struct page_pool *self);

/* The same, but also NULL when PAGE_POOL_BUSY are in use: for large ones, which a crowd that does
 * not take its answers would hold. */
struct page *page_pool_take_spare(struct page_pool *self);

/* Has gzip and piece made, where this page was not used for coding before. Errors: -ENOMEM. */
int page_prepare_coding(struct page *page);

/* Gives it back; the form of a free_body function. */
void page_pool_give(void *page);

#endif
