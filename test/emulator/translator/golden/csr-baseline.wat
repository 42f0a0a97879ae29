;; block 0 at 8000000c, entry 0, ends: jump
;;   8000000c  jal zero, 0x80000000
;; block 1 at 80000000, entry 1, ends: fall
;;   80000000  csrrw a0, mscratch, a1
;;   80000004  addi a1, a1, 1
;;   80000008  csrrs a2, mscratch, zero
(module
  (type (;0;) (func (param i32) (result i32)))
  (import "env" "memory" (memory (;0;) 1 65536 shared))
  (func (;0;) (export "r0") (type 0) (param i32) (result i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (local.set 1
      (i32.load offset=336 align=1
        (i32.const 0)))
    (local.set 2
      (i32.load offset=340 align=1
        (i32.const 0)))
    (local.set 8
      (i32.load offset=344 align=1
        (i32.const 0)))
    (block  ;; label = @1
      (block  ;; label = @2
        (loop  ;; label = @3
          (block  ;; label = @4
            (block  ;; label = @5
              (br_table 0 (;@5;) 1 (;@4;)
                (local.get 0)))
            (local.set 3
              (i32.const 257))
            (br_if 2 (;@2;)
              (i32.lt_s
                (local.tee 1
                  (i32.sub
                    (local.get 1)
                    (i32.const 1)))
                (i32.const 0))))
          (local.set 3
            (i32.const -12029))
          (br_if 1 (;@2;)
            (i32.lt_s
              (local.tee 1
                (i32.sub
                  (local.get 1)
                  (i32.const 3)))
              (i32.const 0)))
          (local.set 3
            (i32.const -11773))
          (br_if 1 (;@2;)
            (i32.lt_s
              (i32.load offset=136 align=1
                (i32.const 0))
              (i32.const 3)))
          (local.set 10
            (i32.load offset=232 align=1
              (i32.const 0)))
          (local.set 11
            (i32.load offset=44 align=1
              (i32.const 0)))
          (br_if 1 (;@2;)
            (i32.eqz
              (local.tee 11
                (block (result i32)  ;; label = @4
                  (i32.store offset=232 align=1
                    (i32.const 0)
                    (local.get 11))
                  (br 0 (;@4;)
                    (i32.const 1))
                  (unreachable)))))
          (local.set 9
            (local.get 10))
          (i32.store offset=40 align=1
            (i32.const 0)
            (local.get 9))
          (local.set 3
            (i32.const -7166))
          (br_if 1 (;@2;)
            (i32.eq
              (local.get 11)
              (i32.const 2)))
          (local.set 9
            (i32.add
              (i32.load offset=44 align=1
                (i32.const 0))
              (i32.const 1)))
          (i32.store offset=44 align=1
            (i32.const 0)
            (local.get 9))
          (local.set 3
            (i32.const -3583))
          (br_if 1 (;@2;)
            (i32.lt_s
              (i32.load offset=136 align=1
                (i32.const 0))
              (i32.const 3)))
          (local.set 10
            (i32.load offset=232 align=1
              (i32.const 0)))
          (local.set 9
            (local.get 10))
          (i32.store offset=48 align=1
            (i32.const 0)
            (local.get 9))
          (local.set 0
            (i32.const 0))
          (br 0 (;@3;)))
        (unreachable))
      (local.set 4
        (i32.add
          (i32.shl
            (i32.shr_s
              (local.get 3)
              (i32.const 11))
            (i32.const 1))
          (i32.const -2147483636)))
      (local.set 1
        (i32.add
          (local.get 1)
          (i32.and
            (local.get 3)
            (i32.const 255))))
      (local.set 0
        (i32.and
          (i32.shr_u
            (local.get 3)
            (i32.const 8))
          (i32.const 7))))
    (i32.store offset=336 align=1
      (i32.const 0)
      (local.get 1))
    (i32.store offset=132 align=1
      (i32.const 0)
      (local.get 4))
    (local.get 0)))
