/* SPDX-License-Identifier: MIT */
/* vcm.c - the API of 2010, thin over the core: attributes, and results as they were then. */
#include "vcm.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#include "fail.h"
#include "hook.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* making and destroying the system */
static struct vc_system *_Atomic the_system;
static _Atomic int strict = VCM_RELAXED;

#define ERROR_ADDRESS 1

struct vc_system *vcm_system(void)
{
	return atomic_load(&the_system);
}

int vcm_sys_init_config(const struct vc_system_config *config)
{
	struct vc_system *made;
	int result = -1;

	pthread_mutex_lock(&lock);
	if (!vcm_system() && !vc_system_create(config, &made)) {
		atomic_store(&the_system, made);
		result = 0;
	}
	pthread_mutex_unlock(&lock);
	return result;
}

int vcm_sys_init(void)
{
	return vcm_sys_init_config(NULL);
}

int vcm_sys_destroy(void)
{
	int result = -1;

	pthread_mutex_lock(&lock);
	if (!vc_system_destroy(vcm_system())) {
		atomic_store(&the_system, NULL);
		result = 0;
	}
	pthread_mutex_unlock(&lock);
	return result;
}

int vcm_compat(int mode)
{
	if (mode != VCM_RELAXED && mode != VCM_STRICT)
		return atomic_load(&strict);
	return atomic_exchange(&strict, mode);
}

static unsigned int back_flags(void)
{
	return atomic_load(&strict) == VCM_STRICT ? (unsigned int)VC_BACK_ACTIVE : 0U;
}

size_t vcm_get_min_page_size(void)
{
	return (size_t)VC_PAGE;
}

struct device *vcm_get_device(const char *name)
{
	struct vc_device *device;

	return vc_device_find(vcm_system(), name, &device) ? NULL : (struct device *)device;
}

/* ---------------------------------------------------------------------------------------------------------- regions */

/* Are these the contiguous memory of a type? */
static bool is_contiguous_memory(vcm_addr_t start_addr, size_t len)
{
	const struct vc_error before = *vc_last_error();
	struct vc_span span;
	bool found = false;

	for (unsigned int type = 0; type < VCM_INVALID && !found; type++)
		found = !vc_system_contiguous(vcm_system(), type, &span) && span.pa == start_addr && span.bytes == len;
	/* A type without contiguous memory is no failure of the caller's. */
	vc_clear_error();
	if (before.code)
		vc_fail_at(before.function, before.code, before.object, before.address, "%s", before.reason);
	return found;
}

struct vcm *vcm_create_identity(vcm_paddr_t start_addr, size_t len)
{
	struct vc_region *region;

	return vc_region_create_identity(vcm_system(), start_addr, len, &region) ? NULL : (struct vcm *)region;
}

struct vcm *vcm_create(vcm_addr_t start_addr, size_t len)
{
	struct vc_region *region;

	if (is_contiguous_memory(start_addr, len))
		return vcm_create_identity(start_addr, len);
	return vc_region_create(vcm_system(), start_addr, len, &region) ? NULL : (struct vcm *)region;
}

static struct prebuilt {
	size_t id; /* 0: free */
	struct vcm *(*make)(void *data);
	void *data;
} registered[16];

int vcm_register_prebuilt(size_t ext_vcm_id, struct vcm *(*make)(void *data), void *data)
{
	struct prebuilt *place = NULL;
	size_t i, n = sizeof(registered) / sizeof(registered[0]);

	if (!ext_vcm_id || ext_vcm_id == VCM_PREBUILT_KERNEL || ext_vcm_id == VCM_PREBUILT_USER)
		return vc_fail(-EINVAL, "", 0, "the id %zu is the library's own", ext_vcm_id);
	pthread_mutex_lock(&lock);
	for (i = 0; i < n && registered[i].id != ext_vcm_id; i++)
		if (!registered[i].id && !place)
			place = &registered[i];
	if (i < n)
		place = &registered[i];
	if (place)
		*place = (struct prebuilt){make ? ext_vcm_id : 0, make, data};
	pthread_mutex_unlock(&lock);
	return place || !make ? 0 : vc_fail(-ENOSPC, "", 0, "there are %zu registered regions already", n);
}

static struct vcm *make_registered(size_t id)
{
	struct prebuilt found = {0, NULL, NULL};

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < sizeof(registered) / sizeof(registered[0]); i++)
		if (registered[i].id == id && id)
			found = registered[i];
	pthread_mutex_unlock(&lock);
	if (found.make)
		return found.make(found.data);
	vc_fail_at("vcm_create_from_prebuilt", -EINVAL, "", 0, "no prebuilt region has the id %zu", id);
	return NULL;
}

struct vcm *vcm_create_from_prebuilt(size_t ext_vcm_id)
{
	struct vc_region *region;

	if (ext_vcm_id != VCM_PREBUILT_KERNEL && ext_vcm_id != VCM_PREBUILT_USER)
		return make_registered(ext_vcm_id);
	return vc_region_create_cpu(vcm_system(), 0, &region) ? NULL : (struct vcm *)region;
}

struct vcm *vcm_clone(struct vcm *vcm)
{
	struct vc_region *region;

	return vc_region_clone(vcm_region(vcm), &region) ? NULL : (struct vcm *)region;
}

vcm_addr_t vcm_get_start_addr(struct vcm *vcm)
{
	struct vc_region_info info;

	return vc_region_info(vcm_region(vcm), &info) ? ERROR_ADDRESS : info.first;
}

size_t vcm_get_len(struct vcm *vcm)
{
	struct vc_region_info info;

	return vc_region_info(vcm_region(vcm), &info) ? 0 : (size_t)(info.last - info.first + 1);
}

int vcm_free(struct vcm *vcm)
{
	return vc_region_free(vcm_region(vcm));
}

/* ----------------------------------------------------------------------------------------------------- reservations */

/* Attributes as the core wants them. -EINVAL: a cache policy or bits that have no meaning. */
static int set_attributes(struct vc_reserve_args *args, uint32_t attr, const char *function)
{
	static const enum vc_cache policies[] = {VC_NONCACHED, VC_WRITE_BACK_ALLOCATE, VC_WRITE_BACK, VC_WRITE_THROUGH};
	uint32_t known = VCM_CACHE_POLICY | VCM_SUPERVISOR | VCM_USER | VCM_EXECUTE | VCM_WRITE | VCM_READ |
			 VCM_UNSHARED | (VCM_ALIGN_MASK << VCM_ALIGN_SHIFT);
	unsigned int order = (attr >> VCM_ALIGN_SHIFT) & VCM_ALIGN_MASK;

	if ((attr & VCM_CACHE_POLICY) > VCM_WT)
		return vc_fail_at(function, -EINVAL, "", 0, "unknown cache policy %" PRIu32, attr & VCM_CACHE_POLICY);
	if (attr & ~known)
		return vc_fail_at(function, -EINVAL, "", 0, "unknown attributes 0x%" PRIx32, attr & ~known);
	args->cache = policies[attr & VCM_CACHE_POLICY];
	args->rights = ((attr & VCM_READ) ? (unsigned int)PT_READ : 0U) |
		       ((attr & VCM_WRITE) ? (unsigned int)PT_WRITE : 0U) |
		       ((attr & VCM_EXECUTE) ? (unsigned int)PT_EXEC : 0U);
	if ((attr & VCM_SUPERVISOR) && !(attr & VCM_USER))
		args->rights |= PT_PRIV;
	args->align = order ? (uint64_t)1 << order : 0;
	args->unshared = (attr & VCM_UNSHARED) != 0;
	args->attr = attr;
	return 0;
}

static struct res *reserve(struct vcm *vcm, struct vc_reserve_args *args, uint32_t attr, const char *function)
{
	struct vc_reservation *reservation;

	if (set_attributes(args, attr, function) || vc_reserve(vcm_region(vcm), args, &reservation))
		return NULL;
	return (struct res *)reservation;
}

struct res *vcm_reserve(struct vcm *vcm, size_t len, uint32_t attr)
{
	struct vc_reserve_args args = {.bytes = len};

	return reserve(vcm, &args, attr, __func__);
}

struct res *vcm_reserve_at(enum memtarget_t memtarget, struct vcm *vcm, size_t len, uint32_t attr)
{
	struct vc_reserve_args args = {.bytes = len, .fixed = true};
	struct vc_region_info info;

	if (memtarget != VCM_START) {
		vc_fail_at(__func__, -EINVAL, "", 0, "unknown memory target %d", (int)memtarget);
		return NULL;
	}
	if (vc_region_info(vcm_region(vcm), &info))
		return NULL;
	args.at = info.first;
	return reserve(vcm, &args, attr, __func__);
}

struct res *vcm_reserve_fixed(struct vcm *vcm, vcm_addr_t addr, size_t len, uint32_t attr)
{
	struct vc_reserve_args args = {.bytes = len, .fixed = true, .at = addr};

	return reserve(vcm, &args, attr, __func__);
}

struct bound *vcm_create_bound(struct vcm *vcm, size_t len)
{
	struct vc_bound *bound;

	return vc_bound_create(vcm_region(vcm), len, 0, &bound) ? NULL : (struct bound *)bound;
}

int vcm_free_bound(struct bound *bound)
{
	return vc_bound_free(vcm_bound(bound));
}

struct res *vcm_reserve_from_bound(struct bound *bound, size_t len, uint32_t attr)
{
	struct vc_reserve_args args = {.bytes = len, .bound = vcm_bound(bound)};
	struct vc_bound_info info;

	return vc_bound_info(args.bound, &info) ? NULL : reserve((struct vcm *)info.region, &args, attr, __func__);
}

vcm_addr_t vcm_get_bound_start_addr(struct bound *bound)
{
	struct vc_bound_info info;

	return vc_bound_info(vcm_bound(bound), &info) ? ERROR_ADDRESS : info.address;
}

size_t vcm_get_bound_len(struct bound *bound)
{
	struct vc_bound_info info;

	return vc_bound_info(vcm_bound(bound), &info) ? 0 : (size_t)info.bytes;
}

int vcm_unreserve(struct res *res)
{
	return vc_unreserve(vcm_reservation(res));
}

struct vcm *vcm_get_vcm_from_res(struct res *res)
{
	struct vc_reservation_info info;

	return vc_reservation_info(vcm_reservation(res), &info) ? NULL : (struct vcm *)info.region;
}

size_t vcm_get_res_len(struct res *res)
{
	struct vc_reservation_info info;

	return vc_reservation_info(vcm_reservation(res), &info) ? 0 : (size_t)info.bytes;
}

int vcm_set_res_attr(struct res *res, uint32_t attr)
{
	struct vc_reserve_args args = {.bytes = 0};
	struct vc_reservation_info info = {.address = 0};
	int error = set_attributes(&args, attr, __func__);

	if (!error)
		error = vc_reservation_info(vcm_reservation(res), &info);
	if (!error && args.align && (info.address & (args.align - 1)))
		error = vc_fail_at(__func__, -EINVAL, "", info.address,
				   "0x%" PRIx64 " is not a multiple of the alignment 0x%" PRIx64, info.address,
				   args.align);
	if (!error && args.unshared != info.unshared)
		error = vc_fail_at(__func__, -EINVAL, "", info.address,
				   "the reservation was made %s VCM_UNSHARED, which stays",
				   info.unshared ? "with" : "without");
	return error ? error : vc_reservation_set(vcm_reservation(res), args.rights, args.cache, attr);
}

uint32_t vcm_get_res_attr(struct res *res)
{
	struct vc_reservation_info info;

	return vc_reservation_info(vcm_reservation(res), &info) ? 0 : info.attr;
}

size_t vcm_get_num_res(struct vcm *vcm)
{
	struct vc_region_info info;

	return vc_region_info(vcm_region(vcm), &info) ? 0 : info.reservations;
}

struct res *vcm_get_next_res(struct vcm *vcm, struct res *res)
{
	struct vc_reservation *next;

	return vc_reservation_next(vcm_region(vcm), vcm_reservation(res), &next) ? NULL : (struct res *)next;
}

size_t vcm_res_copy(struct res *to, size_t to_off, struct res *from, size_t from_off, size_t len)
{
	uint64_t copied = 0;

	vc_copy(vcm_reservation(to), to_off, vcm_reservation(from), from_off, len, &copied);
	return (size_t)copied;
}

struct res *vcm_get_res(vcm_addr_t dev_addr, struct vcm *vcm)
{
	struct vc_reservation *reservation;

	return vc_reservation_find(vcm_region(vcm), dev_addr, true, &reservation) ? NULL : (struct res *)reservation;
}

vcm_addr_t vcm_get_dev_addr(struct res *res)
{
	struct vc_reservation_info info;

	return vc_reservation_info(vcm_reservation(res), &info) || !info.placed ? ERROR_ADDRESS : info.address;
}

/* -------------------------------------------------------------------------------------------------- physical memory */

struct physmem *vcm_phys_alloc(enum memtype_t memtype, size_t len, uint32_t attr)
{
	struct vc_phys_args args = {.type = (unsigned int)memtype, .bytes = len, .attr = attr};
	uint32_t known = VCM_COHERENT | VCM_PHYS_CONT | VCM_PAGE_SEL_MASK | VCM_ALIGNMENT_MASK;
	struct vc_phys *phys;

	if (attr & ~known) {
		vc_fail_at(__func__, -EINVAL, "", 0, "unknown attributes 0x%" PRIx32, attr & ~known);
		return NULL;
	}
	args.contiguous = (attr & VCM_PHYS_CONT) != 0;
	args.align = attr & VCM_ALIGNMENT_MASK ? ALIGN_REQ_BYTES(attr) : 0;
	/* Without a size, or with all of them: whatever the type has. */
	if (!(attr & VCM_ALL))
		args.sizes = ((attr & VCM_1MB) ? UINT64_C(1) << 20 : 0) | ((attr & VCM_64KB) ? UINT64_C(1) << 16 : 0) |
			     ((attr & VCM_4KB) ? UINT64_C(1) << 12 : 0);
	return vc_phys_alloc(vcm_system(), &args, &phys) ? NULL : (struct physmem *)phys;
}

int vcm_phys_free(struct physmem *physmem)
{
	return vc_phys_free(vcm_phys(physmem));
}

struct physmem *vcm_map_phys_addr(vcm_paddr_t phys, size_t len)
{
	struct vc_phys *wrapped;

	return vc_phys_wrap(vcm_system(), phys, len, &wrapped) ? NULL : (struct physmem *)wrapped;
}

int vcm_back(struct res *res, struct physmem *physmem)
{
	return vc_back(vcm_reservation(res), vcm_phys(physmem), back_flags());
}

int vcm_reback(struct res *res, struct physmem *physmem)
{
	int error = vc_reback(vcm_reservation(res), vcm_phys(physmem), back_flags());

	return error == -ENXIO ? -EINVAL : error;
}

int vcm_unback(struct res *res)
{
	int error = vc_unback(vcm_reservation(res), back_flags());

	return error == -ENXIO ? -EINVAL : error;
}

static struct physmem *strictly(int error)
{
	return atomic_load(&strict) == VCM_STRICT ? (struct physmem *)(intptr_t)error : NULL;
}

struct physmem *vcm_get_physmem_from_res(struct res *res)
{
	struct vc_reservation_info info;

	if (vc_reservation_info(vcm_reservation(res), &info))
		return strictly(-EINVAL);
	if (!info.phys)
		vc_fail_at(__func__, -ENOMEM, "", info.address, "the reservation is not backed");
	return info.phys ? (struct physmem *)info.phys : strictly(-ENOMEM);
}

enum memtype_t vcm_get_memtype_of_physalloc(struct physmem *physmem)
{
	struct vc_phys_info info;

	if (vc_phys_info(vcm_phys(physmem), &info) || info.type >= VCM_INVALID)
		return VCM_INVALID;
	return (enum memtype_t)info.type;
}

enum memtype_t vcm_get_memtype_of_res(struct res *res)
{
	struct vc_reservation_info info;

	if (vc_reservation_info(vcm_reservation(res), &info) || !info.phys)
		return VCM_INVALID;
	return vcm_get_memtype_of_physalloc((struct physmem *)info.phys);
}

vcm_paddr_t vcm_get_next_phys_addr(struct physmem *physmem, vcm_paddr_t phys, size_t *len)
{
	struct vc_span block;
	bool found = phys == 0;

	for (size_t i = 0; !vc_phys_block(vcm_phys(physmem), i, &block); i++) {
		if (found) {
			if (len)
				*len = (size_t)block.bytes;
			return block.pa;
		}
		found = block.pa == phys;
	}
	return 0;
}

size_t vcm_get_phys_num_res(vcm_paddr_t phys)
{
	size_t count;

	return vc_phys_reservations(vcm_system(), phys, &count) ? 0 : count;
}

struct res *vcm_get_next_phys_res(vcm_paddr_t phys, struct res *res, size_t *len)
{
	struct vc_reservation *next;
	struct vc_reservation_info info;

	if (vc_phys_reservation_next(vcm_system(), phys, vcm_reservation(res), &next) ||
	    vc_reservation_info(next, &info))
		return NULL;
	if (len)
		*len = (size_t)info.bytes;
	return (struct res *)next;
}

/* The first contiguous pool of a memory type. */
static uint64_t contiguous(enum memtype_t memtype, bool bytes)
{
	struct vc_span span;

	if (vc_system_contiguous(vcm_system(), (unsigned int)memtype, &span))
		return 0;
	return bytes ? span.bytes : span.pa;
}

vcm_paddr_t vcm_get_cont_memtype_pa(enum memtype_t memtype)
{
	return contiguous(memtype, false);
}

size_t vcm_get_cont_memtype_len(enum memtype_t memtype)
{
	return (size_t)contiguous(memtype, true);
}

/* ----------------------------------------------------------------------------------------------------- associations */

/* Which addresses attr asks for. */
static int half_of(uint32_t attr, const char *function, enum vc_half *half, unsigned int *bits)
{
	bool low = (attr & VCM_USE_LOW_BASE) != 0, high = (attr & VCM_USE_HIGH_BASE) != 0;

	*bits = (attr & VCM_SPLIT_MASK) >> VCM_SPLIT_SHIFT;
	*half = high ? VC_UPPER : low && *bits ? VC_LOWER : VC_WHOLE;
	if (low && high)
		return vc_fail_at(function, -EINVAL, "", 0, "an association is for the low base or for the high one");
	if (high && !*bits)
		return vc_fail_at(function, -EINVAL, "", 0, "with N = 0 no address uses the high base");
	if (!low && !high && *bits)
		return vc_fail_at(function, -EINVAL, "", 0, "N = %u needs the low base or the high one", *bits);
	return 0;
}

struct avcm *vcm_assoc(struct vcm *vcm, struct device *dev, uint32_t attr)
{
	struct vc_association *association;
	enum vc_half half;
	unsigned int bits;

	if (half_of(attr, __func__, &half, &bits) || vc_associate(vcm_region(vcm), vcm_device(dev), attr, &association))
		return NULL;
	if (half != VC_WHOLE && vc_association_split(association, half, bits)) {
		struct vc_error first = *vc_last_error();

		vc_dissociate(association);
		vc_fail_at(first.function, first.code, first.object, first.address, "%s", first.reason);
		return NULL;
	}
	return (struct avcm *)association;
}

int vcm_deassoc(struct avcm *avcm)
{
	return vc_dissociate(vcm_association(avcm));
}

int vcm_set_assoc_attr(struct avcm *avcm, uint32_t attr)
{
	enum vc_half half;
	unsigned int bits;
	int error = half_of(attr, __func__, &half, &bits);

	if (!error)
		error = vc_association_split(vcm_association(avcm), half, bits);
	return error ? error : vc_association_set_attr(vcm_association(avcm), attr);
}

uint32_t vcm_get_assoc_attr(struct avcm *avcm)
{
	struct vc_association_info info;

	return vc_association_info(vcm_association(avcm), &info) ? 0 : info.attr;
}

int vcm_activate(struct avcm *avcm)
{
	int error = vc_activate(vcm_association(avcm));

	return error == -EALREADY ? -EBUSY : error;
}

int vcm_deactivate(struct avcm *avcm)
{
	return vc_deactivate(vcm_association(avcm));
}

int vcm_is_active(struct avcm *avcm)
{
	struct vc_association_info info;
	int error = vc_association_info(vcm_association(avcm), &info);

	return error ? error : info.active;
}

/* ------------------------------------------------------------------------------------------------------ translation */

vcm_addr_t vcm_translate(vcm_addr_t src_dev_addr, struct vcm *src_vcm, struct vcm *dst_vcm)
{
	uint64_t pa, address;

	if (vc_region_to_phys(vcm_region(src_vcm), src_dev_addr, &pa) ||
	    vc_phys_to_region(vcm_region(dst_vcm), pa, &address))
		return ERROR_ADDRESS;
	return address;
}

vcm_paddr_t vcm_dev_addr_to_phys_addr(struct device *dev, vcm_addr_t dev_addr)
{
	unsigned int access = PT_ACCESS_READ | PT_ACCESS_PRIV;
	unsigned char byte;
	uint64_t pa;

	if (!vc_device_translate(vcm_device(dev), dev_addr, access, &pa, NULL))
		return pa;
	/* A real access runs the hook, which may map the address. */
	if (vc_device_read(vcm_device(dev), dev_addr, &byte, 1, access, NULL) ||
	    vc_device_translate(vcm_device(dev), dev_addr, access, &pa, NULL))
		return ERROR_ADDRESS;
	return pa;
}

vcm_paddr_t vcm_get_pgtbl_pa(struct vcm *vcm)
{
	struct vc_table_info info;

	return vc_region_table(vcm_region(vcm), 0, &info) ? 0 : info.root;
}

vcm_paddr_t vcm_get_pgtbl_pa_for(struct avcm *avcm)
{
	struct vc_association_info info;

	return vc_association_info(vcm_association(avcm), &info) ? 0 : info.root;
}

/* ----------------------------------------------------------------------------------------------------------- faults */

static int call_handler(struct vc_device *device, void (*inner)(void), void *data, const struct vc_fault *fault)
{
	struct vc_fault copy = *fault;

	return ((vcm_handler)inner)((struct device *)device, data, &copy);
}

int vcm_hook(struct device *dev, vcm_handler handler, void *data)
{
	return hook_device(vcm_device(dev), call_handler, (void (*)(void))handler, data, __func__);
}

size_t vcm_hw_ver(struct device *dev)
{
	struct vc_device_info info;

	return vc_device_info(vcm_device(dev), &info) ? 0 : info.hardware;
}

/* ----------------------------------------------------------------------------------------------------------- seeing */

int vcm_dump_dot(FILE *stream)
{
	return vc_dump_dot(vcm_system(), stream);
}

int vcm_dump_json(FILE *stream)
{
	return vc_dump_json(vcm_system(), stream);
}

static bool print_finding(void *ctx, const char *text)
{
	FILE *stream = ctx;

	fprintf(stream, "%s\n", text);
	return true;
}

int vcm_check(struct vcm *vcm, FILE *stream)
{
	uint64_t findings;
	int error = vc_check(vcm_region(vcm), stream ? print_finding : NULL, stream, &findings);

	return error ? error : findings > INT32_MAX ? INT32_MAX : (int)findings;
}
