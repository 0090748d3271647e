/* SPDX-License-Identifier: MIT */
/* picture.c - rings, rays and squares: no page of it is like another one. */
#include <stdint.h>
#include <stdio.h>

#include "picture.h"

static unsigned char mixed(uint32_t x)
{
	x *= UINT32_C(2654435761);
	return (unsigned char)(x >> 24 ^ x >> 11);
}

void picture_draw(unsigned char *pixels)
{
	enum { MIDDLE_X = PICTURE_WIDTH / 2, MIDDLE_Y = PICTURE_HEIGHT / 2 };

	for (int y = 0; y < PICTURE_HEIGHT; y++) {
		for (int x = 0; x < PICTURE_WIDTH; x++, pixels += PIXEL_BYTES) {
			int dx = x - MIDDLE_X, dy = y - MIDDLE_Y;
			unsigned int square = (unsigned int)(dx * dx + dy * dy);
			bool dark = (x >> 7 ^ y >> 7) & 1;

			/* Rings get narrower outwards; moved pages or rows show at a glance. */
			pixels[0] = (unsigned char)(square >> 12);
			pixels[1] = (unsigned char)((x * 255 / PICTURE_WIDTH) / (dark ? 2 : 1));
			pixels[2] = (unsigned char)((y * 255 / PICTURE_HEIGHT) / (dark ? 2 : 1));
			pixels[3] = mixed((uint32_t)(y * PICTURE_WIDTH + x));
		}
	}
}

bool picture_write(const char *path, const unsigned char *pixels, size_t rows)
{
	unsigned char row[PICTURE_WIDTH * 3];
	FILE *file = fopen(path, "wb");
	bool good = file && fprintf(file, "P6\n%d %zu\n255\n", PICTURE_WIDTH, rows) > 0;

	for (size_t y = 0; y < rows && good; y++) {
		for (int x = 0; x < PICTURE_WIDTH; x++, pixels += PIXEL_BYTES)
			for (int i = 0; i < 3; i++)
				row[3 * x + i] = pixels[i];
		good = fwrite(row, sizeof(row), 1, file) == 1;
	}
	if (file && fclose(file))
		good = false;
	return good;
}
