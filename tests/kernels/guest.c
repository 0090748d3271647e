/* SPDX-License-Identifier: MIT */
/*
 * guest.c - what runs as /init under the kernel whose tables are read: the only user program there.
 *
 * It gives the `edu` device of the emulator to VFIO and maps memory for it, so that the kernel's own IOMMU driver
 * writes tables; says on the console which frame is behind each page, as the kernel tells in /proc/self/pagemap; lets
 * the device read and write some of them, and reads what arrived. Then it waits to be looked at.
 *
 * The console lines that ./run reads begin with "@":
 *   @cpu VA PA RIGHTS         a page of this program
 *   @dma IOVA PA RIGHTS       a page that the device may use
 *   @gone IOVA                a page that it may use no longer
 *   @probe IOVA read|write fine|denied
 *   @ready                    nothing changes from here on
 *   @failed WHAT              nothing was proved
 *
 * A file of its own, static, built with the libc of the target; argv[1] is the PCI address of the device.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, HUGE_PAGE = 2 << 20 };

/* Registers of the edu device, in its first region. */
enum { EDU_SOURCE = 0x80, EDU_DESTINATION = 0x88, EDU_COUNT = 0x90, EDU_COMMAND = 0x98, EDU_BUFFER = 0x40000 };
enum { EDU_TO_DEVICE = 1, EDU_TO_MEMORY = 3 };

static void fail(const char *what)
{
	printf("@failed %s: %s\n", what, strerror(errno));
	fflush(stdout);
	for (;;)
		pause();
}

static void must(bool fine, const char *what)
{
	if (!fine)
		fail(what);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

/* /modules/list has the names of the modules, in the order of what needs what. */
static void load_modules(void)
{
	FILE *list = fopen("/modules/list", "r");
	char name[64], path[128];

	must(list != NULL, "/modules/list");
	while (fscanf(list, "%63s", name) == 1) {
		int fd;

		snprintf(path, sizeof(path), "/modules/%s", name);
		fd = open(path, O_RDONLY);
		must(fd >= 0 && syscall(SYS_finit_module, fd, "", 0) == 0, path);
		close(fd);
	}
	fclose(list);
}

/* The frame behind an address of this program, as the kernel says. */
static uint64_t frame_of(const void *at)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t word = 0;

	must(fd >= 0 && pread(fd, &word, 8, (off_t)((uintptr_t)at / PAGE * 8)) == 8 && (word >> 63), "pagemap");
	close(fd);
	return (word & ((UINT64_C(1) << 55) - 1)) * PAGE;
}

static void show_pages(const char *kind, uint64_t address, const unsigned char *at, size_t bytes, const char *rights)
{
	for (size_t i = 0; i < bytes; i += PAGE)
		printf("@%s 0x%llx 0x%llx %s\n", kind, (unsigned long long)(address + i),
		       (unsigned long long)frame_of(at + i), rights);
}

/* Memory whose pages are all there; huge: in one piece, if the kernel has it. */
static unsigned char *memory(size_t bytes, bool huge)
{
	size_t room = bytes + (huge ? HUGE_PAGE : 0);
	unsigned char *at = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(at != MAP_FAILED, "mmap");
	if (huge) {
		at += -(uintptr_t)at % HUGE_PAGE;
		must(madvise(at, bytes, MADV_HUGEPAGE) == 0, "madvise");
	} else {
		must(madvise(at, bytes, MADV_NOHUGEPAGE) == 0, "madvise");
	}
	for (size_t i = 0; i < bytes; i += 8) {
		uint64_t word = UINT64_C(0x9e3779b97f4a7c15) * ((uintptr_t)at + i + 1);

		memcpy(at + i, &word, 8);
	}
	return at;
}

/* ------------------------------------------------------------------------------------------------------- the device */

struct device {
	int fd, container;
	volatile unsigned char *bar;
};

static void open_device(struct device *device, const char *address)
{
	struct vfio_region_info config = {.argsz = sizeof(config), .index = VFIO_PCI_CONFIG_REGION_INDEX};
	struct vfio_region_info bar = {.argsz = sizeof(bar), .index = VFIO_PCI_BAR0_REGION_INDEX};
	char path[256], link[256], group_path[300];
	uint16_t command;
	ssize_t length;
	int group;

	write_file("/sys/bus/pci/drivers/vfio-pci/new_id", "1234 11e8");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", address);
	length = readlink(path, link, sizeof(link) - 1);
	must(length > 0, path);
	link[length] = '\0';
	snprintf(group_path, sizeof(group_path), "/dev/vfio/%s", strrchr(link, '/') + 1);
	device->container = open("/dev/vfio/vfio", O_RDWR);
	must(device->container >= 0, "/dev/vfio/vfio");
	group = open(group_path, O_RDWR);
	must(group >= 0, group_path);
	must(ioctl(group, VFIO_GROUP_SET_CONTAINER, &device->container) == 0, "VFIO_GROUP_SET_CONTAINER");
	must(ioctl(device->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) == 0, "VFIO_SET_IOMMU");
	device->fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address);
	must(device->fd >= 0, "VFIO_GROUP_GET_DEVICE_FD");
	must(ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &config) == 0, "configuration space");
	must(pread(device->fd, &command, 2, (off_t)config.offset + 4) == 2, "configuration space");
	command |= 6; /* memory, and being a bus master */
	must(pwrite(device->fd, &command, 2, (off_t)config.offset + 4) == 2, "configuration space");
	must(ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &bar) == 0, "registers");
	device->bar = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED, device->fd, (off_t)bar.offset);
	must(device->bar != MAP_FAILED, "registers");
}

static void map(struct device *device, uint64_t iova, void *at, size_t bytes, const char *rights)
{
	struct vfio_iommu_type1_dma_map request = {
		.argsz = sizeof(request), .vaddr = (uintptr_t)at, .iova = iova, .size = bytes};

	if (strchr(rights, 'r'))
		request.flags |= VFIO_DMA_MAP_FLAG_READ;
	if (strchr(rights, 'w'))
		request.flags |= VFIO_DMA_MAP_FLAG_WRITE;
	must(ioctl(device->container, VFIO_IOMMU_MAP_DMA, &request) == 0, "VFIO_IOMMU_MAP_DMA");
	show_pages("dma", iova, at, bytes, rights);
}

static void unmap(struct device *device, uint64_t iova, size_t bytes)
{
	struct vfio_iommu_type1_dma_unmap request = {.argsz = sizeof(request), .iova = iova, .size = bytes};

	must(ioctl(device->container, VFIO_IOMMU_UNMAP_DMA, &request) == 0, "VFIO_IOMMU_UNMAP_DMA");
	for (size_t i = 0; i < bytes; i += PAGE)
		printf("@gone 0x%llx\n", (unsigned long long)(iova + i));
}

static void put64(struct device *device, size_t at, uint64_t value)
{
	*(volatile uint64_t *)(device->bar + at) = value;
}

/* The device copies 256 bytes between its buffer and an address of its own. */
static void transfer(struct device *device, uint64_t source, uint64_t destination, unsigned int command)
{
	const struct timespec nap = {.tv_nsec = 5000000};

	put64(device, EDU_SOURCE, source);
	put64(device, EDU_DESTINATION, destination);
	put64(device, EDU_COUNT, 256);
	put64(device, EDU_COMMAND, command);
	while (*(volatile uint64_t *)(device->bar + EDU_COMMAND) & 1)
		nanosleep(&nap, NULL);
}

/*
 * What the device reads at iova goes through its buffer to a page that it can write, from where it is compared with
 * what should be there.
 */
static void probe_read(struct device *device, uint64_t iova, const unsigned char *at, uint64_t scratch_iova,
		       unsigned char *scratch)
{
	memset(scratch, 0x5a, PAGE);
	transfer(device, scratch_iova, EDU_BUFFER, EDU_TO_DEVICE);
	transfer(device, iova, EDU_BUFFER, EDU_TO_DEVICE);
	transfer(device, EDU_BUFFER, scratch_iova, EDU_TO_MEMORY);
	printf("@probe 0x%llx read %s\n", (unsigned long long)iova,
	       at && memcmp(scratch, at, 256) == 0 ? "fine" : "denied");
}

static void probe_write(struct device *device, uint64_t iova, const unsigned char *at, uint64_t scratch_iova,
			unsigned char *scratch)
{
	static unsigned char mark;

	memset(scratch, ++mark, PAGE);
	transfer(device, scratch_iova, EDU_BUFFER, EDU_TO_DEVICE);
	transfer(device, EDU_BUFFER, iova, EDU_TO_MEMORY);
	printf("@probe 0x%llx write %s\n", (unsigned long long)iova,
	       at && memcmp(scratch, at, 256) == 0 ? "fine" : "denied");
}

static void use_device(const char *address)
{
	const uint64_t scratch_iova = 0x10000, scattered_iova = 0x40000000, huge_iova = 0x7f80000000;
	const uint64_t read_iova = 0x80403000, hole_iova = 0x7000000000;
	unsigned char *scratch = memory(PAGE, false), *huge = memory(2 * HUGE_PAGE, true);
	unsigned char *scattered = memory(64 * PAGE, false), *readable = memory(5 * PAGE, false);
	struct device device;

	open_device(&device, address);
	map(&device, scratch_iova, scratch, PAGE, "rw");
	map(&device, huge_iova, huge, 2 * HUGE_PAGE, "rw");
	map(&device, scattered_iova, scattered, 64 * PAGE, "rw");
	map(&device, read_iova, readable, 5 * PAGE, "r");
	/* What is gone again must not be found. */
	unmap(&device, scratch_iova, PAGE);
	map(&device, scratch_iova + PAGE, scratch, PAGE, "rw");

	for (unsigned int i = 0; i < 64; i += 9)
		probe_read(&device, scattered_iova + i * PAGE + 16 * i, scattered + i * PAGE + 16 * i,
			   scratch_iova + PAGE, scratch);
	probe_read(&device, huge_iova + HUGE_PAGE - 128, huge + HUGE_PAGE - 128, scratch_iova + PAGE, scratch);
	probe_read(&device, huge_iova + 2 * HUGE_PAGE - 256, huge + 2 * HUGE_PAGE - 256, scratch_iova + PAGE, scratch);
	probe_read(&device, read_iova + 4 * PAGE, readable + 4 * PAGE, scratch_iova + PAGE, scratch);
	probe_write(&device, scattered_iova + 63 * PAGE, scattered + 63 * PAGE, scratch_iova + PAGE, scratch);
	probe_write(&device, huge_iova + 0x123400, huge + 0x123400, scratch_iova + PAGE, scratch);
	probe_write(&device, read_iova, readable, scratch_iova + PAGE, scratch);
	probe_read(&device, scratch_iova, NULL, scratch_iova + PAGE, scratch);
	probe_read(&device, hole_iova, NULL, scratch_iova + PAGE, scratch);
	probe_write(&device, scattered_iova + 64 * PAGE, NULL, scratch_iova + PAGE, scratch);
}

/* ------------------------------------------------------------------------------------------------------ the program */

static void use_cpu(void)
{
	unsigned char *huge = memory(HUGE_PAGE, true), *small = memory(16 * PAGE, false);

	must(mprotect(small + 4 * PAGE, 4 * PAGE, PROT_READ) == 0, "mprotect");
	must(mprotect(small + 8 * PAGE, 4 * PAGE, PROT_READ | PROT_EXEC) == 0, "mprotect");
	must(munmap(small + 12 * PAGE, PAGE) == 0, "munmap");
	show_pages("cpu", (uintptr_t)huge, huge, HUGE_PAGE, "rw");
	show_pages("cpu", (uintptr_t)small, small, 4 * PAGE, "rw");
	show_pages("cpu", (uintptr_t)small + 4 * PAGE, small + 4 * PAGE, 4 * PAGE, "r");
	show_pages("cpu", (uintptr_t)small + 8 * PAGE, small + 8 * PAGE, 4 * PAGE, "rx");
	show_pages("cpu", (uintptr_t)small + 13 * PAGE, small + 13 * PAGE, 3 * PAGE, "rw");
}

int main(int argc, char **argv)
{
	int console;

	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("none", "/dev", "devtmpfs", 0, NULL);
	mount("none", "/proc", "proc", 0, NULL);
	mount("none", "/sys", "sysfs", 0, NULL);
	console = open("/dev/console", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(console, fd);
	must(argc > 1, "no device was named");
	load_modules();
	use_device(argv[argc - 1]);
	use_cpu();
	printf("@ready\n");
	fflush(stdout);
	for (;;)
		pause();
}
