/* SPDX-License-Identifier: MIT */
/*
 * riscv64.S - firmware in machine mode that walks foreign tables on request: loads and stores with the privilege of S or U
 * (MPRV), fetches by a return into the page. Machine mode itself is never translated.
 */
	.set	BASE, 0x80000000
	.set	MAILBOX, 0x80200000
	.set	SATP, 0x20
	.set	LIST, 0x1000

	.option	norelax
	.option	norvc
	.text
	.globl	_start
_start:
	li	t0, -1			/* all memory is open to everybody */
	csrw	pmpaddr0, t0
	li	t0, 0x1f
	csrw	pmpcfg0, t0
	li	t0, BASE + 0x200	/* trap */
	csrw	mtvec, t0
	li	s0, MAILBOX
	j	idle

next:
	lw	a3, 0(s1)
	ld	a1, 8(s1)
	ld	a2, 16(s1)
	li	a0, 0
	li	a4, 0
	li	a5, 0
	li	t0, 8
	beq	a3, t0, flush_address
	bgt	a3, t0, flush_all
	li	t0, 3 << 11		/* MPP, SUM, MPRV */
	csrc	mstatus, t0
	li	t0, 1 << 18 | 1 << 11
	andi	t1, a3, 4
	beqz	t1, 1f
	li	t0, 1 << 18
1:	csrs	mstatus, t0
	li	t2, 1 << 17
	andi	a3, a3, 3
	li	t0, 1
	beq	a3, t0, write
	bgt	a3, t0, execute
	csrs	mstatus, t2
	ld	a0, 0(a1)
	csrc	mstatus, t2
	j	store
write:
	csrs	mstatus, t2
	sd	a2, 0(a1)
	csrc	mstatus, t2
	j	store
execute:
	csrw	mepc, a1		/* there: lui a0, token; ecall */
	mret
flush_address:
	sfence.vma a1, zero
	j	store
flush_all:
	ld	t0, SATP(s0)
	csrw	satp, t0
	sfence.vma
	j	store

	.org	0x200
trap:
	li	t2, 1 << 17
	csrc	mstatus, t2
	csrr	a4, mcause
	csrr	a5, mtval
	addi	a4, a4, 1		/* a cause may be 0 */
	li	t0, 9			/* environment calls from U and from S: it was fetched */
	beq	a4, t0, 2f
	li	t0, 10
	bne	a4, t0, store
2:	li	a4, 0
	srli	a0, a0, 12
store:
	sd	a4, 24(s1)
	sd	a0, 32(s1)
	sd	a5, 40(s1)
	addi	s1, s1, 64
	addi	s2, s2, -1
	bnez	s2, next
	ld	t0, 0(s0)
	fence
	sd	t0, 8(s0)
idle:
	ld	t0, 0(s0)
	ld	t1, 8(s0)
	beq	t0, t1, idle
	fence
	ld	s2, 16(s0)
	li	t0, LIST
	add	s1, s0, t0
	j	next
