/* SPDX-License-Identifier: MPL-2.0 */
#include "http/auth.h"

#include "http/auth_bcrypt.h"
#include "support/cmocka.h"

#include <crypt.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOME_HASH "$2y$04$abcdefghijklmnopqrstuuc0V2ulfUAIBJAqF0ke3.8hpjGBvQfuK"
#define USERS     "basic_auth_users:\n  dave: "

#define PATIENCE_MS 60000u

struct waiting {
    struct auth_job job;
    bool is_done;
    int niceness; /* of the thread that calls `done` */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_gate_shut; /* `done` waits while it is */

static void on_done(struct auth_job *job)
{
    struct waiting *waiting = (struct waiting *)job;
    pthread_mutex_lock(&lock);
    waiting->is_done = true;
    waiting->niceness = getpriority(PRIO_PROCESS, 0);
    pthread_cond_broadcast(&changed);
    while (is_gate_shut)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void wait_done(struct waiting *waiting)
{
    pthread_mutex_lock(&lock);
    while (!waiting->is_done)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void set_gate(bool is_shut)
{
    pthread_mutex_lock(&lock);
    is_gate_shut = is_shut;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* The library's own stands behind this one, which counts the hashes of this test's passwords. */
static unsigned n_hashes;
static char last_setting[AUTH_BCRYPT_SIZE];

char *__real_crypt_rn(const char *phrase, const char *setting, void *data, int size);
char *__wrap_crypt_rn(const char *phrase, const char *setting, void *data, int size);

char *__wrap_crypt_rn(const char *phrase, const char *setting, void *data, int size)
{
    n_hashes++;
    (void)snprintf(last_setting, sizeof(last_setting), "%s", setting);
    return __real_crypt_rn(phrase, setting, data, size);
}

static struct web_config *make_config(const char *text)
{
    struct web_config *config = NULL;
    struct error err = {{0}};
    if (web_config_parse("web.yml", text, strlen(text), &config, &err) < 0)
        fail_msg("%s", err.message);
    return config;
}

static void set_credentials(struct auth_credentials *credentials, const char *user,
                            const char *password)
{
    int n = snprintf(credentials->text, sizeof(credentials->text), "%s", user);
    (void)snprintf(credentials->text + n + 1, sizeof(credentials->text) - (size_t)n - 1, "%s",
                   password);
    credentials->user = credentials->text;
    credentials->password = credentials->text + n + 1;
}

static int submit(struct auth *auth, const struct web_config *config, const char *user,
                  const char *password, struct waiting *waiting)
{
    waiting->is_done = false;
    waiting->job.config = config;
    waiting->job.done = on_done;
    set_credentials(&waiting->job.credentials, user, password);
    return auth_submit(auth, &waiting->job);
}

static enum auth_verdict check(struct auth *auth, const struct web_config *config, const char *user,
                               const char *password)
{
    struct auth_credentials credentials;
    set_credentials(&credentials, user, password);
    return auth_check(auth, config, &credentials);
}

static enum auth_verdict verify(struct auth *auth, const struct web_config *config,
                                const char *user, const char *password)
{
    struct waiting waiting = {.job = {.client = 1}};
    assert_int_equal(submit(auth, config, user, password, &waiting), 0);
    wait_done(&waiting);
    for (size_t i = 0; i < sizeof(waiting.job.credentials.text); i++)
        assert_int_equal(waiting.job.credentials.text[i], 0);
    return waiting.job.verdict;
}

static struct auth *start(void)
{
    struct auth *auth = NULL;
    assert_int_equal(auth_new(&auth), 0);
    return auth;
}

static void finish(struct auth **auth, struct web_config **config)
{
    assert_true(auth_stop(*auth, PATIENCE_MS));
    auth_destroy(auth);
    web_config_destroy(config);
}

static void bcrypt__hashes_of_every_kind__are_compared_as_go_does(void **state)
{
    (void)state;
    static const struct {
        const char *hash, *password;
        bool is_match;
    } cases[] = {
        /* published test vectors of crypt_blowfish and of Go's bcrypt */
        {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", true},
        {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*", true},
        {"$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U", true},
        {"$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", true},
        {"$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", true},
        {"$2$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", true},
        {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", "", true},
        {"$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", "\xff\xff\xa3", true},
        {"$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", "\xa3", false},
        {"$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq", "\xa3", true},
        {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "u*u", false},
        {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeX", "U*U", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (auth_bcrypt_matches(cases[i].hash, cases[i].password) != cases[i].is_match)
            fail_msg("case %zu: %s", i, cases[i].hash);
    }
}

static void bcrypt__fake__is_a_hash_that_nothing_matches(void **state)
{
    (void)state;
    char hash[AUTH_BCRYPT_SIZE], text[128];
    auth_bcrypt_fake(4, hash);
    assert_int_equal(strncmp(hash, "$2b$04$", 7), 0);
    (void)snprintf(text, sizeof(text), USERS "%s\n", hash);
    struct web_config *config = make_config(text); /* the reader takes it for one */
    assert_int_equal(config->users[0].cost, 4);
    assert_false(auth_bcrypt_matches(hash, ""));
    web_config_destroy(&config);
}

/* A file with the user dave and this password, at the lowest cost. */
static const char *dave(const char *password)
{
    static char text[512];
    struct crypt_data *data = calloc(1, sizeof(*data));
    (void)snprintf(text, sizeof(text), USERS "%s\n",
                   crypt_rn(password, "$2b$04$abcdefghijklmnopqrstuu", data, (int)sizeof(*data)));
    free(data);
    return text;
}

static void verify__right_password__is_known_from_then_on(void **state)
{
    (void)state;
    struct auth *auth = start();
    struct web_config *config = make_config(dave("dave123"));
    assert_int_equal(check(auth, config, "dave", "dave123"), AUTH_UNKNOWN);
    assert_int_equal(verify(auth, config, "dave", "dave123"), AUTH_ALLOWED);
    assert_int_equal(check(auth, config, "dave", "dave123"), AUTH_ALLOWED);
    assert_int_equal(check(auth, config, "dave", "dave124"), AUTH_UNKNOWN);
    assert_int_equal(check(auth, config, "davedave", "123"), AUTH_UNKNOWN);
    assert_int_equal(check(auth, config, "", "dave123"), AUTH_UNKNOWN);
    finish(&auth, &config);
}

static void verify__wrong_password_or_user__is_refused_and_known(void **state)
{
    (void)state;
    struct auth *auth = start();
    struct web_config *config = make_config(dave("dave123"));
    assert_int_equal(verify(auth, config, "dave", "bad"), AUTH_REFUSED);
    assert_int_equal(check(auth, config, "dave", "bad"), AUTH_REFUSED);
    assert_int_equal(verify(auth, config, "nobody", "dave123"), AUTH_REFUSED);
    assert_int_equal(check(auth, config, "nobody", "dave123"), AUTH_REFUSED);
    assert_int_equal(verify(auth, config, "dave", "dave123"), AUTH_ALLOWED);
    finish(&auth, &config);
}

/* One hash is computed for each attempt, of a cost that a user has: time tells no names. */
static void verify__unknown_user__costs_what_a_user_costs(void **state)
{
    (void)state;
    struct auth *auth = start();
    struct web_config *config = make_config(dave("dave123"));
    static const char *const users[] = {"dave", "nobody", "", "dave\n", "Dave", "dav", "davee"};
    for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
        n_hashes = 0;
        assert_int_equal(verify(auth, config, users[i], "wrong"), AUTH_REFUSED);
        assert_int_equal(n_hashes, 1);
        assert_int_equal(strncmp(last_setting, "$2b$04$", 7), 0);
    }
    finish(&auth, &config);
}

/* The right password of a user is none of anybody else. */
static void verify__right_password_of_another__is_refused(void **state)
{
    (void)state;
    struct auth *auth = start();
    struct web_config *config = make_config(dave("dave123"));
    assert_int_equal(verify(auth, config, "dave", "dave123"), AUTH_ALLOWED);
    assert_int_equal(verify(auth, config, "eve", "dave123"), AUTH_REFUSED);
    assert_int_equal(verify(auth, config, "dove", "dave123"), AUTH_REFUSED);
    assert_int_equal(verify(auth, config, "davi", "dave123"), AUTH_REFUSED);
    assert_int_equal(verify(auth, config, "dav", "dave123"), AUTH_REFUSED);
    assert_int_equal(verify(auth, config, "davee", "dave123"), AUTH_REFUSED);
    assert_int_equal(verify(auth, config, "dave", "dave1234"), AUTH_REFUSED);
    assert_int_equal(verify(auth, config, "dave", "dave12"), AUTH_REFUSED);
    finish(&auth, &config);
}

static int niceness_of_hashes(int own)
{
    struct auth *auth = start();
    struct web_config *config = make_config(dave("dave123"));
    struct waiting waiting = {.job = {.client = 1}};
    if (setpriority(PRIO_PROCESS, 0, own) < 0)
        return -1;
    assert_int_equal(submit(auth, config, "dave", "x", &waiting), 0);
    wait_done(&waiting);
    finish(&auth, &config);
    return waiting.niceness;
}

/* In a child: what was given away does not come back without rights. */
static void hashes__of_an_exporter_of_any_niceness__come_after_its_scrapes(void **state)
{
    (void)state;
    int own = getpriority(PRIO_PROCESS, 0);
    for (int more = 0; more < 40; more += 13) {
        int nice = own + more < 19 ? own + more : 19, expected = nice + 10 < 19 ? nice + 10 : 19;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(niceness_of_hashes(nice));
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), expected);
    }
}

static void check__no_users__lets_everybody_in(void **state)
{
    (void)state;
    struct auth *auth = start();
    struct web_config *config = make_config("");
    assert_int_equal(check(auth, config, "dave", "x"), AUTH_ALLOWED);
    finish(&auth, &config);
}

static void check__hash_changed__is_not_known_any_more(void **state)
{
    (void)state;
    struct auth *auth = start();
    struct web_config *config = make_config(dave("dave123"));
    assert_int_equal(verify(auth, config, "dave", "dave123"), AUTH_ALLOWED);
    web_config_destroy(&config);
    config = make_config(dave("new"));
    assert_int_equal(check(auth, config, "dave", "dave123"), AUTH_UNKNOWN);
    assert_int_equal(verify(auth, config, "dave", "dave123"), AUTH_REFUSED);
    assert_int_equal(verify(auth, config, "dave", "new"), AUTH_ALLOWED);
    web_config_destroy(&config);
    config = make_config("basic_auth_users: {carol: " SOME_HASH "}\n");
    assert_int_equal(check(auth, config, "dave", "new"), AUTH_UNKNOWN);
    finish(&auth, &config);
}

static void check__flood_of_wrong_passwords__does_not_drive_out_a_right_one(void **state)
{
    (void)state;
    struct auth *auth = start();
    struct web_config *config = make_config(dave("dave123"));
    assert_int_equal(verify(auth, config, "dave", "dave123"), AUTH_ALLOWED);
    for (int i = 0; i < 300; i++) {
        char password[16];
        (void)snprintf(password, sizeof(password), "%d", i);
        assert_int_equal(verify(auth, config, "dave", password), AUTH_REFUSED);
    }
    assert_int_equal(check(auth, config, "dave", "dave123"), AUTH_ALLOWED);
    assert_int_equal(check(auth, config, "dave", "299"), AUTH_REFUSED);
    assert_int_equal(check(auth, config, "dave", "0"), AUTH_UNKNOWN); /* forgotten */
    finish(&auth, &config);
}

static void submit__client_with_many_attempts__leaves_room_for_others(void **state)
{
    (void)state;
    struct auth *auth = start();
    struct web_config *config = make_config(dave("dave123"));
    struct waiting *jobs = calloc(AUTH_PENDING_MAX + 1, sizeof(*jobs));
    set_gate(true); /* the first stays in `done`, so all others are pending */
    assert_int_equal(submit(auth, config, "dave", "x", &jobs[0]), 0);
    wait_done(&jobs[0]);

    unsigned n = 0;
    for (uint64_t client = 1; n < AUTH_PENDING_MAX; client++) {
        for (unsigned i = 0; i < AUTH_PENDING_PER_CLIENT_MAX; i++, n++) {
            jobs[n + 1].job.client = client;
            assert_int_equal(submit(auth, config, "dave", "dave123", &jobs[n + 1]), 0);
        }
        struct waiting one_more = {.job = {.client = client}};
        assert_int_equal(submit(auth, config, "dave", "dave123", &one_more), -EBUSY);
    }
    struct waiting other = {.job = {.client = 77}};
    assert_int_equal(submit(auth, config, "dave", "dave123", &other), -EBUSY);

    set_gate(false);
    for (unsigned i = 1; i <= n; i++) {
        wait_done(&jobs[i]);
        assert_int_equal(jobs[i].job.verdict, AUTH_ALLOWED);
    }
    assert_int_equal(verify(auth, config, "dave", "dave123"), AUTH_ALLOWED);
    finish(&auth, &config);
    free(jobs);
}

static void stop__with_jobs_queued__refuses_them(void **state)
{
    (void)state;
    struct auth *auth = start();
    struct web_config *config = make_config(dave("dave123"));
    struct waiting first = {.job = {.client = 1}}, second = {.job = {.client = 1}};
    set_gate(true);
    assert_int_equal(submit(auth, config, "dave", "x", &first), 0);
    wait_done(&first);
    assert_int_equal(submit(auth, config, "dave", "dave123", &second), 0);
    assert_false(auth_stop(auth, 1));
    set_gate(false);
    assert_true(auth_stop(auth, PATIENCE_MS));
    assert_true(second.is_done);
    assert_int_equal(second.job.verdict, AUTH_REFUSED);
    assert_int_equal(submit(auth, config, "dave", "dave123", &first), -EBUSY);
    auth_destroy(&auth);
    web_config_destroy(&config);
}

static void parse__headers_of_every_kind__as_the_rfc_has_them(void **state)
{
    (void)state;
    static const struct {
        const char *header, *user, *password; /* user NULL: refused */
    } cases[] = {
        {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"},
        {"basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"},
        {"Basic dGVzdDoxMjPCow==", "test", "123\xc2\xa3"},
        {"Basic OmE=", "", "a"},
        {"Basic YTo=", "a", ""},
        {"Basic Og==", "", ""},
        {"Basic YTpiOmM=", "a", "b:c"},
        {"Basic YTov+/8=", "a", "/\xfb\xff"},
        {"Basic YQ==", NULL, NULL}, /* no colon */
        {"Basic ", NULL, NULL},
        {"Basic", NULL, NULL},
        {"", NULL, NULL},
        {"Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", NULL, NULL},
        {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", NULL, NULL},
        {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=", NULL, NULL},
        {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== ", "Aladdin", "open sesame"},
        {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\t \t", "Aladdin", "open sesame"},
        {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== =", NULL, NULL},
        {"Basic    ", NULL, NULL},
        {"Basic YTpi!!!!", NULL, NULL},
        {"Basic YT==YTpi", NULL, NULL},
        {"Basic Y=pi", NULL, NULL},
        {"Basic ====", NULL, NULL},
        {"Basic YTpzAGI=", NULL, NULL}, /* "a:s\0b" */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct auth_credentials credentials;
        bool is_good = auth_header_parse(cases[i].header, &credentials);
        if (is_good != (cases[i].user != NULL)) {
            fail_msg("'%s'", cases[i].header);
        } else if (is_good) {
            assert_string_equal(credentials.user, cases[i].user);
            assert_string_equal(credentials.password, cases[i].password);
        }
    }
}

static void parse__too_long__is_refused(void **state)
{
    (void)state;
    char header[4096] = "Basic YTpi";
    struct auth_credentials credentials;
    size_t n = strlen(header);
    while (n - 6 < AUTH_HEADER_BYTES_MAX / 3 * 4) {
        assert_true(auth_header_parse(header, &credentials));
        memcpy(header + n, "YmJi", 5);
        n += 4;
    }
    memcpy(header + n, "YmJi", 5);
    assert_false(auth_header_parse(header, &credentials));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bcrypt__hashes_of_every_kind__are_compared_as_go_does),
        cmocka_unit_test(bcrypt__fake__is_a_hash_that_nothing_matches),
        cmocka_unit_test(verify__right_password__is_known_from_then_on),
        cmocka_unit_test(verify__wrong_password_or_user__is_refused_and_known),
        cmocka_unit_test(verify__unknown_user__costs_what_a_user_costs),
        cmocka_unit_test(verify__right_password_of_another__is_refused),
        cmocka_unit_test(hashes__of_an_exporter_of_any_niceness__come_after_its_scrapes),
        cmocka_unit_test(check__no_users__lets_everybody_in),
        cmocka_unit_test(check__hash_changed__is_not_known_any_more),
        cmocka_unit_test(check__flood_of_wrong_passwords__does_not_drive_out_a_right_one),
        cmocka_unit_test(submit__client_with_many_attempts__leaves_room_for_others),
        cmocka_unit_test(stop__with_jobs_queued__refuses_them),
        cmocka_unit_test(parse__headers_of_every_kind__as_the_rfc_has_them),
        cmocka_unit_test(parse__too_long__is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
