/* SPDX-License-Identifier: MIT */
/*
 * vcmx.h - the interface that Samsung made of the Virtual Contiguous Memory Manager in 2010 and 2011, under other names
 * (vcmx_ for vcm_, since several names mean other things there), over the core in vc.h.
 *
 * Its words: a context is an address space with the devices behind one or more MMUs, a binding is a reservation with
 * memory behind it. Devices belong to a context for good, activation is counted, bindings may be made before it or
 * after.
 *
 * Returns: constructors an error pointer on failure (vcmx_is_err(), vcmx_ptr_err()), operations 0 or a negative errno
 * value; vc_last_error() of vc.h says more. The structures may be read, never written. Any function may be called from
 * any thread, but what one thread frees no other may use.
 */
#ifndef VCMX_H
#define VCMX_H

#include "vc.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vcmx_phys;

/* A context. start and size: its addresses; the private parts follow in the library. */
struct vcmx {
	uint64_t start, size;
};

/*
 * A reservation. bound_size: bytes of memory behind it, 0: none. start: its address; in an identity context 0 until
 * memory is bound.
 */
struct vcmx_res {
	struct vcmx *vcm;
	struct vcmx_phys *phys;
	uint64_t start, bound_size, res_size;
};

/* Memory: count contiguous parts. */
struct vcmx_phys {
	uint64_t size;
	size_t count;
	const struct vc_span *parts;
};

/* Flags of allocations. */
enum { VCMX_CONTIGUOUS = 1 << 0 };

static inline bool vcmx_is_err(const void *pointer)
{
	return (uintptr_t)pointer >= (uintptr_t)-4095;
}

static inline int vcmx_ptr_err(const void *pointer)
{
	return (int)(intptr_t)pointer;
}

/* --------------------------------------------------------------------------------------------------------- contexts */

/* Addresses [start, start + size) for n devices with page tables. */
struct vcmx *vcmx_create(struct vc_system *system, uint64_t start, uint64_t size, struct vc_device *const *devices,
			 size_t n);
/* Addresses are those of memory: for devices without tables, or with. */
struct vcmx *vcmx_create_o2o(struct vc_system *system, uint64_t start, uint64_t size, struct vc_device *const *devices,
			     size_t n);
/* Pointers of this process; cpu is the system's device of kind VC_DEVICE_CPU. */
struct vcmx *vcmx_create_vmm(struct vc_system *system, struct vc_device *cpu);
/* A slice of size bytes of another context, with further devices: all share its addresses and its tables, and each
 * reserves in its own slice. The other context outlives it. */
struct vcmx *vcmx_create_slice(struct vcmx *of, uint64_t size, struct vc_device *const *devices, size_t n);
/* 0; -EBUSY: it is active, has reservations, or slices. */
int vcmx_destroy(struct vcmx *vcm);

/* Load the devices; counted, only the first call does something. All of them, or none. */
int vcmx_activate(struct vcmx *vcm);
/* The last one blocks the devices. 0; -EINVAL: it was not active. */
int vcmx_deactivate(struct vcmx *vcm);

/* --------------------------------------------------------------------------------------------------------- bindings */

/* Memory that suits the context (contiguous where its addresses are those of memory). flags: VCMX_*. */
struct vcmx_phys *vcmx_alloc(struct vcmx *vcm, uint64_t size, unsigned int flags);
/* 0; -EBUSY: it is bound. */
int vcmx_free(struct vcmx_phys *phys);

/* flags: PT_READ, PT_WRITE, PT_EXEC, PT_PRIV; 0: read and write. */
struct vcmx_res *vcmx_reserve(struct vcmx *vcm, uint64_t size, unsigned int flags);
/* One more owner of the reservation. */
int vcmx_ref_reserve(struct vcmx_res *res);
/* The last owner gives it up. 0; -EBUSY: memory is bound to it. */
int vcmx_unreserve(struct vcmx_res *res);

/* Put memory, at most as long as it, behind a reservation. 0; -EALREADY: that memory is; -EADDRINUSE: other memory is;
 * -ENOSPC: it is longer. */
int vcmx_bind(struct vcmx_res *res, struct vcmx_phys *phys);
/* Returns the memory that was behind it. */
struct vcmx_phys *vcmx_unbind(struct vcmx_res *res);

/* Allocate, reserve and bind; unbind, free and unreserve. */
struct vcmx_res *vcmx_make_binding(struct vcmx *vcm, uint64_t size, unsigned int alloc_flags, unsigned int res_flags);
int vcmx_destroy_binding(struct vcmx_res *res);
/* Reserve and bind; unbind and unreserve. */
struct vcmx_res *vcmx_map(struct vcmx *vcm, struct vcmx_phys *phys, unsigned int flags);
int vcmx_unmap(struct vcmx_res *res);

/* 1: the reservation is of this context; 2: of another one that shares its addresses; 0: elsewhere. */
int vcmx_reservation_in(const struct vcmx *vcm, const struct vcmx_res *res);

#ifdef __cplusplus
}
#endif

#endif
