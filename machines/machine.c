/* SPDX-License-Identifier: MIT */
/* machine.c - a machine without a program, through QEMU's qtest; and its DMA engine, the edu device. */
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

#include "machines.h"

enum {
	MAX_WAITING = 64,
	EDU_SOURCE = 0x80,
	EDU_DESTINATION = 0x88,
	EDU_COUNT = 0x90,
	EDU_COMMAND = 0x98,
	EDU_BUFFER = 0x40000,
	EDU_BUFFER_BYTES = 4096,
	EDU_TO_DEVICE = 1, /* bit 0 stays 1 while it runs */
	EDU_TO_MEMORY = 3,
	PCI_COMMAND = 0x04,
	PCI_BAR0 = 0x10,
	PCI_MEMORY_AND_MASTER = 6,
	PC_BAR = (int)0xfd000000,
	VIRT_BAR = 0x10000000
};

#define VIRT_ECAM UINT64_C(0x4010000000)

/* ------------------------------------------------------------------------------------------------------------ qtest */

/* The next line, without its end; lines that tell of interrupts are no replies. */
static void read_reply(struct machine *machine, char line[128])
{
	double deadline = seconds_now() + DEADLINE_SECONDS;

	for (;;) {
		char *end = memchr(machine->reply, '\n', machine->length);

		if (end) {
			size_t n = (size_t)(end - machine->reply);

			snprintf(line, 128, "%.*s", (int)n, machine->reply);
			machine->length -= n + 1;
			memmove(machine->reply, end + 1, machine->length);
			if (strncmp(line, "IRQ", 3) == 0)
				continue;
			if (strncmp(line, "OK", 2) != 0)
				machines_fail("QEMU's qtest said: %s", line);
			machine->waiting--;
			return;
		}
		struct pollfd wait = {.fd = machine->socket, .events = POLLIN};
		ssize_t got = 0;

		if (poll(&wait, 1, 1000) > 0)
			got = read(machine->socket, machine->reply + machine->length,
				   sizeof(machine->reply) - machine->length);
		if (got > 0)
			machine->length += (size_t)got;
		else
			emulator_check(&machine->emulator, "a reply");
		if (seconds_now() > deadline)
			emulator_timeout(&machine->emulator, "no reply came");
	}
}

static void drain(struct machine *machine, unsigned int leave)
{
	char line[128];

	while (machine->waiting > leave)
		read_reply(machine, line);
}

static void send_line(struct machine *machine, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void send_line(struct machine *machine, const char *format, ...)
{
	char line[128];
	va_list args;
	size_t n, sent = 0;

	va_start(args, format);
	n = (size_t)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	while (sent < n) {
		ssize_t done = send(machine->socket, line + sent, n - sent, MSG_NOSIGNAL);

		if (done < 0 && errno != EINTR)
			emulator_check(&machine->emulator, "a command to be taken");
		if (done < 0 && errno != EINTR)
			machines_fail("sending to QEMU: %s", strerror(errno));
		sent += done > 0 ? (size_t)done : 0;
	}
	machine->waiting++;
	drain(machine, MAX_WAITING);
}

static uint64_t ask(struct machine *machine, const char *command, uint64_t address)
{
	char line[128];

	send_line(machine, "%s 0x%" PRIx64 "\n", command, address);
	drain(machine, 1);
	read_reply(machine, line);
	return strtoull(line + 3, NULL, 0);
}

void machine_write32(struct machine *machine, uint64_t address, uint32_t value)
{
	send_line(machine, "writel 0x%" PRIx64 " 0x%" PRIx32 "\n", address, value);
}

void machine_write64(struct machine *machine, uint64_t address, uint64_t value)
{
	send_line(machine, "writeq 0x%" PRIx64 " 0x%" PRIx64 "\n", address, value);
}

uint32_t machine_read32(struct machine *machine, uint64_t address)
{
	return (uint32_t)ask(machine, "readl", address);
}

uint64_t machine_read64(struct machine *machine, uint64_t address)
{
	return ask(machine, "readq", address);
}

static void out(struct machine *machine, unsigned int port, uint32_t value)
{
	send_line(machine, "outl 0x%x 0x%" PRIx32 "\n", port, value);
}

/* --------------------------------------------------------------------------------------------------------- starting */

/* With every CPU halted the virtual clock jumps to the next timer: transfers take no time. */
static void start(struct machine *machine, const char *program, const char *type, const char *memory, uint64_t bytes,
		  const char *firmware, const char *const *more)
{
	const char *arguments[32] = {"-bios",	   firmware, "-icount", "shift=0,sleep=off",
				     "-qtest-log", "none",   "-qtest",	"chardev:qtest"};
	char chardev[64];
	unsigned int n = 8;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		machines_fail("socketpair: %s", strerror(errno));
	machine->socket = ends[0];
	machine->waiting = 0;
	machine->length = 0;
	snprintf(chardev, sizeof(chardev), "socket,id=qtest,fd=%d", ends[1]);
	arguments[n++] = "-chardev";
	arguments[n++] = chardev;
	for (; *more; more++)
		arguments[n++] = *more;
	arguments[n++] = "-device";
	arguments[n++] = "edu,addr=4,dma_mask=0xffffffffffffffff";
	arguments[n] = NULL;
	emulator_start(&machine->emulator, program, type, memory, bytes, arguments);
	close(ends[1]);
}

static void pc_pci_write(struct machine *machine, unsigned int reg, uint32_t value)
{
	out(machine, 0xcf8, 0x80000000U | DEVICE_ID << 8 | reg);
	out(machine, 0xcfc, value);
}

void machine_start_pc(struct machine *machine, const char *memory, uint64_t bytes, const char *iommu)
{
	/* cli; hlt; jmp to the hlt */
	static const unsigned char halt[] = {0xfa, 0xf4, 0xeb, 0xfd};
	const char *const more[] = {"-device", iommu, NULL};
	unsigned char image[65536];
	char firmware[32];
	int file;

	memset(image, 0xf4, sizeof(image));
	memcpy(image + 0xfff0, halt, sizeof(halt));
	file = nameless_file("firmware", image, sizeof(image), firmware);
	start(machine, "qemu-system-x86_64", "q35", memory, bytes, firmware, more);
	machine->bar = (uint32_t)PC_BAR;
	pc_pci_write(machine, PCI_BAR0, (uint32_t)PC_BAR);
	pc_pci_write(machine, PCI_COMMAND, PCI_MEMORY_AND_MASTER);
	drain(machine, 0); /* it runs: the firmware has been read */
	close(file);
}

void machine_start_virt(struct machine *machine, const char *memory, uint64_t bytes, const char *iommu)
{
	/* wfi; b to itself - 4 */
	static const uint32_t halt[] = {0xd503207f, 0x17ffffff};
	const char *const more[] = {"-cpu", "cortex-a57", NULL};
	char firmware[32], type[64];
	uint64_t device = VIRT_ECAM + (DEVICE_ID << 12);
	int file = nameless_file("firmware", halt, sizeof(halt), firmware);

	snprintf(type, sizeof(type), "virt,iommu=%s", iommu);
	start(machine, "qemu-system-aarch64", type, memory, bytes, firmware, more);
	machine->bar = VIRT_BAR;
	machine_write32(machine, device + PCI_BAR0, VIRT_BAR);
	machine_write32(machine, device + PCI_COMMAND, PCI_MEMORY_AND_MASTER);
	drain(machine, 0);
	close(file);
}

void machine_end(struct machine *machine)
{
	emulator_end(&machine->emulator);
	close(machine->socket);
}

/* --------------------------------------------------------------------------------------------------- the DMA engine */

void machine_dma(struct machine *machine, bool to_device, uint64_t iova, uint64_t at, uint64_t bytes)
{
	const struct timespec nap = {.tv_nsec = 20000};
	double deadline = seconds_now() + DEADLINE_SECONDS;
	uint64_t buffer = EDU_BUFFER + at;

	/* One that reaches the end of the buffer would end QEMU. */
	if (bytes > DMA_MAX || at + bytes >= EDU_BUFFER_BYTES)
		machines_fail("a transfer of 0x%" PRIx64 " bytes at 0x%" PRIx64 " of the DMA engine's buffer", bytes,
			      at);
	machine_write64(machine, machine->bar + EDU_SOURCE, to_device ? iova : buffer);
	machine_write64(machine, machine->bar + EDU_DESTINATION, to_device ? buffer : iova);
	machine_write64(machine, machine->bar + EDU_COUNT, bytes);
	machine_write64(machine, machine->bar + EDU_COMMAND, to_device ? EDU_TO_DEVICE : EDU_TO_MEMORY);
	/* The machine has to come round to its timers: asking at once would only keep it from that. */
	for (drain(machine, 0), nanosleep(&nap, NULL); machine_read64(machine, machine->bar + EDU_COMMAND) & 1;
	     nanosleep(&nap, NULL))
		if (seconds_now() > deadline)
			emulator_timeout(&machine->emulator, "the DMA engine did not come to an end");
}
