/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/settle.h"

#include "base/digest.h"

#include <string.h>

/* How one more fact bears on the question. */
enum bearing { SAYS_NOTHING, SAYS_OURS, SAYS_FOREIGN };

static enum bearing by_digests(const struct sf_digests *sent, const struct sf_digests *found)
{
    uint32_t both = sent != NULL ? sent->have & found->have : 0;

    if (both == 0 || sent == NULL)
        return SAYS_NOTHING;
    if ((both & SF_DIGEST_SHA256) != 0 && memcmp(sent->sha256, found->sha256, sizeof(sent->sha256)) != 0)
        return SAYS_FOREIGN;
    if ((both & SF_DIGEST_CRC32C) != 0 && sent->crc32c != found->crc32c)
        return SAYS_FOREIGN;
    if ((both & SF_DIGEST_MD5) != 0 && memcmp(sent->md5, found->md5, sizeof(sent->md5)) != 0)
        return SAYS_FOREIGN;
    return SAYS_OURS;
}

/* The object's checksum may stand in its metadata alone, and ours may have gone as a digest alone. */
static enum bearing by_checksum(const struct sf_digests *sent, const struct sf_object *found)
{
    const char *stands = sf_object_meta(found, SF_META_SHA256);
    char hex[SHA256_HEX + 1];

    if (stands == NULL || sent == NULL || (sent->have & SF_DIGEST_SHA256) == 0)
        return SAYS_NOTHING;
    hex_encode(sent->sha256, SHA256_BYTES, hex);
    return strcmp(stands, hex) == 0 ? SAYS_OURS : SAYS_FOREIGN;
}

static enum bearing by_meta(const struct sf_meta *sent, const struct sf_object *found)
{
    const char *stands = sf_object_meta(found, sent->key);

    if (stands == NULL)
        return SAYS_NOTHING;
    return strcmp(stands, sent->value) == 0 ? SAYS_OURS : SAYS_FOREIGN;
}

bool settle_is_ours(const struct sent *sent, const struct sf_object *found)
{
    enum bearing digests = by_digests(sent->digests, &found->digests);
    enum bearing checksum = by_checksum(sent->digests, found);
    bool ours = digests == SAYS_OURS || checksum == SAYS_OURS;
    uint32_t i;

    if (sent->if_tag != NULL && strcmp(sent->if_tag, found->tag) == 0)
        return false; /* it may be ours, too, but is the one from before */
    if (found->bytes != sent->bytes || digests == SAYS_FOREIGN || checksum == SAYS_FOREIGN)
        return false;
    for (i = 0; i < sent->meta_count; i++) {
        struct sf_meta meta;
        enum bearing says;

        sf_take(&meta, sizeof(meta), (const char *)sent->meta + (size_t)i * sent->meta_element_size);
        says = by_meta(&meta, found);
        if (says == SAYS_FOREIGN)
            return false;
        ours = ours || says == SAYS_OURS;
    }
    return ours;
}
