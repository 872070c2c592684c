/* run_corpus.c: runs a fuzz target, without a fuzzer, on every file of the given folders: as it is, cut short after every
 * byte, and with every byte spoilt. */
#include "../check.h"
#include "fuzz.h"

#include <dirent.h>

static void run(const uint8_t *bytes, size_t size) {
    uint8_t *data = malloc(size + 1); /* of its own, so that a sanitizer sees what is read past its end */
    CHECK(data != NULL);
    memcpy(data, bytes, size);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static void run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    static uint8_t kept[1 << 20];
    const size_t size = fread(kept, 1, sizeof kept, file);
    fclose(file);
    for (size_t end = 0; end <= size; end++) run(kept, end);
    for (size_t i = 0; i < size; i++) {
        const uint8_t right = kept[i];
        kept[i] = (uint8_t)(right ^ 0x81);
        run(kept, size);
        kept[i] = (uint8_t)(right + 1);
        run(kept, size);
        kept[i] = right;
    }
}

int main(int argc, char **argv) {
    int count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        CHECK(folder != NULL);
        for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            char path[4096];
            if (entry->d_name[0] == '.') continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            run_file(path);
            count++;
        }
        closedir(folder);
    }
    CHECK(count > 0);
    return 0;
}
