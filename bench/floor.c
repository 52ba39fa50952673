/* SPDX-License-Identifier: Apache-2.0
 *
 * What an upload costs at least: each file of a folder is read, hashed with SHA-256 and PUT by libcurl over a kept connection, by as many
 * threads as asked for; nothing is signed, tried again or written down. Snapferry's time and CPU are compared with it (./dev bench s3).
 * A small file goes out of memory; a large one is hashed in a first pass and read a second time while it is sent, as SigV4 wants it.
 */
#include "base/auto.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <openssl/evp.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Up to this a body goes out of memory, in one piece with its head. More cost memory and saved no time. */
#define READ_BYTES (64u * 1024u)

/* What the threads share: the files are a list that each takes the next one from. */
struct work {
    const char *url;
    char **paths; /* below the current folder */
    size_t count;
    size_t next; /* atomic */
    bool failed; /* atomic */
};

struct lane {
    struct work *work;
    CURL *curl;
    EVP_MD *sha256;
    EVP_MD_CTX *digest;
    int fd; /* of the large file that is being sent */
    char url[8192];
    char buffer[READ_BYTES];
};

static void add_folder(struct work *work, const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        AUTO_FREE char *name = mem_printf("%s/%s", path, entry->d_name);

        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            add_folder(work, name);
        } else if (entry->d_type == DT_REG) {
            if ((work->count & (work->count - 1)) == 0)
                work->paths = mem_resize(work->paths, 2 * (work->count + 1) * sizeof(*work->paths));
            work->paths[work->count++] = ptr_take(&name);
        }
    }
    if (folder != NULL)
        closedir(folder);
}

static size_t give_read(char *to, size_t size, size_t count, void *ctx)
{
    struct lane *lane = ctx;
    ssize_t got = read(lane->fd, to, size * count);

    return got >= 0 ? (size_t)got : CURL_READFUNC_ABORT;
}

static size_t drop_answer(char *data, size_t size, size_t count, void *ctx)
{
    (void)data;
    (void)ctx;
    return size * count;
}

/* Reads and hashes the whole file; its first bytes stay in the buffer. -1: it cannot be read. */
static int64_t read_file(struct lane *lane, int fd, char hex[2 * EVP_MAX_MD_SIZE + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned bytes = 0;
    int64_t size = 0;
    ssize_t got;

    EVP_DigestInit_ex2(lane->digest, lane->sha256, NULL);
    while ((got = read(fd, lane->buffer, sizeof(lane->buffer))) > 0) {
        EVP_DigestUpdate(lane->digest, lane->buffer, (size_t)got);
        size += got;
        if ((size_t)got < sizeof(lane->buffer))
            break; /* a regular file gives less only at its end */
    }
    EVP_DigestFinal_ex(lane->digest, digest, &bytes);
    for (unsigned i = 0; i < bytes; i++)
        snprintf(hex + (size_t)2 * i, 3, "%02x", (unsigned)digest[i]);
    return got >= 0 ? size : -1;
}

/* Out of the buffer, or again from the file's start. */
static void set_body(struct lane *lane, int fd, int64_t size)
{
    lane->fd = fd;
    if (size <= (int64_t)sizeof(lane->buffer)) {
        curl_easy_setopt(lane->curl, CURLOPT_UPLOAD, 0L);
        curl_easy_setopt(lane->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
        curl_easy_setopt(lane->curl, CURLOPT_POSTFIELDS, lane->buffer);
        curl_easy_setopt(lane->curl, CURLOPT_CUSTOMREQUEST, "PUT");
    } else {
        curl_easy_setopt(lane->curl, CURLOPT_CUSTOMREQUEST, NULL);
        curl_easy_setopt(lane->curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(lane->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
    }
}

static int send_file(struct lane *lane, const char *path)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    char hex[2 * EVP_MAX_MD_SIZE + 1], header[sizeof(hex) + 32];
    int64_t size = fd >= 0 ? read_file(lane, fd, hex) : -1;
    struct curl_slist *headers = NULL;
    long status = 0;
    CURLcode code;

    if (size < 0 || lseek(fd, 0, SEEK_SET) != 0) {
        perror(path);
        return -1;
    }
    snprintf(lane->url, sizeof(lane->url), "%s/%s", lane->work->url, path + 2); /* without its "./" */
    snprintf(header, sizeof(header), "x-amz-content-sha256: %s", hex);
    headers = curl_slist_append(headers, header);
    headers = curl_slist_append(headers, "Expect:");
    headers = curl_slist_append(headers, "Content-Type:");
    curl_easy_setopt(lane->curl, CURLOPT_URL, lane->url);
    curl_easy_setopt(lane->curl, CURLOPT_HTTPHEADER, headers);
    set_body(lane, fd, size);
    code = curl_easy_perform(lane->curl);
    curl_easy_getinfo(lane->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    if (code == CURLE_OK && status == 200)
        return 0;
    fprintf(stderr, "floor: %s: HTTP %ld, %s\n", path, status, curl_easy_strerror(code));
    return -1;
}

static void *run_lane(void *ctx)
{
    struct lane *lane = ctx;
    struct work *work = lane->work;

    lane->curl = curl_easy_init();
    lane->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    lane->digest = EVP_MD_CTX_new();
    curl_easy_setopt(lane->curl, CURLOPT_WRITEFUNCTION, drop_answer);
    curl_easy_setopt(lane->curl, CURLOPT_READFUNCTION, give_read);
    curl_easy_setopt(lane->curl, CURLOPT_READDATA, lane);
    curl_easy_setopt(lane->curl, CURLOPT_UPLOAD_BUFFERSIZE, (long)READ_BYTES);
    curl_easy_setopt(lane->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(lane->curl, CURLOPT_PROXY, "");
    while (!__atomic_load_n(&work->failed, __ATOMIC_RELAXED)) {
        size_t i = __atomic_fetch_add(&work->next, 1, __ATOMIC_RELAXED);

        if (i >= work->count)
            break;
        if (send_file(lane, work->paths[i]) != 0)
            __atomic_store_n(&work->failed, true, __ATOMIC_RELAXED);
    }
    EVP_MD_CTX_free(lane->digest);
    EVP_MD_free(lane->sha256);
    curl_easy_cleanup(lane->curl);
    return NULL;
}

static void run(struct work *work, size_t count)
{
    pthread_t *threads = mem_alloc(count * sizeof(*threads));
    struct lane *lanes = mem_alloc(count * sizeof(*lanes));

    for (size_t i = 0; i < count; i++) {
        lanes[i].work = work;
        if (pthread_create(&threads[i], NULL, run_lane, &lanes[i]) != 0)
            abort();
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    free(lanes);
    free(threads);
}

int main(int argc, char **argv)
{
    struct work work = {0};
    unsigned long count = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

    if (count < 1 || count > 1024) {
        fputs("usage: floor URL-OF-A-BUCKET FOLDER CONCURRENCY\n", stderr);
        return 2;
    }
    if (chdir(argv[2]) != 0) {
        perror(argv[2]);
        return 1;
    }
    work.url = argv[1];
    add_folder(&work, ".");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    run(&work, count);
    curl_global_cleanup();
    for (size_t i = 0; i < work.count; i++)
        free(work.paths[i]);
    free(work.paths);
    return work.failed ? 1 : 0;
}
