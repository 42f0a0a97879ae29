;; block 0 at 80000000, entry 0, ends: fall
;;   80000000  addi a1, zero, 7
;; block 1 at 80000010, ends: jump
;;   80000010  addi a2, a2, 1
;;   80000014  jal zero, 0x80000000
;; block 2 at 80000004, entry 1, ends: branch
;;   80000004  add a0, a0, a1
;;   80000008  addi a1, a1, -1
;;   8000000c  bne a1, zero, 0x80000004
(module
  (type (;0;) (func (param i32) (result i32)))
  (import "env" "memory" (memory (;0;) 1 65536 shared))
  (func (;0;) (export "r0") (type 0) (param i32) (result i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (local.set 11
      (i32.load offset=40 align=1
        (i32.const 0)))
    (local.set 9
      (i32.load offset=44 align=1
        (i32.const 0)))
    (local.set 10
      (i32.load offset=48 align=1
        (i32.const 0)))
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
              (br_table 1 (;@4;) 0 (;@5;)
                (local.get 0)))
            (local.set 3
              (i32.const 4355))
            (br_if 2 (;@2;)
              (i32.lt_s
                (local.tee 1
                  (i32.sub
                    (local.get 1)
                    (i32.const 3)))
                (i32.const 0)))
            (local.set 11
              (i32.add
                (local.get 11)
                (local.get 9)))
            (local.set 9
              (i32.add
                (local.get 9)
                (i32.const -1)))
            (local.set 0
              (i32.const 1))
            (br_if 1 (;@3;)
              (i32.ne
                (local.get 9)
                (i32.const 0)))
            (local.set 3
              (i32.const 16642))
            (br_if 2 (;@2;)
              (i32.lt_s
                (local.tee 1
                  (i32.sub
                    (local.get 1)
                    (i32.const 2)))
                (i32.const 0)))
            (local.set 10
              (i32.add
                (local.get 10)
                (i32.const 1))))
          (local.set 3
            (i32.const 257))
          (br_if 1 (;@2;)
            (i32.lt_s
              (local.tee 1
                (i32.sub
                  (local.get 1)
                  (i32.const 1)))
              (i32.const 0)))
          (local.set 9
            (i32.add
              (i32.const 0)
              (i32.const 7)))
          (local.set 0
            (i32.const 1))
          (br 0 (;@3;)))
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
    (i32.store offset=40 align=1
      (i32.const 0)
      (local.get 11))
    (i32.store offset=44 align=1
      (i32.const 0)
      (local.get 9))
    (i32.store offset=48 align=1
      (i32.const 0)
      (local.get 10))
    (i32.store offset=336 align=1
      (i32.const 0)
      (local.get 1))
    (i32.store offset=132 align=1
      (i32.const 0)
      (local.get 4))
    (local.get 0)))
