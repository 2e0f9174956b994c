/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a version is a row of tokens: runs of digits, runs of letters, '~' and '^'; all else
 * separates them. '~' is before the end, the end before '^', that before letters, these before
 * digits. So is rpmvercmp() of rpm's own library defined, whose cases the test has.
 */
#include "collectors/library/package_version.h"

#include <stddef.h>
#include <string.h>

enum kind { TILDE, END, CARET, LETTERS, DIGITS };

struct part {
    const char *at, *end;
};

struct token {
    enum kind kind;
    const char *text;
    size_t size;
};

static enum kind kind_of(char c)
{
    if (c >= '0' && c <= '9')
        return DIGITS;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return LETTERS;
    return c == '~' ? TILDE : c == '^' ? CARET : END;
}

static struct token take_token(struct part *part)
{
    while (part->at != part->end && kind_of(*part->at) == END)
        part->at++;
    struct token token = {END, part->at, 0};
    if (part->at == part->end)
        return token;
    token.kind = kind_of(*part->at++);
    while ((token.kind == LETTERS || token.kind == DIGITS) && part->at != part->end &&
           kind_of(*part->at) == token.kind)
        part->at++;
    for (; token.kind == DIGITS && token.text != part->at && *token.text == '0'; token.text++) {
    }
    token.size = (size_t)(part->at - token.text);
    return token;
}

static int compare_tokens(const struct token *a, const struct token *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind == DIGITS && a->size != b->size)
        return a->size < b->size ? -1 : 1;
    int r = memcmp(a->text, b->text, a->size < b->size ? a->size : b->size);
    return r ? r : (a->size > b->size) - (a->size < b->size);
}

static int compare_parts(struct part a, struct part b)
{
    for (;;) {
        struct token left = take_token(&a), right = take_token(&b);
        int r = compare_tokens(&left, &right);
        if (r || left.kind == END)
            return r;
    }
}

/* Takes the epoch off the front; none is 0. */
static struct part take_epoch(struct part *version)
{
    static const char zero[] = "0";
    struct part epoch = {zero, zero + 1};
    const char *colon = memchr(version->at, ':', (size_t)(version->end - version->at));
    if (colon) {
        epoch = (struct part){version->at, colon};
        version->at = colon + 1;
    }
    return epoch;
}

/* Takes the release off the end. */
static struct part take_release(struct part *version)
{
    struct part release = {version->end, version->end};
    const char *dash = memrchr(version->at, '-', (size_t)(version->end - version->at));
    if (dash) {
        release.at = dash + 1;
        version->end = dash;
    }
    return release;
}

int package_version_compare_rpm(const char *a, const char *b)
{
    struct part left = {a, a + strlen(a)}, right = {b, b + strlen(b)};
    struct part left_epoch = take_epoch(&left), right_epoch = take_epoch(&right);
    struct part left_release = take_release(&left), right_release = take_release(&right);
    int r = compare_parts(left_epoch, right_epoch);
    if (r == 0)
        r = compare_parts(left, right);
    return r ? r : compare_parts(left_release, right_release);
}
