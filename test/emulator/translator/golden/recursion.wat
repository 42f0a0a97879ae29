;; block 0 at 8000000c, entry 0, ends: jump
;;   8000000c  jal zero, 0x80000004
;; block 1 at 80000004, entry 1, ends: jump
;;   80000004  addi a0, zero, 3
;;   80000008  jal ra, 0x80000010
;; block 2 at 80000010, entry 2, ends: branch
;;   80000010  beq a0, zero, 0x8000002c
;; block 3 at 80000024, entry 3, ends: fall
;;   80000024  lw ra, 0(sp)
;;   80000028  addi sp, sp, 4
;; block 4 at 80000014, ends: jump
;;   80000014  addi a0, a0, -1
;;   80000018  addi sp, sp, -4
;;   8000001c  sw ra, 0(sp)
;;   80000020  jal ra, 0x80000010
;; block 5 at 8000002c, ends: indirect
;;   8000002c  jalr zero, 0(ra)
(module
  (type (;0;) (func (param i32) (result i32)))
  (import "env" "memory" (memory (;0;) 1 65536 shared))
  (func (;0;) (export "r0") (type 0) (param i32) (result i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (local.set 10
      (i32.load offset=4 align=1
        (i32.const 0)))
    (local.set 11
      (i32.load offset=8 align=1
        (i32.const 0)))
    (local.set 9
      (i32.load offset=40 align=1
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
                (block  ;; label = @7
                  (block  ;; label = @8
                    (br_table 1 (;@7;) 2 (;@6;) 3 (;@5;) 0 (;@8;)
                      (local.get 0)))
                  (local.set 3
                    (i32.const 24834))
                  (br_if 5 (;@2;)
                    (i32.lt_s
                      (local.tee 1
                        (i32.sub
                          (local.get 1)
                          (i32.const 2)))
                      (i32.const 0)))
                  (local.set 3
                    (i32.const 25090))
                  (br_if 5 (;@2;)
                    (i32.ne
                      (i32.load align=1
                        (local.tee 6
                          (i32.add
                            (i32.and
                              (i32.shr_u
                                (local.tee 5
                                  (i32.add
                                    (local.get 11)
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
                  (local.set 11
                    (i32.add
                      (local.get 11)
                      (i32.const 4)))
                  (br 3 (;@4;)))
                (local.set 3
                  (i32.const 257))
                (br_if 4 (;@2;)
                  (i32.lt_s
                    (local.tee 1
                      (i32.sub
                        (local.get 1)
                        (i32.const 1)))
                    (i32.const 0))))
              (local.set 3
                (i32.const -7934))
              (br_if 3 (;@2;)
                (i32.lt_s
                  (local.tee 1
                    (i32.sub
                      (local.get 1)
                      (i32.const 2)))
                  (i32.const 0)))
              (local.set 9
                (i32.add
                  (i32.const 0)
                  (i32.const 3)))
              (local.set 10
                (i32.const -2147483636)))
            (loop  ;; label = @5
              (local.set 3
                (i32.const 4353))
              (br_if 3 (;@2;)
                (i32.lt_s
                  (local.tee 1
                    (i32.sub
                      (local.get 1)
                      (i32.const 1)))
                  (i32.const 0)))
              (br_if 1 (;@4;)
                (i32.eq
                  (local.get 9)
                  (i32.const 0)))
              (local.set 3
                (i32.const 8452))
              (br_if 3 (;@2;)
                (i32.lt_s
                  (local.tee 1
                    (i32.sub
                      (local.get 1)
                      (i32.const 4)))
                  (i32.const 0)))
              (local.set 9
                (i32.add
                  (local.get 9)
                  (i32.const -1)))
              (local.set 11
                (i32.add
                  (local.get 11)
                  (i32.const -4)))
              (local.set 3
                (i32.const 16898))
              (br_if 3 (;@2;)
                (i32.ne
                  (i32.load offset=4 align=1
                    (local.tee 6
                      (i32.add
                        (i32.and
                          (i32.shr_u
                            (local.tee 5
                              (i32.add
                                (local.get 11)
                                (i32.const 0)))
                            (i32.const 8))
                          (i32.const 65520))
                        (local.get 2))))
                  (i32.and
                    (local.get 5)
                    (i32.const -4093))))
              (i32.store align=1
                (i32.add
                  (local.get 5)
                  (i32.load offset=8 align=1
                    (local.get 6)))
                (local.get 10))
              (local.set 10
                (i32.const -2147483612))
              (br 0 (;@5;))))
          (local.set 3
            (i32.const 33025))
          (br_if 1 (;@2;)
            (i32.lt_s
              (local.tee 1
                (i32.sub
                  (local.get 1)
                  (i32.const 1)))
              (i32.const 0)))
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
                  (i32.const 1)))))
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
    (i32.store offset=4 align=1
      (i32.const 0)
      (local.get 10))
    (i32.store offset=8 align=1
      (i32.const 0)
      (local.get 11))
    (i32.store offset=40 align=1
      (i32.const 0)
      (local.get 9))
    (i32.store offset=336 align=1
      (i32.const 0)
      (local.get 1))
    (i32.store offset=132 align=1
      (i32.const 0)
      (local.get 4))
    (local.get 0)))
