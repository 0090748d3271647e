/* SPDX-License-Identifier: MIT */
/*
 * share_with_vcm.c - a buffer in pieces, at one address for IOMMUs of different formats: all of them have it or none,
 * and one that comes later gets it too. share_by_hand.c does the same without the runtime.
 */
#include <inttypes.h>
#include <stdio.h>

#include "arm64_s1.h"
#include "armv7_short.h"
#include "vc.h"
#include "x86_64.h"

/* --8<-- counted from here */
static struct vc_system *chip;
static struct vc_region *space;
static struct vc_device *devices[3];

static int attach(const char *name, const struct pt_format *format, struct vc_device **device)
{
	struct vc_device_config config = {.name = name, .format = format, .allow_wider = true};
	struct vc_association *link;
	int error = vc_device_create(chip, &config, device);

	if (!error)
		error = vc_associate(space, *device, 0, &link);
	return error ? error : vc_activate(link);
}

static int share(const struct vc_span *pieces, size_t n, uint64_t bytes, struct vc_reservation **buffer)
{
	struct vc_reserve_args args = {.bytes = bytes};
	struct vc_phys *memory;
	int error = vc_phys_import(chip, pieces, n, &memory);

	if (!error)
		error = vc_reserve(space, &args, buffer);
	return error ? error : vc_back(*buffer, memory, 0);
}

static int unshare(struct vc_reservation *buffer)
{
	int error = vc_unback(buffer, 0);

	return error ? error : vc_unreserve(buffer);
}
/* --8<-- to here */

int main(void)
{
	static const struct vc_span pieces[] = {{0x80100000, 0x100000}, {0x80400000, 0x10000}, {0x80300000, 0x3000}};
	struct vc_reservation *buffer;
	struct vc_reservation_info info = {.address = 0};
	int error = vc_system_create(NULL, &chip);

	if (!error)
		error = vc_region_create(chip, 0x100000, 0x8000000, &space);
	if (!error)
		error = attach("decoder", &armv7_short_format, &devices[0]);
	if (!error)
		error = attach("gpu", &x86_64_format, &devices[1]);
	if (!error)
		error = share(pieces, 3, 0x113000, &buffer);
	if (!error)
		error = attach("display", &arm64_s1_format, &devices[2]);
	if (!error)
		error = vc_reservation_info(buffer, &info);
	for (size_t i = 0; !error && i < 3; i++)
		for (uint64_t at = 0; !error && at < 0x113000; at += 0x8000) {
			uint64_t pa;

			error = vc_device_translate(devices[i], info.address + at, PT_ACCESS_READ, &pa, NULL);
			if (!error)
				printf("%zu 0x%" PRIx64 " 0x%" PRIx64 "\n", i, info.address + at, pa);
		}
	if (!error)
		error = unshare(buffer);
	if (error)
		fprintf(stderr, "%s\n", vc_error_string());
	return error != 0;
}
