/* SPDX-License-Identifier: MIT */
/*
 * s390x.S - a program that walks foreign tables on request: MOVE WITH OPTIONAL SPECIFICATIONS from and to the secondary
 * address space, which is the one under test (control register 7). The program itself runs in the primary address
 * space, which is a real space: its addresses are those of the memory.
 */
	.set	MAILBOX, 0x100000
	.set	ASCE, 0x20
	.set	LIST, 0x1000		/* operations of 64 bytes: */
	.set	OP, 0
	.set	ADDRESS, 8
	.set	VALUE, 16
	.set	CODE, 24		/* 0, or the program interruption code */
	.set	RESULT, 32
	.set	DETAIL, 40		/* translation-exception identification */
	.set	SECONDARY, 0x81		/* of an operand: the secondary space, and that this is said */
	.set	PROGRAM_CODE, 0x8e
	.set	EXCEPTION_ID, 0xa8
	.set	PROGRAM_NEW_PSW, 0x1d0

	.machine z13
	.text
	.globl	_start
_start:
	sam64
	llilf	%r12, MAILBOX
	larl	%r13, values
	mvc	PROGRAM_NEW_PSW(16), trap_psw - values(%r13)
	lctlg	%c0, %c0, cr0 - values(%r13)
	lctlg	%c1, %c1, cr1 - values(%r13)
	lpswe	start_psw - values(%r13)

next:
	l	%r3, OP(%r11)
	lg	%r1, ADDRESS(%r11)
	lghi	%r4, 0
	lghi	%r5, 8
	lghi	%r6, 0
	stg	%r6, RESULT(%r11)
	chi	%r3, 10
	je	load
	chi	%r3, 8
	jhe	flush
	nill	%r3, 3
	chi	%r3, 1
	je	write
	llilf	%r0, SECONDARY		/* of the source */
	mvcos	RESULT(%r11), 0(%r1), %r5
	j	store
write:
	llilf	%r0, SECONDARY << 16	/* of the destination */
	mvcos	0(%r1), VALUE(%r11), %r5
	j	store
load:
	lctlg	%c7, %c7, ASCE(%r12)
flush:
	ptlb
	j	store

trap:
	llgh	%r4, PROGRAM_CODE
	lg	%r6, EXCEPTION_ID
store:
	stg	%r4, CODE(%r11)
	stg	%r6, DETAIL(%r11)
	la	%r11, 64(%r11)
	brctg	%r10, next
	lg	%r2, 0(%r12)
	bcr	15, %r0			/* all stores before this one */
	stg	%r2, 8(%r12)
idle:
	lg	%r2, 0(%r12)
	cg	%r2, 8(%r12)
	je	idle
	bcr	15, %r0
	lg	%r10, 16(%r12)
	lay	%r11, LIST(%r12)
	j	next

	.balign	16
values:
cr0:	.quad	0x0000000004000000	/* secondary-space control */
cr1:	.quad	0x20			/* a real space */
start_psw:
	.quad	0x0400000180000000	/* translation on, 64-bit addresses */
	.quad	idle
trap_psw:
	.quad	0x0400000180000000
	.quad	trap
