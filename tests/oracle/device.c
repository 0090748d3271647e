/* SPDX-License-Identifier: MIT */
/* device.c - accesses of a DMA engine: tokens and stamps. */
#define _GNU_SOURCE /* SEEK_DATA */
#include <unistd.h>

#include "device.h"

enum { TOKEN_TAG = 0x70ce, PAGE = 4096 };

void device_window(struct trial *trial, struct device *device)
{
	struct pt_table *table = &trial->table;
	unsigned int start = table->level_base + (unsigned int)(table->top & 15);
	uint64_t page = UINT64_C(1) << __builtin_ctzll(table->page_sizes);

	device->window_bytes = UINT64_C(1) << trial->format->levels[start].lo;
	device->window = table->first + device->window_bytes;
	CHECK(trial_width(trial) == 0 || device->window_bytes * 4 <= trial_width(trial));
	for (unsigned int i = 0; i < 2; i++) {
		enum pt_status status =
			trial->format->map(table, device->window + i * page, i ? device->results : device->tokens, page,
					   PT_READ | PT_WRITE | PT_ALLOW_WIDER, NULL, NULL);

		CHECK_MSG(status == PT_OK, "mapping the window: %s", pt_status_string(status));
	}
}

bool device_usable(const struct device *device, uint64_t iova, uint64_t bytes)
{
	return iova + (bytes - 1) < device->window || iova > device->window + (device->window_bytes - 1);
}

/* Where in memory tokens are, other than in the window; n of them at most. */
struct found {
	uint64_t token, pa;
};

static size_t find_tokens(const struct trial *trial, const struct device *device, struct found *found, size_t room)
{
	const struct ram *ram = &trial->ram;
	size_t n = 0;

	for (unsigned int i = 0; i < ram->n_pieces; i++) {
		const struct ram_piece *piece = &ram->piece[i];
		off_t end = (off_t)(piece->offset + (piece->last - piece->first) + 1);
		off_t data = lseek(ram->fd, (off_t)piece->offset, SEEK_DATA);

		while (data >= 0 && data < end) {
			off_t hole = lseek(ram->fd, data, SEEK_HOLE);
			uint64_t pa = piece->first + ((uint64_t)data - piece->offset);
			const uint64_t *words = (const uint64_t *)(const void *)(ram->direct + pa);
			size_t n_words = (size_t)((hole < end ? hole : end) - data) / 8;

			for (size_t k = 0; k < n_words; k++)
				if (words[k] >> 48 == TOKEN_TAG && (pa + 8 * k) / PAGE != device->tokens / PAGE &&
				    (pa + 8 * k) / PAGE != device->results / PAGE && n < room)
					found[n++] = (struct found){words[k], pa + 8 * k};
			data = lseek(ram->fd, hole, SEEK_DATA);
		}
	}
	return n;
}

static void conclude(struct trial *trial, struct access *access, uint64_t token, uint64_t result,
		     const struct found *found, size_t n_found)
{
	uint64_t pa = access->walk.pa & ~UINT64_C(7);
	bool lands = access->walk.fault == PT_FAULT_NONE && ram_has(&trial->ram, pa, 8);

	if (access->access & PT_ACCESS_WRITE) {
		access->allowed = access->landed = false;
		for (size_t i = 0; i < n_found && !access->landed; i++) {
			access->allowed = access->landed = found[i].token == token;
			access->pa = found[i].pa | (access->iova & 7);
		}
		if (lands)
			ram_store(&trial->ram, pa, stamp_of(pa));
		return;
	}
	/* A denied read leaves the token where it was, or zeroes. */
	access->raw[2] = result;
	access->allowed = access->landed = result != token && result != 0;
	access->pa = UINT64_MAX;
	if (stamp_address(result, &pa))
		access->pa = pa | (access->iova & 7);
}

void device_present(struct trial *trial, struct device *device, struct access *accesses, size_t n,
		    void (*told)(struct trial *trial, struct access *access))
{
	uint64_t page = UINT64_C(1) << __builtin_ctzll(trial->table.page_sizes), token[DEVICE_SLOTS];
	struct found found[2 * DEVICE_SLOTS];
	size_t n_found;

	CHECK(n <= DEVICE_SLOTS);
	for (size_t i = 0; i < n; i++) {
		uint64_t pa = accesses[i].walk.pa & ~UINT64_C(7);

		token[i] = (uint64_t)TOKEN_TAG << 48 | test_random(&trial->random) >> 16;
		ram_store(&trial->ram, device->tokens + 8 * i, token[i]);
		if (accesses[i].walk.fault == PT_FAULT_NONE && ram_has(&trial->ram, pa, 8))
			ram_store(&trial->ram, pa, accesses[i].access & PT_ACCESS_WRITE ? 0 : stamp_of(pa));
	}
	machine_dma(&device->machine, true, device->window, 0, 8 * n);
	for (size_t i = 0; i < n; i++) {
		machine_dma(&device->machine, !(accesses[i].access & PT_ACCESS_WRITE), accesses[i].iova & ~UINT64_C(7),
			    8 * i, 8);
		told(trial, &accesses[i]);
	}
	machine_dma(&device->machine, false, device->window + page, 0, 8 * n);
	n_found = find_tokens(trial, device, found, 2 * DEVICE_SLOTS);
	for (size_t i = 0; i < n; i++)
		conclude(trial, &accesses[i], token[i], ram_load(&trial->ram, device->results + 8 * i), found, n_found);
	/* What landed where it should not does not stay. */
	for (size_t i = 0; i < n_found; i++)
		if (ram_load(&trial->ram, found[i].pa) == found[i].token)
			ram_store(&trial->ram, found[i].pa, stamp_of(found[i].pa));
}
