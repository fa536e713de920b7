-- Which places lost their bytes to a purge, and which record says so? One row per place, from a place on.
SELECT p.leaf_index, p.erasure FROM audit.purged p WHERE p.leaf_index >= %s ORDER BY p.leaf_index
