;; block 0 at 8000001a, entry 0, ends: jump
;;   8000001a  jal zero, 0x80000000
;; block 1 at 80000000, entry 1, ends: jump
;;   80000000  addi a0, a0, 1
;;   80000004  xor a1, a1, a0
;;   80000008  slli a2, a1, 3
;;   8000000c  sltu a3, a2, a0
;;   80000010  c.mv a4, a3
;;   80000012  jal zero, 0x80000016
;; block 2 at 80000016, ends: fall
;;   80000016  sfence.vma zero, zero
(module
  (type (;0;) (func (param i32) (result i32)))
  (import "env" "memory" (memory (;0;) 1 65536 shared))
  (func (;0;) (export "r0") (type 0) (param i32) (result i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (local.set 9
      (i32.load offset=40 align=1
        (i32.const 0)))
    (local.set 10
      (i32.load offset=44 align=1
        (i32.const 0)))
    (local.set 11
      (i32.load offset=48 align=1
        (i32.const 0)))
    (local.set 12
      (i32.load offset=52 align=1
        (i32.const 0)))
    (local.set 13
      (i32.load offset=56 align=1
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
            (i32.const -26362))
          (br_if 1 (;@2;)
            (i32.lt_s
              (local.tee 1
                (i32.sub
                  (local.get 1)
                  (i32.const 6)))
              (i32.const 0)))
          (local.set 9
            (i32.add
              (local.get 9)
              (i32.const 1)))
          (local.set 10
            (i32.xor
              (local.get 10)
              (local.get 9)))
          (local.set 11
            (i32.shl
              (local.get 10)
              (i32.const 3)))
          (local.set 12
            (i32.lt_u
              (local.get 11)
              (local.get 9)))
          (local.set 13
            (i32.add
              (i32.const 0)
              (local.get 12)))
          (local.set 3
            (i32.const -3839))
          (br_if 1 (;@2;)
            (i32.lt_s
              (local.tee 1
                (i32.sub
                  (local.get 1)
                  (i32.const 1)))
              (i32.const 0)))
          (local.set 3
            (i32.const -3583))
          (br_if 1 (;@2;)
            (i32.eqz
              (block (result i32)  ;; label = @4
                (local.set 14
                  (i32.load offset=200 align=1
                    (i32.const 0)))
                (local.set 15
                  (i32.load offset=136 align=1
                    (i32.const 0)))
                (if  ;; label = @5
                  (i32.or
                    (i32.eq
                      (local.get 15)
                      (i32.const 0))
                    (i32.and
                      (i32.eq
                        (local.get 15)
                        (i32.const 1))
                      (i32.ne
                        (i32.and
                          (local.get 14)
                          (i32.const 1048576))
                        (i32.const 0))))
                  (then
                    (br 1 (;@4;)
                      (i32.const 0))))
                (br 0 (;@4;)
                  (i32.const 1))
                (unreachable))))
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
          (i32.const -2147483622)))
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
      (local.get 11))
    (i32.store offset=52 align=1
      (i32.const 0)
      (local.get 12))
    (i32.store offset=56 align=1
      (i32.const 0)
      (local.get 13))
    (i32.store offset=336 align=1
      (i32.const 0)
      (local.get 1))
    (i32.store offset=132 align=1
      (i32.const 0)
      (local.get 4))
    (local.get 0)))
