/* SPDX-License-Identifier: MIT */
/*
 * io_pgtable.h - a generated format in the shape of Linux's io-pgtable library: drivers that are written against
 * struct io_pgtable_ops get their tables from ptgen. README.md has what stands for what, one by one.
 */
#ifndef IO_PGTABLE_H
#define IO_PGTABLE_H

#include "linux_iommu.h"
#include "pt.h"

/*
 * Makes an empty table, as alloc_io_pgtable_ops(fmt, cfg, cookie) does.
 *
 * format   a generated format, &F_format
 * config   what the kernel says with fmt and quirks, as parameters of the format; NULL: its defaults. Not kept.
 * cfg      as in the kernel: pgsize_bitmap (0: all sizes), coherent_walk, tlb, iommu_dev, and alloc and free, which go
 *          together, are read; ias, where it is not 0, must be what the configuration has. It comes back with
 *          pgsize_bitmap and ias of the table; oas is up to the configuration. Must outlive the table.
 * cookie   what the functions of cfg are called with
 *
 * NULL: the configuration is refused, or there is no memory.
 */
struct io_pgtable_ops *ptgen_alloc_io_pgtable_ops(const struct pt_format *format, const struct pt_config *config,
						  struct io_pgtable_cfg *cfg, void *cookie);

/* As free_io_pgtable_ops(): invalidates all and frees the tables. Nothing may walk or use the table any more. */
void ptgen_free_io_pgtable_ops(struct io_pgtable_ops *ops);

/*
 * The values of the control registers and context entries, in the place of arm_lpae_s1_cfg and its kin: at most n;
 * returns how many there are.
 */
size_t ptgen_io_pgtable_registers(struct io_pgtable_ops *ops, struct pt_register *registers, size_t n);

#endif
