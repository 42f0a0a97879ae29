;; block 0 at 80000008, entry 0, ends: indirect
;;   80000008  addi a0, a0, 4
;;   8000000c  andi a1, a0, 12
;;   80000010  add a1, a1, s0
;;   80000014  lw a1, 0(a1)
;;   80000018  jalr zero, 0(a1)
;; block 1 at 8000001c, entry 1, ends: jump
;;   8000001c  addi a2, a2, 1
;;   80000020  jal zero, 0x80000008
;; block 2 at 80000024, entry 2, ends: jump
;;   80000024  addi a3, a3, 1
;;   80000028  jal zero, 0x80000008
(module
  (type (;0;) (func (param i32) (result i32)))
  (import "env" "memory" (memory (;0;) 1 65536 shared))
  (func (;0;) (export "r0") (type 0) (param i32) (result i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (local.set 11
      (i32.load offset=32 align=1
        (i32.const 0)))
    (local.set 9
      (i32.load offset=40 align=1
        (i32.const 0)))
    (local.set 10
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
    (local.set 8
      (i32.load offset=344 align=1
        (i32.const 0)))
    (block  ;; label = @1
      (block  ;; label = @2
        (loop  ;; label = @3
          (block  ;; label = @4
            (block  ;; label = @5
              (block  ;; label = @6
                (br_table 2 (;@4;) 1 (;@5;) 0 (;@6;)
                  (local.get 0)))
              (local.set 3
                (i32.const 28930))
              (br_if 3 (;@2;)
                (i32.lt_s
                  (local.tee 1
                    (i32.sub
                      (local.get 1)
                      (i32.const 2)))
                  (i32.const 0)))
              (local.set 13
                (i32.add
                  (local.get 13)
                  (i32.const 1)))
              (br 1 (;@4;)))
            (local.set 3
              (i32.const 20738))
            (br_if 2 (;@2;)
              (i32.lt_s
                (local.tee 1
                  (i32.sub
                    (local.get 1)
                    (i32.const 2)))
                (i32.const 0)))
            (local.set 12
              (i32.add
                (local.get 12)
                (i32.const 1))))
          (local.set 3
            (i32.const 261))
          (br_if 1 (;@2;)
            (i32.lt_s
              (local.tee 1
                (i32.sub
                  (local.get 1)
                  (i32.const 5)))
              (i32.const 0)))
          (local.set 9
            (i32.add
              (local.get 9)
              (i32.const 4)))
          (local.set 10
            (i32.and
              (local.get 9)
              (i32.const 12)))
          (local.set 10
            (i32.add
              (local.get 10)
              (local.get 11)))
          (local.set 3
            (i32.const 12802))
          (br_if 1 (;@2;)
            (i32.ne
              (i32.load align=1
                (local.tee 6
                  (i32.add
                    (i32.and
                      (i32.shr_u
                        (local.tee 5
                          (i32.add
                            (local.get 10)
                            (i32.const 0)))
                        (i32.const 8))
                      (i32.const 65520))
                    (local.get 2))))
              (i32.and
                (local.get 5)
                (i32.const -4093))))
          (local.set 10
            (i32.load align=1
              (i32.add
                (local.get 5)
                (i32.load offset=8 align=1
                  (local.get 6)))))
          (local.set 4
            (i32.and
              (i32.add
                (local.get 10)
                (i32.const 0))
              (i32.const -2)))
          (if  ;; label = @4
            (i32.eq
              (i32.load align=1
                (local.tee 6
                  (i32.add
                    (local.get 8)
                    (i32.and
                      (i32.shl
                        (local.get 4)
                        (i32.const 2))
                      (i32.const 131064)))))
              (local.get 4))
            (then
              (local.set 0
                (i32.and
                  (local.tee 7
                    (i32.load offset=4 align=1
                      (local.get 6)))
                  (i32.const 1023)))
              (br_if 1 (;@3;)
                (i32.eq
                  (i32.shr_u
                    (local.get 7)
                    (i32.const 10))
                  (i32.const 0)))))
          (local.set 0
            (i32.const 0))
          (br 2 (;@1;)))
        (unreachable))
      (local.set 4
        (i32.add
          (i32.shl
            (i32.shr_s
              (local.get 3)
              (i32.const 11))
            (i32.const 1))
          (i32.const -2147483640)))
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
      (local.get 9))
    (i32.store offset=44 align=1
      (i32.const 0)
      (local.get 10))
    (i32.store offset=48 align=1
      (i32.const 0)
      (local.get 12))
    (i32.store offset=52 align=1
      (i32.const 0)
      (local.get 13))
    (i32.store offset=336 align=1
      (i32.const 0)
      (local.get 1))
    (i32.store offset=132 align=1
      (i32.const 0)
      (local.get 4))
    (local.get 0)))
