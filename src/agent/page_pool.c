/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/page_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct page_pool {
    pthread_mutex_t lock;
    struct page *free_pages;
    unsigned n_free;
    unsigned n_used;
};

int page_pool_new(struct page_pool **ret_pool)
{
    struct page_pool *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    pthread_mutex_init(&self->lock, NULL);
    *ret_pool = self;
    return 0;
}

static void page_free(struct page *page)
{
    string_buffer_finish(&page->body);
    gzip_destroy(&page->gzip);
    free(page->piece);
    free(page);
}

void page_pool_destroy(struct page_pool **self_p)
{
    struct page_pool *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    while (self->free_pages) {
        struct page *page = self->free_pages;
        self->free_pages = page->next;
        page_free(page);
    }
    pthread_mutex_destroy(&self->lock);
    free(self);
}

/* With the lock held. */
static struct page *take(struct page_pool *self)
{
    struct page *page = self->free_pages;
    if (page) {
        self->free_pages = page->next;
        self->n_free--;
    } else {
        page = calloc(1, sizeof(*page));
        if (!page)
            return NULL;
        page->pool = self;
    }
    string_buffer_clear(&page->body);
    self->n_used++;
    return page;
}

int page_prepare_coding(struct page *page)
{
    if (!page->piece)
        page->piece = malloc(PAGE_PIECE);
    if (!page->piece)
        return -ENOMEM;
    return page->gzip ? 0 : gzip_new(&page->gzip);
}

struct page *page_pool_take(struct page_pool *self)
{
    pthread_mutex_lock(&self->lock);
    struct page *page = take(self);
    pthread_mutex_unlock(&self->lock);
    return page;
}

struct page *page_pool_take_spare(struct page_pool *self)
{
    pthread_mutex_lock(&self->lock);
    struct page *page = self->n_used < PAGE_POOL_BUSY ? take(self) : NULL;
    pthread_mutex_unlock(&self->lock);
    return page;
}

void page_pool_give(void *given)
{
    struct page *page = given;
    struct page_pool *self = page->pool;
    pthread_mutex_lock(&self->lock);
    self->n_used--;
    bool is_kept = self->n_free < PAGE_POOL_MAX;
    if (is_kept) {
        page->next = self->free_pages;
        self->free_pages = page;
        self->n_free++;
    }
    pthread_mutex_unlock(&self->lock);
    if (!is_kept)
        page_free(page);
}
