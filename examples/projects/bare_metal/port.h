/* SPDX-License-Identifier: MIT */
/*
 * port.h - what runtime/pt.h leaves to a port; the Makefile includes it before anything else.
 *
 * The other bus master is the MMU of this CPU: its walks see an entry after the stores before it are done, and the
 * instructions behind it then see the new translation.
 */
#define PT_WMB_DEVICE() __asm__ volatile("dsb ishst\n\tisb" ::: "memory")
