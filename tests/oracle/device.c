/* SPDX-License-Identifier: MIT */
/* device.c - qtest, and the DMA engine of the edu device. */
#define _GNU_SOURCE /* SEEK_DATA */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "device.h"

enum {
	MAX_WAITING = 64,
	EDU_SOURCE = 0x80,
	EDU_DESTINATION = 0x88,
	EDU_COUNT = 0x90,
	EDU_COMMAND = 0x98,
	EDU_BUFFER = 0x40000,
	EDU_TO_DEVICE = 1, /* bit 0 stays 1 while it runs */
	EDU_TO_MEMORY = 3,
	TOKEN_TAG = 0x70ce,
	PAGE = 4096
};

/* The next line, without its end; lines that tell of interrupts are no replies. */
static void read_reply(struct device *device, char line[128])
{
	double deadline = seconds_now() + DEADLINE_SECONDS;

	for (;;) {
		char *end = memchr(device->reply, '\n', device->length);

		if (end) {
			size_t n = (size_t)(end - device->reply);

			snprintf(line, 128, "%.*s", (int)n, device->reply);
			device->length -= n + 1;
			memmove(device->reply, end + 1, device->length);
			if (strncmp(line, "IRQ", 3) == 0)
				continue;
			CHECK_MSG(strncmp(line, "OK", 2) == 0, "qtest said: %s", line);
			device->waiting--;
			return;
		}
		struct pollfd wait = {.fd = device->socket, .events = POLLIN};
		ssize_t got = 0;

		if (poll(&wait, 1, 1000) > 0)
			got = read(device->socket, device->reply + device->length,
				   sizeof(device->reply) - device->length);
		if (got > 0)
			device->length += (size_t)got;
		else
			emulator_check(&device->emulator, "a reply");
		if (seconds_now() > deadline)
			emulator_timeout(&device->emulator, "no reply came");
	}
}

static void drain(struct device *device, unsigned int leave)
{
	char line[128];

	while (device->waiting > leave)
		read_reply(device, line);
}

static void send_line(struct device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void send_line(struct device *device, const char *format, ...)
{
	char line[128];
	va_list args;
	size_t n, sent = 0;

	va_start(args, format);
	n = (size_t)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	while (sent < n) {
		ssize_t done = send(device->socket, line + sent, n - sent, MSG_NOSIGNAL);

		if (done < 0 && errno != EINTR)
			emulator_check(&device->emulator, "a command to be taken");
		CHECK_MSG(done >= 0 || errno == EINTR, "send: %s", strerror(errno));
		sent += done > 0 ? (size_t)done : 0;
	}
	device->waiting++;
	drain(device, MAX_WAITING);
}

static uint64_t ask(struct device *device, const char *command, uint64_t address)
{
	char line[128];

	send_line(device, "%s 0x%" PRIx64 "\n", command, address);
	drain(device, 1);
	read_reply(device, line);
	return strtoull(line + 3, NULL, 0);
}

void device_write32(struct device *device, uint64_t address, uint32_t value)
{
	send_line(device, "writel 0x%" PRIx64 " 0x%" PRIx32 "\n", address, value);
}

void device_write64(struct device *device, uint64_t address, uint64_t value)
{
	send_line(device, "writeq 0x%" PRIx64 " 0x%" PRIx64 "\n", address, value);
}

uint32_t device_read32(struct device *device, uint64_t address)
{
	return (uint32_t)ask(device, "readl", address);
}

uint64_t device_read64(struct device *device, uint64_t address)
{
	return ask(device, "readq", address);
}

void device_out(struct device *device, unsigned int port, uint32_t value)
{
	send_line(device, "outl 0x%x 0x%" PRIx32 "\n", port, value);
}

/* With every CPU halted the virtual clock jumps to the next timer: transfers take no time. */
void device_start(struct trial *trial, struct device *device, const char *machine, const char *halt,
		  const char *const *more)
{
	const char *arguments[32] = {"-bios",	   halt,   "-icount", "shift=0,sleep=off",
				     "-qtest-log", "none", "-qtest",  "chardev:qtest"};
	char chardev[64];
	unsigned int n = 8;
	int ends[2];

	CHECK_MSG(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair: %s", strerror(errno));
	device->socket = ends[0];
	snprintf(chardev, sizeof(chardev), "socket,id=qtest,fd=%d", ends[1]);
	arguments[n++] = "-chardev";
	arguments[n++] = chardev;
	for (; *more; more++)
		arguments[n++] = *more;
	arguments[n++] = "-device";
	arguments[n++] = "edu,addr=4,dma_mask=0xffffffffffffffff";
	arguments[n] = NULL;
	qemu_start(&device->emulator, trial->class->program, machine, &trial->ram, arguments);
	close(ends[1]);
}

void device_end(struct device *device)
{
	emulator_end(&device->emulator);
	close(device->socket);
}

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

static void transfer(struct device *device, bool to_device, uint64_t iova, uint64_t slot, uint64_t bytes)
{
	const struct timespec nap = {.tv_nsec = 20000};
	double deadline = seconds_now() + DEADLINE_SECONDS;
	uint64_t buffer = EDU_BUFFER + slot;

	device_write64(device, device->bar + EDU_SOURCE, to_device ? iova : buffer);
	device_write64(device, device->bar + EDU_DESTINATION, to_device ? buffer : iova);
	device_write64(device, device->bar + EDU_COUNT, bytes);
	device_write64(device, device->bar + EDU_COMMAND, to_device ? EDU_TO_DEVICE : EDU_TO_MEMORY);
	/* The machine has to come round to its timers: asking at once would only keep it from that. */
	for (drain(device, 0), nanosleep(&nap, NULL); device_read64(device, device->bar + EDU_COMMAND) & 1;
	     nanosleep(&nap, NULL))
		if (seconds_now() > deadline)
			emulator_timeout(&device->emulator, "the DMA engine did not come to an end");
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
	transfer(device, true, device->window, 0, 8 * n);
	for (size_t i = 0; i < n; i++) {
		transfer(device, !(accesses[i].access & PT_ACCESS_WRITE), accesses[i].iova & ~UINT64_C(7), 8 * i, 8);
		told(trial, &accesses[i]);
	}
	transfer(device, false, device->window + page, 0, 8 * n);
	n_found = find_tokens(trial, device, found, 2 * DEVICE_SLOTS);
	for (size_t i = 0; i < n; i++)
		conclude(trial, &accesses[i], token[i], ram_load(&trial->ram, device->results + 8 * i), found, n_found);
	/* What landed where it should not does not stay. */
	for (size_t i = 0; i < n_found; i++)
		if (ram_load(&trial->ram, found[i].pa) == found[i].token)
			ram_store(&trial->ram, found[i].pa, stamp_of(found[i].pa));
}
