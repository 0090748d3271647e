/* SPDX-License-Identifier: MIT */
/* version.h - which version the programs are of; they have that of the compiler. */
#ifndef TOOLS_COMMON_VERSION_H
#define TOOLS_COMMON_VERSION_H

extern const char tools_version[];

#endif
