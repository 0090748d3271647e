/* SPDX-License-Identifier: MIT */
/*
 * internal.h - what the parts of the runtime share. Not installed.
 *
 * Every object begins with a struct object: its handle, and a count of those who hold it. A child holds its parent, so
 * that a parent's memory outlives it even where a handle is freed under another thread's feet. An object whose handle
 * is dead is refused by object_get(); who got it before sees `dead` under the object's lock.
 */
#ifndef VCM_INTERNAL_H
#define VCM_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "untraced.h" /* before vc.h */

#include "block.h"
#include "fail.h"
#include "hook.h"
#include "alloc.h"
#include "range.h"
#include "vc.h"

/* ------------------------------------------------------------------------------------------------------------ lists */

/* A circular list; the head is a link of its own. */
struct link {
	struct link *next, *previous;
};

static inline void list_init(struct link *head)
{
	head->next = head;
	head->previous = head;
}

static inline void list_append(struct link *head, struct link *link)
{
	link->next = head;
	link->previous = head->previous;
	head->previous->next = link;
	head->previous = link;
}

static inline void list_remove(struct link *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	list_init(link);
}

#define LIST_FOR(at, head) for (struct link *at = (head)->next; at != (head); at = at->next)

/* ---------------------------------------------------------------------------------------------------------- objects */

enum object_type {
	OBJECT_SYSTEM = 1,
	OBJECT_REGION,
	OBJECT_RESERVATION,
	OBJECT_PHYS,
	OBJECT_DEVICE,
	OBJECT_ASSOCIATION,
	OBJECT_BOUND
};

struct object {
	enum object_type type;
	uint32_t index;
	uintptr_t handle;
	void (*destroy)(struct object *object); /* the last holder is gone: release what it has, and its memory */
};

/* Make a cleared object of bytes, held once by its maker, with a handle that object_get() accepts at once. NULL: no
 * memory (recorded as an error). */
void *object_new(enum object_type type, size_t bytes, void (*destroy)(struct object *object));
/* The object of a handle, held once more; NULL: it is not one of that type (recorded as -EINVAL of function). */
void *object_get(enum object_type type, const void *handle, const char *function);
/* Hold an object that is held already. */
void object_hold(struct object *object);
void object_put(struct object *object);
/* Make the handle dead and drop the maker's hold. */
void object_kill(struct object *object);

#define HANDLE(type, object_pointer) ((struct type *)(object_pointer)->object.handle)

/* ----------------------------------------------------------------------------------------------------------- errors */

struct name {
	char text[96];
};

/* ----------------------------------------------------------------------------------------------------------- system */

/*
 * One view of all physical memory in this process: base + bus address. There is one per bus offset in use, all of the
 * same file, so that a table walker's addresses can be used as they are.
 */
struct view {
	struct link link;
	int64_t offset;
	unsigned char *base;
	size_t bytes;
	unsigned int users;
};

struct system {
	struct object object;
	struct vc_span *ram;
	unsigned int n_ram, n_pools, n_types;
	struct pool *pools;
	struct vc_type_config *types;
	struct vc_span tables;
	uint64_t cpu_window_bytes;
	uint64_t memory_first; /* physical address of offset 0 of the file */
	int file;

	pthread_mutex_t lock; /* views, devices, table_space, counts */
	struct link views;
	struct link devices;
	struct link regions;
	struct view *view; /* the one without offset: the CPU's */
	struct vc_ranges table_space;
	struct vc_span aperture; /* physical addresses for files that are imported; bytes 0: none */
	struct vc_ranges aperture_space;
	struct link imports;
	pthread_rwlock_t imports_lock; /* read: imported memory is touched; write, inside lock: imports come and go */
	pthread_mutex_t
		births; /* held while regions come, and while all that there are are frozen; before their locks */
	unsigned int next_number;
	size_t n_regions, n_phys;
	bool dead;

	/* The graph: which reservation is backed by what, both ways. */
	pthread_mutex_t graph;
	struct tree blocks;  /* of struct phys_block by address; blocks of wrapped memory may overlap others */
	size_t n_wrapped;    /* memory in it that is no pool's */
	uint64_t share_mark; /* see share.c */
	uint64_t next_serial;
};

/* Does the whole range lie in one bank? */
bool system_is_ram(const struct system *system, uint64_t pa, uint64_t bytes);
/*
 * Touch physical memory, imported or not: its address in this process, until system_untouch() of the same pa; NULL:
 * there is none. Nothing that waits may be done in between.
 */
unsigned char *system_touch(struct system *system, uint64_t pa, uint64_t bytes);
void system_untouch(struct system *system, uint64_t pa);
/* Map memory that is held to `at` in this process. 0; -EOPNOTSUPP: there is none; -ENOMEM. Nothing is recorded. */
int system_map_memory(struct system *system, unsigned char *at, uint64_t pa, uint64_t bytes, int protection);
/* Behind the last physical address of anything. */
uint64_t system_top(const struct system *system);
/* The view of a bus offset; NULL: no address space (recorded). */
struct view *system_view(struct system *system, int64_t offset);
void system_view_put(struct system *system, struct view *view);
/* Table memory by physical address, below or at max_pa. */
bool system_table_alloc(struct system *system, uint64_t bytes, uint64_t align, uint64_t max_pa, uint64_t *pa);
void system_table_free(struct system *system, uint64_t pa);

/* ---------------------------------------------------------------------------------------------------------- imports */

/* A part of a file of others that has physical addresses here. */
struct import {
	struct link link; /* in system->imports */
	int file;
	uint64_t device, inode; /* which file it is */
	uint64_t offset, bytes, pa;
	struct vc_range_node *node;
	unsigned int users; /* under the system's lock */
};

/* The import of a physical address; NULL: none. imports_lock held, or the system's lock. */
struct import *import_at(const struct system *system, uint64_t pa);
/* Show all imports in a view that is being made; system's lock held. false: no address space. */
bool imports_show(const struct system *system, const struct view *view);
void import_put(struct system *system, struct import *import);

/* ------------------------------------------------------------------------------------------------------------- phys */

/* The address of a segment behind which there is nothing: a hole of composed memory. No address of memory, for it is
 * not aligned. */
#define PHYS_HOLE UINT64_MAX

struct phys_block {
	struct tree_node tree;
	uint64_t first, last;
	uint64_t last_below; /* the largest last address in this subtree */
	uint64_t offset;     /* of the block's first byte within its phys */
	struct phys *phys;
	struct pool *pool; /* NULL: wrapped */
	struct vc_range_node *node;
};

struct phys {
	struct object object;
	struct system *system;
	uint64_t requested, bytes;
	unsigned int type;
	uint32_t attr;
	size_t n_blocks, n_segments;
	struct phys_block *blocks;
	struct pt_segment *segments; /* blocks that continue each other are one; with holes */
	bool holes;
	struct import *import;	/* the memory is of a file of others; NULL: no */
	struct region *of;	/* it is a range of this region's addresses, and not memory; held; NULL: memory */
	struct link range_link; /* in of->ranges_of, under the graph lock */
	struct phys **parts;	/* what it is composed of: held */
	size_t n_parts;
	/* under the graph lock: */
	struct link backs; /* reservations */
	size_t n_backs;
	size_t n_composed;	    /* composed memory that it is part of */
	struct reservation *pinned; /* is about to be backed by it */
	bool pinned_shareable;	    /* and how */
	bool dead;
};

/* Find the blocks that contain pa, in turn; after NULL: the first. Under the graph lock. */
struct phys_block *phys_block_containing(const struct system *system, uint64_t pa, const struct phys_block *after);
/* Find a mapping of any byte of phys's first bytes that does not agree on cache; NULL: there is none. Graph lock. */
struct reservation *phys_conflict(const struct phys *phys, uint64_t bytes, enum vc_cache cache,
				  const struct reservation *except);
/* Every reservation that has, or is about to have, any byte of phys's first bytes, and whether as shareable. Some more
 * than once. Graph lock. */
void phys_for_each_sharer(const struct phys *phys, uint64_t bytes,
			  void (*fn)(void *ctx, struct reservation *reservation, bool shareable), void *ctx);
/* Memory of n pieces (pa PHYS_HOLE: a hole) that exist, not in the index yet; throw it away again. */
int phys_create(struct system *system, const struct piece *pieces, size_t n, const char *function, struct phys **out);
void phys_discard(struct phys *phys);
/* Wrap contiguous memory as vc_phys_wrap(); import NULL, or what it is part of: taken over, also where this fails. */
int phys_wrap(struct system *system, uint64_t pa, uint64_t bytes, struct import *import, const char *function,
	      struct vc_phys **out);
/* Put the blocks into the index of the system, and take them out. Graph lock held. */
void phys_index(struct phys *phys);
void phys_unindex(struct phys *phys);
/* The physical address of a byte of phys, or PHYS_HOLE; offset is less than its bytes. */
uint64_t phys_at(const struct phys *phys, uint64_t offset);
/*
 * Every mapping of a physical address: of reservations that memory with it backs, and of those behind which are ranges
 * of these. fn gets the address in the reservation's region. Graph lock held.
 */
void phys_for_each_mapping(const struct system *system, uint64_t pa,
			   void (*fn)(void *ctx, struct reservation *reservation, uint64_t address), void *ctx);

/* ---------------------------------------------------------------------------------------------------------- mappers */

/* What a mapping is. */
struct mapping {
	uint64_t address, bytes;
	const struct phys *phys;
	unsigned int rights;
	enum vc_cache cache;
	bool shareable; /* where it is cached */
};

/*
 * Something that has to be told about every mapping of a region: a page table, or the window of this process.
 * Operations are all or nothing; unmap cannot fail, since it takes back exactly what map did.
 */
struct mapper;
struct mapper_ops {
	int (*map)(struct mapper *mapper, const struct mapping *mapping);
	void (*unmap)(struct mapper *mapper, const struct mapping *mapping);
	/* before and after differ in rights, cache and shareability only. */
	int (*protect)(struct mapper *mapper, const struct mapping *before, const struct mapping *after);
	/* Put other memory there: from and to differ in phys only. */
	int (*replace)(struct mapper *mapper, const struct mapping *from, const struct mapping *to);
	void (*destroy)(struct mapper *mapper);
};

struct mapper {
	const struct mapper_ops *ops;
	struct region *region;
	struct link link;
	unsigned int users; /* associations */
};

/* The window of a CPU region. */
int window_create(struct region *region, uint64_t bytes, struct mapper **out, uint64_t *first);

/* A page table. */
struct table {
	struct mapper mapper;
	struct pt_table pt;
	struct pt_mem mem;
	struct view *view;	 /* where addresses of tables lead to */
	struct device *made_for; /* its configuration is that of a stage of this device: held */
	const struct stage *stage;
	struct link above; /* associations with regions on this one, whose devices have it as stage 2 */
	bool allow_wider;
	_Atomic uint8_t becomes[4]; /* memory types, as the format granted what was asked for; 0: never asked; + 1 */
	pthread_rwlock_t walkers;   /* read: an access walks the table */
	_Atomic uint64_t written;
};

/* Make an empty table for the configuration of a stage of device: 0 or 1. */
int table_create(struct region *region, struct device *device, unsigned int stage, struct table **out);
/* Would device use the same table for this stage? */
bool table_serves(const struct table *table, const struct device *device, unsigned int stage);
struct table *table_of(struct mapper *mapper);
/* May a leaf of the mapping have this memory type (enum pt_memory)? */
bool table_may_show(const struct table *table, const struct mapping *mapping, unsigned int memory);
/* The reader by which walks look at table memory; update only when update is set. */
void table_reader(const struct table *table, bool update, struct pt_reader *reader);

/* How many differences there are between a table and the list of its region; fn NULL: none is reported. Region locked.
 */
uint64_t check_table(struct table *table, vc_finding_fn fn, void *ctx);

/* ------------------------------------------------------------------------------------------------------------ iotlb */

struct iotlb;

/* Look for a leaf that translates an address for this access; store one. */
bool iotlb_find(struct iotlb *iotlb, uint64_t address, unsigned int access, struct pt_leaf *leaf);
void iotlb_store(struct iotlb *iotlb, const struct pt_leaf *leaf, unsigned int access);
/* Drop what [first, last] touches; everything. */
void iotlb_invalidate(struct iotlb *iotlb, uint64_t first, uint64_t last);
void iotlb_free(struct iotlb *iotlb);

/* ---------------------------------------------------------------------------------------------------------- devices */

/* A stage of translation that a device has. */
struct stage {
	const struct pt_format *format; /* NULL: it has no such stage */
	struct pt_config config;
	struct pt_table shape; /* a view without memory: the effective parameters and the aperture */
	uint64_t page;	       /* its smallest leaf, or VC_PAGE */
};

/* What a device is loaded with. */
struct loaded {
	struct association *association; /* NULL: nothing */
	struct table *table;		 /* NULL for the CPU and devices without tables */
	struct table *stage2;		 /* NULL: there is one stage */
};

struct device {
	struct object object;
	struct system *system;
	struct link link; /* in system->devices */
	char name[48];
	enum vc_device_kind kind;
	struct stage stage[2];
	int64_t bus_offset;
	size_t hardware;
	bool allow_wider, updates, bypass, dead;
	struct vc_reserved *reserved; /* sorted by address */
	size_t n_reserved;

	pthread_rwlock_t lock; /* write: what follows changes */
	/* [0] serves all addresses, or where split is not 0 those whose first split bits are 0; [1] the others. */
	struct loaded loaded[2];
	unsigned int split;
	unsigned int n_associations;
	hook_fn hook;
	void (*handler)(void);
	void *handler_data;
	_Atomic uint64_t faults;
	vc_power_handler power;
	void *power_data;
	unsigned int fault_limit, fault_calls; /* per second; in the second that began at */
	int64_t fault_second;
	struct iotlb *iotlb;		/* NULL: none */
	const struct vc_driver *driver; /* changes under the locks of all regions; NULL: none */
	void *driver_data;
};

/*
 * What real hardware behind the device is told, if there is any. The region's lock is held; load: all of the registers,
 * and it may refuse; block: no access is under way in the model.
 */
int driver_load(const struct device *device);
void driver_block(const struct device *device);
void driver_invalidate(const struct device *device, const struct pt_gather *gather);
/* As vc_device_registers(); the device's lock is held. */
size_t device_registers(const struct device *device, struct pt_register *out, size_t n);

/* ---------------------------------------------------------------------------------------------------------- regions */

enum reservation_state { UNBACKED, CHANGING, BACKED };

struct reservation {
	struct object object;
	struct region *region;
	uint64_t address, bytes, requested;
	struct vc_range_node *node; /* NULL: it has no address yet, in an identity region */
	struct link floating;	    /* in region->floating while node is NULL */
	uint64_t serial;
	bool floats;	/* its address is that of what backs it */
	bool dead;	/* region lock */
	uint64_t guard; /* bytes behind it, in its node, that nothing else may have */
	/* under the graph lock; whoever made it CHANGING may use the rest without: */
	enum reservation_state state;
	unsigned int pins; /* regions whose tables are in it */
	unsigned int rights;
	enum vc_cache cache;
	uint32_t attr;
	struct phys *phys; /* held */
	uint64_t backed;   /* bytes that phys backs, from the start */
	bool unshared;	   /* asked for: not shareable while there is one observer */
	bool shareable;	   /* what backs it is mapped so */
	bool raising;	   /* in a list of share.c */
	struct link raise;
	struct link link; /* in phys->backs */
};

/* A part of a region that only reservations which name it may use. */
struct bound {
	struct object object;
	struct region *region;
	struct link link; /* in region->bounds */
	uint64_t first, last;
	bool dead;
};

struct association {
	struct object object;
	struct region *region;
	struct device *device;
	struct link link; /* in region->associations */
	struct mapper *mapper;
	struct mapper *mapper2; /* of the region below */
	struct link above;	/* in the list of that table */
	uint32_t attr;
	enum vc_half half; /* under the locks of region and, while it is active, device */
	unsigned int split;
	bool active, dead;
	bool observes; /* it is counted in its region, and in the one below: see share.c */
};

struct region {
	struct object object;
	struct system *system;
	struct link link; /* in system->regions */
	enum vc_region_kind kind;
	unsigned int number;
	bool dead;
	/* read: backing of single reservations; write: reservations, associations and mappers come and go */
	pthread_rwlock_t lock;
	struct vc_ranges ranges; /* owner: struct reservation */
	struct link floating;	 /* reservations without an address */
	size_t n_floating;
	struct link bounds;
	size_t n_bounds;
	struct link associations;
	struct link mappers;
	size_t n_associations, n_active;
	struct link ranges_of; /* struct phys: ranges of its addresses; graph lock */
	uint64_t backed;       /* bytes that are mapped; graph lock */
	size_t observers;      /* who sees what is mapped: see share.c; graph lock */
	uint64_t share_mark;
	size_t n_above; /* regions on it */
	/* A region on another one, whose addresses its tables lead to. */
	struct region *parent;	    /* held; NULL: its tables lead to memory */
	struct reservation *tables; /* of parent, held and pinned: where its tables are */
	struct view *table_view;
	struct vc_ranges table_space;
	pthread_mutex_t table_lock;
	/* What was done, since it was made. */
	_Atomic uint64_t n_maps, n_unmaps, n_changes, n_invalidations, n_faults;
};

/* A region that has no range yet and no number; give it a number and a place in the system. */
struct region *new_region(struct system *system, enum vc_region_kind kind);
int publish_region(struct region *region, struct vc_region **out, const char *function);
/* A region on another one goes: let go of what it had there, under both locks; free what it had for its tables. */
void nested_leave(struct region *region);
void nested_fini(struct region *region);
/* Lock a region for writing, and before it the one that it is on. */
void lock_with_parent(struct region *region);
void unlock_with_parent(struct region *region);

/*
 * The lowest part of [first, last] in which no plain reservation may be: a bound, or what a device of the region keeps
 * for itself. false: there is none. *why says whose it is. Region lock held.
 */
bool region_excluded(const struct region *region, uint64_t first, uint64_t last, struct vc_span *out, struct name *why);
/* Take the lowest bytes in [low, high] that are free and not excluded; as vc_ranges_take. Region lock held for writing.
 */
int region_take(struct region *region, uint64_t bytes, unsigned int align_lg2, uint64_t low, uint64_t high, void *owner,
		struct vc_range_node **out);
/* A bound that has no range yet, and is in no list. */
struct bound *new_bound(struct region *region);
/* The alignments that are tried for a length where none is asked for, and which of them: 0..3. */
#define N_ALIGNMENTS 4
unsigned int alignment_by_length(uint64_t bytes, unsigned int i);
/* Can the (first) tables of a device have all of these addresses? */
bool device_serves(const struct device *device, uint64_t first, uint64_t last);
/* The unit of addresses and lengths that suits all devices of the region: at least VC_PAGE. Region lock held. */
uint64_t region_page(const struct region *region);
/* A reservation that has no range yet; the range that its node says. */
struct reservation *new_reservation(struct region *region, uint64_t requested);
void set_range(struct reservation *reservation);
/* Give a reservation of an identity region the address of its memory; take it away again. Region lock for writing. */
int place_reservation(struct reservation *reservation, const struct phys *phys, uint64_t bytes);
void unplace_reservation(struct reservation *reservation);

/* The physical address behind an address of a region, through the one that it is on. Takes the locks of both. */
bool region_resolve(struct region *region, uint64_t address, uint64_t *pa);

struct name describe_region(const struct region *region);
struct name describe_reservation(const struct reservation *reservation);
struct name describe_phys(const struct phys *phys);
struct name describe_association(const struct association *association);
/* The same list, other attributes; in every mapper or in none. */
int protect_everywhere(struct region *region, const struct mapping *before, const struct mapping *after);
/* Do this for every mapper of the reservation's region; on failure, for none. Region lock held, state CHANGING. */
int map_everywhere(struct region *region, const struct mapping *mapping);
void unmap_everywhere(struct region *region, const struct mapping *mapping);
/*
 * Other memory behind a mapping, in every mapper or in none; -EIO: what was there could not be put back, and nothing is
 * mapped there now.
 */
int replace_everywhere(struct region *region, const struct mapping *from, const struct mapping *to);
/* Record that phys is behind the reservation, held and CHANGING; forget it (the caller puts it). Graph lock held. */
void attach(struct reservation *reservation, struct phys *phys, uint64_t bytes, bool shareable);
void detach(struct reservation *reservation);
struct mapping mapping_of(const struct reservation *reservation);

/*
 * Everything, standing still: all regions are locked for writing in the order of their numbers (nothing else locks
 * two), so that reservations, associations and tables do not change until thaw().
 */
struct frozen {
	struct system *system;
	struct region **regions;
	struct device **devices;
	size_t n_regions, n_devices;
};

int freeze(struct system *system, struct frozen *out);
void thaw(struct frozen *frozen);
/* Devices make no access from here on: each holds its lock for reading while it does. */
void stop_devices(const struct frozen *frozen);
void start_devices(const struct frozen *frozen);

/* ---------------------------------------------------------------------------------------------------------- sharing */

/*
 * Reservation is to be backed by phys's first bytes, and so many observers join its region: *shareable: it has to be
 * mapped so. true: others, which are mapped as not shareable, have to be raised first. Graph lock held.
 */
bool share_must_raise(const struct reservation *reservation, const struct phys *phys, uint64_t bytes, size_t joining,
		      bool *shareable);
/* An observer more of a region: has anything to be raised first? These go to the list (NULL: not wanted). Region and
 * graph lock held. */
bool share_region_joined(struct region *region, struct link *list);
/* Add what is mapped as not shareable of phys's first bytes. Graph lock held. */
void share_add(struct link *list, const struct phys *phys, uint64_t bytes);
/*
 * Raise what is in the list, and all that shares memory with it (which it gets too), or nothing: then the list is
 * empty. Then either keep it so or take it back; the list is empty. Everything is frozen, devices stand still, and the
 * graph lock is held.
 */
int share_raise(struct link *list, const char *function);
void share_lower(struct link *list);
void share_done(struct link *list);

const char *cache_name(enum vc_cache cache);
/* "rwxp", with - for what is not there. */
struct name rights_name(unsigned int rights);

#endif
