-- Question: what are the kept roots of the full blocks of a tree of this size?
-- Grain: one row per block, in order.
SELECT b.root FROM audit.block b WHERE b.block_no < %(blocks)s ORDER BY b.block_no
