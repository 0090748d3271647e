/* SPDX-License-Identifier: MIT */
/*
 * main.c - one memory, one address space, two machines: a picture goes from a decoder in an x86 PC to a display in an
 * Arm machine, by DMA through VT-d and through an SMMUv3, both with tables that the VCM runtime keeps.
 *
 * usage: two_machines [--rows N] [--drop-invalidations] [DIRECTORY]
 *
 * Writes frame-in.ppm, frame-out.ppm and the topology (two_machines.dot, .json) to DIRECTORY (build). Status 0: all
 * checks held; 1: some did not; 2: it could not begin. With --rows only so many rows of the picture travel. With
 * --drop-invalidations nothing tells the IOMMUs of changes: then checks must fail, and that shows that they can.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arm_smmu_s1.h"
#include "hardware.h"
#include "picture.h"
#include "vtd_second_stage.h"

enum { CHUNK = DMA_MAX, SLICE = 64 * 1024, ROW_BYTES = PICTURE_WIDTH * PIXEL_BYTES, ROWS_MULTIPLE = SLICE / ROW_BYTES };

/* A buffer that both devices see at `address`, and the CPU at `window`. */
struct buffer {
	struct vc_phys *phys;
	struct vc_reservation *reservation, *cpu_reservation;
	uint64_t address, bytes;
	unsigned char *window;
};

struct demo {
	struct vc_system *system;
	struct vc_region *region, *cpu_region;
	struct vc_device *cpu;
	struct vc_association *decoder_link, *display_link, *cpu_link;
	struct side decoder, display;
	struct buffer stream, frame, screen; /* what the decoder reads; the picture; what the display shows */
	unsigned char *sent, *arrived;
	size_t rows, bytes; /* of the picture, that travel */
	/* the fault hook's */
	struct vc_fault heard;
	unsigned int n_heard;
	bool repair; /* back the frame again, and let the access be tried again */
};

static unsigned int n_checks, n_failed;

static void check(bool holds, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void check(bool holds, const char *format, ...)
{
	va_list args;

	n_checks++;
	n_failed += !holds;
	printf("  %s  ", holds ? "ok    " : "FAILED");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* What has to work for there to be anything to see. */
static void must(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "two_machines: %s: %s\n", what, vc_error_string());
	exit(2);
}

/* --------------------------------------------------------------------------------------------------------- platform */

static void make_system(struct demo *demo, const char *path)
{
	static const struct vc_span ram[] = {{0, MEMORY_BYTES}};
	/*
	 * The frame takes all of the first two and the rest from the third: 8 x 1 MiB, 64 x 64 KiB, 1024 x 4 KiB. The
	 * latter begin where larger leaves cannot, so that the tables have leaves of every size.
	 */
	static const struct vc_pool_config pools[] = {
		{"1M blocks", AT_POOLS, 8 * MIB, 20},
		{"64K blocks", AT_POOLS + 16 * MIB + 64 * KIB, 4 * MIB, 16},
		{"4K blocks", AT_POOLS + 32 * MIB + 4 * KIB, 8 * MIB, 12},
		{"contiguous", AT_POOLS + 48 * MIB, 1 * MIB, 0},
	};
	static const struct vc_type_config types[] = {
		{.pools = {0, 1, 2}, .n_pools = 3, .contiguous = {3}, .n_contiguous = 1}};
	const struct vc_system_config config = {.ram = ram,
						.n_ram = 1,
						.pools = pools,
						.n_pools = 4,
						.types = types,
						.n_types = 1,
						.tables = {AT_TABLES, 16 * MIB},
						.file = path};

	must(vc_system_create(&config, &demo->system), "making the system");
}

static int hook(struct vc_device *device, void *data, const struct vc_fault *fault)
{
	struct demo *demo = data;

	(void)device;
	demo->heard = *fault;
	demo->n_heard++;
	return demo->repair ? vc_back(demo->frame.reservation, demo->frame.phys, 0) : -EFAULT;
}

static struct vc_device *make_device(struct demo *demo, struct side *side, const struct pt_format *format,
				     const struct pt_config *table, int64_t bus_offset)
{
	/* On a PC, writes to this range are interrupts, and never reach the tables. */
	static const struct vc_reserved interrupts = {.first = 0xfee00000, .bytes = 1 * MIB};
	/* VT-d's second stage knows no execution: what may be read may be fetched. */
	const struct vc_device_config config = {.name = side->name,
						.format = format,
						.config = table,
						.bus_offset = bus_offset,
						.allow_wider = true,
						.reserved = &interrupts,
						.n_reserved = side->is_arm ? 0 : 1};

	must(vc_device_create(demo->system, &config, &side->device), "making a device");
	must(vc_device_driver(side->device, &hardware_driver, side), "setting its driver");
	must(vc_device_hook(side->device, hook, demo), "setting its fault hook");
	return side->device;
}

static void print_registers(const struct side *side)
{
	struct pt_register registers[8];
	size_t n = 0;

	must(vc_device_registers(side->device, registers, 8, &n), "reading registers");
	for (size_t i = 0; i < n; i++) {
		if (strcmp(registers[i].name, side->is_arm ? "CD" : "CONTEXT") != 0)
			continue;
		printf("  %s  %-6s  %-7s", side->name, side->iommu, registers[i].name);
		for (unsigned int word = 0; word < registers[i].bits / 64; word++)
			printf(" %016" PRIx64, registers[i].value[word]);
		putchar('\n');
	}
}

static void make_address_space(struct demo *demo)
{
	struct vc_device_config cpu = {.name = "cpu", .kind = VC_DEVICE_CPU};
	struct pt_config vtd, smmu;

	pt_config_init(&vtd);
	vtd.param[pt_param_find(&vtd_second_stage_format, "mp")] = 48;
	vtd.param[pt_param_find(&vtd_second_stage_format, "sc")] = 0;
	pt_config_init(&smmu);
	smmu.param[pt_param_find(&arm_smmu_s1_format, "ha")] = 0;
	smmu.param[pt_param_find(&arm_smmu_s1_format, "ia")] = 39;
	smmu.param[pt_param_find(&arm_smmu_s1_format, "oa")] = 40;
	must(vc_region_create(demo->system, 0x10000, 512 * MIB, &demo->region), "making the region");
	make_device(demo, &demo->decoder, &vtd_second_stage_format, &vtd, 0);
	make_device(demo, &demo->display, &arm_smmu_s1_format, &smmu, (int64_t)VIRT_RAM);
	must(vc_associate(demo->region, demo->decoder.device, 0, &demo->decoder_link), "linking the decoder");
	must(vc_associate(demo->region, demo->display.device, 0, &demo->display_link), "linking the display");
	must(vc_activate(demo->decoder_link), "activating the decoder");
	must(vc_activate(demo->display_link), "activating the display");
	must(vc_region_create_cpu(demo->system, 32 * MIB, &demo->cpu_region), "making the CPU's region");
	must(vc_device_create(demo->system, &cpu, &demo->cpu), "making the CPU");
	must(vc_associate(demo->cpu_region, demo->cpu, 0, &demo->cpu_link), "linking the CPU");
	must(vc_activate(demo->cpu_link), "activating the CPU");
}

static void make_buffer(struct demo *demo, struct buffer *buffer, uint64_t bytes, unsigned int rights)
{
	const struct vc_reserve_args devices = {.bytes = bytes, .rights = rights, .cache = VC_WRITE_BACK};
	const struct vc_reserve_args cpu = {.bytes = bytes, .cache = VC_WRITE_BACK};
	struct vc_reservation_info info;

	must(vc_phys_alloc(demo->system, &(struct vc_phys_args){.bytes = bytes, .contiguous = bytes < MIB},
			   &buffer->phys),
	     "allocating");
	must(vc_reserve(demo->region, &devices, &buffer->reservation), "reserving");
	must(vc_back(buffer->reservation, buffer->phys, 0), "backing");
	must(vc_reservation_info(buffer->reservation, &info), "asking for an address");
	buffer->address = info.address;
	buffer->bytes = info.bytes;
	must(vc_reserve(demo->cpu_region, &cpu, &buffer->cpu_reservation), "reserving for the CPU");
	must(vc_back(buffer->cpu_reservation, buffer->phys, 0), "backing for the CPU");
	must(vc_reservation_info(buffer->cpu_reservation, &info), "asking for a pointer");
	buffer->window = (unsigned char *)(uintptr_t)info.address;
}

static void free_buffer(struct buffer *buffer)
{
	must(vc_unback(buffer->reservation, 0), "unbacking");
	must(vc_unback(buffer->cpu_reservation, 0), "unbacking for the CPU");
	must(vc_unreserve(buffer->reservation), "giving addresses back");
	must(vc_unreserve(buffer->cpu_reservation), "giving pointers back");
	must(vc_phys_free(buffer->phys), "freeing");
}

static void print_buffer(const struct demo *demo, const char *name, const struct buffer *buffer, const char *rights)
{
	uint64_t first = 0;

	must(vc_region_to_phys(demo->region, buffer->address, &first), "looking up a buffer");
	printf("  %s  0x%08" PRIx64 "-0x%08" PRIx64 "  %s  begins at 0x%08" PRIx64 " for the PC, 0x%08" PRIx64
	       " for the Arm machine\n",
	       name, buffer->address, buffer->address + buffer->bytes - 1, rights, first, first + VIRT_RAM);
}

static void print_leaves(const struct demo *demo)
{
	struct vc_table_info table;

	for (unsigned int i = 0; !vc_region_table(demo->region, i, &table); i++) {
		printf("  %-16s  root 0x%08" PRIx64 ", %" PRIu64 " tables:", table.format->name, table.root,
		       table.tables);
		for (unsigned int lg2 = 64; lg2-- > 0;)
			if (table.leaves[lg2])
				printf("  %" PRIu64 " x %" PRIu64 " KiB", table.leaves[lg2],
				       (UINT64_C(1) << lg2) / KIB);
		putchar('\n');
	}
}

/* ------------------------------------------------------------------------------------------------------ the picture */

/* The decoder reads its stream and writes the frame; there is nothing to decode, for the stream is the picture. */
static void decode(struct demo *demo)
{
	for (size_t at = 0; at < demo->bytes; at += SLICE) {
		memcpy(demo->stream.window, demo->sent + at, SLICE);
		for (size_t chunk = 0; chunk < SLICE; chunk += CHUNK) {
			hardware_dma(&demo->decoder, true, demo->stream.address + chunk, CHUNK);
			hardware_dma(&demo->decoder, false, demo->frame.address + at + chunk, CHUNK);
		}
	}
}

static void display(struct demo *demo)
{
	for (size_t at = 0; at < demo->bytes; at += SLICE) {
		for (size_t chunk = 0; chunk < SLICE; chunk += CHUNK) {
			hardware_dma(&demo->display, true, demo->frame.address + at + chunk, CHUNK);
			hardware_dma(&demo->display, false, demo->screen.address + chunk, CHUNK);
		}
		memcpy(demo->arrived + at, demo->screen.window, SLICE);
	}
}

static void travel(struct demo *demo, const char *directory)
{
	char in[4096], out[4096];
	struct iommu_fault fault;

	decode(demo);
	check(memcmp(demo->frame.window, demo->sent, demo->bytes) == 0,
	      "the decoder wrote the frame through VT-d; the CPU sees all %zu bytes of it in its own window",
	      demo->bytes);
	display(demo);
	check(memcmp(demo->arrived, demo->sent, demo->bytes) == 0,
	      "the display read it through the SMMU: %zu bytes, the same", demo->bytes);
	check(!hardware_fault(&demo->decoder, &fault) && !hardware_fault(&demo->display, &fault),
	      "neither IOMMU recorded a fault");
	snprintf(in, sizeof(in), "%s/frame-in.ppm", directory);
	snprintf(out, sizeof(out), "%s/frame-out.ppm", directory);
	check(picture_write(in, demo->sent, demo->rows) && picture_write(out, demo->arrived, demo->rows),
	      "frame-in.ppm and frame-out.ppm");
}

/* ----------------------------------------------------------------------------------------------------------- faults */

static unsigned int access_of(bool is_write)
{
	return is_write ? PT_ACCESS_WRITE : PT_ACCESS_READ;
}

/* One transfer of 8 bytes that must fault: recorded as predicted, and given to the hook. */
static void expect_fault(struct demo *demo, struct side *side, uint64_t iova, bool is_write, const char *where)
{
	unsigned int before = demo->n_heard;
	struct vc_fault predicted = {.kind = 0};
	struct iommu_fault fault = {.name = "nothing"};
	unsigned int kind;
	bool holds;

	vc_device_translate(side->device, iova, access_of(is_write), NULL, &predicted);
	hardware_dma(side, !is_write, iova, 8);
	holds = hardware_fault(side, &fault);
	/* Where one word of the hardware stands for several faults, the walk says which one it is. */
	kind = predicted.kind < 32 && (fault.kinds >> predicted.kind & 1) ? predicted.kind
	       : fault.kinds						  ? (unsigned int)__builtin_ctz(fault.kinds)
									  : (unsigned int)PT_FAULT_NONE;
	holds = holds && predicted.kind != PT_FAULT_NONE && kind == predicted.kind && fault.source == DEVICE_ID &&
		fault.is_write == is_write && fault.address >> 12 == iova >> 12;
	if (holds)
		holds = vc_device_report(side->device, fault.address, access_of(fault.is_write), kind, NULL) ==
				-EFAULT &&
			demo->n_heard == before + 1 && demo->heard.kind == kind &&
			demo->heard.walk.fault == predicted.walk.fault && demo->heard.address >> 12 == iova >> 12;
	check(holds, "%s %s 0x%08" PRIx64 ", %s: %s %s (0x%02x); predicted: %s%s%s", side->name,
	      is_write ? "writes" : "reads ", iova, where, side->iommu, fault.name, fault.reason, predicted.kind_name,
	      predicted.level[0] ? " at " : "", predicted.level);
}

static bool works(struct side *side, uint64_t iova, bool is_write)
{
	struct iommu_fault fault;

	hardware_dma(side, !is_write, iova, 8);
	return !hardware_fault(side, &fault);
}

/* Does a write of the device arrive at the place that the CPU sees at `window`? Not every denial is recorded. */
static bool lands(struct side *side, uint64_t iova, unsigned char *window)
{
	static const unsigned char mark[8] = {0xa5, 0x5a, 0xa5, 0x5a, 0xa5, 0x5a, 0xa5, 0x5a};

	memcpy(window, mark, sizeof(mark));
	hardware_dma(side, false, iova, sizeof(mark));
	return memcmp(window, mark, sizeof(mark)) != 0;
}

static void fault_outside(struct demo *demo)
{
	uint64_t behind = demo->frame.address + demo->frame.bytes;

	expect_fault(demo, &demo->decoder, behind, true, "behind the frame");
	expect_fault(demo, &demo->display, behind, false, "behind the frame");
	/* QEMU records nothing where what it has cached does not allow the access: let it walk. */
	vtd_invalidate_all(&demo->decoder.vtd);
	expect_fault(demo, &demo->decoder, demo->stream.address, true, "which is read-only");
	expect_fault(demo, &demo->display, demo->stream.address, true, "which is read-only");
	check(works(&demo->decoder, demo->frame.address, true) && works(&demo->display, demo->frame.address, false),
	      "inside, all goes on");
}

static void unback(struct demo *demo)
{
	uint64_t first = demo->frame.address, last = first + demo->frame.bytes - 8;
	unsigned int decoder = demo->decoder.invalidations, display = demo->display.invalidations;

	check(works(&demo->decoder, first, true) && works(&demo->decoder, last, true) &&
		      works(&demo->display, first, false) && works(&demo->display, last, false),
	      "the first and the last bytes of the frame are used: now both IOMMUs have them cached");
	must(vc_unback(demo->frame.reservation, 0), "unbacking the frame");
	check(demo->decoder.invalidations > decoder && demo->display.invalidations > display,
	      "unback: the invalidation went to both");
	expect_fault(demo, &demo->decoder, first, true, "no longer backed");
	expect_fault(demo, &demo->decoder, last, true, "no longer backed");
	expect_fault(demo, &demo->display, first, false, "no longer backed");
	expect_fault(demo, &demo->display, last, false, "no longer backed");
}

/* The hook may also mend what was wrong; then the device tries again. */
static void repair(struct demo *demo)
{
	uint64_t first = demo->frame.address;
	unsigned int heard = demo->n_heard;
	struct iommu_fault fault;

	demo->repair = true;
	hardware_dma(&demo->display, true, first, 8);
	check(hardware_fault(&demo->display, &fault) &&
		      vc_device_report(demo->display.device, fault.address, access_of(fault.is_write), PT_FAULT_ABSENT,
				       NULL) == 0,
	      "the display faults once more; this time the hook backs the frame");
	demo->repair = false;
	if (demo->n_heard == heard) /* it did not fault as it should */
		must(vc_back(demo->frame.reservation, demo->frame.phys, 0), "backing the frame again");
	check(works(&demo->display, first, false) && lands(&demo->decoder, first, demo->frame.window),
	      "tried again, both go through");
}

/* ----------------------------------------------------------------------------------------------------------- ending */

static bool draw(const struct demo *demo, const char *directory, const char *name,
		 int (*dump)(struct vc_system *system, FILE *stream))
{
	char path[4096];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	good = file && dump(demo->system, file) == 0;
	if (file && fclose(file))
		good = false;
	return good;
}

static void print_table(const struct demo *demo)
{
	const struct side *sides[] = {&demo->decoder, &demo->display};

	printf("\n  %-8s %-7s %-16s %9s %9s %12s %13s %7s\n", "device", "IOMMU", "format", "loaded", "transfers",
	       "bytes", "invalidations", "faults");
	for (size_t i = 0; i < 2; i++) {
		struct vc_device_info info;

		must(vc_device_info(sides[i]->device, &info), "asking about a device");
		printf("  %-8s %-7s %-16s %9u %9" PRIu64 " %12" PRIu64 " %13u %7" PRIu64 "\n", sides[i]->name,
		       sides[i]->iommu, info.format->name, sides[i]->loads, sides[i]->transfers, sides[i]->bytes,
		       sides[i]->invalidations, info.faults);
	}
	putchar('\n');
}

static void take_down(struct demo *demo)
{
	struct buffer *buffers[] = {&demo->stream, &demo->frame, &demo->screen};
	struct vc_association *links[] = {demo->decoder_link, demo->display_link, demo->cpu_link};
	uint64_t bytes = 1;

	check(lands(&demo->decoder, demo->frame.address, demo->frame.window) &&
		      lands(&demo->display, demo->screen.address, demo->screen.window),
	      "what both write arrives");
	must(vc_deactivate(demo->decoder_link), "deactivating the decoder");
	must(vc_deactivate(demo->display_link), "deactivating the display");
	check(!lands(&demo->decoder, demo->frame.address, demo->frame.window) &&
		      !lands(&demo->display, demo->screen.address, demo->screen.window),
	      "deactivated, both are blocked: nothing arrives");
	must(vc_deactivate(demo->cpu_link), "deactivating the CPU");
	for (size_t i = 0; i < 3; i++)
		must(vc_dissociate(links[i]), "unlinking");
	for (size_t i = 0; i < 3; i++)
		free_buffer(buffers[i]);
	must(vc_system_table_bytes(demo->system, &bytes), "counting tables");
	must(vc_region_free(demo->region), "freeing the region");
	must(vc_region_free(demo->cpu_region), "freeing the CPU's region");
	must(vc_system_destroy(demo->system), "ending the system");
	check(bytes == 0, "all memory and all tables were given back");
}

/* -------------------------------------------------------------------------------------------------------- the story */

static void need(const char *program, const char *package)
{
	if (emulator_installed(program))
		return;
	fprintf(stderr,
		"two_machines: %s is not installed; as root, run: apt-get update && apt-get install -y "
		"--no-install-recommends %s\n",
		program, package);
	exit(2);
}

static void run(struct demo *demo, const char *directory)
{
	unsigned char *memory;
	char path[32];
	int file = nameless_file("memory of two machines", NULL, 0, path);

	make_system(demo, path);
	must(vc_system_memory(demo->system, 0, MEMORY_BYTES, &memory), "looking at the memory");
	hardware_start(&demo->decoder, &demo->display, path, memory);
	close(file);

	printf("One memory of %" PRIu64 " MiB, two machines, one address space\n", MEMORY_BYTES / MIB);
	make_address_space(demo);
	print_registers(&demo->decoder);
	print_registers(&demo->display);
	make_buffer(demo, &demo->stream, SLICE, PT_READ);
	make_buffer(demo, &demo->screen, SLICE, PT_READ | PT_WRITE);
	make_buffer(demo, &demo->frame, PICTURE_BYTES, PT_READ | PT_WRITE);
	print_buffer(demo, "stream", &demo->stream, "r-");
	print_buffer(demo, "screen", &demo->screen, "rw");
	print_buffer(demo, "frame ", &demo->frame, "rw");
	print_leaves(demo);

	printf("A picture of %zu KiB, in transfers of %d bytes\n", demo->bytes / 1024, CHUNK);
	travel(demo, directory);
	check(draw(demo, directory, "two_machines.dot", vc_dump_dot) &&
		      draw(demo, directory, "two_machines.json", vc_dump_json),
	      "two_machines.dot and two_machines.json: the topology, with the values above");
	printf("Accesses that must fault\n");
	fault_outside(demo);
	unback(demo);
	repair(demo);
	print_table(demo);
	take_down(demo);
	hardware_end(&demo->decoder, &demo->display);
}

int main(int argc, char **argv)
{
	static struct demo demo = {.decoder = {.name = "decoder"}, .display = {.name = "display"}};
	const char *directory = "build";

	demo.rows = PICTURE_HEIGHT;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--drop-invalidations") == 0) {
			demo.decoder.is_deaf = demo.display.is_deaf = true;
		} else if (strcmp(argv[i], "--rows") == 0 && i + 1 < argc) {
			demo.rows = strtoul(argv[++i], NULL, 10);
		} else if (argv[i][0] != '-' && i == argc - 1) {
			directory = argv[i];
		} else {
			fprintf(stderr, "usage: two_machines [--rows N] [--drop-invalidations] [DIRECTORY]\n");
			return 2;
		}
	}
	if (demo.rows == 0 || demo.rows > PICTURE_HEIGHT || demo.rows % ROWS_MULTIPLE) {
		fprintf(stderr, "two_machines: --rows is a multiple of %d, up to %d\n", ROWS_MULTIPLE, PICTURE_HEIGHT);
		return 2;
	}
	demo.bytes = demo.rows * ROW_BYTES;
	setvbuf(stdout, NULL, _IOLBF, 0);
	need("qemu-system-x86_64", "qemu-system-x86");
	need("qemu-system-aarch64", "qemu-system-arm");
	demo.sent = malloc(PICTURE_BYTES);
	demo.arrived = calloc(1, PICTURE_BYTES);
	if (!demo.sent || !demo.arrived) {
		fprintf(stderr, "two_machines: no memory for two pictures\n");
		return 2;
	}
	picture_draw(demo.sent);
	run(&demo, directory);
	free(demo.sent);
	free(demo.arrived);
	printf("%u checks, %u failed\n", n_checks, n_failed);
	return n_failed != 0;
}
