/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of an HTTP/1.1 request, parsed in place, and percent-encoding.
 */
#ifndef BENCH_SINK_HTTP_H
#define BENCH_SINK_HTTP_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define REQUEST_HEADERS 64
#define REQUEST_PARAMS 16

struct pair {
    const char *name;
    const char *value;
};

/* Everything points into the head's own bytes. */
struct request {
    const char *method;
    const char *path;                     /* decoded, without its first slash */
    struct pair headers[REQUEST_HEADERS]; /* names in lower case */
    size_t header_count;
    struct pair params[REQUEST_PARAMS]; /* of the query, decoded */
    size_t param_count;
    bool keep_alive;
};

/* The bytes of the head with its empty line; 0: it is not whole yet. */
size_t request_head_bytes(const char *data, size_t length);
/* Parses a whole head and overwrites it. False: malformed, or more than fits. */
bool request_parse(struct request *request, char *head, size_t length);
const char *request_header(const struct request *request, const char *name); /* NULL: none */
const char *request_param(const struct request *request, const char *name);  /* NULL: none; "" without a value */

/* A decimal number and nothing else. */
bool number_parse(const char *text, uint64_t *number);
/* Appends text with all but A-Z a-z 0-9 - _ . ~ / as %XX. */
void percent_add(struct buf *out, const char *text);
/* In place; plus: '+' is a space. False on a '%' without two hex digits, or one that hides a NUL. */
bool percent_decode(char *text, bool plus);

#endif
