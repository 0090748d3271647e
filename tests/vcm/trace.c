/* SPDX-License-Identifier: MIT */
/* What vc_trace() writes down, and what not. Replaying is tests/run-vcmrun's. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm64_s1.h"
#include "armv7_short.h"
#include "support/scene.h"
#include "test.h"
#include "vcm.h"

/* The lines of a trace as an array. */
static json_t *lines_of(char *text)
{
	json_t *array = json_array();

	for (char *at = strtok(text, "\n"); at; at = strtok(NULL, "\n")) {
		json_t *line = json_loads(at, JSON_REJECT_DUPLICATES, NULL);

		CHECK_MSG(line, "no JSON: %s", at);
		json_array_append_new(array, line);
	}
	return array;
}

static const char *text_in(const json_t *lines, size_t i, const char *key)
{
	const char *text = json_string_value(json_object_get(json_array_get(lines, i), key));

	return text ? text : "";
}

static int result_in(const json_t *lines, size_t i)
{
	return (int)json_integer_value(json_object_get(json_array_get(lines, i), "result"));
}

/* Calls of the API of 2010 are those of the core behind them, one each, failures with their reason. */
TEST(vcm_trace, calls_are_written_down)
{
	static const char *const expected[] = {
		"vc_system_create", "vc_device_create", "vc_region_create", "vc_associate", "vc_activate",
		"vc_phys_alloc",    "vc_reserve",	"vc_back",	    "vc_back",	    "vc_device_write",
		"vc_device_read",   "vc_device_read",	"vc_phys_free",	    "vc_unback"};
	struct physmem *memory;
	struct device *device;
	struct vcm *vcm;
	struct avcm *avcm;
	struct res *res;
	char *text = NULL;
	size_t length;
	json_t *lines;
	FILE *stream = open_memstream(&text, &length);

	CHECK_EQ(vc_trace(stream), 0);
	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_device("display", &arm64_s1_format, VC_DEVICE_TRANSLATED);
	vcm = vcm_create(0, 64 * M);
	avcm = scene_join(vcm, device);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 64 * K, VCM_64KB);
	res = vcm_reserve(vcm, 64 * K, 0);
	CHECK_EQ(vcm_back(res, memory), 0);
	CHECK_EQ(vcm_back(res, memory), -EALREADY);
	CHECK(scene_write(device, vcm_get_dev_addr(res) + 4, 0x04030201));
	CHECK_EQ(scene_read(device, vcm_get_dev_addr(res) + 4), 0x04030201);
	CHECK_EQ(scene_read(device, 32 * M), SCENE_FAULT);
	CHECK_EQ(vcm_phys_free(memory), -EBUSY);
	CHECK_EQ(vcm_unback(res), 0);
	CHECK_EQ(vc_trace(NULL), 0);
	/* from here on nothing is */
	CHECK_EQ(vcm_phys_free(memory) | vcm_unreserve(res), 0);
	scene_leave(avcm);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
	fclose(stream);

	lines = lines_of(text);
	free(text);
	CHECK_EQ(json_array_size(lines), sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < json_array_size(lines); i++) {
		CHECK_STR_EQ(text_in(lines, i, "call"), expected[i]);
		CHECK_EQ(json_integer_value(json_object_get(json_array_get(lines, i), "n")), i);
	}
	CHECK_EQ(result_in(lines, 7), 0);
	CHECK_STR_EQ(text_in(lines, 7, "memory"), text_in(lines, 5, "out"));
	CHECK_STR_EQ(text_in(lines, 7, "reservation"), text_in(lines, 6, "out"));
	CHECK_EQ(result_in(lines, 8), -EALREADY);
	CHECK_STR_EQ(text_in(lines, 8, "reason"), "it is backed by that memory");
	CHECK_STR_EQ(text_in(lines, 9, "data"), "01020304");
	CHECK_EQ(result_in(lines, 11), -EFAULT);
	CHECK_STR_EQ(text_in(lines, 11, "failed_at"), "0x2000000");
	json_decref(lines);
}

/* ------------------------------------------------------------------------------------------------ what handlers call
 */

/* One page of memory for two: a fault takes it from the other. */
struct pager {
	struct res *page[2];
	struct physmem *memory;
	struct device *other;
	vcm_addr_t somewhere;
	unsigned int calls;
};

static int page_in(struct device *device, void *data, void *fault_data)
{
	const struct vc_fault *fault = fault_data;
	struct pager *pager = data;
	unsigned int which = fault->address >= vcm_get_dev_addr(pager->page[1]);

	(void)device;
	pager->calls++;
	if (fault->address >= vcm_get_dev_addr(pager->page[1]) + 4 * K)
		return -EFAULT;
	/* The other device faults too, within this handler. */
	if (pager->other)
		CHECK_EQ(scene_read(pager->other, pager->somewhere), 0);
	vcm_unback(pager->page[!which]);
	return vcm_back(pager->page[which], pager->memory);
}

static int map_somewhere(struct device *device, void *data, void *fault_data)
{
	(void)device, (void)fault_data;
	return vcm_back(data, vcm_phys_alloc(VCM_MEMTYPE_0, 4 * K, 0));
}

/*
 * Calls of handlers are told from those before the access, and tests/run-vcmrun replays them: VCM_TRACE_FILE is where
 * it wants the trace. Nothing of it comes out right unless they are done in handlers again, in this order.
 */
TEST(vcm_trace, handlers_are_written_down)
{
	struct pager pager = {.calls = 0};
	struct device *device, *other;
	struct physmem *memory;
	struct vcm *vcm, *elsewhere;
	struct avcm *avcm, *second;
	struct res *res;
	char *text = NULL;
	const char *keep = getenv("VCM_TRACE_FILE");
	unsigned char buffer[8], pattern[8] = "together";
	size_t length, inside = 0, handlers = 0, ids = 0;
	json_t *lines;
	FILE *stream = open_memstream(&text, &length), *file;

	CHECK_EQ(vc_trace(stream), 0);
	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_device("display", &arm64_s1_format, VC_DEVICE_TRANSLATED);
	other = scene_device("decoder", &armv7_short_format, VC_DEVICE_TRANSLATED);
	vcm = vcm_create(0, 64 * M);
	elsewhere = vcm_create(0, 64 * M);
	avcm = scene_join(vcm, device);
	second = scene_join(elsewhere, other);
	pager.page[0] = vcm_reserve(vcm, 4 * K, 0);
	pager.page[1] = vcm_reserve(vcm, 4 * K, 0);
	pager.memory = vcm_phys_alloc(VCM_MEMTYPE_0, 4 * K, 0);
	pager.other = other;
	res = vcm_reserve(elsewhere, 4 * K, 0);
	pager.somewhere = vcm_get_dev_addr(res);
	CHECK_EQ(vcm_hook(device, page_in, &pager), 0);
	CHECK_EQ(vcm_hook(other, map_somewhere, res), 0);
	/* Across both pages: the one behind the first bytes is taken away for the last ones. */
	CHECK_EQ(vc_device_write(vcm_device(device), vcm_get_dev_addr(pager.page[1]) - 4, pattern, 8, 0, NULL), 0);
	CHECK_EQ(pager.calls, 2);
	CHECK_EQ(vc_device_read(vcm_device(device), vcm_get_dev_addr(pager.page[1]) - 4, buffer, 8, 0, NULL), 0);
	CHECK(!memcmp(buffer, pattern, 8));
	CHECK_EQ(pager.calls, 4);
	CHECK_EQ(scene_read(device, vcm_get_dev_addr(pager.page[1]) + 4 * K), SCENE_FAULT);
	CHECK_EQ(vcm_hook(device, NULL, NULL), 0);
	CHECK_EQ(scene_read(device, vcm_get_dev_addr(pager.page[0])), SCENE_FAULT);
	CHECK_EQ(vc_trace(NULL), 0);
	memory = vcm_get_physmem_from_res(res);
	CHECK_EQ(vcm_unback(pager.page[1]) | vcm_unback(res) | vcm_phys_free(pager.memory) | vcm_phys_free(memory), 0);
	CHECK_EQ(vcm_unreserve(pager.page[0]) | vcm_unreserve(pager.page[1]) | vcm_unreserve(res), 0);
	scene_leave(avcm);
	scene_leave(second);
	CHECK_EQ(vcm_free(vcm) | vcm_free(elsewhere), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
	fclose(stream);
	file = keep ? fopen(keep, "w") : NULL;
	if (file) {
		CHECK_EQ(fwrite(text, 1, length, file), length);
		CHECK_EQ(fclose(file), 0);
	}
	lines = lines_of(text);
	free(text);
	for (size_t i = 0; i < json_array_size(lines); i++) {
		inside += *text_in(lines, i, "inside") != 0;
		handlers += !strcmp(text_in(lines, i, "call"), "vc_fault_handler");
		ids += *text_in(lines, i, "id") != 0;
	}
	/* Three accesses, and the one of the other device that faulted within the first of their handlers. */
	CHECK_EQ(handlers, 6);
	CHECK_EQ(ids, 4);
	CHECK_MSG(inside > handlers, "%zu lines inside", inside);
	json_decref(lines);
}

/* Messages name the function that was called, not the one behind it. */
TEST(vcm_trace, messages_name_what_was_called)
{
	CHECK_EQ(vc_unreserve(NULL), -EINVAL);
	CHECK_STR_EQ(vc_last_error()->function, "vc_unreserve");
	CHECK(!strncmp(vc_error_string(), "vc_unreserve: ", 14));
}

TEST(vcm_trace, lines_that_are_lost_are_told)
{
	FILE *stream = fopen("/dev/full", "w");

	CHECK(stream);
	CHECK_EQ(vc_trace(stream), 0);
	CHECK_EQ(vcm_sys_init(), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
	CHECK_EQ(vc_trace(NULL), -EIO);
	CHECK_EQ(vc_trace(NULL), 0);
	fclose(stream);
}
