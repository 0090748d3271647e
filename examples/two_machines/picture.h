/* SPDX-License-Identifier: MIT */
/* picture.h - a test picture of 16 MiB, and files of it. */
#ifndef TWO_MACHINES_PICTURE_H
#define TWO_MACHINES_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

/* A pixel is red, green, blue, and a byte that tells where it belongs. */
enum { PICTURE_WIDTH = 2048, PICTURE_HEIGHT = 2048, PIXEL_BYTES = 4 };
#define PICTURE_BYTES ((size_t)PICTURE_WIDTH * PICTURE_HEIGHT * PIXEL_BYTES)

void picture_draw(unsigned char *pixels);
/* Write its first rows as a portable pixmap. false: errno says why. */
bool picture_write(const char *path, const unsigned char *pixels, size_t rows);

#endif
