-- Receipts of a live warehouse whose order line is not known yet.
NOT order_required AND NOT order_known
