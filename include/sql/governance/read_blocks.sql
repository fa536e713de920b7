-- The kept roots of full blocks, from a block on. One row per block.
SELECT b.block_no, b.root FROM audit.block b WHERE b.block_no >= %s ORDER BY b.block_no
