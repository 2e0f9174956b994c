/* SPDX-License-Identifier: MPL-2.0 */
/*
 * dlsym(handle, name), dlvsym(handle, name, version): see symbols.c. What is not for the tap jumps
 * on to the next function, which looks at its return address.
 */
#ifdef __CET__
#include <cet.h>
#else
#define _CET_ENDBR
#endif

    .text
    .macro stand_before name, real, resolve, find
    .globl \name
    .type \name, @function
    .p2align 4
\name:
    .cfi_startproc
    _CET_ENDBR
    testq %rsi, %rsi
    je 1f
    cmpb $'z', (%rsi)
    jne 1f
    cmpb $'m', 1(%rsi)
    jne 1f
    cmpb $'q', 2(%rsi)
    jne 1f
    cmpb $'_', 3(%rsi)
    jne 1f
    leaq 1(%rdi), %rax  /* RTLD_DEFAULT is 0, RTLD_NEXT -1 */
    cmpq $1, %rax
    ja \find
1:  movq \real(%rip), %rax
    testq %rax, %rax
    je 2f
    jmp *%rax
2:  pushq %rdi
    .cfi_adjust_cfa_offset 8
    pushq %rsi
    .cfi_adjust_cfa_offset 8
    pushq %rdx
    .cfi_adjust_cfa_offset 8
    call \resolve
    popq %rdx
    .cfi_adjust_cfa_offset -8
    popq %rsi
    .cfi_adjust_cfa_offset -8
    popq %rdi
    .cfi_adjust_cfa_offset -8
    jmp *%rax
    .cfi_endproc
    .size \name, . - \name
    .hidden \real
    .hidden \resolve
    .hidden \find
    .endm

    stand_before dlsym, symbols_real_dlsym, symbols_resolve_dlsym, symbols_find
    stand_before dlvsym, symbols_real_dlvsym, symbols_resolve_dlvsym, symbols_find_version

    .section .note.GNU-stack, "", @progbits
