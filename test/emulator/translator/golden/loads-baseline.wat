;; block 0 at 80000004, entry 0, ends: jump
;;   80000004  lb a0, 0(s0)
;;   80000008  lbu a1, 1(s0)
;;   8000000c  lh a2, 2(s0)
;;   80000010  lhu a3, 4(s0)
;;   80000014  lw a4, 8(s0)
;;   80000018  lw zero, 12(s0)
;;   8000001c  jal zero, 0x80000004
(module
  (type (;0;) (func (param i32) (result i32)))
  (import "env" "memory" (memory (;0;) 1 65536 shared))
  (func (;0;) (export "r0") (type 0) (param i32) (result i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
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
            (i32.const 263))
          (br_if 1 (;@2;)
            (i32.lt_s
              (local.tee 1
                (i32.sub
                  (local.get 1)
                  (i32.const 7)))
              (i32.const 0)))
          (local.set 3
            (i32.const 519))
          (br_if 1 (;@2;)
            (i32.ne
              (i32.load align=1
                (local.tee 6
                  (i32.add
                    (i32.and
                      (i32.shr_u
                        (local.tee 5
                          (i32.add
                            (i32.load offset=32 align=1
                              (i32.const 0))
                            (i32.const 0)))
                        (i32.const 8))
                      (i32.const 65520))
                    (local.get 2))))
              (i32.and
                (local.get 5)
                (i32.const -4096))))
          (local.set 3
            (i32.const 775))
          (br_if 1 (;@2;)
            (i32.and
              (i32.xor
                (i32.add
                  (local.get 5)
                  (i32.const 1))
                (local.get 5))
              (i32.const -4096)))
          (local.set 9
            (i32.load8_s
              (i32.add
                (local.get 5)
                (local.tee 10
                  (i32.load offset=8 align=1
                    (local.get 6))))))
          (i32.store offset=40 align=1
            (i32.const 0)
            (local.get 9))
          (local.set 9
            (i32.load8_u
              (i32.add
                (i32.add
                  (i32.load offset=32 align=1
                    (i32.const 0))
                  (i32.const 1))
                (local.get 10))))
          (i32.store offset=44 align=1
            (i32.const 0)
            (local.get 9))
          (local.set 3
            (i32.const 8709))
          (br_if 1 (;@2;)
            (i32.ne
              (i32.load align=1
                (local.tee 6
                  (i32.add
                    (i32.and
                      (i32.shr_u
                        (local.tee 5
                          (i32.add
                            (i32.load offset=32 align=1
                              (i32.const 0))
                            (i32.const 2)))
                        (i32.const 8))
                      (i32.const 65520))
                    (local.get 2))))
              (i32.and
                (local.get 5)
                (i32.const -4095))))
          (local.set 3
            (i32.const 8965))
          (br_if 1 (;@2;)
            (i32.and
              (i32.xor
                (i32.add
                  (local.get 5)
                  (i32.const 3))
                (local.get 5))
              (i32.const -4096)))
          (local.set 9
            (i32.load16_s align=1
              (i32.add
                (local.get 5)
                (local.tee 11
                  (i32.load offset=8 align=1
                    (local.get 6))))))
          (i32.store offset=48 align=1
            (i32.const 0)
            (local.get 9))
          (local.set 9
            (i32.load16_u align=1
              (i32.add
                (i32.add
                  (i32.load offset=32 align=1
                    (i32.const 0))
                  (i32.const 4))
                (local.get 11))))
          (i32.store offset=52 align=1
            (i32.const 0)
            (local.get 9))
          (local.set 3
            (i32.const 16899))
          (br_if 1 (;@2;)
            (i32.ne
              (i32.load align=1
                (local.tee 6
                  (i32.add
                    (i32.and
                      (i32.shr_u
                        (local.tee 5
                          (i32.add
                            (i32.load offset=32 align=1
                              (i32.const 0))
                            (i32.const 8)))
                        (i32.const 8))
                      (i32.const 65520))
                    (local.get 2))))
              (i32.and
                (local.get 5)
                (i32.const -4093))))
          (local.set 3
            (i32.const 17155))
          (br_if 1 (;@2;)
            (i32.and
              (i32.xor
                (i32.add
                  (local.get 5)
                  (i32.const 7))
                (local.get 5))
              (i32.const -4096)))
          (local.set 9
            (i32.load align=1
              (i32.add
                (local.get 5)
                (local.tee 12
                  (i32.load offset=8 align=1
                    (local.get 6))))))
          (i32.store offset=56 align=1
            (i32.const 0)
            (local.get 9))
          (drop
            (i32.add
              (i32.add
                (i32.load offset=32 align=1
                  (i32.const 0))
                (i32.const 12))
              (local.get 12)))
          (br 0 (;@3;)))
        (unreachable))
      (local.set 4
        (i32.add
          (i32.shl
            (i32.shr_s
              (local.get 3)
              (i32.const 11))
            (i32.const 1))
          (i32.const -2147483644)))
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
