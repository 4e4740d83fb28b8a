// pread, which C11 alone does not declare.
#define _POSIX_C_SOURCE 200809L

#include "internal.h"

#include <unistd.h>

enum {
    LANES = 4,
    STEP = LANES * sizeof(uint64_t),
    PIECE = 64 << 10,
};

static const uint64_t FACTOR = 0x9e3779b97f4a7c15;

// Each step is a bijection of its lane, so that no single change goes unseen.
static void add(uint64_t *lanes, const uint8_t *data)
{
    uint64_t words[LANES];
    memcpy(words, data, sizeof words);
    for (size_t i = 0; i < LANES; i++) {
        lanes[i] = (lanes[i] ^ words[i]) * FACTOR;
        lanes[i] ^= lanes[i] >> 32;
    }
}

// Fill `data` from the file; -EIO if it ends before.
static int fill(int descriptor, uint8_t *data, size_t size, uint64_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(descriptor, data + done, size - done,
                            (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : -EIO;
        }
        done += (size_t)got;
    }
    return 0;
}

int csdw_checksum(int descriptor, uint64_t size, uint64_t *ret)
{
    uint8_t data[PIECE];
    uint64_t lanes[LANES] = {size, 1, 2, 3};
    for (uint64_t offset = 0; offset < size; offset += PIECE) {
        size_t piece = size - offset < PIECE ? (size_t)(size - offset) : PIECE;
        int error = fill(descriptor, data, piece, offset);
        if (error != 0) {
            return error;
        }
        size_t padded = (piece + STEP - 1) / STEP * STEP;
        memset(data + piece, 0, padded - piece);
        for (size_t i = 0; i < padded; i += STEP) {
            add(lanes, data + i);
        }
    }
    *ret = 0;
    for (size_t i = 0; i < LANES; i++) {
        *ret = (*ret ^ lanes[i]) * FACTOR;
    }
    return 0;
}
