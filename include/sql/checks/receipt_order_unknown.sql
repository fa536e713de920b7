-- Receipts of a complete extract whose order line is not in it.
order_required AND NOT order_known
