/* SPDX-License-Identifier: MIT */
/*
 * x86_64.S - firmware that walks foreign page tables on request: 64-bit mode, its own code and data in a window.
 *
 * The image is the last 64 KiB below 4 GiB; the test puts a jump to its first byte at the reset vector. It starts with
 * tables of the test's (boot), moves into the window, and serves operations for ever. In the window (an otherwise
 * unused slot of the root) are three pages of 2 MiB: this image for the supervisor, the first 2 MiB of memory with the
 * mailbox, and this image again for user code.
 */
	.set	MAILBOX, 0x100000
	.set	BOOT_CR3, 0x20
	.set	CR3, 0x28
	.set	CR4, 0x30
	.set	EFER, 0x38
	.set	CR0, 0x40
	.set	ROM, 0x48		/* this image in the window */
	.set	MAIL, 0x50		/* the mailbox in the window */
	.set	USER_ROM, 0x58		/* this image for user code */
	.set	STACK, 0x60
	.set	GDT, 0x80		/* limit and base, 10 bytes */
	.set	IDT, 0x90
	.set	LIST, 0x1000		/* operations of 64 bytes: */
	.set	OP, 0
	.set	ADDRESS, 8
	.set	VALUE, 16
	.set	CODE, 24		/* 0, or the vector of the exception */
	.set	RESULT, 32
	.set	ERROR, 40
	.set	CR2, 48
	.set	BASE, 0xffff0000

	.text
	.globl	_start
_start:
	.code16
	cli
	lgdtl	%cs:(gdt_pointer - _start)
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmpl	$8, $(BASE + protected - _start)

	.code32
protected:
	mov	$16, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$MAILBOX, %ebx
	mov	CR4(%ebx), %eax
	mov	%eax, %cr4
	mov	BOOT_CR3(%ebx), %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx	/* EFER */
	mov	EFER(%ebx), %eax
	xor	%edx, %edx
	wrmsr
	mov	CR0(%ebx), %eax
	mov	%eax, %cr0
	ljmpl	$24, $(BASE + long_mode - _start)

	.code64
long_mode:
	mov	ROM(%rbx), %rax
	add	$(in_window - _start), %rax
	mov	MAIL(%rbx), %rbx
	jmp	*%rax
in_window:
	mov	STACK(%rbx), %rsp
	lgdt	GDT(%rbx)
	lidt	IDT(%rbx)
	mov	$0x30, %ax		/* task state: where ring 0 has its stack */
	ltr	%ax
	mov	CR3(%rbx), %rax
	mov	%rax, %cr3
	jmp	idle

next:
	mov	OP(%rbp), %eax
	mov	ADDRESS(%rbp), %rdi
	mov	VALUE(%rbp), %rsi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	cmp	$8, %eax
	je	flush_address
	cmp	$9, %eax
	je	flush_all
	cmp	$4, %eax
	jae	user
	cmp	$1, %eax
	je	write
	ja	execute
	mov	(%rdi), %rax
	jmp	trapped
write:
	mov	%rsi, (%rdi)
	jmp	trapped
execute:
	jmp	*%rdi			/* there: mov $token, %eax; int $0x80 */
flush_address:
	invlpg	(%rdi)
	jmp	trapped
flush_all:
	mov	%cr3, %rax
	mov	%rax, %cr3
	mov	%cr4, %rax		/* changing PGE drops global entries, too */
	xor	$0x80, %al
	mov	%rax, %cr4
	xor	$0x80, %al
	mov	%rax, %cr4
	jmp	trapped

/* 4, 5, 6: the same in ring 3, by a return from an interrupt that never was. */
user:
	mov	USER_ROM(%rbx), %rdx
	cmp	$6, %eax
	cmove	%rdi, %rdx
	je	1f
	cmp	$5, %eax
	lea	user_read - _start(%rdx), %rdx
	jne	1f
	add	$(user_write - user_read), %rdx
1:	push	$0x2b			/* ss, rsp, rflags, cs, rip */
	push	$0
	push	$2
	push	$0x23
	push	%rdx
	iretq
user_read:
	mov	(%rdi), %rax
	int	$0x80
user_write:
	mov	%rsi, (%rdi)
	int	$0x80

/* All ends here: r9 the vector, r8 the error code. */
trapped:
	mov	%rax, RESULT(%rbp)
	mov	%r9, CODE(%rbp)
	mov	%r8, ERROR(%rbp)
	mov	%cr2, %rax
	mov	%rax, CR2(%rbp)
	mov	STACK(%rbx), %rsp
	add	$64, %rbp
	dec	%rcx
	jnz	next
done:
	mov	(%rbx), %rax
	mov	%rax, 8(%rbx)
idle:
	pause
	mov	(%rbx), %rax
	cmp	%rax, 8(%rbx)
	je	idle
	mov	16(%rbx), %rcx
	lea	LIST(%rbx), %rbp
	jmp	next

	.balign	8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* 0x08: 32-bit code */
	.quad	0x00cf93000000ffff	/* 0x10: data */
	.quad	0x00af9b000000ffff	/* 0x18: 64-bit code */
gdt_pointer:
	.word	31
	.long	BASE + gdt - _start

/* Vector n comes to 0x800 + 16 n; 32 stands for int $0x80. Those of the set push an error code. */
	.org	0x800
	.set	vector, 0
	.rept	33
	.balign	16
	.if	(1 << vector) & 0x227d00
	pop	%r8
	.else
	xor	%r8d, %r8d
	.endif
	.if	vector == 32
	xor	%r9d, %r9d
	.else
	mov	$vector, %r9d
	.endif
	jmp	trapped
	.set	vector, vector + 1
	.endr
