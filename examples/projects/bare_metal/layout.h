/* SPDX-License-Identifier: MIT */
/* layout.h - where things are: for C, for assembly, for the linker, and for the script of `pttool build`. */
#ifndef LAYOUT_H
#define LAYOUT_H

#define TEXT	    0x40080000
#define TEXT_SIZE   0x10000
#define RODATA	    0x40090000
#define RODATA_SIZE 0x10000
#define DATA	    0x400a0000
#define DATA_SIZE   0x20000
#define TABLES	    0x400c0000 /* what `pttool build` made */
#define TABLES_SIZE 0x10000

#define UART	  0x09000000
#define UART_SIZE 0x1000

/* Addresses that are not where the memory is. */
#define WINDOW	   0x7f00000000
#define HUGE	   0x7f40000000
#define HUGE_FRAME 0x40200000
#define HUGE_SIZE  0x400000

/* A page that no table maps. */
#define HOLE 0x50000000

#endif
