/* SPDX-License-Identifier: MIT */
/* Drawings stay readable, whatever there is; what is wrong is red; and a part can be asked for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm64_s1.h"
#include "armv7_short.h"
#include "support/scene.h"
#include "test.h"
#include "vcm.h"
#include "x86_64.h"

static char *draw(const struct vc_dump_args *args)
{
	char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	CHECK_MSG(!vc_dump_dot_of(vcm_system(), args, stream), "%s", vc_error_string());
	fclose(stream);
	return text;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

#define N_DEVICES      100
#define N_RESERVATIONS 10000

/* A hundred IOMMUs and ten thousand reservations are a few boxes with counts. */
TEST(vcm_drawings, much_of_everything)
{
	static const struct pt_format *const formats[] = {&armv7_short_format, &arm64_s1_format, &x86_64_format};
	static struct res *res[N_RESERVATIONS];
	static struct physmem *memory[N_RESERVATIONS];
	static struct avcm *avcm[N_DEVICES];
	struct vcm *vcm;
	char *text;

	CHECK_EQ(vcm_sys_init(), 0);
	vcm = vcm_create(0, 1024 * M);
	for (int i = 0; i < N_RESERVATIONS; i++) {
		/* three kinds that take turns, one of them not backed */
		res[i] = vcm_reserve(vcm, i % 3 ? 4 * K : 8 * K, i % 3 == 2 ? VCM_READ : 0);
		CHECK(res[i]);
		if (i % 3 == 0)
			continue;
		memory[i] = vcm_map_phys_addr(0x10000000 + (vcm_paddr_t)i * 4096, 4 * K);
		CHECK_MSG(!vcm_back(res[i], memory[i]), "%s", vc_error_string());
	}
	for (int i = 0; i < N_DEVICES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "engine%d", i);
		avcm[i] = scene_join(vcm, scene_device(name, formats[i % 3], VC_DEVICE_TRANSLATED));
	}
	text = draw(NULL);
	CHECK(count(text, "\n") < 250);
	CHECK(strlen(text) < 60000);
	CHECK_EQ(count(text, "(34)</td>") + count(text, "(33)</td>"), 3); /* devices by what they have in common */
	CHECK(strstr(text, "10000 reservations"));
	CHECK(strstr(text, "6666 allocations")); /* memory by where it is from */
	CHECK(strstr(text, "250 in "));		 /* reservations in parts of the same number */
	CHECK(!strstr(text, "#c53030"));
	free(text);
	/* the same with more room */
	text = draw(&(struct vc_dump_args){.rows = 20000});
	CHECK(count(text, "0x") > N_RESERVATIONS);
	free(text);
	for (int i = 0; i < N_DEVICES; i++)
		scene_leave(avcm[i]);
	for (int i = 0; i < N_RESERVATIONS; i++) {
		if (memory[i])
			CHECK_EQ(vcm_unback(res[i]) | vcm_phys_free(memory[i]), 0);
		CHECK_EQ(vcm_unreserve(res[i]), 0);
	}
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

TEST(vcm_drawings, a_part_of_it)
{
	struct vc_region_info info;
	struct physmem *memory[2];
	struct device *device[2];
	struct avcm *avcm[2];
	struct vcm *vcm[2];
	struct res *res[2];
	char *text;

	CHECK_EQ(vcm_sys_init(), 0);
	for (int i = 0; i < 2; i++) {
		device[i] = scene_device(i ? "right" : "left", &arm64_s1_format, VC_DEVICE_TRANSLATED);
		vcm[i] = vcm_create(0, 64 * M);
		avcm[i] = scene_join(vcm[i], device[i]);
		memory[i] = vcm_phys_alloc(VCM_MEMTYPE_0, i ? 64 * K : M, 0);
		res[i] = vcm_reserve(vcm[i], i ? 64 * K : M, 0);
		CHECK_EQ(vcm_back(res[i], memory[i]), 0);
	}
	text = draw(&(struct vc_dump_args){.device = vcm_device(device[0])});
	CHECK(strstr(text, "<b>left</b>"));
	CHECK(strstr(text, "1M blocks"));
	CHECK(!strstr(text, "<b>right</b>"));
	CHECK(!strstr(text, "64K blocks"));
	free(text);
	CHECK_EQ(vc_region_info(vcm_region(vcm[1]), &info), 0);
	text = draw(&(struct vc_dump_args){.region = info.number});
	CHECK(!strstr(text, "<b>left</b>"));
	CHECK(strstr(text, "<b>right</b>"));
	free(text);
	CHECK_EQ(vc_dump_dot_of(vcm_system(), &(struct vc_dump_args){.region = 77}, stderr), -ENOENT);
	CHECK_EQ(vc_dump_dot_of(vcm_system(), NULL, NULL), -EINVAL);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(vcm_unback(res[i]) | vcm_unreserve(res[i]) | vcm_phys_free(memory[i]), 0);
		scene_leave(avcm[i]);
		CHECK_EQ(vcm_free(vcm[i]), 0);
	}
	CHECK_EQ(vcm_sys_destroy(), 0);
}

/* A table that is not what the list says is red, and its box says what is wrong first. */
TEST(vcm_drawings, what_is_wrong_is_red)
{
	struct vc_fault walk;
	struct physmem *memory;
	struct device *device;
	unsigned char *entry;
	struct avcm *avcm;
	struct vcm *vcm;
	struct res *res;
	uint64_t good;
	char *text;

	CHECK_EQ(vcm_sys_init(), 0);
	device = scene_device("gpu", &x86_64_format, VC_DEVICE_TRANSLATED);
	vcm = vcm_create(0, 64 * M);
	avcm = scene_join(vcm, device);
	memory = vcm_phys_alloc(VCM_MEMTYPE_0, 4 * K, VCM_4KB);
	res = vcm_reserve(vcm, 4 * K, 0);
	CHECK_EQ(vcm_back(res, memory), 0);
	text = draw(NULL);
	CHECK(!strstr(text, "#c53030"));
	free(text);
	CHECK_EQ(vc_device_translate(vcm_device(device), vcm_get_dev_addr(res), PT_ACCESS_READ | PT_ACCESS_PRIV, NULL,
				     &walk),
		 0);
	CHECK_EQ(vc_system_memory(vcm_system(), walk.walk.step[walk.walk.n_steps - 1].entry_pa, 8, &entry), 0);
	memcpy(&good, entry, 8);
	entry[2] ^= 0x10; /* another page */
	text = draw(NULL);
	CHECK(strstr(text, "#c53030"));
	CHECK(strstr(text, "is not what the list says"));
	CHECK(strstr(text, "0x0 leads to"));
	free(text);
	memcpy(entry, &good, 8);
	CHECK_EQ(vcm_unback(res) | vcm_unreserve(res) | vcm_phys_free(memory), 0);
	scene_leave(avcm);
	CHECK_EQ(vcm_free(vcm), 0);
	CHECK_EQ(vcm_sys_destroy(), 0);
}

static unsigned int countdown;

static bool count_down(void *ctx, const char *what)
{
	(void)ctx;
	(void)what;
	return countdown == 0 || --countdown > 0;
}

TEST(vcm_drawings, without_memory)
{
	FILE *stream = fopen("/dev/null", "w");
	int error = -1;

	CHECK_EQ(vcm_sys_init(), 0);
	CHECK(stream);
	for (unsigned int at = 1; error; at++) {
		countdown = at;
		vc_set_allocation_hook(count_down, NULL);
		error = vcm_dump_dot(stream);
		vc_set_allocation_hook(NULL, NULL);
		CHECK(!error || error == -ENOMEM);
	}
	fclose(stream);
	stream = fopen("/dev/full", "w");
	CHECK_EQ(vcm_dump_dot(stream), -EIO);
	fclose(stream);
	CHECK_EQ(vcm_sys_destroy(), 0);
}
