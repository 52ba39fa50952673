/* SPDX-License-Identifier: Apache-2.0
 *
 * credential_process: a program that prints credentials as JSON.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
 */
#include "plugins/s3/creds_priv.h"
#include "plugins/s3/process.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <ctype.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <string.h>

#define LIMIT_MS 60000
#define OUTPUT_BYTES (64 * 1024 + 2) /* one more than it may print, and a NUL */

/* --- the command line */

struct words {
    char *text; /* all of them, each with its NUL */
    size_t bytes;
    char **items; /* NULL after the last */
};

static void words_cleanup(struct words *words)
{
    if (words->text != NULL)
        OPENSSL_cleanse(words->text, words->bytes);
    free(words->text);
    free(words->items);
}

/* Reads one word at *at as a shell would, without expanding anything: 'as it is', "with \" \\ \$ \`", and a backslash. Writes it to *out with
 * its NUL. False: a quote is not closed. */
static bool take_word(const char **at, char **out)
{
    char quote = '\0';

    for (; **at != '\0' && (quote != '\0' || !isspace((unsigned char)**at)); (*at)++) {
        char c = **at, next = (*at)[1];

        if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
            continue;
        }
        if (c == quote) {
            quote = '\0';
            continue;
        }
        if (c == '\\' && next != '\0' && quote != '\'' && (quote == '\0' || strchr("\"\\$`", next) != NULL)) {
            c = next;
            (*at)++;
        }
        *(*out)++ = c;
    }
    *(*out)++ = '\0';
    return quote == '\0';
}

static int split(struct words *words, const char *command, struct sf_error *err)
{
    size_t count = 0;
    char *out;

    words->bytes = strlen(command) + 1;
    words->text = mem_alloc(words->bytes);
    words->items = mem_alloc((strlen(command) / 2 + 2) * sizeof(words->items[0]));
    out = words->text;
    for (;;) {
        while (isspace((unsigned char)*command))
            command++;
        if (*command == '\0')
            break;
        words->items[count++] = out;
        if (!take_word(&command, &out))
            return sf_fail(err, SF_AUTH, "a quote in the command is not closed");
    }
    return count > 0 ? 0 : sf_fail(err, SF_AUTH, "the command is empty");
}

/* --- the answer */

static bool take_two_digits(const char *text, int *value)
{
    if (!isdigit((unsigned char)text[0]) || !isdigit((unsigned char)text[1]))
        return false;
    *value = (text[0] - '0') * 10 + text[1] - '0';
    return true;
}

/* RFC 3339; unlike clock_parse(), with an offset too: "2026-11-22T15:04:05+00:00" */
static bool parse_expiration(const char *text, int64_t *ms)
{
    static const size_t before_offset = sizeof("2026-11-22T15:04:05") - 1;
    const char *sign = strlen(text) > before_offset ? strpbrk(text + before_offset, "+-") : NULL;
    char in_utc[CLOCK_TEXT];
    int hours, minutes;

    if (sign == NULL)
        return clock_parse(text, ms);
    if (!take_two_digits(sign + 1, &hours) || sign[3] != ':' || !take_two_digits(sign + 4, &minutes) ||
        sign[6] != '\0' || (size_t)(sign - text) + sizeof("Z") > sizeof(in_utc))
        return false;
    snprintf(in_utc, sizeof(in_utc), "%.*sZ", (int)(sign - text), text);
    if (!clock_parse(in_utc, ms))
        return false;
    *ms -= (*sign == '+' ? 1 : -1) * (int64_t)(hours * 60 + minutes) * 60000;
    return true;
}

/* jansson frees its copies as they are. */
static void forget(const json_t *value)
{
    const char *text = json_string_value(value);

    if (text != NULL)
        OPENSSL_cleanse((void *)(uintptr_t)text, json_string_length(value));
}

/* A text, or nothing at all; *found is NULL then. */
static int take_text(const json_t *answer, const char *key, bool must, const char **found, struct sf_error *err)
{
    const json_t *value = json_object_get(answer, key);

    *found = json_string_value(value);
    if (*found != NULL && json_string_length(value) != strlen(*found))
        return sf_fail(err, SF_AUTH, "%s in its answer has a NUL in it", key);
    if (*found == NULL && (must || (value != NULL && !json_is_null(value))))
        return sf_fail(err, SF_AUTH, value == NULL ? "its answer has no %s" : "%s in its answer is no text", key);
    return 0;
}

static int take_expiration(const json_t *answer, struct creds_set *set, struct sf_error *err)
{
    const char *expiration;
    char printable[64];

    if (take_text(answer, "Expiration", false, &expiration, err) < 0)
        return -1;
    if (expiration == NULL)
        return 0;
    err_printable(expiration, printable, sizeof(printable));
    if (!parse_expiration(expiration, &set->expires_ms))
        return sf_fail(err, SF_AUTH, "Expiration in its answer is no time: '%s'", printable);
    if (set->expires_ms <= clock_wall_ms())
        return sf_fail(err, SF_AUTH, "the credentials it answered have expired already, at %s", printable);
    return 0;
}

static int take_answer(const json_t *answer, struct creds_set *set, struct sf_error *err)
{
    const json_t *version = json_object_get(answer, "Version");
    const char *id, *secret, *token;

    if (!json_is_object(answer))
        return sf_fail(err, SF_AUTH, "its answer is no JSON object");
    if (!json_is_integer(version) || json_integer_value(version) != 1)
        return sf_fail(err, SF_AUTH, "Version in its answer is not 1");
    if (take_text(answer, "AccessKeyId", true, &id, err) < 0 ||
        take_text(answer, "SecretAccessKey", true, &secret, err) < 0 ||
        take_text(answer, "SessionToken", false, &token, err) < 0 || take_expiration(answer, set, err) < 0)
        return -1;
    return creds_set_fill(set, id, secret, token, err);
}

/* Where the answer is no JSON, jansson's message is not told: it quotes what stands there. */
static int parse_answer(const struct process_output *output, struct creds_set *set, struct sf_error *err)
{
    json_error_t where;
    json_t *answer = json_loadb(output->data, output->length, 0, &where);
    int result;

    if (answer == NULL)
        return sf_fail(err, SF_AUTH, output->length == 0 ? "it printed nothing" : "its answer is no JSON, at line %d",
                       where.line);
    result = take_answer(answer, set, err);
    forget(json_object_get(answer, "SecretAccessKey"));
    forget(json_object_get(answer, "SessionToken"));
    json_decref(answer);
    return result;
}

int creds_process(const struct sf_call *call, const char *command, struct creds_set *set, struct sf_error *err)
{
    SF_AUTO(words) words = {NULL};
    SF_AUTO(creds_set) made = {.expires_ms = 0};
    struct process_output output = {.capacity = OUTPUT_BYTES};
    int result;

    if (split(&words, command, err) < 0)
        return -1;
    output.data = mem_alloc(OUTPUT_BYTES);
    result = process_run(call, words.items, LIMIT_MS, &output, err);
    if (result < 0 && err->cls != SF_CANCELLED)
        err->cls = SF_AUTH;
    if (result == 0)
        result = parse_answer(&output, &made, err);
    OPENSSL_cleanse(output.data, OUTPUT_BYTES);
    free(output.data);
    if (result < 0)
        return -1;
    *set = made;
    made = (struct creds_set){.expires_ms = 0};
    return 0;
}
