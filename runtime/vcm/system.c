/* SPDX-License-Identifier: MIT */
/* system.c - the machine: physical memory as one shared file mapping, its pools, and views of it per bus offset. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create, MAP_ANONYMOUS */
#endif
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)

static const struct vc_span default_ram[] = {{0x80000000, 64 * MIB}};
static const struct vc_pool_config default_pools[] = {
	{"1M blocks", 0x80000000, 16 * MIB, 20},
	{"64K blocks", 0x81000000, 8 * MIB, 16},
	{"4K blocks", 0x81800000, 8 * MIB, 12},
	{"contiguous", 0x82000000, 8 * MIB, 0},
};
static const struct vc_type_config default_types[] = {
	{.pools = {0, 1, 2}, .n_pools = 3, .contiguous = {3}, .n_contiguous = 1},
};

const struct vc_system_config vc_default_config = {
	.ram = default_ram,
	.n_ram = 1,
	.pools = default_pools,
	.n_pools = 4,
	.types = default_types,
	.n_types = 1,
	.tables = {0x83000000, 16 * MIB},
	.cpu_window_bytes = 1024 * MIB,
};

/* Table memory is handed out in units of this many bytes: the smallest root that a format may have. */
#define TABLE_GRAIN_LG2 6

static bool inside(const struct vc_span *ram, unsigned int n, uint64_t pa, uint64_t bytes)
{
	for (unsigned int i = 0; i < n; i++)
		if (bytes && pa >= ram[i].pa && pa - ram[i].pa < ram[i].bytes &&
		    bytes <= ram[i].bytes - (pa - ram[i].pa))
			return true;
	return false;
}

static bool overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
	return a <= b ? b - a < a_bytes : a - b < b_bytes;
}

bool system_is_ram(const struct system *system, uint64_t pa, uint64_t bytes)
{
	return inside(system->ram, system->n_ram, pa, bytes);
}

static int check_types(const struct vc_system_config *config)
{
	for (unsigned int i = 0; i < config->n_types; i++) {
		const struct vc_type_config *type = &config->types[i];

		if (type->n_pools > VC_TYPE_POOLS || type->n_contiguous > VC_TYPE_POOLS)
			return vc_fail_at("vc_system_create", -EINVAL, "", 0, "memory type %u has more than %d pools",
					  i, VC_TYPE_POOLS);
		for (unsigned int k = 0; k < type->n_pools; k++)
			if (type->pools[k] >= config->n_pools)
				return vc_fail_at("vc_system_create", -EINVAL, "", 0,
						  "memory type %u names pool %u; there are %u", i, type->pools[k],
						  config->n_pools);
		for (unsigned int k = 0; k < type->n_contiguous; k++)
			if (type->contiguous[k] >= config->n_pools || config->pools[type->contiguous[k]].block_lg2)
				return vc_fail_at("vc_system_create", -EINVAL, "", 0,
						  "memory type %u: contiguous memory comes from pools without a block "
						  "size, and pool %u is not one",
						  i, type->contiguous[k]);
	}
	return 0;
}

/* Where files are imported to. Memory that reaches up to the end leaves no room for any. */
static struct vc_span aperture_of(const struct vc_system_config *config)
{
	const struct vc_span *bank = &config->ram[config->n_ram - 1];
	uint64_t first = (bank->pa + bank->bytes + MIB - 1) & ~(MIB - 1);
	struct vc_span span = {first, 1024 * MIB};

	if (config->imports.bytes)
		return config->imports;
	if (span.bytes > ((uint64_t)1 << 46) - first)
		span.bytes = 0;
	return span;
}

static int check_config(const struct vc_system_config *config)
{
	const char *self = "vc_system_create";

	if (!config->n_ram || config->n_pools > VC_MAX_POOLS)
		return vc_fail_at(self, -EINVAL, "", 0, "needs memory, and at most %d pools", VC_MAX_POOLS);
	for (unsigned int i = 0; i < config->n_ram; i++) {
		const struct vc_span *bank = &config->ram[i];

		if (!bank->bytes || ((bank->pa | bank->bytes) & (VC_PAGE - 1)) ||
		    bank->bytes > ((uint64_t)1 << 46) - bank->pa || bank->pa >> 46)
			return vc_fail_at(self, -EINVAL, "", bank->pa,
					  "bank %u is not made of whole pages below 64 TiB", i);
		if (i && config->ram[i - 1].pa + config->ram[i - 1].bytes > bank->pa)
			return vc_fail_at(self, -EINVAL, "", bank->pa, "banks must ascend and be disjoint");
	}
	if (config->imports.bytes) {
		const struct vc_span *imports = &config->imports;

		if (((imports->pa | imports->bytes) & (VC_PAGE - 1)) || imports->pa >> 46 ||
		    imports->bytes > ((uint64_t)1 << 46) - imports->pa)
			return vc_fail_at(self, -EINVAL, "", imports->pa,
					  "the place of imports is not made of whole pages below 64 TiB");
		for (unsigned int i = 0; i < config->n_ram; i++)
			if (overlap(imports->pa, imports->bytes, config->ram[i].pa, config->ram[i].bytes))
				return vc_fail_at(self, -EINVAL, "", imports->pa,
						  "the place of imports overlaps bank %u", i);
	}
	if (!inside(config->ram, config->n_ram, config->tables.pa, config->tables.bytes) ||
	    ((config->tables.pa | config->tables.bytes) & (VC_PAGE - 1)))
		return vc_fail_at(self, -EINVAL, "", config->tables.pa, "tables are not in memory, in whole pages");
	for (unsigned int i = 0; i < config->n_pools; i++) {
		const struct vc_pool_config *pool = &config->pools[i];

		if (!pool->name || !inside(config->ram, config->n_ram, pool->pa, pool->bytes))
			return vc_fail_at(self, -EINVAL, "", pool->pa, "pool %u has no name or is not in memory", i);
		if (overlap(pool->pa, pool->bytes, config->tables.pa, config->tables.bytes))
			return vc_fail_at(self, -EINVAL, "", pool->pa, "pool %u overlaps the tables", i);
		for (unsigned int k = 0; k < i; k++)
			if (overlap(pool->pa, pool->bytes, config->pools[k].pa, config->pools[k].bytes))
				return vc_fail_at(self, -EINVAL, "", pool->pa, "pools %u and %u overlap", k, i);
	}
	return check_types(config);
}

static int open_memory(const char *path, uint64_t bytes)
{
	int file, error;

	if (path)
		file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	else
		file = memfd_create("vcm", MFD_CLOEXEC);
	if (file < 0)
		return -errno;
	/* A file that exists keeps what it holds beyond our end. */
	if ((!path || lseek(file, 0, SEEK_END) < (off_t)bytes) && ftruncate(file, (off_t)bytes)) {
		error = -errno;
		close(file);
		return error;
	}
	return file;
}

uint64_t system_top(const struct system *system)
{
	const struct vc_span *bank = &system->ram[system->n_ram - 1];
	uint64_t end = bank->pa + bank->bytes, other = system->aperture.pa + system->aperture.bytes;

	return other > end ? other : end;
}

struct view *system_view(struct system *system, int64_t offset)
{
	uint64_t bytes = system_top(system) + (uint64_t)offset;
	struct view *view = NULL;
	void *base;

	pthread_mutex_lock(&system->lock);
	LIST_FOR(link, &system->views)
	{
		view = VC_CONTAINER(link, struct view, link);
		if (view->offset == offset) {
			view->users++;
			pthread_mutex_unlock(&system->lock);
			return view;
		}
	}
	view = vc_calloc(1, sizeof(*view));
	base = view && vc_may_allocate("window")
		       ? mmap(NULL, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
		       : MAP_FAILED;
	if (base != MAP_FAILED) {
		view->offset = offset;
		view->base = base;
		view->bytes = (size_t)bytes;
		view->users = 1;
		if (!imports_show(system, view)) {
			munmap(base, (size_t)bytes);
			base = MAP_FAILED;
		}
	}
	for (unsigned int i = 0; base != MAP_FAILED && i < system->n_ram; i++) {
		const struct vc_span *bank = &system->ram[i];

		if (mmap((unsigned char *)base + bank->pa + (uint64_t)offset, (size_t)bank->bytes,
			 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, system->file,
			 (off_t)(bank->pa - system->memory_first)) == MAP_FAILED) {
			munmap(base, (size_t)bytes);
			base = MAP_FAILED;
		}
	}
	if (base == MAP_FAILED) {
		pthread_mutex_unlock(&system->lock);
		free(view);
		vc_fail(-ENOMEM, "", 0, "no address space for a view of %" PRIu64 " bytes of memory", bytes);
		return NULL;
	}
	list_append(&system->views, &view->link);
	pthread_mutex_unlock(&system->lock);
	return view;
}

void system_view_put(struct system *system, struct view *view)
{
	pthread_mutex_lock(&system->lock);
	if (--view->users == 0) {
		list_remove(&view->link);
		munmap(view->base, view->bytes);
		free(view);
	}
	pthread_mutex_unlock(&system->lock);
}

bool system_table_alloc(struct system *system, uint64_t bytes, uint64_t align, uint64_t max_pa, uint64_t *pa)
{
	struct vc_range_node *node;
	unsigned int lg2 = 0;
	bool done;

	if (!vc_may_allocate("table"))
		return false;
	while (align >> 1 >> lg2)
		lg2++;
	pthread_mutex_lock(&system->lock);
	done = !vc_ranges_take(&system->table_space, bytes, lg2, 0, max_pa, system, &node);
	if (done)
		*pa = node->first;
	pthread_mutex_unlock(&system->lock);
	return done;
}

void system_table_free(struct system *system, uint64_t pa)
{
	pthread_mutex_lock(&system->lock);
	vc_ranges_give(&system->table_space, vc_ranges_find(&system->table_space, pa));
	pthread_mutex_unlock(&system->lock);
}

static void destroy(struct object *object)
{
	struct system *system = VC_CONTAINER(object, struct system, object);

	if (system->view)
		system_view_put(system, system->view);
	if (system->table_space.end)
		vc_ranges_fini(&system->table_space);
	if (system->aperture_space.end)
		vc_ranges_fini(&system->aperture_space);
	for (unsigned int i = 0; i < system->n_pools; i++)
		pool_fini(&system->pools[i]);
	if (system->file >= 0)
		close(system->file);
	pthread_mutex_destroy(&system->lock);
	pthread_mutex_destroy(&system->graph);
	pthread_mutex_destroy(&system->births);
	pthread_rwlock_destroy(&system->imports_lock);
	free(system->pools);
	free(system->types);
	free(system->ram);
	free(system);
}

static bool update_block(const struct tree *tree, struct tree_node *node)
{
	struct phys_block *block = VC_CONTAINER(node, struct phys_block, tree);
	uint64_t last = block->last;

	(void)tree;
	if (node->left && VC_CONTAINER(node->left, struct phys_block, tree)->last_below > last)
		last = VC_CONTAINER(node->left, struct phys_block, tree)->last_below;
	if (node->right && VC_CONTAINER(node->right, struct phys_block, tree)->last_below > last)
		last = VC_CONTAINER(node->right, struct phys_block, tree)->last_below;
	if (block->last_below == last)
		return false;
	block->last_below = last;
	return true;
}

/* Fill what can fail; the caller destroys the system when it does. */
static int build(struct system *system, const struct vc_system_config *config)
{
	const struct vc_span *top = &config->ram[config->n_ram - 1];
	int error;

	system->ram = vc_calloc(config->n_ram, sizeof(*system->ram));
	system->pools = vc_calloc(config->n_pools, sizeof(*system->pools));
	system->types = vc_calloc(config->n_types, sizeof(*system->types));
	if (!system->ram || !system->pools || !system->types)
		return vc_fail_at("vc_system_create", -ENOMEM, "", 0, "no memory for its lists");
	memcpy(system->ram, config->ram, config->n_ram * sizeof(*system->ram));
	if (config->n_types)
		memcpy(system->types, config->types, config->n_types * sizeof(*system->types));
	system->n_ram = config->n_ram;
	system->n_types = config->n_types;
	for (unsigned int i = 0; i < config->n_pools; i++) {
		const struct vc_pool_config *pool = &config->pools[i];

		error = pool_init(&system->pools[i], pool->name, pool->pa, pool->bytes, pool->block_lg2);
		if (error)
			return vc_fail_at("vc_system_create", error, "", pool->pa,
					  "pool '%s' cannot be made: its address and size must be multiples of its "
					  "block size, 4 KiB to 1 GiB",
					  pool->name);
		system->n_pools++;
	}
	error = vc_ranges_init(&system->table_space, config->tables.pa, config->tables.pa + config->tables.bytes - 1,
			       TABLE_GRAIN_LG2);
	if (error)
		return vc_fail_at("vc_system_create", error, "", 0, "no memory for the table space");
	system->aperture = aperture_of(config);
	if (system->aperture.bytes) {
		error = vc_ranges_init(&system->aperture_space, system->aperture.pa,
				       system->aperture.pa + system->aperture.bytes - 1, VC_PAGE_LG2);
		if (error)
			return vc_fail_at("vc_system_create", error, "", 0, "no memory for the space of imports");
	}
	system->tables = config->tables;
	system->cpu_window_bytes = config->cpu_window_bytes ? config->cpu_window_bytes : 1024 * MIB;
	system->memory_first = config->ram[0].pa;
	system->file = open_memory(config->file, top->pa + top->bytes - system->memory_first);
	if (system->file < 0)
		return vc_fail_at("vc_system_create", system->file, "", 0, "cannot open the memory file '%s'",
				  config->file ? config->file : "(anonymous)");
	system->view = system_view(system, 0);
	return system->view ? 0 : -ENOMEM;
}

int vc_system_create(const struct vc_system_config *config, struct vc_system **out)
{
	struct system *system;
	int error;

	if (!out)
		return vc_fail(-EINVAL, "", 0, "out is NULL");
	if (!config)
		config = &vc_default_config;
	error = check_config(config);
	if (error)
		return error;
	system = object_new(OBJECT_SYSTEM, sizeof(*system), destroy);
	if (!system)
		return -ENOMEM;
	system->file = -1;
	pthread_mutex_init(&system->lock, NULL);
	pthread_mutex_init(&system->graph, NULL);
	pthread_mutex_init(&system->births, NULL);
	pthread_rwlock_init(&system->imports_lock, NULL);
	list_init(&system->imports);
	list_init(&system->views);
	list_init(&system->devices);
	list_init(&system->regions);
	system->blocks.update = update_block;
	error = build(system, config);
	if (error) {
		object_kill(&system->object);
		return error;
	}
	*out = HANDLE(vc_system, system);
	return 0;
}

int vc_system_destroy(struct vc_system *handle)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct vc_device *device;
	int error = 0;

	if (!system)
		return -EINVAL;
	pthread_mutex_lock(&system->lock);
	if (system->dead)
		error = vc_fail(-EINVAL, "", 0, "stale handle: the system has been freed");
	else if (system->n_regions || system->n_phys)
		error = vc_fail(-EBUSY, "", 0, "%zu regions and %zu physical allocations exist", system->n_regions,
				system->n_phys);
	else
		system->dead = true;
	pthread_mutex_unlock(&system->lock);
	if (!error) {
		while (!vc_device_next(handle, NULL, &device) && !vc_device_destroy(device))
			;
		object_kill(&system->object);
	}
	object_put(&system->object);
	return error;
}

int vc_system_memory(struct vc_system *handle, uint64_t pa, uint64_t bytes, unsigned char **out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	int error = 0;

	if (!system)
		return -EINVAL;
	if (!out)
		error = vc_fail(-EINVAL, "", 0, "out is NULL");
	else if (!system_touch(system, pa, bytes))
		error = vc_fail(-EFAULT, "", pa, "[0x%" PRIx64 ", +0x%" PRIx64 ") is not memory", pa, bytes);
	else {
		/* Imported memory stays as long as the caller does not free it. */
		system_untouch(system, pa);
		*out = system->view->base + pa;
	}
	object_put(&system->object);
	return error;
}

int vc_system_pool(struct vc_system *handle, unsigned int i, struct vc_pool_info *out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct pool *pool;
	int error = 0;

	if (!system)
		return -EINVAL;
	if (!out) {
		error = vc_fail(-EINVAL, "", 0, "out is NULL");
	} else if (i >= system->n_pools) {
		error = vc_fail(-ENOENT, "", 0, "there are %u pools", system->n_pools);
	} else {
		pool = &system->pools[i];
		pthread_mutex_lock(&pool->lock);
		*out = (struct vc_pool_info){.name = pool->name,
					     .pa = pool->pa,
					     .bytes = pool->bytes,
					     .used = pool->used,
					     .block_lg2 = pool->block_lg2,
					     .blocks = pool->n_blocks,
					     .blocks_used = pool->n_used};
		pthread_mutex_unlock(&pool->lock);
	}
	object_put(&system->object);
	return error;
}

int vc_system_type(struct vc_system *handle, unsigned int type, struct vc_type_config *out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	int error = 0;

	if (!system)
		return -EINVAL;
	if (!out)
		error = vc_fail(-EINVAL, "", 0, "out is NULL");
	else if (type >= system->n_types)
		error = vc_fail(-ENOENT, "", 0, "no memory type %u; there are %u", type, system->n_types);
	else
		*out = system->types[type];
	object_put(&system->object);
	return error;
}

int vc_system_contiguous(struct vc_system *handle, unsigned int type, struct vc_span *out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	const struct pool *pool;
	int error = 0;

	if (!system)
		return -EINVAL;
	if (!out) {
		error = vc_fail(-EINVAL, "", 0, "out is NULL");
	} else if (type >= system->n_types || !system->types[type].n_contiguous) {
		error = vc_fail(-ENOENT, "", 0, "memory type %u has no contiguous memory", type);
	} else {
		pool = &system->pools[system->types[type].contiguous[0]];
		*out = (struct vc_span){pool->pa, pool->bytes};
	}
	object_put(&system->object);
	return error;
}

int vc_system_table_bytes(struct vc_system *handle, uint64_t *out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);

	if (!system)
		return -EINVAL;
	pthread_mutex_lock(&system->lock);
	if (out)
		*out = system->table_space.used;
	pthread_mutex_unlock(&system->lock);
	object_put(&system->object);
	return out ? 0 : vc_fail(-EINVAL, "", 0, "out is NULL");
}
