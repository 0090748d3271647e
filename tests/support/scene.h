/* SPDX-License-Identifier: MIT */
/* scene.h - what tests of the VCM runtime say again and again: devices, joining a region, accesses. */
#ifndef TESTS_SUPPORT_SCENE_H
#define TESTS_SUPPORT_SCENE_H

#include "vcm.h"

#define K ((size_t)1 << 10)
#define M ((size_t)1 << 20)

/* What scene_read() gives where the access faults. */
#define SCENE_FAULT 0xdeadU

/* A device of the system of this process; what a format cannot withhold is granted. */
struct device *scene_device(const char *name, const struct pt_format *format, enum vc_device_kind kind);
/* The three that most scenes have: short descriptors, 64-bit tables, and the CPU. */
struct device *scene_decoder(void);
struct device *scene_display(void);
struct device *scene_cpu(void);
/* Associate and activate; deactivate and dissociate. */
struct avcm *scene_join(struct vcm *vcm, struct device *device);
void scene_leave(struct avcm *avcm);
/* 32 bits, as a privileged access. scene_write: false where it faults. */
unsigned int scene_read(struct device *device, vcm_addr_t address);
bool scene_write(struct device *device, vcm_addr_t address, uint32_t value);
/* The tables of the region are what its list says. */
void scene_check(struct vcm *vcm);

#endif
