/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lanes/answers.h"

#include "base/mem.h"

struct answer {
    uint32_t crc32c;
    uint32_t at; /* in opaque; PART_COUNT_MAX * SF_PART_OPAQUE_MAX fits */
    uint32_t opaque_bytes;
};

uint32_t answers_digests_of_parts(uint32_t wanted)
{
    if ((wanted & SF_DIGEST_MD5) != 0)
        return SF_DIGEST_CRC32C | SF_DIGEST_MD5;
    return wanted == SF_DIGEST_SHA256 ? SF_DIGEST_CRC32C | SF_DIGEST_SHA256 : SF_DIGEST_CRC32C;
}

void answers_init(struct answers *answers, uint32_t count, uint32_t wanted)
{
    *answers = (struct answers){.count = count, .items = mem_alloc(count * sizeof(*answers->items))};
    answers->strong = answers_digests_of_parts(wanted) & ~SF_DIGEST_CRC32C;
    answers->strong_bytes = answers->strong == SF_DIGEST_MD5      ? sizeof(((struct sf_digests *)0)->md5)
                            : answers->strong == SF_DIGEST_SHA256 ? sizeof(((struct sf_digests *)0)->sha256)
                                                                  : 0;
    if (answers->strong != 0)
        answers->strongs = mem_alloc(count * answers->strong_bytes);
}

void answers_cleanup(struct answers *answers)
{
    free(answers->items);
    free(answers->strongs);
    buf_cleanup(&answers->opaque);
    *answers = (struct answers){0};
}

static unsigned char *strong_of(const struct answers *answers, uint32_t number)
{
    return answers->strongs + (number - 1) * answers->strong_bytes;
}

void answers_set_digests(struct answers *answers, uint32_t number, const struct sf_digests *digests)
{
    answers->items[number - 1].crc32c = digests->crc32c;
    if (answers->strong != 0)
        memcpy(strong_of(answers, number), answers->strong == SF_DIGEST_MD5 ? digests->md5 : digests->sha256,
               answers->strong_bytes);
}

void answers_get_digests(const struct answers *answers, uint32_t number, struct sf_digests *digests)
{
    *digests = (struct sf_digests){.size = sizeof(*digests), .have = SF_DIGEST_CRC32C | answers->strong};
    digests->crc32c = answers->items[number - 1].crc32c;
    if (answers->strong != 0)
        memcpy(answers->strong == SF_DIGEST_MD5 ? digests->md5 : digests->sha256, strong_of(answers, number),
               answers->strong_bytes);
}

void answers_keep(struct answers *answers, uint32_t number, const struct sf_part_result *result)
{
    struct answer *answer = &answers->items[number - 1];

    answer->at = (uint32_t)answers->opaque.length;
    answer->opaque_bytes = result->opaque_bytes;
    buf_add(&answers->opaque, result->opaque, result->opaque_bytes);
}

struct sf_part_done *answers_list(const struct answers *answers, uint64_t part_bytes, uint64_t bytes)
{
    struct sf_part_done *list = mem_alloc(answers->count * sizeof(*list));
    uint32_t i;

    for (i = 0; i < answers->count; i++)
        list[i] = (struct sf_part_done){.size = sizeof(list[i]),
                                        .number = i + 1,
                                        .bytes = i + 1 < answers->count ? part_bytes : bytes - i * part_bytes,
                                        .opaque = buf_text(&answers->opaque) + answers->items[i].at,
                                        .opaque_bytes = answers->items[i].opaque_bytes,
                                        .crc32c = answers->items[i].crc32c};
    return list;
}
