/* SPDX-License-Identifier: MIT */
/*
 * vc.h - the core of the VCM runtime: one address space for many devices, each with page tables of its own format.
 *
 * Objects
 *   system       the machine: physical memory (a real shared file mapping), pools and memory types, devices.
 *   region       an address space. Its list of reservations and what backs them is the truth; page tables follow it. A
 *                region may be on another one: what backs its reservations are then ranges of that one's addresses, its
 *                tables are a first stage, and those of the region below a second one.
 *   reservation  a range of a region. Backed by at most one physical allocation.
 *   phys         physical memory: a list of blocks. May back any number of reservations, in any regions.
 *   device       something that accesses memory through page tables of one format and configuration (of two, where it
 *                has two stages), at any bus address; the CPU; or something without tables.
 *   association  a link of a region and a device, inactive or active. A device has one active association at most
 *                (two, where it divides its addresses in halves); one that has none is blocked: every access faults.
 *   table        a region has one page table per distinct (format, configuration, bus offset) of its devices, shared by
 *                equals. It is built from the list when the first of them is activated, and goes with the last of them.
 *
 * Conventions
 *   - Results: 0 or a negative errno value; what is made or asked for comes through an out parameter, which is not
 *     touched on failure. vc_last_error() says more: which object, which address, why.
 *   - Handles are opaque and are never dereferenced: a stale, foreign or invalid one gives -EINVAL, never corruption.
 *     They belong to nobody; the object lives until it is freed by its own function.
 *   - Addresses and sizes are 64 bits wide and in bytes. 0 is an address like any other.
 *   - Every operation leaves everything as it was when it fails.
 *   - All functions may be called from any thread at any time. A region has a lock of its own: operations on different
 *     regions, and backing of different reservations of one region, run in parallel.
 *   - Lock order inside: region, device, graph (who is backed by what), pools.
 */
#ifndef VC_H
#define VC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../pt.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vc_system;
struct vc_region;
struct vc_reservation;
struct vc_phys;
struct vc_device;
struct vc_association;
struct vc_bound;

/* The unit of regions and reservations, in bytes. */
#define VC_PAGE_LG2 12
#define VC_PAGE	    ((uint64_t)1 << VC_PAGE_LG2)

/* ----------------------------------------------------------------------------------------------------------- errors */

/*
 * What the last failed call of this thread had to say.
 *
 * code     the negative errno value it returned.
 * object   what it was about: "reservation 0x10000+0x20000 of region 1"; "" where there is nothing to name.
 * address  the address where it failed, 0 where there is none.
 * reason   one sentence.
 * status   what the page-table code said; PT_OK where it was not involved.
 */
struct vc_error {
	int code;
	enum pt_status status;
	uint64_t address;
	const char *function;
	char object[96];
	char reason[224];
};

/* The record of this thread; never NULL. A call that succeeds leaves it alone. */
const struct vc_error *vc_last_error(void);
/* Forget it. */
void vc_clear_error(void);
/* The record as one line, for messages. Valid until the next call in this thread. */
const char *vc_error_string(void);

/*
 * For tests: fn is asked before every allocation ("heap", "table", "window"), and false makes it fail. NULL ends that.
 * Process-wide; set it while nothing else runs.
 */
void vc_set_allocation_hook(bool (*fn)(void *ctx, const char *what), void *ctx);

/* ----------------------------------------------------------------------------------------------------------- system */

#define VC_MAX_POOLS  16
#define VC_TYPE_POOLS 8

struct vc_span {
	uint64_t pa, bytes;
};

/*
 * A pool of physical memory.
 *
 * block_lg2  12..30: indivisible blocks of that size (as in 2010). 0: any block size, split and coalesced as needed,
 * and the only kind that contiguous allocations come from.
 */
struct vc_pool_config {
	const char *name;
	uint64_t pa, bytes;
	unsigned int block_lg2;
};

/* A memory type: pools in the order in which they are tried within one block size. Contiguous memory likewise. */
struct vc_type_config {
	unsigned int pools[VC_TYPE_POOLS];
	unsigned int n_pools;
	unsigned int contiguous[VC_TYPE_POOLS];
	unsigned int n_contiguous;
};

/*
 * ram     banks of memory, ascending and disjoint. All else that is named here lies inside.
 * pools   disjoint, at most VC_MAX_POOLS.
 * tables  where page tables are allocated from.
 * file    a file that holds the memory (created when absent, at offset pa - ram[0].pa); NULL: an anonymous one.
 * imports physical addresses for files that are imported (see vc_phys_import_fd()); 0 bytes: 1 GiB, from the next MiB
 *         behind ram on. Disjoint from ram.
 * cpu_window_bytes  address space that a CPU region gets.
 */
struct vc_system_config {
	const struct vc_span *ram;
	const struct vc_pool_config *pools;
	const struct vc_type_config *types;
	unsigned int n_ram, n_pools, n_types;
	struct vc_span tables, imports;
	const char *file;
	uint64_t cpu_window_bytes;
};

/*
 * The platform of 2010, with room for tables: RAM at 0x80000000; pools of 16 x 1 MiB, 128 x 64 KiB and 2048 x 4 KiB in
 * that order, 8 MiB of contiguous memory behind them at 0x82000000, tables from 0x83000000. One memory type, 0.
 */
extern const struct vc_system_config vc_default_config;

/* Make a system; config NULL: vc_default_config. 0; -EINVAL the configuration contradicts itself; -ENOMEM; errno of the
 * file. */
int vc_system_create(const struct vc_system_config *config, struct vc_system **out);
/* 0; -EBUSY: there are regions, physical allocations or associations. Its devices go with it. */
int vc_system_destroy(struct vc_system *system);

/* The CPU address of physical memory [pa, pa + bytes), as a bus master sees it. 0 and *out; -EFAULT: it is not RAM. */
int vc_system_memory(struct vc_system *system, uint64_t pa, uint64_t bytes, unsigned char **out);

struct vc_pool_info {
	const char *name;
	uint64_t pa, bytes, used;
	unsigned int block_lg2; /* 0: any size */
	uint64_t blocks, blocks_used;
};

/* Pool i, counted from 0. 0; -ENOENT there is none. */
int vc_system_pool(struct vc_system *system, unsigned int i, struct vc_pool_info *out);
/* A memory type: its pools, by number. 0; -ENOENT there is none. */
int vc_system_type(struct vc_system *system, unsigned int type, struct vc_type_config *out);
/* The first contiguous pool of a memory type. 0; -ENOENT: no such type, or it has none. */
int vc_system_contiguous(struct vc_system *system, unsigned int type, struct vc_span *out);
/* Bytes of tables that exist in all regions. */
int vc_system_table_bytes(struct vc_system *system, uint64_t *out);

/* ---------------------------------------------------------------------------------------------------------- devices */

enum vc_device_kind {
	VC_DEVICE_TRANSLATED, /* page tables of a format */
	VC_DEVICE_CPU,	      /* the host CPU: its page tables are the host's */
	VC_DEVICE_DIRECT      /* no page tables: it presents physical addresses */
};

/*
 * Input addresses of a device that are not free for mappings: windows of its bus, message interrupts, memory that
 * firmware uses through it. [first, first + bytes), whole pages.
 *
 * identity  the addresses are mapped to themselves for as long as the device has a table, with these rights (PT_READ,
 *           PT_WRITE, PT_EXEC); 0: nothing is mapped there.
 */
struct vc_reserved {
	uint64_t first, bytes;
	unsigned int identity;
};

/*
 * name        unique within the system; copied.
 * format      for VC_DEVICE_TRANSLATED; stays the caller's and outlives the system.
 * config      NULL: the format's defaults; copied.
 * bus_offset  what is added to a physical address to get the address at which the device sees it.
 * allow_wider accept that its format grants more than was asked (write, execute, user access).
 * no_updates  accesses do not set accessed and dirty state in the tables, whatever the format says.
 * bypass      while it is active in no region it reaches physical memory untranslated, as if it had no tables;
 *             otherwise it is blocked then.
 * reserved    n_reserved ranges that no reservation of its regions may have; copied.
 * stage2      the format of a second stage of translation, and its configuration, as format and config; NULL: it has
 *             none. It is used in regions that are on other ones; in others the first stage translates alone.
 * hardware    the version of the hardware, for vcm_hw_ver(); says nothing here.
 */
struct vc_device_config {
	const char *name;
	enum vc_device_kind kind;
	const struct pt_format *format;
	const struct pt_config *config;
	int64_t bus_offset;
	bool allow_wider;
	bool no_updates;
	bool bypass;
	const struct vc_reserved *reserved;
	size_t n_reserved;
	const struct pt_format *stage2;
	const struct pt_config *stage2_config;
	size_t hardware;
};

/* 0; -EINVAL: the format refuses the configuration, or a name is missing; -EEXIST the name is taken; -ENOMEM. */
int vc_device_create(struct vc_system *system, const struct vc_device_config *config, struct vc_device **out);
/* 0; -EBUSY: it has associations. */
int vc_device_destroy(struct vc_device *device);
/* 0; -ENOENT. */
int vc_device_find(struct vc_system *system, const char *name, struct vc_device **out);
/* Devices in the order in which they were made: NULL gives the first. 0; -ENOENT at the end. */
int vc_device_next(struct vc_system *system, struct vc_device *device, struct vc_device **out);

struct vc_device_info {
	char name[48];
	enum vc_device_kind kind;
	const struct pt_format *format, *stage2;
	int64_t bus_offset;
	size_t hardware;
	uint64_t first, last; /* the input addresses that its tables can serve; as in struct pt_table they may wrap */
	struct vc_region *active; /* NULL: blocked. With halves: of the lower one, or of the upper where only that is */
	unsigned int associations; /* all, active or not */
	uint64_t faults;	   /* accesses that were terminated */
};

int vc_device_info(struct vc_device *device, struct vc_device_info *out);

/*
 * The registers that the device is loaded with: min(n, what there are) are written, *count is how many there are. Those
 * of the first stage, then those of the second; with halves, of the lower one first. -ENXIO: it is blocked.
 */
int vc_device_registers(struct vc_device *device, struct pt_register *out, size_t n, size_t *count);

/* Faults that no page table reports. */
enum { VC_FAULT_BLOCKED = 1000, VC_FAULT_EXTERNAL /* the address behind the table is no memory */ };

/*
 * A fault of a device.
 *
 * kind   enum pt_fault, PT_FAULT_FORMAT + n, or VC_FAULT_*; kind_name says it.
 * level  the manual's name of the level where the walk ended, "" where there was no walk.
 * stage  1 or 2: the stage that failed; 0: there was no walk.
 * ipa    of two stages: the address between them where the second one failed.
 * in_walk  it failed for an entry of a table of the first stage, and not for the access itself.
 * walk   the walk, for translated devices that are not blocked; else n_steps is 0. Of the first stage, where there
 *        are two; walk2 is then the last one of the second.
 */
struct vc_fault {
	struct vc_device *device;
	struct vc_region *region; /* NULL: blocked */
	uint64_t address;
	unsigned int access; /* PT_ACCESS_* */
	unsigned int kind;
	const char *kind_name;
	const char *level;
	unsigned int stage;
	bool in_walk;
	uint64_t ipa;
	struct pt_walk walk, walk2;
};

/*
 * Called when a device faults, without locks: it may call anything. 0: the fault was handled, the access is tried again
 * (eight times at most); anything else: the access is terminated.
 */
typedef int (*vc_fault_handler)(struct vc_device *device, void *data, const struct vc_fault *fault);

/* Set the handler of a device; NULL removes it. */
int vc_device_hook(struct vc_device *device, vc_fault_handler handler, void *data);

/* At most that many calls of the handler in one second; beyond, accesses are terminated at once. 0: no limit. */
int vc_device_fault_limit(struct vc_device *device, unsigned int per_second);

/*
 * The driver of real hardware behind a device. Its functions are called with locks held: they may not call anything
 * here.
 *
 * load        the device becomes active in a region, or in another one: program it with these registers (or entries of
 *             its context tables; the order is that of vc_device_registers()). Nothing that it cached before counts
 *             any more. 0; or a negative errno value: it is loaded with what it was, and activation fails.
 * block       it is not active any more: when this returns, the hardware uses nothing of the table.
 * invalidate  invalidate what the gather says, and wait until that is complete. Several threads may call it at once.
 *             For a change of a second stage the gather says everything.
 */
struct vc_driver {
	int (*load)(void *data, const struct pt_register *registers, size_t n);
	void (*block)(void *data);
	void (*invalidate)(void *data, const struct pt_gather *gather);
};

/* Set the driver of a device (which outlives it there); NULL removes it. 0; -EBUSY: the device is active; -EINVAL: it
 * has no tables. */
int vc_device_driver(struct vc_device *device, const struct vc_driver *driver, void *data);
/*
 * The hardware reported a fault: give it to the handler as an access of the model would. kind is what the hardware said
 * (PT_FAULT_*, PT_FAULT_FORMAT + n, VC_FAULT_*), PT_FAULT_NONE where it says nothing: then it is what the walk ended
 * with. The walk in the record is of the table as it is now, so walk.fault is what was to be expected. 0: the handler
 * has handled it, and the access may be tried again; -EFAULT: it is terminated.
 */
int vc_device_report(struct vc_device *device, uint64_t address, unsigned int access, unsigned int kind,
		     struct vc_fault *record);

/*
 * Asked before memory goes away (a bank is switched off): 0: the device can do without [pa, pa + bytes); anything else:
 * it cannot. Called without locks. NULL: the device is not asked, and refuses.
 */
typedef int (*vc_power_handler)(struct vc_device *device, void *data, uint64_t pa, uint64_t bytes);

int vc_device_power_hook(struct vc_device *device, vc_power_handler handler, void *data);
/*
 * May [pa, pa + bytes) of memory lose power? Every device that is linked to a region in which it is mapped is asked,
 * each once, until one refuses. 0: all agree; -EBUSY: *refused is the device that does not.
 */
int vc_power_ask(struct vc_system *system, uint64_t pa, uint64_t bytes, struct vc_device **refused);

/*
 * A model of the device's translation cache: sets of ways entries, one entry a leaf; entries and ways are powers of
 * two, ways <= entries <= 65536; 0 entries: none. Accesses go through it, and invalidations of the tables reach it.
 */
int vc_device_iotlb(struct vc_device *device, unsigned int entries, unsigned int ways);
/* Disconnected, invalidations do not arrive: accesses may see what was mapped before. For tests that must be able to
 * fail.
 */
int vc_device_iotlb_disconnect(struct vc_device *device, bool disconnected);

struct vc_iotlb_info {
	unsigned int entries, ways;
	uint64_t hits, misses, invalidations, invalidated; /* requests to invalidate, entries that they removed */
};

int vc_device_iotlb_info(struct vc_device *device, struct vc_iotlb_info *out);

/*
 * An access of the device, as the hardware does it: walk the table, check the rights, touch the memory. access is
 * PT_ACCESS_PRIV or 0 (PT_ACCESS_READ and PT_ACCESS_WRITE are added by the function), PT_ACCESS_EXEC to fetch.
 * 0; -EFAULT: it faulted, at vc_last_error()->address; bytes before that address were transferred. fault NULL or where
 * the record goes.
 */
int vc_device_read(struct vc_device *device, uint64_t address, void *buffer, uint64_t bytes, unsigned int access,
		   struct vc_fault *fault);
int vc_device_write(struct vc_device *device, uint64_t address, const void *buffer, uint64_t bytes, unsigned int access,
		    struct vc_fault *fault);
/* The physical address (not the bus address) behind a device's address, by an architectural walk. No handler runs and
 * no state is updated; fault gets the walk also where it succeeds. 0; -EFAULT. */
int vc_device_translate(struct vc_device *device, uint64_t address, unsigned int access, uint64_t *pa,
			struct vc_fault *fault);

/* ---------------------------------------------------------------------------------------------------------- regions */

enum vc_region_kind {
	VC_REGION_DEVICE,  /* addresses of devices */
	VC_REGION_CPU,	   /* addresses of this process: pointers that can be dereferenced */
	VC_REGION_IDENTITY /* physical addresses, for devices that have no tables and for those that do */
};

/*
 * Make a region of [first, first + bytes). The start is rounded up to VC_PAGE, the end down.
 * 0; -EINVAL: less than a page remains, or it passes the end of the address space; -ENOMEM.
 */
int vc_region_create(struct vc_system *system, uint64_t first, uint64_t bytes, struct vc_region **out);
/* Make a region of CPU addresses: a window of bytes (0: as the system says) in this process. Also errno of mmap. */
int vc_region_create_cpu(struct vc_system *system, uint64_t bytes, struct vc_region **out);
/*
 * Make a region in which addresses are physical addresses: [first, first + bytes) of memory, as vc_region_create. A
 * reservation in it has no address until it is backed, by memory that is contiguous and inside; then it has that of the
 * memory. (One that asks for an address takes it at once, and can be backed by the memory there only.)
 */
int vc_region_create_identity(struct vc_system *system, uint64_t first, uint64_t bytes, struct vc_region **out);
/*
 * Make a region on another one: its tables are a first stage, those of `below` the second. Memory of its reservations
 * are ranges of addresses of `below` (vc_phys_of_region()), whether something is behind these or not: accesses fault
 * where nothing is, with stage 2. Its devices have two stages.
 *
 * tables  a reservation of `below`, backed by RAM, without holes: the tables of this region are made in it, and walked
 *         through stage 2. It cannot be unbacked, and its memory cannot move, while this region exists. Devices that
 *         set accessed state need the right to write it.
 *
 * How memory is cached is agreed on below; what reservations of this region say of it goes into its tables only.
 * 0; -EINVAL: also: below is not a region of devices, or on another one itself; -ENXIO: tables is not backed; -ENOMEM.
 */
int vc_region_create_nested(struct vc_region *below, struct vc_reservation *tables, uint64_t first, uint64_t bytes,
			    struct vc_region **out);
/* A copy of a region of devices: the same range, reservations at the same addresses with the same rights, backed by the
 * same memory; no associations. 0; -EOPNOTSUPP: a CPU region, whose addresses exist once, or one on another region,
 * whose tables have their own place; -ENOMEM. */
int vc_region_clone(struct vc_region *region, struct vc_region **out);
/* 0; -EBUSY: it has reservations, bounds or associations, or other regions are on it. */
int vc_region_free(struct vc_region *region);

struct vc_region_info {
	enum vc_region_kind kind;
	unsigned int number; /* counted from 1 in the order of creation */
	uint64_t first, last;
	uint64_t reserved; /* bytes */
	uint64_t page; /* unit of addresses and lengths: VC_PAGE, or the smallest page of its devices if that is larger
			*/
	size_t reservations, associations, active, tables, bounds;
	struct vc_region *below;       /* NULL: its tables lead to memory */
	size_t above;		       /* regions on it */
	uint64_t backed;	       /* bytes that are mapped, holes not counted */
	uint64_t table_bytes, written; /* of its tables: that they have, that was written to them */
	/* Since it was made: backings, unbackings, changes of what is mapped (rights, other memory); requests to
	 * invalidate, of all tables; accesses that were terminated. */
	uint64_t maps, unmaps, changes, invalidations, faults;
};

int vc_region_info(struct vc_region *region, struct vc_region_info *out);

/*
 * A table of a region.
 *
 * written  bytes of table memory written since it was made: entries and cleared tables.
 * leaves   leaf entries by size: leaves[n] of 2^n bytes, groups counted once.
 * users    associations that use it.
 */
struct vc_table_info {
	const struct pt_format *format;
	uint64_t root, tables, table_bytes, written;
	uint64_t leaves[64];
	unsigned int users;
	int64_t bus_offset;
};

/* Table i of the region, counted from 0, in the order in which they were made. 0; -ENOENT. */
int vc_region_table(struct vc_region *region, unsigned int i, struct vc_table_info *out);

/* ----------------------------------------------------------------------------------------------------- associations */

/*
 * Link, inactive; attr is the caller's. 0; -EEXIST: they are linked already; -EBUSY: a CPU region has its one device;
 * -EINVAL: a CPU region with another device than the CPU, or the reverse; -ERANGE: the device's tables cannot serve the
 * region's addresses; -ENOMEM.
 */
int vc_associate(struct vc_region *region, struct vc_device *device, uint32_t attr, struct vc_association **out);
/* 0; -EBUSY: it is active. Mappings stay recorded. */
int vc_dissociate(struct vc_association *association);
/* The same for a device that crashed: active or not, it is blocked and unlinked. Memory and other devices stay. */
int vc_dissociate_crashed(struct vc_association *association);
/*
 * Make the table where there is none yet (with everything that is backed by now), and load the device with it.
 * 0; -EALREADY: it is active; -EBUSY: the device is active in another region; -ENOMEM and other errors of mapping.
 */
int vc_activate(struct vc_association *association);
/* The device is blocked. 0; -ENOENT: it is not active. */
int vc_deactivate(struct vc_association *association);
/*
 * Switch a device from one region to another in one step: an access is translated by the one or by the other, and is
 * never blocked in between. from is active, to is not; both are of one device and the same half. 0; -EINVAL; -ENOENT:
 * from is not active; -EALREADY: to is; errors of mapping, and then the device stays where it is.
 */
int vc_replace(struct vc_association *from, struct vc_association *to);

/* Which of its device's addresses an association is for. */
enum vc_half { VC_WHOLE, VC_LOWER, VC_UPPER };

/*
 * Divide the device's addresses: those whose first `bits` bits (of the addresses that its tables serve) are all 0 are
 * the lower half, the others the upper one, and each half may be active in a region of its own. bits is 1..31
 * (VC_WHOLE: 0); both halves need the same. 0; -EBUSY: it is active; -EINVAL; -EOPNOTSUPP: the device has no tables.
 */
int vc_association_split(struct vc_association *association, enum vc_half half, unsigned int bits);

struct vc_association_info {
	struct vc_region *region;
	struct vc_device *device;
	uint32_t attr;
	bool active;
	uint64_t root; /* root of the table, as the device sees it; 0: there is none */
	enum vc_half half;
	unsigned int split;
};

int vc_association_info(struct vc_association *association, struct vc_association_info *out);
/* 0; -EBUSY: it is active. */
int vc_association_set_attr(struct vc_association *association, uint32_t attr);
/* The region's associations in the order in which they were made: NULL gives the first. 0; -ENOENT at the end. */
int vc_association_next(struct vc_region *region, struct vc_association *association, struct vc_association **out);

/* ----------------------------------------------------------------------------------------------------- reservations */

/* How memory is cached. All mappings of a byte of physical memory agree on it. */
enum vc_cache { VC_NONCACHED, VC_WRITE_BACK_ALLOCATE, VC_WRITE_BACK, VC_WRITE_THROUGH, VC_DEVICE_MEMORY, VC_N_CACHE };

/*
 * bytes   rounded up to the page of the region (see vc_region_info); not 0.
 * align   power of two, or 0: by the length: 16 MiB, 1 MiB, 64 KiB or 4 KiB, the largest that is not longer.
 * fixed   take exactly the address `at`.
 * low, high  inclusive bounds of the whole range; 0, 0: none.
 * guard   bytes behind it, rounded up to the page, that no other reservation gets: what runs over the end faults. They
 *         lie inside high and the region.
 * rights  PT_READ, PT_WRITE, PT_EXEC, PT_PRIV; 0: PT_READ | PT_WRITE.
 * unshared  cached memory behind it is not shareable for as long as one observer has it: one device that was activated
 * in the one region in which it is mapped. Before a second one joins (another device there, another region's device or
 * window, a reservation that did not ask for this) all mappings of the memory become shareable, in every table or in
 * none, and stay so until they are unmapped. Accesses wait meanwhile. Caches of a device that are not coherent with
 * what it does not share are then the caller's to clean: what this process does to the memory by vc_system_memory() or
 * vc_copy() is not seen as an observer. Formats that do not know the difference, and nested regions, map it as
 * shareable at once. Default: shareable from the first mapping on. In an identity region align, low and high say
 * nothing, and `at` is a physical address. attr    the caller's.
 */
struct vc_reserve_args {
	uint64_t bytes, align, at, low, high, guard;
	bool fixed;
	unsigned int rights;
	enum vc_cache cache;
	bool unshared;
	uint32_t attr;
	struct vc_bound *bound; /* take it from this bound; NULL: from what is in no bound */
};

/* 0; -ENOSPC: no hole is large enough; -EADDRINUSE: fixed, and some of it is taken; -ERANGE: fixed, and outside;
 * -EINVAL; -ENOMEM. */
int vc_reserve(struct vc_region *region, const struct vc_reserve_args *args, struct vc_reservation **out);
/* 0; -EBUSY: it is backed. */
int vc_unreserve(struct vc_reservation *reservation);

struct vc_reservation_info {
	struct vc_region *region;
	bool placed; /* it has an address: false only in identity regions, while it is not backed */
	uint64_t address, bytes;
	uint64_t requested; /* bytes that were asked for, before rounding */
	uint64_t guard;	    /* bytes that are kept free behind it */
	unsigned int rights;
	enum vc_cache cache;
	bool unshared;	/* as it was asked for */
	bool shareable; /* it is backed, and mapped so where it is cached */
	uint32_t attr;
	struct vc_phys *phys; /* NULL: not backed */
};

int vc_reservation_info(struct vc_reservation *reservation, struct vc_reservation_info *out);
/*
 * Change what the reservation allows; where it is backed, in every table and the CPU's window, all or nothing.
 * 0; -EINVAL: other mappings of the memory do not agree with cache; errors of mapping.
 */
int vc_reservation_set(struct vc_reservation *reservation, unsigned int rights, enum vc_cache cache, uint32_t attr);
/* The reservation that contains address, or with exact the one that starts there. 0; -ENOENT. */
int vc_reservation_find(struct vc_region *region, uint64_t address, bool exact, struct vc_reservation **out);
/* The first reservation that starts at address or later; -ENOENT: there is none. Iterates in order of address. */
int vc_reservation_from(struct vc_region *region, uint64_t address, struct vc_reservation **out);
/* The next one by address, then those without an address in the order in which they were made: NULL gives the first.
 * 0; -ENOENT at the end. */
int vc_reservation_next(struct vc_region *region, struct vc_reservation *reservation, struct vc_reservation **out);

/*
 * Set bytes of a region aside, at an address that is found as for a reservation (align as there): from then on only
 * reservations that name the bound are made there. 0; -ENOSPC; -EINVAL; -ENOMEM.
 */
int vc_bound_create(struct vc_region *region, uint64_t bytes, uint64_t align, struct vc_bound **out);
/* 0; -EBUSY: reservations are in it. */
int vc_bound_free(struct vc_bound *bound);

struct vc_bound_info {
	struct vc_region *region;
	uint64_t address, bytes;
};

int vc_bound_info(struct vc_bound *bound, struct vc_bound_info *out);
/* The bounds of a region in the order in which they were made: NULL gives the first. 0; -ENOENT at the end. */
int vc_bound_next(struct vc_region *region, struct vc_bound *bound, struct vc_bound **out);
/*
 * Copy between the memory of two reservations, as memmove does where they share it. Stops at the shorter end, *copied
 * bytes. 0; -ENXIO: one is not backed; -EACCES: from is not readable or to is not writable.
 */
int vc_copy(struct vc_reservation *to, uint64_t to_offset, struct vc_reservation *from, uint64_t from_offset,
	    uint64_t bytes, uint64_t *copied);

/* -------------------------------------------------------------------------------------------------- physical memory */

/*
 * type        index into the system's memory types.
 * bytes       not 0. Blocks are taken largest first, as many as fit; a remainder takes one more of the smallest.
 * sizes       bitmap of block sizes (bit n: 2^n bytes) that may be used; 0: all that the pools of the type have.
 * contiguous  one block of any length, rounded up to VC_PAGE, from the contiguous pools of the type.
 * align       power of two, or 0: every block starts at a multiple of it.
 * attr        the caller's.
 */
struct vc_phys_args {
	unsigned int type;
	uint64_t bytes, sizes, align;
	bool contiguous;
	uint32_t attr;
};

/* The memory is cleared. 0; -EINVAL: no such type or size; -ENOSPC: the pools of the type cannot give that; -ENOMEM. */
int vc_phys_alloc(struct vc_system *system, const struct vc_phys_args *args, struct vc_phys **out);
/* Wrap [pa, pa + bytes), which belongs to no pool as far as this object is concerned: registers, reserved memory.
 * pa and bytes are multiples of VC_PAGE. */
int vc_phys_wrap(struct vc_system *system, uint64_t pa, uint64_t bytes, struct vc_phys **out);
/*
 * Wrap n segments of memory that exists, in their order: a scatter list. Each is whole pages; they may not overlap.
 */
int vc_phys_import(struct vc_system *system, const struct vc_span *segments, size_t n, struct vc_phys **out);
/*
 * Wrap [offset, offset + bytes) of a file that others made and share (a memfd, a DMA buffer): it gets physical
 * addresses, those of system.imports. The file is held until the last memory of it is freed; the same part of the same
 * file has one place, however often it is imported, and of a file that vc_phys_fd() gave it is the memory itself. A
 * file that may shrink is refused: memfds need F_SEAL_SHRINK. offset and bytes are multiples of VC_PAGE. 0; -EINVAL;
 * -ENOSPC: no physical addresses are left; errno of the file; -ENOMEM.
 */
int vc_phys_import_fd(struct vc_system *system, int fd, uint64_t offset, uint64_t bytes, struct vc_phys **out);
/*
 * A range of addresses of a region as memory for reservations of regions that are on it: see vc_region_create_nested().
 * Whole pages. 0; -EINVAL; -ERANGE: not in the region.
 */
int vc_phys_of_region(struct vc_region *region, uint64_t address, uint64_t bytes, struct vc_phys **out);

/* A part of composed memory: [offset, offset + bytes) of phys, or with phys NULL nothing. Whole pages. */
struct vc_piece {
	struct vc_phys *phys;
	uint64_t offset, bytes;
};

/* Where vc_phys_export() says that there is nothing. */
#define VC_HOLE UINT64_MAX

/*
 * Put memory together of parts of other memory and of holes: for backing a reservation sparsely, or with several
 * memories. The parts cannot be freed or moved before. Accesses to holes fault. 0; -EINVAL: also: all of it is holes.
 */
int vc_phys_compose(struct vc_system *system, const struct vc_piece *pieces, size_t n, struct vc_phys **out);
/* A new descriptor of the file that holds segment i (of vc_phys_export()), and where in it that is: for other processes
 * to map, or to import. The caller closes it. 0; -ENOENT: no such segment; -ENXIO: a hole, or no memory; errno. */
int vc_phys_fd(struct vc_phys *phys, size_t i, int *fd, uint64_t *offset, uint64_t *bytes);
/* The blocks as the fewest segments. At most max are written, *count is how many there are. */
int vc_phys_export(struct vc_phys *phys, struct vc_span *out, size_t max, size_t *count);
/* 0; -EBUSY: it backs a reservation, or other memory is composed of it. */
int vc_phys_free(struct vc_phys *phys);

#define VC_NO_TYPE UINT32_MAX

struct vc_phys_info {
	uint64_t requested, bytes; /* bytes: of all blocks */
	size_t blocks;
	unsigned int type; /* VC_NO_TYPE: wrapped */
	uint32_t attr;
	size_t reservations;  /* that it backs */
	size_t composed;      /* other memory that is composed of it */
	struct vc_region *of; /* it is a range of this region's addresses; NULL: it is memory */
};

int vc_phys_info(struct vc_phys *phys, struct vc_phys_info *out);
/* Block i in the order in which they are mapped. 0; -ENOENT at the end. */
int vc_phys_block(struct vc_phys *phys, size_t i, struct vc_span *out);

/* ---------------------------------------------------------------------------------------------------------- backing */

enum {
	VC_BACK_ACTIVE = 1 << 0, /* refuse unless there are associations (-EINVAL) and all are active (-EAGAIN) */
	VC_BACK_PARTIAL = 1 << 1 /* phys may be shorter: what is beyond it in the reservation stays unmapped */
};

/*
 * Put phys behind the reservation: in every table of the region, or in none. Both have the same length in pages.
 * Without VC_BACK_ACTIVE, devices that are not active get it when they are activated.
 * 0; -EALREADY: it is behind it; -EADDRINUSE: other memory is; -EINVAL: lengths differ, or mappings of the same memory
 * elsewhere do not agree on how it is cached; -ENOMEM; -EACCES: a format would grant more than was asked; -ERANGE,
 * -EOPNOTSUPP: a format cannot express it.
 */
int vc_back(struct vc_reservation *reservation, struct vc_phys *phys, unsigned int flags);
/* 0; -ENXIO: it is not backed; -EBUSY: tables of a region are in it. With VC_BACK_ACTIVE as there. */
int vc_unback(struct vc_reservation *reservation, unsigned int flags);

/*
 * Put other memory behind a backed reservation, in every table or in none. Where the new memory is contiguous each
 * table changes in one step (F_replace): an access sees the old memory or the new one, or where a format cannot change
 * entries in place faults for the moment between. Other memory needs other leaves: there the range is unmapped and
 * mapped anew, and accesses in between fault. Both have the same length. 0; as vc_back; -ENXIO: it is not backed;
 * -EALREADY: that memory is behind it. -EIO: it failed, and what was there could not be put back for lack of memory:
 * the reservation is then not backed.
 */
int vc_reback(struct vc_reservation *reservation, struct vc_phys *phys, unsigned int flags);

/*
 * Move the memory of phys elsewhere, as args says (its length is that of phys, whatever args says): every reservation
 * that it backs has the new memory afterwards, with the same contents, and devices see no change. Handles stay what
 * they are. Accesses of devices wait meanwhile; threads of this process that write through a CPU region's window must
 * not. 0; as vc_phys_alloc; -EBUSY: an identity region has it, or it is being put behind something; errors of mapping,
 * and then all is as it was.
 */
int vc_migrate(struct vc_phys *phys, const struct vc_phys_args *args);

enum { VC_DIRTY_CLEAR = 1 << 0, VC_DIRTY_ACCESSED = 1 << 1 };

/*
 * Which parts of a reservation devices wrote (or accessed), by the state that their tables keep: bit i of bitmap is set
 * if any of the 2^lg2 bytes from i << lg2 on were, by any device; bits are never cleared. bitmap NULL: only count.
 * *bytes (NULL: not wanted) is how many bytes, of the table that has most. 0; -ENXIO: it is not backed; -EOPNOTSUPP: a
 * device of the region keeps no such state; -EINVAL: lg2 is below a page.
 */
int vc_reservation_dirty(struct vc_reservation *reservation, unsigned int flags, uint64_t *bitmap, unsigned int lg2,
			 uint64_t *bytes);

/* What a region's address stands for, by its list, and through the region that it is on. 0; -ENOENT: nothing is there.
 */
int vc_region_to_phys(struct vc_region *region, uint64_t address, uint64_t *pa);
/* The lowest address of the region that maps pa. 0; -ENOENT. */
int vc_phys_to_region(struct vc_region *region, uint64_t pa, uint64_t *address);
/* How many reservations of all regions map pa, through one region or two. */
int vc_phys_reservations(struct vc_system *system, uint64_t pa, size_t *count);
/* They, in the order in which they were made: NULL gives the first. 0; -ENOENT at the end. */
int vc_phys_reservation_next(struct vc_system *system, uint64_t pa, struct vc_reservation *reservation,
			     struct vc_reservation **out);

/* ----------------------------------------------------------------------------------------------------------- seeing */

/*
 * The topology as a drawing for Graphviz; as JSON (docs/topology.schema.json describes it). What there is much of is
 * drawn as one, with a count; JSON has it all. 0; -EIO: writing failed; -ENOMEM.
 */
int vc_dump_dot(struct vc_system *system, FILE *stream);
/*
 * What to draw: regions of this device, or the region of this number, with what they are on, and devices and memory of
 * these. NULL and 0: everything. rows: at most so many of a kind are drawn one by one; 0: 40.
 */
struct vc_dump_args {
	struct vc_device *device;
	unsigned int region;
	size_t rows;
};

/* Also -ENOENT: there is no such device, or no such region. */
int vc_dump_dot_of(struct vc_system *system, const struct vc_dump_args *args, FILE *stream);
int vc_dump_json(struct vc_system *system, FILE *stream);

/*
 * Record calls of this process from now on: every one that changes something, and accesses of devices, as one JSON
 * object a line: what was asked, the result, and what came out. `vcmrun --replay` does the same again in another
 * process, and says where something else comes out. NULL ends it; the stream is the caller's. Lines are in the order in
 * which calls return: of calls that race, not always that in which they took effect. What a fault handler calls during
 * an access that is recorded stands before that, with the number of the access ("inside"), and ends with a line that
 * says what the handler was called for and what it said ("vc_fault_handler"): a replay does it when the access faults
 * again. What handlers call during vc_device_report(), or when asked for power, are calls like others. What the CPU
 * does through a window, and what drivers are asked, is not in it. 0; -EIO: since the last call some were not written.
 */
int vc_trace(FILE *stream);

/* A difference between a region's list and one of its tables. Return false to stop. */
typedef bool (*vc_finding_fn)(void *ctx, const char *text);

/* Walk every table of the region and compare it with the list. fn NULL: only count. 0 (also with findings); -ENOMEM. */
int vc_check(struct vc_region *region, vc_finding_fn fn, void *ctx, uint64_t *findings);

#ifdef __cplusplus
}
#endif

#endif
