;; block 0 at 80000004, entry 0, ends: jump
;;   80000004  lr.w a0, (s0)
;;   80000008  addi a0, a0, 1
;;   8000000c  sc.w a1, a0, (s0)
;;   80000010  amoadd.w a2, a0, (s0)
;;   80000014  amomaxu.w zero, a1, (s0)
;;   80000018  jal zero, 0x80000004
(module
  (type (;0;) (func (param i32) (result i32)))
  (import "env" "memory" (memory (;0;) 1 65536 shared))
  (func (;0;) (export "r0") (type 0) (param i32) (result i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
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
            (i32.const 262))
          (br_if 1 (;@2;)
            (i32.lt_s
              (local.tee 1
                (i32.sub
                  (local.get 1)
                  (i32.const 6)))
              (i32.const 0)))
          (local.set 3
            (i32.const 518))
          (br_if 1 (;@2;)
            (i32.ne
              (i32.load align=1
                (local.tee 6
                  (i32.add
                    (i32.and
                      (i32.shr_u
                        (local.tee 5
                          (local.get 9))
                        (i32.const 8))
                      (i32.const 65520))
                    (local.get 2))))
              (i32.and
                (local.get 5)
                (i32.const -4093))))
          (local.set 5
            (i32.add
              (local.get 5)
              (i32.load offset=8 align=1
                (local.get 6))))
          (local.set 3
            (i32.const 518))
          (br_if 1 (;@2;)
            (i32.ge_u
              (local.get 5)
              (i32.const 4956160)))
          (i32.store offset=144 align=1
            (i32.const 0)
            (i32.const 1))
          (i32.store offset=148 align=1
            (i32.const 0)
            (i32.add
              (i32.shr_u
                (i32.sub
                  (local.get 5)
                  (i32.const 3907584))
                (i32.const 2))
              (i32.const 536870912)))
          (local.set 10
            (i32.load align=1
              (local.get 5)))
          (local.set 10
            (i32.add
              (local.get 10)
              (i32.const 1)))
          (local.set 3
            (i32.const 8708))
          (br_if 1 (;@2;)
            (i32.ne
              (i32.load offset=4 align=1
                (local.tee 6
                  (i32.add
                    (i32.and
                      (i32.shr_u
                        (local.tee 5
                          (local.get 9))
                        (i32.const 8))
                      (i32.const 65520))
                    (local.get 2))))
              (i32.and
                (local.get 5)
                (i32.const -4093))))
          (local.set 5
            (i32.add
              (local.get 5)
              (i32.load offset=8 align=1
                (local.get 6))))
          (if  ;; label = @4
            (local.tee 7
              (i32.and
                (i32.ne
                  (i32.load offset=144 align=1
                    (i32.const 0))
                  (i32.const 0))
                (i32.eq
                  (i32.load offset=148 align=1
                    (i32.const 0))
                  (i32.add
                    (i32.shr_u
                      (i32.sub
                        (local.get 5)
                        (i32.const 3907584))
                      (i32.const 2))
                    (i32.const 536870912)))))
            (then
              (i32.store align=1
                (local.get 5)
                (local.get 10))))
          (i32.store offset=144 align=1
            (i32.const 0)
            (i32.const 0))
          (local.set 11
            (i32.eqz
              (local.get 7)))
          (local.set 3
            (i32.const 12803))
          (br_if 1 (;@2;)
            (i32.ne
              (i32.load offset=4 align=1
                (local.tee 6
                  (i32.add
                    (i32.and
                      (i32.shr_u
                        (local.tee 5
                          (local.get 9))
                        (i32.const 8))
                      (i32.const 65520))
                    (local.get 2))))
              (i32.and
                (local.get 5)
                (i32.const -4093))))
          (local.tee 5
            (i32.add
              (local.get 5)
              (i32.load offset=8 align=1
                (local.get 6))))
          (local.set 7
            (i32.load align=1
              (local.get 5)))
          (i32.add
            (local.get 7)
            (local.get 10))
          (i32.store align=1)
          (local.set 12
            (local.get 7))
          (local.set 3
            (i32.const 16898))
          (br_if 1 (;@2;)
            (i32.ne
              (i32.load offset=4 align=1
                (local.tee 6
                  (i32.add
                    (i32.and
                      (i32.shr_u
                        (local.tee 5
                          (local.get 9))
                        (i32.const 8))
                      (i32.const 65520))
                    (local.get 2))))
              (i32.and
                (local.get 5)
                (i32.const -4093))))
          (local.tee 5
            (i32.add
              (local.get 5)
              (i32.load offset=8 align=1
                (local.get 6))))
          (local.set 7
            (i32.load align=1
              (local.get 5)))
          (select
            (local.get 7)
            (local.get 11)
            (i32.gt_u
              (local.get 7)
              (local.get 11)))
          (i32.store align=1)
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
    (i32.store offset=40 align=1
      (i32.const 0)
      (local.get 10))
    (i32.store offset=44 align=1
      (i32.const 0)
      (local.get 11))
    (i32.store offset=48 align=1
      (i32.const 0)
      (local.get 12))
    (i32.store offset=336 align=1
      (i32.const 0)
      (local.get 1))
    (i32.store offset=132 align=1
      (i32.const 0)
      (local.get 4))
    (local.get 0)))
