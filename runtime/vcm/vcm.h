/* SPDX-License-Identifier: MIT */
/*
 * vcm.h - the Virtual Contiguous Memory Manager API of 2010 under its original names, over the core in vc.h.
 *
 * One system per process: vcm_sys_init() makes it. Every handle is opaque; the functions at the end of this file lead
 * from them to the core.
 *
 * Returns, as in 2010: constructors NULL on failure; operations 0 or a negative errno value; addresses 1 on error;
 * lengths, counts and attributes 0 on error. vc_last_error() of vc.h says what was wrong, also after a NULL.
 *
 * All functions may be called from any thread; see vc.h.
 */
#ifndef VCM_H
#define VCM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vc.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vcm;	/* a region: an address space */
struct res;	/* a reservation in it */
struct physmem; /* physical memory */
struct avcm;	/* an association of a region and a device */
struct bound;	/* a part of a region that is set aside */
struct device;

/* Addresses in a region, physical addresses. Lengths are size_t. */
typedef uint64_t vcm_addr_t;
typedef uint64_t vcm_paddr_t;

enum memtype_t { VCM_MEMTYPE_0, VCM_MEMTYPE_1, VCM_MEMTYPE_2, VCM_MEMTYPE_3, VCM_INVALID };
enum memtarget_t { VCM_START };

/* Regions that exist without being made: the address space of the CPU, and a second window into it. Other ids may be
 * registered: see vcm_register_prebuilt(). */
enum { VCM_PREBUILT_KERNEL = 1, VCM_PREBUILT_USER = 2 };

/* --------------------------------------------------------------------------------------- attributes of reservations */

#define VCM_CACHE_POLICY (UINT32_C(0xf) << 0)
#define VCM_NOTCACHED	 UINT32_C(0)
#define VCM_WB_WA	 UINT32_C(1)
#define VCM_WB_NWA	 UINT32_C(2)
#define VCM_WT		 UINT32_C(3)

/*
 * VCM_SECURE: its use was left to be decided in 2010, and nothing here is secure memory: it is refused.
 * None of READ, WRITE, EXECUTE: read and write. SUPERVISOR without USER: privileged accesses only.
 */
#define VCM_SECURE     (UINT32_C(1) << 4)
#define VCM_SUPERVISOR (UINT32_C(1) << 5)
#define VCM_USER       (UINT32_C(1) << 6)
#define VCM_EXECUTE    (UINT32_C(1) << 7)
#define VCM_WRITE      (UINT32_C(1) << 8)
#define VCM_READ       (UINT32_C(1) << 9)

#define VCM_ALIGN_SHIFT	      10
#define VCM_ALIGN_MASK	      UINT32_C(0x1f)
#define VCM_ALIGN_ATTR(order) (((uint32_t)(order)&VCM_ALIGN_MASK) << VCM_ALIGN_SHIFT)
#define VCM_ALIGN_DEFAULT     UINT32_C(0)
#define VCM_ALIGN_4K	      VCM_ALIGN_ATTR(12)
#define VCM_ALIGN_8K	      VCM_ALIGN_ATTR(13)
#define VCM_ALIGN_16K	      VCM_ALIGN_ATTR(14)
#define VCM_ALIGN_32K	      VCM_ALIGN_ATTR(15)
#define VCM_ALIGN_64K	      VCM_ALIGN_ATTR(16)
#define VCM_ALIGN_128K	      VCM_ALIGN_ATTR(17)
#define VCM_ALIGN_256K	      VCM_ALIGN_ATTR(18)
#define VCM_ALIGN_512K	      VCM_ALIGN_ATTR(19)
#define VCM_ALIGN_1M	      VCM_ALIGN_ATTR(20)
#define VCM_ALIGN_2M	      VCM_ALIGN_ATTR(21)
#define VCM_ALIGN_4M	      VCM_ALIGN_ATTR(22)
#define VCM_ALIGN_8M	      VCM_ALIGN_ATTR(23)
#define VCM_ALIGN_16M	      VCM_ALIGN_ATTR(24)
#define VCM_ALIGN_32M	      VCM_ALIGN_ATTR(25)
#define VCM_ALIGN_64M	      VCM_ALIGN_ATTR(26)
#define VCM_ALIGN_128M	      VCM_ALIGN_ATTR(27)
#define VCM_ALIGN_256M	      VCM_ALIGN_ATTR(28)
#define VCM_ALIGN_512M	      VCM_ALIGN_ATTR(29)
#define VCM_ALIGN_1GB	      VCM_ALIGN_ATTR(30)

/* Not of 2010, which promised it: cached memory is shareable only once a second mapper has it. See vc_reserve_args of
 * vc.h; it is said when the reservation is made, and vcm_set_res_attr() has to say the same. */
#define VCM_UNSHARED (UINT32_C(1) << 15)

/* ------------------------------------------------------------------------------- attributes of physical allocations */

/* VCM_COHERENT is recorded: the memory of this runtime is coherent. */
#define VCM_COHERENT	      (UINT32_C(1) << 0)
#define VCM_PHYS_CONT	      (UINT32_C(1) << 1)
#define VCM_ALL		      (UINT32_C(1) << 2)
#define VCM_1MB		      (UINT32_C(1) << 3)
#define VCM_64KB	      (UINT32_C(1) << 4)
#define VCM_4KB		      (UINT32_C(1) << 5)
#define VCM_PAGE_SEL_MASK     (UINT32_C(0xf) << 2)
#define VCM_ALIGNMENT_MASK    (UINT32_C(0x1f) << 6)
#define SHIFT_4KB	      12
#define ALIGN_REQ_BYTES(attr) (UINT64_C(1) << ((((attr)&VCM_ALIGNMENT_MASK) >> 6) + SHIFT_4KB))
#define SET_ALIGN_REQ_BYTES(attr, align) \
	(((attr) & ~VCM_ALIGNMENT_MASK) | (((uint32_t)(align) << 6) & VCM_ALIGNMENT_MASK))

/* --------------------------------------------------------------------------------------- attributes of associations */

/*
 * A device may be active in two VCMs: N leading bits of its addresses choose. Where they are all 0 it is the one that
 * was associated with VCM_USE_LOW_BASE, else the one with VCM_USE_HIGH_BASE; both say the same N. Neither: all
 * addresses, and so with VCM_USE_LOW_BASE and N = 0.
 */
#define VCM_USE_HIGH_BASE (UINT32_C(1) << 1)
#define VCM_USE_LOW_BASE  (UINT32_C(1) << 2)
#define VCM_SPLIT	  (UINT32_C(1) << 3) /* the lowest bit of N */
#define VCM_SPLIT_SHIFT	  3
#define VCM_SPLIT_MASK	  (UINT32_C(0x1f) << VCM_SPLIT_SHIFT)
#define VCM_SPLIT_ATTR(n) (((uint32_t)(n) << VCM_SPLIT_SHIFT) & VCM_SPLIT_MASK)

/* ----------------------------------------------------------------------------------------------------------- system */

/* Make the system of this process, the platform of 2010: see vc_default_config. 0; -1 there is one, or no memory. */
int vcm_sys_init(void);
/* The same with another platform; NULL: the default. */
int vcm_sys_init_config(const struct vc_system_config *config);
/* 0; -1: regions or physical allocations exist. */
int vcm_sys_destroy(void);

enum { VCM_RELAXED, VCM_STRICT };

/*
 * VCM_STRICT: the letter of 2010. Backing and unbacking then need an association (-EINVAL), and every one active
 * (-EAGAIN), and vcm_get_physmem_from_res() gives error pointers. Otherwise devices get at activation what was backed
 * before. Returns the mode that was set before; other values are ignored.
 */
int vcm_compat(int mode);

/* The smallest page: 4096. */
size_t vcm_get_min_page_size(void);

/* The device of that name; NULL: there is none. Devices are made by the platform: vc_device_create(). */
struct device *vcm_get_device(const char *name);

/* ---------------------------------------------------------------------------------------------------------- regions */

/* An address space of len bytes from start_addr. Where these are exactly the contiguous memory of a type, it is an
 * identity region, as of vcm_create_identity(). NULL: less than a page, or beyond the end. */
struct vcm *vcm_create(vcm_addr_t start_addr, size_t len);
/* Addresses are those of the memory that is behind them, for devices without tables: see vc_region_create_identity().
 */
struct vcm *vcm_create_identity(vcm_paddr_t start_addr, size_t len);
/* VCM_PREBUILT_KERNEL, VCM_PREBUILT_USER: addresses of this process, that can be dereferenced; each call makes a window
 * of its own. NULL: unknown id, no address space. */
struct vcm *vcm_create_from_prebuilt(size_t ext_vcm_id);
/*
 * From now on vcm_create_from_prebuilt(ext_vcm_id) is make(data): for address spaces that the platform builds; make
 * NULL ends that. At most 16. 0; -EINVAL: an id that the library knows itself, or 0; -ENOSPC.
 */
int vcm_register_prebuilt(size_t ext_vcm_id, struct vcm *(*make)(void *data), void *data);
/* A copy: the same range, reservations at the same addresses, backed by the same memory, without associations. What
 * changes in one later is not seen in the other. vcm_get_res() finds the reservations of the copy. NULL: no memory, or
 * vcm is of the CPU, whose addresses exist once. */
struct vcm *vcm_clone(struct vcm *vcm);
vcm_addr_t vcm_get_start_addr(struct vcm *vcm);
size_t vcm_get_len(struct vcm *vcm);
/* 0; -EBUSY: it has reservations, bounds or associations; -EINVAL. */
int vcm_free(struct vcm *vcm);

/* ----------------------------------------------------------------------------------------------------- reservations */

/* len bytes, rounded up to pages, at the lowest address that fits. NULL: no room, or invalid. */
struct res *vcm_reserve(struct vcm *vcm, size_t len, uint32_t attr);
/* At a logical place: VCM_START is the start of the region, exactly. */
struct res *vcm_reserve_at(enum memtarget_t memtarget, struct vcm *vcm, size_t len, uint32_t attr);
/* At an address, exactly (not of 2010). */
struct res *vcm_reserve_fixed(struct vcm *vcm, vcm_addr_t addr, size_t len, uint32_t attr);
/* Set len bytes aside; only vcm_reserve_from_bound() makes reservations there. NULL: no room, or invalid. */
struct bound *vcm_create_bound(struct vcm *vcm, size_t len);
/* 0; -EBUSY: it has reservations; -EINVAL. */
int vcm_free_bound(struct bound *bound);
struct res *vcm_reserve_from_bound(struct bound *bound, size_t len, uint32_t attr);
vcm_addr_t vcm_get_bound_start_addr(struct bound *bound);
size_t vcm_get_bound_len(struct bound *bound);
/* 0; -EBUSY: it is backed; -EINVAL. */
int vcm_unreserve(struct res *res);
struct vcm *vcm_get_vcm_from_res(struct res *res);
size_t vcm_get_res_len(struct res *res);
/* Where it is backed, the tables change with it. 0; -EINVAL; also errors of mapping. */
int vcm_set_res_attr(struct res *res, uint32_t attr);
uint32_t vcm_get_res_attr(struct res *res);
size_t vcm_get_num_res(struct vcm *vcm);
/* The next one by address; NULL gives the first; NULL at the end. */
struct res *vcm_get_next_res(struct vcm *vcm, struct res *res);
/* Copy between the memory of two; returns the bytes copied: less at either end, 0 where one is not backed. */
size_t vcm_res_copy(struct res *to, size_t to_off, struct res *from, size_t from_off, size_t len);
/* The reservation that starts at dev_addr. */
struct res *vcm_get_res(vcm_addr_t dev_addr, struct vcm *vcm);
/* Its address, as the mapper sees it: for the CPU a pointer. 1: invalid, or in an identity region and not backed. */
vcm_addr_t vcm_get_dev_addr(struct res *res);

/* -------------------------------------------------------------------------------------------------- physical memory */

/* Cleared memory of a type, in blocks as attr says. NULL: the type cannot give that. */
struct physmem *vcm_phys_alloc(enum memtype_t memtype, size_t len, uint32_t attr);
/* 0; -EBUSY: it backs a reservation; -EINVAL. */
int vcm_phys_free(struct physmem *physmem);
/* Wrap memory or registers that exist; in whole pages. */
struct physmem *vcm_map_phys_addr(vcm_paddr_t phys, size_t len);
/* Put physmem behind res, in every table of its region or in none. 0; -EINVAL: lengths differ, or how the memory is
 * cached elsewhere; -EALREADY; -EADDRINUSE; -ENOMEM; in strict mode -EAGAIN. */
int vcm_back(struct res *res, struct physmem *physmem);
/* Other memory of the same length behind a backed reservation, in one step (not of 2010); as vcm_back, see vc_reback().
 */
int vcm_reback(struct res *res, struct physmem *physmem);
/* 0; -EINVAL: not backed; in strict mode -EAGAIN. */
int vcm_unback(struct res *res);
/* NULL: not backed. In strict mode as in 2010: (struct physmem *)-EINVAL: invalid; (struct physmem *)-ENOMEM: not
 * backed. */
struct physmem *vcm_get_physmem_from_res(struct res *res);
/* VCM_INVALID: not of a type. */
enum memtype_t vcm_get_memtype_of_physalloc(struct physmem *physmem);
/* Iterate over the blocks: phys 0 gives the first, then pass what was returned; 0 at the end. *len: its length. */
vcm_paddr_t vcm_get_next_phys_addr(struct physmem *physmem, vcm_paddr_t phys, size_t *len);
/* How many reservations map phys. */
size_t vcm_get_phys_num_res(vcm_paddr_t phys);
/* The same by what backs a reservation; VCM_INVALID: nothing does. */
enum memtype_t vcm_get_memtype_of_res(struct res *res);
/* They: NULL gives the first; NULL at the end. *len: the reservation's length. */
struct res *vcm_get_next_phys_res(vcm_paddr_t phys, struct res *res, size_t *len);
/* The contiguous memory of a type; 0: none. */
vcm_paddr_t vcm_get_cont_memtype_pa(enum memtype_t memtype);
size_t vcm_get_cont_memtype_len(enum memtype_t memtype);

/* ----------------------------------------------------------------------------------------------------- associations */

/* NULL: the pair is linked already, they do not fit each other, or attr contradicts itself. */
struct avcm *vcm_assoc(struct vcm *vcm, struct device *dev, uint32_t attr);
/* 0; -EBUSY: active; -EINVAL. */
int vcm_deassoc(struct avcm *avcm);
/* 0; -EBUSY: active; -EINVAL. */
int vcm_set_assoc_attr(struct avcm *avcm, uint32_t attr);
uint32_t vcm_get_assoc_attr(struct avcm *avcm);
/* Load the device with the region's table of its format. 0; -EBUSY: it is active, or the device is elsewhere; -EINVAL;
 * errors of mapping. */
int vcm_activate(struct avcm *avcm);
/* The device is blocked. 0; -ENOENT: not active; -EINVAL. */
int vcm_deactivate(struct avcm *avcm);
/* 1, 0 or -EINVAL. */
int vcm_is_active(struct avcm *avcm);

/* ------------------------------------------------------------------------------------------------------ translation */

/* The lowest address in dst_vcm of the memory that src_dev_addr stands for in src_vcm; 1: there is none. */
vcm_addr_t vcm_translate(vcm_addr_t src_dev_addr, struct vcm *src_vcm, struct vcm *dst_vcm);
/* What a device's address leads to, by a walk of its table; on a fault its hook runs, and 1 is returned. */
vcm_paddr_t vcm_dev_addr_to_phys_addr(struct device *dev, vcm_addr_t dev_addr);
/* The root of the first table of the region; of the association's table. 0: there is none. */
vcm_paddr_t vcm_get_pgtbl_pa(struct vcm *vcm);
vcm_paddr_t vcm_get_pgtbl_pa_for(struct avcm *avcm);

/* ----------------------------------------------------------------------------------------------------------- faults */

/*
 * Called when the device faults; fault_data is a struct vc_fault. 0: handled, try again. Anything else: terminate the
 * access. (Of the three conventions of 2010 this is the one that header and driver agree on.) May call anything.
 */
typedef int (*vcm_handler)(struct device *dev, void *data, void *fault_data);

/* Replaces the hook of the device; NULL removes it. 0; -EINVAL. */
int vcm_hook(struct device *dev, vcm_handler handler, void *data);

/* ----------------------------------------------------------------------------------------------------------- seeing */

/* The version of the device's hardware, as the platform gave it with the device; 0: none, or invalid. */
size_t vcm_hw_ver(struct device *dev);

/* See vc_dump_dot() and vc_dump_json(). 0; negative errno value. */
int vcm_dump_dot(FILE *stream);
int vcm_dump_json(FILE *stream);
/* How many differences there are between the region's list and its tables; each is printed to stream, if that is not
 * NULL. -EINVAL. */
int vcm_check(struct vcm *vcm, FILE *stream);

/* ------------------------------------------------------------------------------------------------------ to the core */

/* The handles are the core's: these only change the type. */
static inline struct vc_region *vcm_region(struct vcm *vcm)
{
	return (struct vc_region *)vcm;
}

static inline struct vc_reservation *vcm_reservation(struct res *res)
{
	return (struct vc_reservation *)res;
}

static inline struct vc_phys *vcm_phys(struct physmem *physmem)
{
	return (struct vc_phys *)physmem;
}

static inline struct vc_bound *vcm_bound(struct bound *bound)
{
	return (struct vc_bound *)bound;
}

static inline struct vc_association *vcm_association(struct avcm *avcm)
{
	return (struct vc_association *)avcm;
}

static inline struct vc_device *vcm_device(struct device *dev)
{
	return (struct vc_device *)dev;
}

/* The system of this process; NULL: there is none. */
struct vc_system *vcm_system(void);

#ifdef __cplusplus
}
#endif

#endif
