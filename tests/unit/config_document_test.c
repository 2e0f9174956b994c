/* SPDX-License-Identifier: MPL-2.0 */
#include "config/config_document.h"

#include "support/temporary_directory.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config_document *parse(const char *text)
{
    struct config_document *document = NULL;
    struct error err = {0};
    int r = config_document_parse("dir/x.yml", text, strlen(text), &document, &err);
    if (r < 0)
        print_message("%s\n", err.message);
    assert_int_equal(r, 0);
    return document;
}

static void check_refused(const char *text, size_t size, const char *message)
{
    struct config_document *document = NULL;
    struct error err = {0};
    assert_int_equal(config_document_parse("x.yml", text, size, &document, &err), -EINVAL);
    assert_null(document);
    assert_string_equal(err.message, message);
}

static void parse__nested_file__knows_every_place(void **state)
{
    (void)state;
    struct config_document *document = parse("a: 1\n"
                                             "list:\n"
                                             "  - x: 'y z'\n"
                                             "  - ~\n"
                                             "empty:\n");
    const struct config_node *root = config_document_root(document);
    assert_int_equal(root->n_children, 3);
    const struct config_node *a = config_node_find(root, "a");
    assert_string_equal(a->text, "1");
    assert_true(a->is_plain);
    assert_int_equal(a->line, 1);
    assert_int_equal(a->column, 4);

    const struct config_node *list = config_node_find(root, "list");
    assert_int_equal(list->kind, CONFIG_NODE_LIST);
    assert_int_equal(list->n_children, 2);
    const struct config_node *x = config_node_find(list->first, "x");
    assert_string_equal(x->text, "y z");
    assert_false(x->is_plain);
    assert_int_equal(x->line, 3);
    assert_int_equal(x->column, 8);
    assert_int_equal(x->key_column, 5);
    assert_true(config_node_is_nothing(list->first->next));

    const struct config_node *empty = config_node_find(root, "empty");
    assert_true(config_node_is_nothing(empty));
    assert_int_equal(empty->line, 5);
    assert_null(config_node_find(root, "other"));
    config_document_destroy(&document);
    assert_null(document);
}

/* CURVE keys have any of these beside each other. libfyaml must not be met with such a text that
 * then fails: it would crash. */
static void parse__question_mark_in_quotes__is_text(void **state)
{
    (void)state;
    struct config_document *document = parse("a: \"x{?}y\"\nb: '? z'\nc: {\"d\": \"[?]\"}\n");
    const struct config_node *root = config_document_root(document);
    assert_string_equal(config_node_find(root, "a")->text, "x{?}y");
    assert_string_equal(config_node_find(root, "b")->text, "? z");
    assert_string_equal(config_node_find(config_node_find(root, "c"), "d")->text, "[?]");
    config_document_destroy(&document);
    static const char *const broken[] = {"[a, \" , ? y:\t| \" ]", "a: \"{?}\"\nb: [",
                                         "a, \": ? y:\t|\"\n", "{'#': b, ' , ? c:\t|' : d, : }"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        struct error err = {0};
        assert_int_equal(
            config_document_parse("x.yml", broken[i], strlen(broken[i]), &document, &err), -EINVAL);
    }
}

static void parse__nothing__is_an_empty_mapping(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "# only a comment\n", "---\n", "null\n", "~"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct config_document *document = parse(texts[i]);
        assert_int_equal(config_document_root(document)->kind, CONFIG_NODE_MAPPING);
        assert_int_equal(config_document_root(document)->n_children, 0);
        config_document_destroy(&document);
    }
}

static void parse__what_is_not_for_a_configuration__is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a: 1\nb: [1,2\nc: : x", "x.yml:3:4: missing comma in flow sequence"},
        {"a: 1\n---\nb: 2\n", "x.yml:2:1: the file has more than one document"},
        {"a: &x 1\n", "x.yml:1:7: anchors are not supported"},
        {"a: *x\n", "x.yml:1:5: aliases are not supported"},
        {"a: !!str 1\n", "x.yml:1:10: tags are not supported"},
        {"# is it ?\n? a:\t|", "x.yml:2:1: a '?' by itself is not supported, nor are keys that "
                               "begin with it"},
        {"{'#': b, ? c : d}", "x.yml:1:10: a '?' by itself is not supported, nor are keys that "
                              "begin with it"},
        {"- a\n- b\n", "x.yml:1:1: the file must be a mapping of keys to values"},
        {"just text\n", "x.yml:1:1: the file must be a mapping of keys to values"},
        {"? [a, b]\n: 1\n",
         "x.yml:1:1: a '?' by itself is not supported, nor are keys that begin with it"},
        {"a: 1\nb: 2\na: 3\n", "x.yml:3:1: key 'a' is given twice, first in line 1"},
        {"'': 1\n", "x.yml:1:1: a key must not be empty"},
        {"a: \"x\\0y\"\n", "x.yml:1:5: a text must not contain the character NUL"},
        {"a: 1\nb: \xff\n", "x.yml:2:4: a byte that is not UTF-8 or a control character"},
        {"a: \xed\xa0\x80\n", "x.yml:1:4: a byte that is not UTF-8 or a control character"},
        {"a: \x1b[1m\n", "x.yml:1:4: a byte that is not UTF-8 or a control character"},
        {"a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n",
         "x.yml:1:19: lists and mappings are nested too deeply"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        check_refused(cases[i].text, strlen(cases[i].text), cases[i].message);
    check_refused("a: \0", 4, "x.yml:1:4: a byte that is not UTF-8 or a control character");
}

/* `head`, then `before`, a number and `after` once more than `limit` times, then `tail`. */
struct excess {
    const char *head, *before, *after, *tail;
    size_t limit;
    const char *message;
};

static void repeat(const struct excess *what, size_t times, struct string_buffer *ret_text)
{
    string_buffer_append_text(ret_text, what->head);
    for (size_t i = 0; i < times; i++)
        string_buffer_append_format(ret_text, "%s%zu%s", what->before, i, what->after);
    string_buffer_append_text(ret_text, what->tail);
    assert_false(ret_text->has_failed);
}

static void parse__more_than_any_limit__is_refused(void **state)
{
    (void)state;
    static const struct excess cases[] = {
        {"a: ", "", "", "\n", CONFIG_DOCUMENT_SCALAR_MAX, "x.yml:1:4: the text is too long"},
        {"", "k", ": 1\n", "", CONFIG_DOCUMENT_KEYS_MAX,
         "x.yml:1025:1: the mapping has too many keys"},
        {"[", "", ",\n", "]", CONFIG_DOCUMENT_MEMBERS_MAX, "x.yml:100001:1: the list is too long"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct string_buffer text = {0};
        repeat(&cases[i], cases[i].limit + 1, &text);
        check_refused(text.data, text.size, cases[i].message);
        string_buffer_finish(&text);
    }
}

static void parse__as_much_as_the_limit__is_taken(void **state)
{
    (void)state;
    static const struct excess keys = {"", "k", ": 1\n", "", 0, NULL},
                               members = {"a: [", "", ", ", "]\n", 0, NULL};
    struct string_buffer text = {0};
    repeat(&keys, CONFIG_DOCUMENT_KEYS_MAX, &text);
    struct config_document *document = parse(text.data);
    assert_int_equal(config_document_root(document)->n_children, CONFIG_DOCUMENT_KEYS_MAX);
    config_document_destroy(&document);

    string_buffer_clear(&text);
    repeat(&members, CONFIG_DOCUMENT_MEMBERS_MAX, &text);
    document = parse(text.data);
    assert_int_equal(config_document_root(document)->first->n_children,
                     CONFIG_DOCUMENT_MEMBERS_MAX);
    config_document_destroy(&document);

    string_buffer_clear(&text);
    string_buffer_append_text(&text, "a: ");
    for (size_t i = 0; i < CONFIG_DOCUMENT_SCALAR_MAX; i++)
        string_buffer_append(&text, "x", 1);
    string_buffer_append(&text, "\n", 1);
    document = parse(text.data);
    assert_int_equal(strlen(config_document_root(document)->first->text),
                     CONFIG_DOCUMENT_SCALAR_MAX);
    config_document_destroy(&document);
    string_buffer_append(&text, "\n", 1);
    text.data[strlen("a: ") + CONFIG_DOCUMENT_SCALAR_MAX] = 'x';
    check_refused(text.data, text.size, "x.yml:1:4: the text is too long");
    string_buffer_finish(&text);

    document = parse("a: [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]\n");
    config_document_destroy(&document);
}

static void parse__values_in_all__have_a_limit(void **state)
{
    (void)state;
    struct string_buffer text = {0};
    size_t n = 1; /* the root */
    for (size_t i = 0; n < CONFIG_DOCUMENT_NODES_MAX; i++) {
        string_buffer_append_format(&text, "k%zu: [", i);
        for (n++; n < CONFIG_DOCUMENT_NODES_MAX && n % CONFIG_DOCUMENT_MEMBERS_MAX != 0; n++)
            string_buffer_append(&text, "1,", 2);
        string_buffer_append(&text, "]\n", 2);
    }
    assert_false(text.has_failed);
    struct config_document *document = parse(text.data);
    config_document_destroy(&document);
    string_buffer_append_text(&text, "one-more: 1\n");
    struct error err = {0};
    assert_int_equal(config_document_parse("x.yml", text.data, text.size, &document, &err),
                     -EINVAL);
    assert_non_null(strstr(err.message, ": the file has too many values"));
    string_buffer_finish(&text);
}

static void parse__not_ascii__counts_characters(void **state)
{
    (void)state;
    check_refused("ü: \xe2\x82\xac\xff", 8,
                  "x.yml:1:5: a byte that is not UTF-8 or a control character");
    struct config_document *document = parse("ü: \xe2\x82\xac\n");
    assert_string_equal(config_document_root(document)->first->text, "\xe2\x82\xac");
    assert_int_equal(config_document_root(document)->first->column, 4);
    config_document_destroy(&document);
}

static void open__no_file__names_the_path(void **state)
{
    (void)state;
    struct config_document *document = NULL;
    struct error err = {0};
    assert_int_equal(config_document_open("/nonexistent/x.yml", &document, &err), -ENOENT);
    assert_string_equal(err.message, "/nonexistent/x.yml: No such file or directory");
    assert_int_equal(config_document_open("/", &document, &err), -EISDIR);
    assert_string_equal(err.message, "/: Is a directory");
}

static void open__endless_file__stops_at_the_limit(void **state)
{
    (void)state;
    struct config_document *document = NULL;
    struct error err = {0};
    char directory[64], path[80], message[128];
    temporary_directory_make(directory);
    (void)snprintf(path, sizeof(path), "%s/x.yml", directory);
    (void)snprintf(message, sizeof(message), "%s: larger than 16777216 bytes", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), INT64_C(1) << 40), 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(config_document_open(path, &document, &err), -EFBIG);
    assert_string_equal(err.message, message);
    temporary_directory_remove(directory);
}

static void open__no_regular_file__is_refused_at_once(void **state)
{
    (void)state;
    struct config_document *document = NULL;
    struct error err = {0};
    char directory[64], path[80], message[128];
    temporary_directory_make(directory);
    (void)snprintf(path, sizeof(path), "%s/fifo", directory);
    (void)snprintf(message, sizeof(message), "%s: is not a regular file", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(config_document_open(path, &document, &err), -EINVAL);
    assert_string_equal(err.message, message);
    assert_int_equal(config_document_open("/dev/null", &document, &err), -EINVAL);
    assert_string_equal(err.message, "/dev/null: is not a regular file");
    temporary_directory_remove(directory);
}

static void path__relative__is_beside_the_document(void **state)
{
    (void)state;
    struct config_document *document = parse("");
    struct string_buffer path = {0};
    assert_int_equal(config_document_path(document, "key.pem", &path), 0);
    assert_string_equal(path.data, "dir/key.pem");
    assert_int_equal(config_document_path(document, "/etc/key.pem", &path), 0);
    assert_string_equal(path.data, "/etc/key.pem");
    string_buffer_finish(&path);
    config_document_destroy(&document);
}

/* RFC 3629 and YAML 1.2, 5.1: each limit of what a character may be, from both sides. */
static void parse__characters_at_their_limits__are_taken_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool is_one;
    } cases[] = {
        {"~", true},
        {"\x7f", false},
        {"\xc2\x80", false},
        {"\xc2\x85", true},
        {"\xc2\x9f", false},
        {"\xc2\xa0", true},
        {"\xc1\xbf", false},
        {"\xdf\xbf", true},
        {"\xe0\x9f\xbf", false},
        {"\xe0\xa0\x80", true},
        {"\xed\x9f\xbf", true},
        {"\xed\xa0\x80", false},
        {"\xed\xbf\xbf", false},
        {"\xee\x80\x80", true},
        {"\xef\xbf\xbd", true},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf0\x90\x80\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\x80", false},
        {"\xc3", false},
        {"\xe2\x82", false},
        {"\xe2\x28\xa1", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[32];
        struct config_document *document = NULL;
        struct error err = {0};
        (void)snprintf(text, sizeof(text), "a: 'x%sx'\n", cases[i].bytes);
        int r = config_document_parse("x.yml", text, strlen(text), &document, &err);
        if ((r == 0) != cases[i].is_one)
            fail_msg("case %zu: %s", i, r == 0 ? "is taken" : err.message);
        if (r == 0)
            assert_memory_equal(config_document_root(document)->first->text + 1, cases[i].bytes,
                                strlen(cases[i].bytes));
        config_document_destroy(&document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__nested_file__knows_every_place),
        cmocka_unit_test(parse__question_mark_in_quotes__is_text),
        cmocka_unit_test(parse__nothing__is_an_empty_mapping),
        cmocka_unit_test(parse__what_is_not_for_a_configuration__is_refused_with_its_place),
        cmocka_unit_test(parse__more_than_any_limit__is_refused),
        cmocka_unit_test(parse__as_much_as_the_limit__is_taken),
        cmocka_unit_test(parse__values_in_all__have_a_limit),
        cmocka_unit_test(parse__not_ascii__counts_characters),
        cmocka_unit_test(open__no_file__names_the_path),
        cmocka_unit_test(open__endless_file__stops_at_the_limit),
        cmocka_unit_test(open__no_regular_file__is_refused_at_once),
        cmocka_unit_test(path__relative__is_beside_the_document),
        cmocka_unit_test(parse__characters_at_their_limits__are_taken_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
