/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a version is a row of tokens, each of a kind and with a text. Where two versions have
 * tokens of different kinds at the same place, the kind decides, in the order of the enumeration.
 * It is that of apk-tools 3; apk-tools 2 had 1.0_alpha after 1.0 (but 1.1_alpha before 1.1).
 */
#include "collectors/library/package_version.h"

#include <stddef.h>
#include <string.h>

enum kind {
    BEFORE, /* _alpha, _beta, _pre, _rc: before what has no suffix */
    INVALID,
    END,
    REVISION, /* -r1 */
    HASH,     /* ~1a2b */
    SUFFIX_NUMBER,
    AFTER, /* _cvs, _svn, _git, _hg, _p */
    LETTER,
    NUMBER,
    FIRST_NUMBER,
};

struct token {
    enum kind kind;
    const char *text;
    size_t size;
    size_t suffix; /* its place in the list */
};

static const char *const before[] = {"alpha", "beta", "pre", "rc"};
static const char *const after[] = {"cvs", "svn", "git", "hg", "p"};

#define DIGITS      "0123456789"
#define LOWER_CASE  "abcdefghijklmnopqrstuvwxyz"
#define N_OF(array) (sizeof(array) / sizeof(*(array)))

static struct token take_run(const char **at, enum kind kind, size_t skip, const char *characters)
{
    const char *text = *at + skip;
    size_t size = strspn(text, characters);
    if (size == 0)
        return (struct token){INVALID, *at, 0, 0};
    *at = text + size;
    return (struct token){kind, text, size, 0};
}

static bool is_suffix(const struct token *token, const char *const *names, size_t n,
                      size_t *ret_place)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) == token->size && memcmp(names[i], token->text, token->size) == 0) {
            *ret_place = i;
            return true;
        }
    }
    return false;
}

static struct token take_suffix(const char **at)
{
    struct token token = take_run(at, INVALID, 1, LOWER_CASE);
    if (is_suffix(&token, before, N_OF(before), &token.suffix))
        token.kind = BEFORE;
    else if (is_suffix(&token, after, N_OF(after), &token.suffix))
        token.kind = AFTER;
    return token;
}

/* `last`: the kind of the token before it; no kind comes after one that stands behind it. */
static struct token take_token(const char **at, enum kind last)
{
    static const struct token invalid = {INVALID, "", 0, 0};
    bool is_number = last == NUMBER || last == FIRST_NUMBER;
    switch (**at) {
    case '\0':
        return (struct token){END, *at, 0, 0};
    case '.':
        return is_number ? take_run(at, NUMBER, 1, DIGITS) : invalid;
    case '_':
        return last > HASH || last == BEFORE ? take_suffix(at) : invalid;
    case '~':
        return last > HASH || last == BEFORE ? take_run(at, HASH, 1, DIGITS "abcdef") : invalid;
    case '-':
        return last != REVISION && (*at)[1] == 'r' ? take_run(at, REVISION, 2, DIGITS) : invalid;
    }
    if (last == BEFORE || last == AFTER)
        return take_run(at, SUFFIX_NUMBER, 0, DIGITS);
    struct token letter = {LETTER, *at, 1, 0};
    if (!is_number || **at < 'a' || **at > 'z')
        return invalid;
    (*at)++;
    return letter;
}

static int compare_texts(const struct token *a, const struct token *b)
{
    int r = memcmp(a->text, b->text, a->size < b->size ? a->size : b->size);
    return r ? r : (a->size > b->size) - (a->size < b->size);
}

static struct token without_zeros(struct token number)
{
    for (; number.size && *number.text == '0'; number.size--)
        number.text++;
    return number;
}

static int compare_numbers(const struct token *a, const struct token *b)
{
    struct token left = without_zeros(*a), right = without_zeros(*b);
    if (left.size != right.size)
        return left.size < right.size ? -1 : 1;
    return compare_texts(&left, &right);
}

static int compare_tokens(const struct token *a, const struct token *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    switch (a->kind) {
    case INVALID:
    case END:
        return 0;
    case BEFORE:
    case AFTER:
        return (a->suffix > b->suffix) - (a->suffix < b->suffix);
    case NUMBER: /* as a fraction has it: 1.06 is before 1.1, and before 1.6 */
        return *a->text == '0' || *b->text == '0' ? compare_texts(a, b) : compare_numbers(a, b);
    case REVISION:
    case SUFFIX_NUMBER:
    case FIRST_NUMBER:
        return compare_numbers(a, b);
    case HASH:
    case LETTER:
        break;
    }
    return compare_texts(a, b);
}

int package_version_compare_apk(const char *a, const char *b)
{
    struct token left = take_run(&a, FIRST_NUMBER, 0, DIGITS);
    struct token right = take_run(&b, FIRST_NUMBER, 0, DIGITS);
    int r;
    while ((r = compare_tokens(&left, &right)) == 0 && left.kind != END && left.kind != INVALID) {
        left = take_token(&a, left.kind);
        right = take_token(&b, right.kind);
    }
    return r;
}
