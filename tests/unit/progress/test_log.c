/* SPDX-License-Identifier: Apache-2.0 */
#include "core/progress/log.h"
#include "tests/unit/progress/catch.h"

#include <string.h>

START_TEST(words_and_levels)
{
    struct log log = LOG_INIT;
    struct catch caught;
    char *text;

    catch_begin(&caught);
    log_error(&log, "one %d", 1);
    log_warning(&log, "two");
    log_info(&log, "three");
    log_debug(&log, "four");
    log.level = SF_LOG_DEBUG;
    log_debug(&log, "five");
    log.level = SF_LOG_ERROR;
    log_warning(&log, "six");
    log_write(&log, SF_LOG_ERROR, "100 %s");
    log_error(NULL, "nobody");
    text = catch_end(&caught);
    ck_assert_str_eq(text, "snapferry: error: one 1\nsnapferry: warning: two\nsnapferry: three\n"
                           "snapferry: debug: five\nsnapferry: error: 100 %s\n");
    free(text);
}
END_TEST

START_TEST(control_characters)
{
    struct log log = LOG_INIT;
    struct catch caught;
    char *text;

    catch_begin(&caught);
    log_info(&log, "%s", "a\nsnapferry: b\033[2J\xff");
    text = catch_end(&caught);
    ck_assert_str_eq(text, "snapferry: a\\x0asnapferry: b\\x1b[2J\\xff\n");
    free(text);
}
END_TEST

START_TEST(long_texts_are_whole)
{
    struct log log = LOG_INIT;
    struct catch caught;
    char wide[10001], *text;

    memset(wide, '\001', 10000);
    wide[10000] = '\0';
    catch_begin(&caught);
    log_write(&log, SF_LOG_INFO, wide);
    text = catch_end(&caught);
    ck_assert_uint_eq(strlen(text), strlen("snapferry: \n") + 40000);
    free(text);
}
END_TEST

START_TEST(bar_is_wiped_and_drawn_again)
{
    struct log log = LOG_INIT;
    struct catch caught;
    char *text;

    catch_begin(&caught);
    log_bar(&log, NULL); /* none stands: nothing to wipe */
    log_bar(&log, "[=> ]");
    log_info(&log, "hello");
    log_bar(&log, "[==>]");
    log_bar(&log, NULL);
    log_info(&log, "bye");
    text = catch_end(&caught);
    ck_assert_str_eq(text, "\r\033[K[=> ]"
                           "\r\033[Ksnapferry: hello\n[=> ]"
                           "\r\033[K[==>]"
                           "\r\033[K"
                           "snapferry: bye\n");
    free(text);
}
END_TEST

static void *talk(void *argument)
{
    int i;

    for (i = 0; i < 200; i++)
        log_info(argument, "%s", "0123456789012345678901234567890123456789");
    return NULL;
}

START_TEST(lines_stay_whole)
{
    struct log log = LOG_INIT;
    struct catch caught;
    pthread_t ids[4];
    char *text, *at;
    int i, lines = 0;

    catch_begin(&caught);
    for (i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&ids[i], NULL, talk, &log), 0);
    for (i = 0; i < 4; i++)
        pthread_join(ids[i], NULL);
    text = catch_end(&caught);
    for (at = text; *at != '\0'; at += 52, lines++)
        ck_assert_mem_eq(at, "snapferry: 0123456789012345678901234567890123456789\n", 52);
    ck_assert_int_eq(lines, 800);
    free(text);
}
END_TEST

UNIT_MAIN("log", &words_and_levels, &control_characters, &long_texts_are_whole, &bar_is_wiped_and_drawn_again,
          &lines_stay_whole)
