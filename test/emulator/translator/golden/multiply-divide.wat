;; block 0 at 80000000, entry 0, ends: jump
;;   80000000  mul a0, a0, a1
;;   80000004  mulh a2, a0, a1
;;   80000008  mulhsu a3, a0, a1
;;   8000000c  mulhu a4, a0, a1
;;   80000010  div a5, a0, a1
;;   80000014  remu a6, a0, a1
;;   80000018  jal zero, 0x80000000
(module
  (type (;0;) (func (param i32) (result i32)))
  (import "env" "memory" (memory (;0;) 1 65536 shared))
  (func (;0;) (export "r0") (type 0) (param i32) (result i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
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
    (local.set 14
      (i32.load offset=60 align=1
        (i32.const 0)))
    (local.set 15
      (i32.load offset=64 align=1
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
            (i32.const 263))
          (br_if 1 (;@2;)
            (i32.lt_s
              (local.tee 1
                (i32.sub
                  (local.get 1)
                  (i32.const 7)))
              (i32.const 0)))
          (local.set 9
            (i32.mul
              (local.get 9)
              (local.get 10)))
          (local.set 11
            (i32.wrap_i64
              (i64.shr_u
                (i64.mul
                  (i64.extend_i32_s
                    (local.get 9))
                  (i64.extend_i32_s
                    (local.get 10)))
                (i64.const 32))))
          (local.set 12
            (i32.wrap_i64
              (i64.shr_u
                (i64.mul
                  (i64.extend_i32_s
                    (local.get 9))
                  (i64.extend_i32_u
                    (local.get 10)))
                (i64.const 32))))
          (local.set 13
            (i32.wrap_i64
              (i64.shr_u
                (i64.mul
                  (i64.extend_i32_u
                    (local.get 9))
                  (i64.extend_i32_u
                    (local.get 10)))
                (i64.const 32))))
          (local.set 14
            (if (result i32)  ;; label = @4
              (i32.eqz
                (local.get 10))
              (then
                (i32.const -1))
              (else
                (if (result i32)  ;; label = @5
                  (i32.and
                    (i32.eq
                      (local.get 9)
                      (i32.const -2147483648))
                    (i32.eq
                      (local.get 10)
                      (i32.const -1)))
                  (then
                    (i32.const -2147483648))
                  (else
                    (i32.div_s
                      (local.get 9)
                      (local.get 10)))))))
          (local.set 15
            (if (result i32)  ;; label = @4
              (i32.eqz
                (local.get 10))
              (then
                (local.get 9))
              (else
                (i32.rem_u
                  (local.get 9)
                  (local.get 10)))))
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
      (local.get 9))
    (i32.store offset=48 align=1
      (i32.const 0)
      (local.get 11))
    (i32.store offset=52 align=1
      (i32.const 0)
      (local.get 12))
    (i32.store offset=56 align=1
      (i32.const 0)
      (local.get 13))
    (i32.store offset=60 align=1
      (i32.const 0)
      (local.get 14))
    (i32.store offset=64 align=1
      (i32.const 0)
      (local.get 15))
    (i32.store offset=336 align=1
      (i32.const 0)
      (local.get 1))
    (i32.store offset=132 align=1
      (i32.const 0)
      (local.get 4))
    (local.get 0)))
