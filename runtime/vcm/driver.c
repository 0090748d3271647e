/* SPDX-License-Identifier: MIT */
/* driver.c - real hardware behind a device: it is told what the model of it is told, and its faults come back. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

int driver_load(const struct device *device)
{
	struct pt_register *registers;
	size_t n;
	int error;

	if (!device->driver)
		return 0;
	n = device_registers(device, NULL, 0);
	registers = vc_calloc(n, sizeof(*registers));
	if (!registers)
		return vc_fail_at("vc_activate", -ENOMEM, device->name, 0, "no memory for its register values");
	n = device_registers(device, registers, n);
	error = device->driver->load(device->driver_data, registers, n);
	free(registers);
	return error ? vc_fail_at("vc_activate", error, device->name, 0, "its driver refused: error %d", error) : 0;
}

void driver_block(const struct device *device)
{
	if (device->driver)
		device->driver->block(device->driver_data);
}

void driver_invalidate(const struct device *device, const struct pt_gather *gather)
{
	if (device->driver)
		device->driver->invalidate(device->driver_data, gather);
}

int vc_device_driver(struct vc_device *handle, const struct vc_driver *driver, void *data)
{
	struct device *device = object_get(OBJECT_DEVICE, handle, __func__);
	struct frozen frozen;
	int error = 0;

	if (!device)
		return -EINVAL;
	if (device->kind != VC_DEVICE_TRANSLATED)
		error = vc_fail(-EINVAL, device->name, 0, "it has no tables, so there is nothing to tell a driver");
	else if (driver && (!driver->load || !driver->block || !driver->invalidate))
		error = vc_fail(-EINVAL, device->name, 0, "a driver needs load, block and invalidate");
	/* Tables reach the driver through the device from under the locks of their regions. */
	if (!error)
		error = freeze(device->system, &frozen);
	if (!error) {
		const struct association *active =
			device->loaded[0].association ? device->loaded[0].association : device->loaded[1].association;

		pthread_rwlock_wrlock(&device->lock);
		if (active) {
			error = vc_fail(-EBUSY, device->name, 0, "it is active in region %u", active->region->number);
		} else {
			device->driver = driver;
			device->driver_data = data;
		}
		pthread_rwlock_unlock(&device->lock);
		thaw(&frozen);
	}
	object_put(&device->object);
	return error;
}
