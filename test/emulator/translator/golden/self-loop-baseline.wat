;; block 0 at 80000000, entry 0, ends: branch
;;   80000000  addi a0, a0, 1
;;   80000004  bne a0, a1, 0x80000000
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
    (block  ;; label = @1
      (block  ;; label = @2
        (loop  ;; label = @3
          (local.set 3
            (i32.const 258))
          (br_if 1 (;@2;)
            (i32.lt_s
              (local.tee 1
                (i32.sub
                  (local.get 1)
                  (i32.const 2)))
              (i32.const 0)))
          (local.set 9
            (i32.add
              (i32.load offset=40 align=1
                (i32.const 0))
              (i32.const 1)))
          (i32.store offset=40 align=1
            (i32.const 0)
            (local.get 9))
          (br_if 0 (;@3;)
            (i32.ne
              (i32.load offset=40 align=1
                (i32.const 0))
              (i32.load offset=44 align=1
                (i32.const 0))))
          (local.set 3
            (i32.const 8192))
          (br 1 (;@2;)))
        (unreachable))
      (local.set 4
        (i32.add
          (i32.shl
            (i32.shr_s
              (local.get 3)
              (i32.const 11))
            (i32.const 1))
          (i32.const -2147483648)))
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
