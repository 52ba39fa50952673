/* SPDX-License-Identifier: Apache-2.0 */
#include "core/progress/bar.h"

#include "core/progress/units.h"

#include <stdio.h>
#include <string.h>

#define BAR_MIN 10
#define BAR_MAX 30
#define PIECE 96
#define PIECES 5

unsigned bar_percent(const struct moment *moment)
{
    uint64_t done = moment->bytes_known > 0 ? moment->bytes_done : moment->files_done;
    uint64_t known = moment->bytes_known > 0 ? moment->bytes_known : moment->files_known;
    double percent;

    if (known == 0 || done >= known)
        return known == 0 && moment->files_done < moment->files_known ? 0 : 100;
    percent = (double)done * 100.0 / (double)known;
    return percent < 99.0 ? (unsigned)percent : 99;
}

/* The pieces right of the bar, most wanted first. */
static size_t make_pieces(const struct moment *moment, char pieces[PIECES][PIECE])
{
    char done[UNITS_TEXT], known[UNITS_TEXT];
    size_t count = 0;

    if (moment->total_known)
        snprintf(pieces[count++], PIECE, " %3u%%", bar_percent(moment));
    snprintf(pieces[count++], PIECE, "  %s/%s files", units_count(moment->files_done, done),
             units_count(moment->files_known, known));
    snprintf(pieces[count++], PIECE, "  %s/%s", units_bytes(moment->bytes_done, done),
             units_bytes(moment->bytes_known, known));
    snprintf(pieces[count++], PIECE, "  %s/s", units_bytes(moment->bytes_per_second, done));
    if (moment->total_known && moment->left_ms >= 0)
        snprintf(pieces[count++], PIECE, "  ETA %s", units_clock(moment->left_ms, done));
    return count;
}

static void draw_bar(unsigned percent, size_t width, char *out)
{
    size_t full = width * percent / 100;

    out[0] = '[';
    memset(out + 1, '=', full);
    memset(out + 1 + full, ' ', width - full);
    if (full < width)
        out[1 + full] = '>';
    memcpy(out + 1 + width, "]", 2);
}

void bar_line(const struct moment *moment, unsigned columns, char *out, size_t size)
{
    static const char spinner[] = "|/-\\";
    size_t limit = columns > 1 ? columns - 1 : 0;
    char pieces[PIECES][PIECE], head[PIECE], middle[BAR_MAX + 3] = "";
    size_t count = make_pieces(moment, pieces), i, used, room;

    if (limit > size - 1)
        limit = size - 1;
    snprintf(head, sizeof(head), "%s  %s ", moment->verb, moment->stage);
    used = strlen(head);
    if (!moment->total_known) {
        snprintf(middle, sizeof(middle), "%c", spinner[moment->tick % 4]);
        used += 1;
    }
    for (i = 0; i < count && used + strlen(pieces[i]) <= limit; i++)
        used += strlen(pieces[i]);
    count = i;
    room = limit > used ? limit - used : 0;
    if (moment->total_known && room >= BAR_MIN + 2)
        draw_bar(bar_percent(moment), room - 2 < BAR_MAX ? room - 2 : BAR_MAX, middle);
    used = (size_t)snprintf(out, limit + 1, "%s%s", head, middle);
    for (i = 0; i < count && used <= limit; i++)
        used += (size_t)snprintf(out + used, limit + 1 - used, "%s", pieces[i]);
}

void bar_plain(const struct moment *moment, char *out, size_t size)
{
    char files[UNITS_TEXT], files_known[UNITS_TEXT], bytes[UNITS_TEXT], bytes_known[UNITS_TEXT], rate[UNITS_TEXT];
    char percent[16] = "", left[PIECE] = "", clock[UNITS_TEXT];

    if (moment->total_known)
        snprintf(percent, sizeof(percent), "%u %%, ", bar_percent(moment));
    if (moment->total_known && moment->left_ms >= 0)
        snprintf(left, sizeof(left), ", %s left", units_clock(moment->left_ms, clock));
    snprintf(out, size, "%s: %s: %s%s of %s%s files, %s of %s%s, %s/s%s", moment->verb, moment->stage, percent,
             units_count(moment->files_done, files), units_count(moment->files_known, files_known),
             moment->total_known ? "" : "+", units_bytes(moment->bytes_done, bytes),
             units_bytes(moment->bytes_known, bytes_known), moment->total_known ? "" : "+",
             units_bytes(moment->bytes_per_second, rate), left);
}
