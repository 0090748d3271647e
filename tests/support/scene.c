/* SPDX-License-Identifier: MIT */
/* scene.c - see scene.h. */
#include "support/scene.h"

#include <stdio.h>

#include "arm64_s1.h"
#include "armv7_short.h"
#include "test.h"

struct device *scene_device(const char *name, const struct pt_format *format, enum vc_device_kind kind)
{
	struct vc_device_config config = {.name = name, .kind = kind, .format = format, .allow_wider = true};
	struct vc_device *device;

	CHECK_MSG(!vc_device_create(vcm_system(), &config, &device), "%s", vc_error_string());
	return (struct device *)device;
}

struct device *scene_decoder(void)
{
	return scene_device("decoder", &armv7_short_format, VC_DEVICE_TRANSLATED);
}

struct device *scene_display(void)
{
	return scene_device("display", &arm64_s1_format, VC_DEVICE_TRANSLATED);
}

struct device *scene_cpu(void)
{
	return scene_device("cpu", NULL, VC_DEVICE_CPU);
}

struct avcm *scene_join(struct vcm *vcm, struct device *device)
{
	struct avcm *avcm = vcm_assoc(vcm, device, 0);

	CHECK_MSG(avcm, "%s", vc_error_string());
	CHECK_MSG(!vcm_activate(avcm), "%s", vc_error_string());
	return avcm;
}

void scene_leave(struct avcm *avcm)
{
	CHECK_EQ(vcm_deactivate(avcm), 0);
	CHECK_EQ(vcm_deassoc(avcm), 0);
}

unsigned int scene_read(struct device *device, vcm_addr_t address)
{
	uint32_t value = 0;
	int error = vc_device_read(vcm_device(device), address, &value, sizeof(value), PT_ACCESS_PRIV, NULL);

	return error ? SCENE_FAULT : value;
}

bool scene_write(struct device *device, vcm_addr_t address, uint32_t value)
{
	return !vc_device_write(vcm_device(device), address, &value, sizeof(value), PT_ACCESS_PRIV, NULL);
}

void scene_check(struct vcm *vcm)
{
	CHECK_EQ(vcm_check(vcm, stderr), 0);
}
