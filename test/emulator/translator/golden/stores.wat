;; block 0 at 80000004, entry 0, ends: jump
;;   80000004  sb a0, 0(s0)
;;   80000008  sh a1, 2(s0)
;;   8000000c  sw a2, 4(s0)
;;   80000010  c.sw a3, 8(s0)
;;   80000012  jal zero, 0x80000004
(module
  (type (;0;) (func (param i32) (result i32)))
  (import "env" "memory" (memory (;0;) 1 65536 shared))
  (func (;0;) (export "r0") (type 0) (param i32) (result i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (local.set 9
      (i32.load offset=32 align=1
        (i32.const 0)))
    (local.set 10
      (i32.load offset=40 align=1
        (i32.const 0)))
    (local.set 11
      (i32.load offset=44 align=1
        (i32.const 0)))
    (local.set 12
      (i32.load offset=48 align=1
        (i32.const 0)))
    (local.set 13
      (i32.load offset=52 align=1
        (i32.const 0)))
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
            (i32.const 261))
          (br_if 1 (;@2;)
            (i32.lt_s
              (local.tee 1
                (i32.sub
                  (local.get 1)
                  (i32.const 5)))
              (i32.const 0)))
          (local.set 3
            (i32.const 517))
          (br_if 1 (;@2;)
            (i32.ne
              (i32.load offset=4 align=1
                (local.tee 6
                  (i32.add
                    (i32.and
                      (i32.shr_u
                        (local.tee 5
                          (i32.add
                            (local.get 9)
                            (i32.const 0)))
                        (i32.const 8))
                      (i32.const 65520))
                    (local.get 2))))
              (i32.and
                (local.get 5)
                (i32.const -4096))))
          (i32.store8
            (i32.add
              (local.get 5)
              (i32.load offset=8 align=1
                (local.get 6)))
            (local.get 10))
          (local.set 3
            (i32.const 4612))
          (br_if 1 (;@2;)
            (i32.ne
              (i32.load offset=4 align=1
                (local.tee 6
                  (i32.add
                    (i32.and
                      (i32.shr_u
                        (local.tee 5
                          (i32.add
                            (local.get 9)
                            (i32.const 2)))
                        (i32.const 8))
                      (i32.const 65520))
                    (local.get 2))))
              (i32.and
                (local.get 5)
                (i32.const -4095))))
          (i32.store16 align=1
            (i32.add
              (local.get 5)
              (i32.load offset=8 align=1
                (local.get 6)))
            (local.get 11))
          (local.set 3
            (i32.const 8707))
          (br_if 1 (;@2;)
            (i32.ne
              (i32.load offset=4 align=1
                (local.tee 6
                  (i32.add
                    (i32.and
                      (i32.shr_u
                        (local.tee 5
                          (i32.add
                            (local.get 9)
                            (i32.const 4)))
                        (i32.const 8))
                      (i32.const 65520))
                    (local.get 2))))
              (i32.and
                (local.get 5)
                (i32.const -4093))))
          (local.set 3
            (i32.const 8963))
          (br_if 1 (;@2;)
            (i32.and
              (i32.xor
                (i32.add
                  (local.get 5)
                  (i32.const 7))
                (local.get 5))
              (i32.const -4096)))
          (i32.store align=1
            (i32.add
              (local.get 5)
              (local.tee 14
                (i32.load offset=8 align=1
                  (local.get 6))))
            (local.get 12))
          (i32.store align=1
            (i32.add
              (i32.add
                (local.get 9)
                (i32.const 8))
              (local.get 14))
            (local.get 13))
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
