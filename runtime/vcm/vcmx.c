/* SPDX-License-Identifier: MIT */
/* vcmx.c - contexts and bindings: the other front door of the runtime, thin over the core. */
#include "vcmx.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "alloc.h"
#include "fail.h"

struct context {
	struct vcmx public;
	struct vc_system *system;
	struct vc_region *region;
	struct context *of;	/* NULL: the region is its own */
	struct vc_bound *bound; /* of a slice */
	enum vc_region_kind kind;
	pthread_mutex_t lock; /* what follows */
	unsigned int active, slices;
	size_t reservations, n;
	struct vc_association *links[];
};

struct binding {
	struct vcmx_res public;
	struct vc_reservation *reservation;
	unsigned int owners;
};

struct memory {
	struct vcmx_phys public;
	struct vc_phys *phys;
	struct vc_span parts[];
};

/* The public part is the first member. */
static struct context *context_of(const struct vcmx *vcm)
{
	return (struct context *)(uintptr_t)vcm;
}

static struct binding *binding_of(const struct vcmx_res *res)
{
	return (struct binding *)(uintptr_t)res;
}

static struct memory *memory_of(const struct vcmx_phys *phys)
{
	return (struct memory *)(uintptr_t)phys;
}

static void *error_pointer(int error)
{
	return (void *)(intptr_t)error;
}

/* --------------------------------------------------------------------------------------------------------- contexts */

/* Link the devices, all or none. */
static int link_devices(struct context *context, struct vc_device *const *devices, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && !error; i++) {
		error = vc_associate(context->region, devices[i], 0, &context->links[i]);
		if (!error)
			context->n++;
	}
	while (error && context->n)
		vc_dissociate(context->links[--context->n]);
	return error;
}

static struct context *new_context(struct vc_system *system, enum vc_region_kind kind, size_t n)
{
	struct context *context = vc_calloc(1, sizeof(*context) + n * sizeof(struct vc_association *));

	if (context) {
		context->system = system;
		context->kind = kind;
		pthread_mutex_init(&context->lock, NULL);
	} else {
		vc_fail_at("vcmx_create", -ENOMEM, "", 0, "no memory for a context of %zu devices", n);
	}
	return context;
}

static void *drop_context(struct context *context, int error)
{
	if (context->bound)
		vc_bound_free(context->bound);
	else if (context->region)
		vc_region_free(context->region);
	pthread_mutex_destroy(&context->lock);
	free(context);
	return error_pointer(error);
}

static struct vcmx *create(struct vc_system *system, enum vc_region_kind kind, uint64_t start, uint64_t size,
			   struct vc_device *const *devices, size_t n)
{
	struct context *context = new_context(system, kind, n);
	struct vc_region_info info;
	int error;

	if (!context)
		return error_pointer(-ENOMEM);
	if (kind == VC_REGION_DEVICE)
		error = vc_region_create(system, start, size, &context->region);
	else if (kind == VC_REGION_IDENTITY)
		error = vc_region_create_identity(system, start, size, &context->region);
	else
		error = vc_region_create_cpu(system, 0, &context->region);
	if (!error)
		error = vc_region_info(context->region, &info);
	if (!error)
		error = link_devices(context, devices, n);
	if (error)
		return drop_context(context, error);
	context->public = (struct vcmx){info.first, info.last - info.first + 1};
	return &context->public;
}

struct vcmx *vcmx_create(struct vc_system *system, uint64_t start, uint64_t size, struct vc_device *const *devices,
			 size_t n)
{
	return create(system, VC_REGION_DEVICE, start, size, devices, n);
}

struct vcmx *vcmx_create_o2o(struct vc_system *system, uint64_t start, uint64_t size, struct vc_device *const *devices,
			     size_t n)
{
	return create(system, VC_REGION_IDENTITY, start, size, devices, n);
}

struct vcmx *vcmx_create_vmm(struct vc_system *system, struct vc_device *cpu)
{
	return create(system, VC_REGION_CPU, 0, 0, &cpu, 1);
}

struct vcmx *vcmx_create_slice(struct vcmx *of, uint64_t size, struct vc_device *const *devices, size_t n)
{
	struct context *whole = context_of(of), *context;
	struct vc_bound_info info;
	int error;

	if (whole->of)
		return error_pointer(vc_fail(-EINVAL, "", 0, "a slice is not cut again"));
	context = new_context(whole->system, whole->kind, n);
	if (!context)
		return error_pointer(-ENOMEM);
	context->region = whole->region;
	error = vc_bound_create(whole->region, size, 0, &context->bound);
	if (!error)
		error = vc_bound_info(context->bound, &info);
	if (!error)
		error = link_devices(context, devices, n);
	if (error) {
		context->region = NULL;
		return drop_context(context, error);
	}
	context->of = whole;
	pthread_mutex_lock(&whole->lock);
	whole->slices++;
	pthread_mutex_unlock(&whole->lock);
	context->public = (struct vcmx){info.address, info.bytes};
	return &context->public;
}

int vcmx_destroy(struct vcmx *vcm)
{
	struct context *context = context_of(vcm);
	bool busy;

	pthread_mutex_lock(&context->lock);
	busy = context->active || context->reservations || context->slices;
	pthread_mutex_unlock(&context->lock);
	if (busy)
		return vc_fail(-EBUSY, "", vcm->start, "the context is active, or has reservations or slices");
	while (context->n)
		vc_dissociate(context->links[--context->n]);
	if (context->of) {
		pthread_mutex_lock(&context->of->lock);
		context->of->slices--;
		pthread_mutex_unlock(&context->of->lock);
	}
	drop_context(context, 0);
	return 0;
}

int vcmx_activate(struct vcmx *vcm)
{
	struct context *context = context_of(vcm);
	size_t done = 0;
	int error = 0;

	/* Whoever comes second waits until the first one is through. */
	pthread_mutex_lock(&context->lock);
	while (!context->active && done < context->n && !error) {
		error = vc_activate(context->links[done]);
		done += !error;
	}
	while (error && done)
		vc_deactivate(context->links[--done]);
	if (!error)
		context->active++;
	pthread_mutex_unlock(&context->lock);
	return error;
}

int vcmx_deactivate(struct vcmx *vcm)
{
	struct context *context = context_of(vcm);
	int error = 0;

	pthread_mutex_lock(&context->lock);
	if (!context->active)
		error = vc_fail(-EINVAL, "", vcm->start, "the context is not active");
	else if (--context->active == 0)
		for (size_t i = context->n; i-- > 0;)
			vc_deactivate(context->links[i]);
	pthread_mutex_unlock(&context->lock);
	return error;
}

/* ----------------------------------------------------------------------------------------------------------- memory */

struct vcmx_phys *vcmx_alloc(struct vcmx *vcm, uint64_t size, unsigned int flags)
{
	const struct context *context = context_of(vcm);
	struct vc_phys_args args = {.bytes = size,
				    .contiguous = flags & VCMX_CONTIGUOUS || context->kind == VC_REGION_IDENTITY};
	struct vc_region_info info;
	struct memory *memory = NULL;
	struct vc_phys *phys;
	size_t n = 0;
	int error = vc_region_info(context->region, &info);

	if (flags & ~(unsigned int)VCMX_CONTIGUOUS)
		return error_pointer(vc_fail(-EINVAL, "", 0, "unknown flags 0x%x", flags));
	if (!error && info.page > VC_PAGE) {
		args.align = info.page;
		args.bytes = (size + info.page - 1) & ~(info.page - 1);
	}
	if (!error)
		error = vc_phys_alloc(context->system, &args, &phys);
	if (error)
		return error_pointer(error);
	vc_phys_export(phys, NULL, 0, &n);
	memory = vc_calloc(1, sizeof(*memory) + n * sizeof(memory->parts[0]));
	if (!memory) {
		vc_phys_free(phys);
		return error_pointer(vc_fail(-ENOMEM, "", 0, "no memory for a list of %zu parts", n));
	}
	vc_phys_export(phys, memory->parts, n, &n);
	memory->phys = phys;
	memory->public = (struct vcmx_phys){.size = args.bytes, .count = n, .parts = memory->parts};
	return &memory->public;
}

int vcmx_free(struct vcmx_phys *phys)
{
	int error = vc_phys_free(memory_of(phys)->phys);

	if (!error)
		free(memory_of(phys));
	return error;
}

/* ----------------------------------------------------------------------------------------------------- reservations */

struct vcmx_res *vcmx_reserve(struct vcmx *vcm, uint64_t size, unsigned int flags)
{
	struct context *context = context_of(vcm);
	struct vc_reserve_args args = {
		.bytes = size, .rights = flags, .cache = VC_WRITE_BACK_ALLOCATE, .bound = context->bound};
	struct binding *binding = vc_calloc(1, sizeof(*binding));
	struct vc_reservation_info info;
	int error;

	if (!binding)
		return error_pointer(vc_fail(-ENOMEM, "", 0, "no memory for a reservation"));
	error = vc_reserve(context->region, &args, &binding->reservation);
	if (!error)
		error = vc_reservation_info(binding->reservation, &info);
	if (error) {
		free(binding);
		return error_pointer(error);
	}
	binding->owners = 1;
	binding->public =
		(struct vcmx_res){.vcm = vcm, .start = info.placed ? info.address : 0, .res_size = info.bytes};
	pthread_mutex_lock(&context->lock);
	context->reservations++;
	pthread_mutex_unlock(&context->lock);
	return &binding->public;
}

int vcmx_ref_reserve(struct vcmx_res *res)
{
	struct context *context = context_of(res->vcm);

	pthread_mutex_lock(&context->lock);
	binding_of(res)->owners++;
	pthread_mutex_unlock(&context->lock);
	return 0;
}

int vcmx_unreserve(struct vcmx_res *res)
{
	struct context *context = context_of(res->vcm);
	struct binding *binding = binding_of(res);
	int error = 0;

	pthread_mutex_lock(&context->lock);
	if (binding->owners > 1) {
		binding->owners--;
		binding = NULL;
	} else {
		error = vc_unreserve(binding->reservation);
		context->reservations -= !error;
	}
	pthread_mutex_unlock(&context->lock);
	if (!error)
		free(binding);
	return error;
}

int vcmx_bind(struct vcmx_res *res, struct vcmx_phys *phys)
{
	struct binding *binding = binding_of(res);
	struct vc_reservation_info info = {0};
	int error;

	if (phys->size > res->res_size)
		return vc_fail(-ENOSPC, "", res->start, "the memory has more bytes than the reservation");
	error = vc_back(binding->reservation, memory_of(phys)->phys, VC_BACK_PARTIAL);
	if (!error)
		error = vc_reservation_info(binding->reservation, &info);
	if (!error) {
		res->phys = phys;
		res->bound_size = phys->size;
		res->start = info.address;
	}
	return error;
}

struct vcmx_phys *vcmx_unbind(struct vcmx_res *res)
{
	struct vcmx_phys *phys = res->phys;
	int error = vc_unback(binding_of(res)->reservation, 0);

	if (error)
		return error_pointer(error);
	res->phys = NULL;
	res->bound_size = 0;
	if (context_of(res->vcm)->kind == VC_REGION_IDENTITY)
		res->start = 0;
	return phys;
}

/* --------------------------------------------------------------------------------------------------------- together */

struct vcmx_res *vcmx_map(struct vcmx *vcm, struct vcmx_phys *phys, unsigned int flags)
{
	struct vcmx_res *res = vcmx_reserve(vcm, phys->size, flags);
	int error;

	if (vcmx_is_err(res))
		return res;
	error = vcmx_bind(res, phys);
	if (!error)
		return res;
	vcmx_unreserve(res);
	return error_pointer(error);
}

int vcmx_unmap(struct vcmx_res *res)
{
	struct vcmx_phys *phys = vcmx_unbind(res);

	return vcmx_is_err(phys) ? vcmx_ptr_err(phys) : vcmx_unreserve(res);
}

struct vcmx_res *vcmx_make_binding(struct vcmx *vcm, uint64_t size, unsigned int alloc_flags, unsigned int res_flags)
{
	struct vcmx_phys *phys = vcmx_alloc(vcm, size, alloc_flags);
	struct vcmx_res *res;

	if (vcmx_is_err(phys))
		return error_pointer(vcmx_ptr_err(phys));
	res = vcmx_map(vcm, phys, res_flags);
	if (vcmx_is_err(res))
		vcmx_free(phys);
	return res;
}

int vcmx_destroy_binding(struct vcmx_res *res)
{
	struct vcmx_phys *phys = res->phys;
	struct vc_phys_info info;
	int error;

	if (!phys)
		return vc_fail(-ENXIO, "", res->start, "no memory is bound to the reservation");
	/* Seen first, so that a refusal changes nothing. */
	error = vc_phys_info(memory_of(phys)->phys, &info);
	if (!error && info.reservations > 1)
		error = vc_fail(-EBUSY, "", res->start, "the memory is bound to %zu reservations", info.reservations);
	if (!error)
		error = vcmx_unmap(res);
	return error ? error : vcmx_free(phys);
}

int vcmx_reservation_in(const struct vcmx *vcm, const struct vcmx_res *res)
{
	if (res->vcm == vcm)
		return 1;
	return context_of(res->vcm)->region == context_of(vcm)->region ? 2 : 0;
}
