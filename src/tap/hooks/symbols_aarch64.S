/* SPDX-License-Identifier: MPL-2.0 */
/*
 * dlsym(handle, name), dlvsym(handle, name, version): see symbols.c. What is not for the tap jumps
 * on to the next function, which looks at its return address.
 */
    .text
    .macro stand_before name, real, resolve, find
    .globl \name
    .type \name, %function
    .p2align 4
\name:
    .cfi_startproc
    hint #34 /* bti c */
    cbz x1, 1f
    ldrb w9, [x1]
    cmp w9, #'z'
    b.ne 1f
    ldrb w9, [x1, #1]
    cmp w9, #'m'
    b.ne 1f
    ldrb w9, [x1, #2]
    cmp w9, #'q'
    b.ne 1f
    ldrb w9, [x1, #3]
    cmp w9, #'_'
    b.ne 1f
    add x9, x0, #1 /* RTLD_DEFAULT is 0, RTLD_NEXT -1 */
    cmp x9, #1
    b.ls 1f
    b \find
1:  adrp x16, \real
    ldr x16, [x16, :lo12:\real]
    cbz x16, 2f
    br x16
2:  stp x29, x30, [sp, #-48]!
    .cfi_adjust_cfa_offset 48
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    mov x29, sp
    stp x0, x1, [sp, #16]
    str x2, [sp, #32]
    bl \resolve
    mov x16, x0
    ldr x2, [sp, #32]
    ldp x0, x1, [sp, #16]
    ldp x29, x30, [sp], #48
    .cfi_adjust_cfa_offset -48
    .cfi_restore x29
    .cfi_restore x30
    br x16
    .cfi_endproc
    .size \name, . - \name
    .hidden \real
    .hidden \resolve
    .hidden \find
    .endm

    stand_before dlsym, symbols_real_dlsym, symbols_resolve_dlsym, symbols_find
    stand_before dlvsym, symbols_real_dlvsym, symbols_resolve_dlvsym, symbols_find_version

    .section .note.GNU-stack, "", %progbits
