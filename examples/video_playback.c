/* SPDX-License-Identifier: MIT */
/*
 * video_playback.c - the scenario that the VCM was proposed with in 2010, in its 13 steps.
 *
 * A card reader's DMA engine fills memory through a scatter list that the video decoder must see as one piece. The
 * decoder writes frames into a buffer that the display reads and the CPU may touch. Decoder and display sit behind
 * IOMMUs with page tables of different formats; they, and the CPU, map the same memory, and the two devices at the same
 * addresses.
 *
 * usage: video_playback [DIRECTORY]   writes video.dot, video.json and video.svg there (default: build)
 * Exit status: 0, 1 a check failed, 2 the output could not be written.
 */
#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "arm64_s1.h"
#include "armv7_short.h"
#include "vcm.h"

#define SZ_64K	((size_t)64 << 10)
#define SZ_1M	((size_t)1 << 20)
#define SZ_16M	((size_t)16 << 20)
#define SZ_128M ((size_t)128 << 20)
#define MT0	VCM_MEMTYPE_0

extern char **environ;

/* The things of the scenario, under the names that its text gives them. */
struct scenario {
	struct device *video_dec_dev, *disp_dev, *dev_cpu;
	struct vcm *vcm_out, *cpu_vcm;
	struct avcm *avcm_dec, *avcm_disp, *avcm_cpu;
	struct physmem *buf_64k, *buf_frame;
	struct res *res_64k, *res_16M, *res_cpu_16M;
	vcm_addr_t base_64k, base_16M, base_cpu_16M;
	size_t card_blocks, card_bytes; /* that the DMA engine was programmed with */
};

static unsigned int n_checks, n_failed;

/* --------------------------------------------------------------------------------------------------------- printing */

static const char *error_name(int error)
{
	switch (error) {
	case 0: return "0";
	case -EINVAL: return "-EINVAL";
	case -EBUSY: return "-EBUSY";
	case -EAGAIN: return "-EAGAIN";
	case -ENOMEM: return "-ENOMEM";
	case -ENOENT: return "-ENOENT";
	default: return "error";
	}
}

static void print_size(uint64_t bytes)
{
	if (bytes >> 20 && !(bytes & 0xfffff))
		printf("%" PRIu64 " MiB", bytes >> 20);
	else if (bytes >> 10 && !(bytes & 0x3ff))
		printf("%" PRIu64 " KiB", bytes >> 10);
	else
		printf("%" PRIu64 " bytes", bytes);
}

static void heading(const char *text)
{
	printf("\n%s\n", text);
	for (size_t i = strlen(text); i > 0; i--)
		putchar('-');
	putchar('\n');
}

/* One call and what it returned. */
static void step(const char *number, const char *call, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void step(const char *number, const char *call, const char *format, ...)
{
	va_list arguments;

	printf("%3s  %-58s = ", number, call);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

static void check(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void check(bool good, const char *format, ...)
{
	va_list arguments;

	n_checks++;
	n_failed += !good;
	printf("     %s  ", good ? "ok    " : "FAILED");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

/* What the tables of a region have become since the last call: the cost of a step, format by format. */
static void costs(struct vcm *vcm)
{
	static uint64_t written_before[8];
	struct vc_table_info info;

	for (unsigned int i = 0; i < 8 && !vc_region_table(vcm_region(vcm), i, &info); i++) {
		unsigned int kinds = 0;

		printf("     %-12s %" PRIu64 " table%s, ", info.format->name, info.tables, info.tables == 1 ? "" : "s");
		print_size(info.table_bytes);
		printf("; written: ");
		print_size(info.written - written_before[i]);
		written_before[i] = info.written;
		for (unsigned int lg2 = 64; lg2-- > 0;)
			if (info.leaves[lg2]) {
				printf("%s%" PRIu64 " x ", kinds++ ? " + " : "; leaves: ", info.leaves[lg2]);
				print_size((uint64_t)1 << lg2);
			}
		putchar('\n');
	}
}

/* How many leaves of that size the table of a format has. */
static uint64_t leaves(struct vcm *vcm, const struct pt_format *format, unsigned int lg2)
{
	struct vc_table_info info;

	for (unsigned int i = 0; !vc_region_table(vcm_region(vcm), i, &info); i++)
		if (info.format == format)
			return info.leaves[lg2];
	return 0;
}

static const char *name_of(struct device *device)
{
	static struct vc_device_info info;

	return vc_device_info(vcm_device(device), &info) ? "?" : info.name;
}

static void print_registers(struct device *device)
{
	struct pt_register value[PT_MAX_STEPS];
	size_t n = 0;

	if (vc_device_registers(vcm_device(device), value, PT_MAX_STEPS, &n))
		return;
	printf("     %-12s ", name_of(device));
	for (size_t i = 0; i < n && i < PT_MAX_STEPS; i++)
		printf("%s%s = 0x%" PRIx64, i ? ", " : "", value[i].name, value[i].value[0]);
	putchar('\n');
}

/* ------------------------------------------------------------------------------------------------- what devices see */

/* The address that a device's walk of its own table ends at; 1 where it faults. */
static vcm_paddr_t walk(struct device *device, vcm_addr_t address)
{
	uint64_t pa;

	return vc_device_translate(vcm_device(device), address, PT_ACCESS_READ, &pa, NULL) ? 1 : pa;
}

static bool faults(struct device *device, vcm_addr_t address)
{
	unsigned char byte;

	return vc_device_read(vcm_device(device), address, &byte, 1, 0, NULL) == -EFAULT;
}

static bool both_fault(const struct scenario *s, vcm_addr_t address)
{
	return faults(s->video_dec_dev, address) && faults(s->disp_dev, address);
}

/* Each step of a walk: the entry, its word, and what the format says it is. */
static void print_walk(struct device *device, vcm_addr_t address)
{
	struct vc_device_info info;
	struct vc_fault record;
	uint64_t pa = 0;
	int error = vc_device_translate(vcm_device(device), address, PT_ACCESS_READ, &pa, &record);

	if (vc_device_info(vcm_device(device), &info) || !info.format)
		return;
	printf("     %s (%s) walks 0x%" PRIx64 "\n", info.name, info.format->name, address);
	for (unsigned int i = 0; i < record.walk.n_steps; i++) {
		const struct pt_step *at = &record.walk.step[i];
		unsigned int digits = info.format->levels[at->level].entry_bytes * 2U;

		printf("       %-3s  [0x%" PRIx64 "] = 0x%0*" PRIx64 "  %s\n", info.format->levels[at->level].name,
		       at->entry_pa, (int)(digits > 16 ? 16 : digits), at->raw[0],
		       at->kind < info.format->n_kinds ? info.format->kinds[at->kind].name : "?");
	}
	if (error) {
		printf("       fault: %s\n", record.kind_name);
	} else {
		printf("       -> 0x%" PRIx64 ", in a leaf of ", pa);
		print_size((uint64_t)1 << record.walk.leaf.lg2);
		putchar('\n');
	}
}

/* -------------------------------------------------------------------------------------------------------- the steps */

/* The platform: what a board file would say. */
static bool make_platform(struct scenario *s)
{
	struct vc_device_config decoder = {.name = "decoder", .format = &armv7_short_format};
	struct vc_device_config display = {.name = "display", .format = &arm64_s1_format};
	struct vc_device_config cpu = {.name = "cpu", .kind = VC_DEVICE_CPU};
	struct vc_device *made;
	struct pt_config tables;

	pt_config_init(&tables);
	tables.param[ARM64_S1_PARAM_TG] = 12;
	tables.param[ARM64_S1_PARAM_IA] = 39;
	display.config = &tables;
	if (vcm_sys_init() || vc_device_create(vcm_system(), &decoder, &made) ||
	    vc_device_create(vcm_system(), &display, &made) || vc_device_create(vcm_system(), &cpu, &made)) {
		fprintf(stderr, "video_playback: no platform: %s\n", vc_error_string());
		return false;
	}
	s->video_dec_dev = vcm_get_device("decoder");
	s->disp_dev = vcm_get_device("display");
	s->dev_cpu = vcm_get_device("cpu");
	/* The letter of 2010: backing needs associations, all of them active. */
	vcm_compat(VCM_STRICT);
	printf("decoder      %-12s %s\n", armv7_short_format.name, armv7_short_format.title);
	printf("display      %-12s %s, 4 KiB granule, 39 input bits\n", arm64_s1_format.name, arm64_s1_format.title);
	printf("cpu          the host's own tables, through mmap\n");
	printf("memory       0x80000000: 16 x 1 MiB, 128 x 64 KiB, 2048 x 4 KiB, 8 MiB contiguous; tables at "
	       "0x83000000\n");
	return true;
}

static void steps_1_to_3(struct scenario *s)
{
	static const vcm_addr_t addresses[] = {0, 0x1000, 0x10000, 0x1000000, 0x8000fff, 0x8001000, 0xffffffff};
	bool all = true;
	int dec, disp;

	heading("Steps 1-3: one address space for two devices");
	s->vcm_out = vcm_create(0x1000, SZ_128M);
	step("1", "vcm_out = vcm_create(0x1000, SZ_128M)", "%s", s->vcm_out ? "a region" : "NULL");
	check(vcm_get_start_addr(s->vcm_out) == 0x1000 && vcm_get_len(s->vcm_out) == SZ_128M,
	      "it starts at 0x1000 and is 0x8000000 long: its last byte is 0x8000fff");

	s->avcm_dec = vcm_assoc(s->vcm_out, s->video_dec_dev, 0);
	step("2", "avcm_dec = vcm_assoc(vcm_out, video_dec_dev, 0)", "%s", s->avcm_dec ? "an association" : "NULL");
	s->avcm_disp = vcm_assoc(s->vcm_out, s->disp_dev, 0);
	step("2", "avcm_disp = vcm_assoc(vcm_out, disp_dev, 0)", "%s", s->avcm_disp ? "an association" : "NULL");
	check(vcm_is_active(s->avcm_dec) == 0 && vcm_is_active(s->avcm_disp) == 0 && vcm_get_pgtbl_pa(s->vcm_out) == 0,
	      "both are inactive, and nothing is programmed");
	check(vcm_free(s->vcm_out) == -EBUSY, "vcm_free(vcm_out) is -EBUSY now");

	dec = vcm_activate(s->avcm_dec);
	step("3", "vcm_activate(avcm_dec)", "%s", error_name(dec));
	disp = vcm_activate(s->avcm_disp);
	step("3", "vcm_activate(avcm_disp)", "%s", error_name(disp));
	costs(s->vcm_out);
	print_registers(s->video_dec_dev);
	print_registers(s->disp_dev);
	check(!dec && !disp, "both devices are active");
	check(vcm_get_pgtbl_pa_for(s->avcm_dec) && vcm_get_pgtbl_pa_for(s->avcm_disp) &&
		      vcm_get_pgtbl_pa_for(s->avcm_dec) != vcm_get_pgtbl_pa_for(s->avcm_disp),
	      "each has a root of its own, in its own format");
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		all = all && both_fault(s, addresses[i]);
	check(all, "both fault on every address that was tried");
	check(vcm_activate(s->avcm_dec) == -EBUSY, "activating again is -EBUSY");
}

/* Step 6: what a driver does with a scatter list: one descriptor for each block. */
static void dma_prg(struct scenario *s, vcm_paddr_t block, size_t len)
{
	printf("     the card reader's DMA engine: 0x%" PRIx64 ", ", block);
	print_size(len);
	putchar('\n');
	s->card_blocks++;
	s->card_bytes += len;
}

static void steps_4_to_6(struct scenario *s)
{
	vcm_paddr_t buf = 0, first = 0, second = 0;
	size_t len = 0, frames = 0;
	bool aligned = true;

	heading("Steps 4-6: physical memory, apart from any address space");
	s->buf_64k = vcm_phys_alloc(MT0, 2 * SZ_64K, VCM_64KB);
	step("4", "buf_64k = vcm_phys_alloc(MT0, 2*SZ_64K, VCM_64KB)", "%s", s->buf_64k ? "128 KiB" : "NULL");
	s->buf_frame = vcm_phys_alloc(MT0, SZ_16M, VCM_ALL);
	step("5", "buf_frame = vcm_phys_alloc(MT0, SZ_16M, VCM_ALL)", "%s", s->buf_frame ? "16 MiB" : "NULL");
	while ((buf = vcm_get_next_phys_addr(s->buf_frame, buf, &len))) {
		aligned = aligned && len == SZ_1M && buf == 0x80000000 + frames * SZ_1M;
		frames++;
	}
	check(frames == 16 && aligned, "buf_frame is 16 blocks of 1 MiB from 0x80000000");

	step("6", "for each block: dma_prg(vcm_get_next_phys_addr(buf_64k))", "the scatter list");
	buf = 0;
	while ((buf = vcm_get_next_phys_addr(s->buf_64k, buf, &len))) {
		dma_prg(s, buf, len);
		first = first ? first : buf;
		second = buf;
	}
	check(s->card_blocks == 2 && s->card_bytes == 2 * SZ_64K && first == 0x81000000 && second == 0x81010000,
	      "exactly two blocks, 64 KiB each, at 0x81000000 and 0x81010000, then the end");
}

static void steps_7_to_9(struct scenario *s)
{
	vcm_addr_t wide;
	struct res *res;
	int error;

	heading("Steps 7-9: reservations, and memory behind them");
	res = vcm_reserve(s->vcm_out, 8 * SZ_64K, VCM_ALIGN_64K);
	wide = vcm_get_dev_addr(res);
	step("7", "as written: vcm_reserve(vcm_out, 8*SZ_64K, VCM_ALIGN_64K)", "0x%" PRIx64, wide);
	error = vcm_back(res, s->buf_64k);
	step("8", "as written: vcm_back(res_64k, buf_64k)", "%s", error_name(error));
	printf("     %s\n", vc_error_string());
	check(error == -EINVAL && both_fault(s, wide),
	      "512 KiB cannot be backed by 128 KiB: refused, and nothing changed");
	check(vcm_unreserve(res) == 0, "it is given back, and the step taken with 2*SZ_64K");

	s->res_64k = vcm_reserve(s->vcm_out, 2 * SZ_64K, VCM_ALIGN_64K);
	step("7", "res_64k = vcm_reserve(vcm_out, 2*SZ_64K, VCM_ALIGN_64K)", "%s",
	     s->res_64k ? "a reservation" : "NULL");
	s->res_16M = vcm_reserve(s->vcm_out, SZ_16M, VCM_ALIGN_16M);
	step("7", "res_16M = vcm_reserve(vcm_out, SZ_16M, VCM_ALIGN_16M)", "%s", s->res_16M ? "a reservation" : "NULL");
	check(vcm_get_num_res(s->vcm_out) == 2, "the region has two reservations");

	error = vcm_back(s->res_64k, s->buf_64k);
	step("8", "vcm_back(res_64k, buf_64k)", "%s", error_name(error));
	costs(s->vcm_out);
	check(!error && leaves(s->vcm_out, &armv7_short_format, 16) == 2 &&
		      leaves(s->vcm_out, &arm64_s1_format, 16) == 2,
	      "two leaves of 64 KiB here and there: a large page is 16 equal words, a contiguous group 16 that count "
	      "up");
	error = vcm_back(s->res_16M, s->buf_frame);
	step("8", "vcm_back(res_16M, buf_frame)", "%s", error_name(error));
	costs(s->vcm_out);
	check(!error && leaves(s->vcm_out, &armv7_short_format, 24) == 1 &&
		      leaves(s->vcm_out, &arm64_s1_format, 21) == 8,
	      "16 MiB are one supersection here, eight blocks of 2 MiB there");

	s->base_64k = vcm_get_dev_addr(s->res_64k);
	step("9", "base_64k = vcm_get_dev_addr(res_64k)", "0x%" PRIx64, s->base_64k);
	s->base_16M = vcm_get_dev_addr(s->res_16M);
	step("9", "base_16M = vcm_get_dev_addr(res_16M)", "0x%" PRIx64, s->base_16M);
	check(s->base_64k == 0x10000 && s->base_16M == 0x1000000,
	      "0x10000 and 0x1000000: the lowest that fit, for both devices");
}

static void steps_10_to_13(struct scenario *s)
{
	int error;

	heading("Steps 10-13: the CPU maps the same frames");
	s->cpu_vcm = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL);
	step("10", "cpu_vcm = vcm_create_from_prebuilt(VCM_PREBUILT_KERNEL)", "%s", s->cpu_vcm ? "a region" : "NULL");
	s->res_cpu_16M = vcm_reserve(s->cpu_vcm, SZ_16M, 0);
	step("11", "res_cpu_16M = vcm_reserve(cpu_vcm, SZ_16M, 0)", "%s", s->res_cpu_16M ? "a reservation" : "NULL");
	error = vcm_back(s->res_cpu_16M, s->buf_frame);
	step("12", "as written: vcm_back(res_cpu_16M, buf_frame)", "%s", error_name(error));
	check(error == -EINVAL, "refused: the text never associates the CPU with its region");
	s->avcm_cpu = vcm_assoc(s->cpu_vcm, s->dev_cpu, 0);
	step("12", "avcm_cpu = vcm_assoc(cpu_vcm, dev_cpu, 0)", "%s", s->avcm_cpu ? "an association" : "NULL");
	error = vcm_back(s->res_cpu_16M, s->buf_frame);
	step("12", "vcm_back(res_cpu_16M, buf_frame), CPU not yet active", "%s", error_name(error));
	check(error == -EAGAIN, "refused until the association is active");
	error = vcm_activate(s->avcm_cpu);
	step("12", "vcm_activate(avcm_cpu)", "%s", error_name(error));
	error = vcm_back(s->res_cpu_16M, s->buf_frame);
	step("12", "vcm_back(res_cpu_16M, buf_frame)", "%s", error_name(error));
	check(!error, "the same physical blocks, mapped a third time");
	s->base_cpu_16M = vcm_get_dev_addr(s->res_cpu_16M);
	step("13", "base_cpu_16M = vcm_get_dev_addr(res_cpu_16M)", "a pointer");
}

/* -------------------------------------------------------------------------------------------------------- the proof */

static unsigned char pattern(size_t offset, unsigned int seed)
{
	uint32_t x = (uint32_t)offset * UINT32_C(2654435761) + seed;

	return (unsigned char)(x >> 13 ^ x >> 24);
}

/* Does the device read, at every offset of the frame buffer, what was stored there? */
static bool sees_pattern(struct device *device, vcm_addr_t base, unsigned int seed)
{
	static unsigned char chunk[65536 + 1];

	/* An odd length, so that accesses cross the borders of blocks. */
	for (size_t offset = 0; offset < SZ_16M;) {
		size_t bytes = sizeof(chunk) < SZ_16M - offset ? sizeof(chunk) : SZ_16M - offset;

		if (vc_device_read(vcm_device(device), base + offset, chunk, bytes, 0, NULL))
			return false;
		for (size_t i = 0; i < bytes; i++)
			if (chunk[i] != pattern(offset + i, seed))
				return false;
		offset += bytes;
	}
	return true;
}

static void prove(const struct scenario *s)
{
	static const size_t borders[] = {0, 0xfffff, 0x100000, 0xffffff};
	volatile unsigned char *pointer = (volatile unsigned char *)(uintptr_t)s->base_cpu_16M;
	struct device *devices[] = {s->video_dec_dev, s->disp_dev};
	bool same = true;

	heading("What must hold now");
	for (size_t i = 0; i < 2; i++)
		print_walk(devices[i], s->base_64k + SZ_64K);
	for (size_t i = 0; i < 2; i++)
		print_walk(devices[i], s->base_16M + SZ_1M);
	for (size_t i = 0; i < 2; i++) {
		check(walk(devices[i], 0x10000) == 0x81000000 && walk(devices[i], 0x20000) == 0x81010000,
		      "%s: 0x10000 -> 0x81000000, 0x20000 -> 0x81010000", name_of(devices[i]));
		check(walk(devices[i], s->base_16M + SZ_16M - 1) == 0x80ffffff,
		      "%s: the last byte of the frame buffer too", name_of(devices[i]));
		check(faults(devices[i], 0) && faults(devices[i], 0x1000) && faults(devices[i], 0x2000000),
		      "%s: 0, 0x1000 and 0x2000000 fault", name_of(devices[i]));
	}

	for (size_t i = 0; i < SZ_16M; i++)
		pointer[i] = pattern(i, 1);
	for (size_t i = 0; i < 2; i++) {
		bool good = true;

		for (size_t k = 0; k < sizeof(borders) / sizeof(borders[0]); k++) {
			unsigned char byte = 0;

			good = good &&
			       !vc_device_read(vcm_device(devices[i]), s->base_16M + borders[k], &byte, 1, 0, NULL) &&
			       byte == pattern(borders[k], 1);
		}
		check(good, "the CPU stores, %s reads the same at 0, 0xfffff, 0x100000 and 0xffffff",
		      name_of(devices[i]));
		check(sees_pattern(devices[i], s->base_16M, 1), "and at all 16777216 bytes");
	}
	for (size_t i = 0; i < SZ_16M; i += 4096) {
		unsigned char line[64];

		for (size_t k = 0; k < sizeof(line); k++)
			line[k] = pattern(i + k, 2);
		same = same &&
		       !vc_device_write(vcm_device(s->video_dec_dev), s->base_16M + i, line, sizeof(line), 0, NULL);
	}
	for (size_t i = 0; i < SZ_16M; i++)
		same = same && pointer[i] == pattern(i, i % 4096 < 64 ? 2 : 1);
	check(same, "the decoder writes into every page of the frame, the CPU loads what it wrote");

	check(vcm_get_phys_num_res(0x80000000) == 2, "2 reservations map physical address 0x80000000");
	check(vcm_translate(s->base_16M + 5, s->vcm_out, s->cpu_vcm) == s->base_cpu_16M + 5 &&
		      vcm_translate(s->base_cpu_16M + 5, s->cpu_vcm, s->vcm_out) == s->base_16M + 5,
	      "vcm_translate(base_16M + 5, vcm_out, cpu_vcm) = base_cpu_16M + 5, and back");
	check(vcm_translate(s->base_64k, s->vcm_out, s->cpu_vcm) == 1,
	      "vcm_translate() of what the CPU does not map is 1");
	check(vcm_check(s->vcm_out, stdout) == 0, "both tables hold what the region's list says, no more and no less");
}

static void tear_down(struct scenario *s)
{
	uint64_t table_bytes = 1;
	bool full = true;

	heading("Taking it down");
	check(vcm_phys_free(s->buf_frame) == -EBUSY, "vcm_phys_free(buf_frame) is -EBUSY: two reservations have it");
	check(vcm_unreserve(s->res_16M) == -EBUSY, "vcm_unreserve(res_16M) is -EBUSY: it is backed");
	check(vcm_unback(s->res_64k) == 0 && vcm_phys_free(s->buf_frame) == -EBUSY,
	      "unback res_64k; buf_frame still busy");
	check(vcm_unback(s->res_16M) == 0 && vcm_phys_free(s->buf_frame) == -EBUSY,
	      "unback res_16M; buf_frame still busy");
	costs(s->vcm_out);
	check(both_fault(s, s->base_64k) && both_fault(s, s->base_16M), "both devices fault where the buffers were");
	check(*(volatile unsigned char *)(uintptr_t)s->base_cpu_16M == pattern(0, 2), "the CPU still has the frame");
	check(vcm_unback(s->res_cpu_16M) == 0, "unback res_cpu_16M");
	check(vcm_phys_free(s->buf_frame) == 0 && vcm_phys_free(s->buf_64k) == 0, "free both buffers");
	check(vcm_phys_free(s->buf_frame) == -EINVAL, "a stale handle is -EINVAL");
	check(vcm_unreserve(s->res_64k) == 0 && vcm_unreserve(s->res_16M) == 0 && vcm_unreserve(s->res_cpu_16M) == 0,
	      "unreserve all three");
	check(vcm_deassoc(s->avcm_dec) == -EBUSY, "vcm_deassoc(avcm_dec) is -EBUSY: it is active");
	check(vcm_deactivate(s->avcm_dec) == 0 && vcm_deactivate(s->avcm_disp) == 0 && vcm_deactivate(s->avcm_cpu) == 0,
	      "deactivate all three");
	check(vcm_free(s->vcm_out) == -EBUSY, "vcm_free(vcm_out) is -EBUSY: it has associations");
	check(vcm_deassoc(s->avcm_dec) == 0 && vcm_deassoc(s->avcm_disp) == 0 && vcm_deassoc(s->avcm_cpu) == 0,
	      "deassociate all three");
	check(vcm_free(s->vcm_out) == 0 && vcm_free(s->cpu_vcm) == 0, "free both regions");
	for (unsigned int i = 0; i < 4; i++) {
		struct vc_pool_info pool;

		full = full && !vc_system_pool(vcm_system(), i, &pool) && pool.used == 0;
	}
	check(full && !vc_system_table_bytes(vcm_system(), &table_bytes) && table_bytes == 0,
	      "every pool is full again, and no table is left");
	check(vcm_sys_destroy() == 0, "vcm_sys_destroy() = 0");
}

/* ----------------------------------------------------------------------------------------------------- the pictures */

static bool write_file(const char *path, int (*dump)(FILE *stream))
{
	FILE *stream = fopen(path, "w");
	int error = stream ? dump(stream) : -errno;

	if (stream && fclose(stream) && !error)
		error = -errno;
	if (error) {
		fprintf(stderr, "video_playback: cannot write %s: %s\n", path, strerror(-error));
		return false;
	}
	printf("     %s\n", path);
	return true;
}

static void draw(char *dot, char *svg)
{
	char program[] = "dot", format[] = "-Tsvg", option[] = "-o";
	char *arguments[] = {program, format, option, svg, dot, NULL};
	int status = -1;
	pid_t child;

	if (!posix_spawnp(&child, "dot", NULL, NULL, arguments, environ))
		waitpid(child, &status, 0);
	if (status == 0)
		printf("     %s\n", svg);
	else
		printf("     no %s: Graphviz's dot could not be run (apt-get install graphviz)\n", svg);
}

static bool write_pictures(const char *directory)
{
	char dot[1024], json[1024], svg[1024];
	bool good;

	heading("Where to look");
	if (snprintf(dot, sizeof(dot), "%s/video.dot", directory) >= (int)sizeof(dot) ||
	    snprintf(json, sizeof(json), "%s/video.json", directory) >= (int)sizeof(json) ||
	    snprintf(svg, sizeof(svg), "%s/video.svg", directory) >= (int)sizeof(svg)) {
		fprintf(stderr, "video_playback: the name of the directory is too long\n");
		return false;
	}
	good = write_file(dot, vcm_dump_dot) && write_file(json, vcm_dump_json);
	if (good)
		draw(dot, svg);
	return good;
}

int main(int argc, char **argv)
{
	struct scenario s = {.card_blocks = 0};
	bool written;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("Video playback: one buffer, one set of device addresses, three mappers, two page-table formats\n\n");
	if (!make_platform(&s))
		return 2;
	steps_1_to_3(&s);
	steps_4_to_6(&s);
	steps_7_to_9(&s);
	steps_10_to_13(&s);
	prove(&s);
	written = write_pictures(argc > 1 ? argv[1] : "build");
	tear_down(&s);
	printf("\n%u checks, %u failed\n", n_checks, n_failed);
	return n_failed ? 1 : written ? 0 : 2;
}
